"""The labelled captures of a workspace: what was published of each, and how its rows are read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ptml.catalog import read_provenance, require_captures
from ptml.errors import BadData, MissingInput, quoted
from ptml.io import sha256_json
from ptml.labels.contacts import contacts_of
from ptml.manifest import published, read_manifest
from ptml.parse.published import published_logs
from ptml.schema import UTC_TIME
from ptml.train.splits import merged_groups
from ptml.types import STANDARD_WINDOWS, Windows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from ptml.features.family import Logs
    from ptml.manifest import Manifest
    from ptml.types import JsonObject, JsonValue, Level
    from ptml.workspace import Workspace

FILTERED = "inherit-filtered"
CAPTURE_CLASSES = {"malicious": 1, "mixed": 1, "benign": 0}


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture's share of a dataset.

    Attributes:
        capture_id: Which capture.
        level: ``connection`` or ``capture``.
        label: The catalog's label.
        family: The catalog's family; a connection's own family wins.
        source: Who published it.
        unit: What a capture is.
        group: Captures of a group are held out together.
        raw: Hash of its raw data.
        started_at: When its first packet was seen; None where nobody said.
        features: Its files of features.
        labels: Its files of labels.
        labelled: Rows with a label.
        excluded: Rows left out, by reason.
        logs: Its parsed logs where whom its connections contact matters; else none.
    """

    capture_id: str
    level: Level
    label: str
    family: str | None
    source: str
    unit: str
    group: str
    raw: str
    started_at: datetime | None
    features: list[Path]
    labels: list[Path]
    labelled: int
    excluded: dict[str, int] = field(default_factory=dict)
    logs: Logs = field(default_factory=dict)

    def read(self, cap: int, seed: int) -> pl.DataFrame:
        """Read at most `cap` labelled rows: features, y, family, source, group, ts, host, contacts."""
        features = pl.scan_parquet(self.features, hive_partitioning=False, glob=False).select(
            pl.lit(self.capture_id).alias("capture_id"), pl.all()
        )
        if self.level == "connection":
            drawn = self._drawn(cap, seed)
            drawn = drawn.join(self._contacts(drawn), on="uid", how="left")
            rows = features.join(drawn.lazy(), on="uid", how="inner").with_columns(host=pl.col("id.orig_h"))
        else:
            malicious = CAPTURE_CLASSES[self.label]
            family = self.family if malicious else None
            rows = features.with_columns(
                y=pl.lit(malicious, pl.Int8),
                family=pl.lit(family, pl.String),
                ts=pl.lit(self.started_at, UTC_TIME),
                host=pl.lit(None, pl.String),
            )
        return rows.with_columns(source=pl.lit(self.source), group=pl.lit(self.group)).collect()

    def _contacts(self, drawn: pl.DataFrame) -> pl.DataFrame:
        """Tell whom these connections contact; nobody, where that does not matter."""
        if not self.logs or drawn.is_empty():
            return drawn.select("uid", contacts=pl.lit(None, pl.List(pl.String)))
        return contacts_of(self.logs, drawn.lazy().select("uid"))

    def _drawn(self, cap: int, seed: int) -> pl.DataFrame:
        labels = (
            pl.scan_parquet(self.labels, hive_partitioning=False, glob=False)
            .select("uid", "family", y=pl.col("label").replace_strict(_Y, default=None, return_dtype=pl.Int8))
            .drop_nulls("y")
            .collect()
        )
        if labels.height <= cap:
            return labels
        generator = np.random.default_rng([seed, int(self.capture_id[1:], 16)])
        return labels.sort("uid")[np.sort(generator.choice(labels.height, cap, replace=False))]


_Y = {"malicious": 1, "benign": 0}


def labelled_captures(workspace: Workspace, level: Level) -> list[Capture]:
    """List the captures that have features and labels, by id; those without say so under `excluded`.

    Raises:
        MissingInput: No capture has features.
    """
    catalog = {row["capture_id"]: row for row in require_captures(workspace).iter_rows(named=True)}
    features = {manifest.capture_id: manifest for manifest in published(workspace, "features")}
    if not features:
        raise MissingInput(
            f"{workspace.root} has no features", hint="run `ptml features` first, then this again"
        )
    labels = {manifest.capture_id: manifest for manifest in published(workspace, "labels")}
    raw = {manifest.capture_id: manifest for manifest in published(workspace, "raw")}
    sources = _sources(workspace)
    filtering = any(manifest.parameters.get("policy") == FILTERED for manifest in labels.values())
    groups = merged_groups(catalog, _contents(catalog, raw))
    return [
        _capture(
            workspace,
            level,
            row,
            features.get(capture_id),
            labels.get(capture_id),
            filtering=filtering,
            source=sources.get(capture_id, "unknown"),
            group=groups[capture_id],
            raw=raw[capture_id].fingerprint if capture_id in raw else "",
        )
        for capture_id, row in sorted(catalog.items())
    ]


def _sources(workspace: Workspace) -> dict[str, str]:
    """Name each capture's source; the first by name where several published it."""
    by_capture = read_provenance(workspace).group_by("capture_id").agg(pl.col("source").min())
    return dict(by_capture.iter_rows())


def _contents(catalog: dict[str, dict[str, str]], raw: dict[str, Manifest]) -> Iterator[tuple[str, str]]:
    """Pair captures with hashes of what they hold: the PCAP, and the connections that Zeek saw."""
    for capture_id, row in catalog.items():
        if row["sha256"]:
            yield capture_id, row["sha256"]
    for capture_id, manifest in raw.items():
        for file in manifest.files:
            if file.path.rsplit("/", 1)[-1].startswith("conn."):
                yield capture_id, file.sha256


def _capture(
    workspace: Workspace,
    level: Level,
    row: dict[str, Any],
    features: Manifest | None,
    labels: Manifest | None,
    *,
    filtering: bool,
    **known: str,
) -> Capture:
    excluded: dict[str, int] = {}
    labelled = 0
    if features is None:
        excluded["captures without features"] = 1
    elif level == "capture":
        labelled = int(row["label"] in CAPTURE_CLASSES)
        if not labelled:
            excluded["captures of unknown label"] = 1
    elif labels is None:
        excluded["connections without a label"] = features.rows_out
    else:
        labelled = sum(labels.counts.get(label, 0) for label in _Y)
        if unknown := labels.rows_out - labelled:
            excluded["connections without a label"] = unknown
    return Capture(
        capture_id=row["capture_id"],
        level=level,
        label=row["label"],
        family=row["family"],
        started_at=row["started_at"],
        unit=row["unit"] or "file",
        features=features.paths(workspace, f"features/{level}") if features else [],
        labels=labels.paths(workspace, "labels") if labels else [],
        labelled=labelled,
        excluded=excluded,
        logs=_logs(workspace, row, labels) if filtering and level == "connection" else {},
        **known,
    )


def features_used(workspace: Workspace) -> JsonObject:
    """Tell which set of features the captures have: its version, its windows, and whose own file is in it.

    Raises:
        MissingInput: No capture has features.
        BadData: Captures have different sets of features.
    """
    captures = set(require_captures(workspace)["capture_id"])
    used = {
        sha256_json(manifest.parameters): manifest.parameters
        for manifest in published(workspace, "features")
        if manifest.capture_id in captures
    }
    if not used:
        raise MissingInput(f"{workspace.root} has no features", hint="run `ptml features` first")
    if len(used) > 1:
        versions = sorted(str(parameters.get("features")) for parameters in used.values())
        raise BadData(
            f"captures have features of different versions: {quoted(versions)}",
            hint="run `ptml features` again, over all captures, with the same --set and --features",
        )
    (parameters,) = used.values()
    return {
        "feature_version": parameters.get("features", ""),
        "windows": parameters.get("windows") or asdict(STANDARD_WINDOWS),
        "own_features": parameters.get("own_features"),
    }


def windows_used(workspace: Workspace) -> Windows:
    """Tell how far back the features of the captures look.

    Raises:
        MissingInput: No capture has features.
        BadData: Captures have different sets of features.
    """
    used: Any = features_used(workspace)["windows"]
    return Windows(tuple(used["seconds"]), used["last"])


def _logs(workspace: Workspace, row: dict[str, str], labels: Manifest | None) -> Logs:
    """Give the logs of captures whose connections are filtered, or are what others are filtered by.

    Only connections that have their label from the whole capture count: malicious ones by the policy
    `inherit-filtered`, and those of captures that are benign as a whole.
    """
    policy = labels.parameters.get("policy") if labels else None
    wanted = policy == FILTERED or (row["label"] == "benign" and policy in ("inherit", "ioc"))
    parsed = read_manifest(workspace, "parse", row["capture_id"]) if wanted else None
    return published_logs(workspace, parsed) if parsed else {}


def data_fingerprint(captures: list[Capture], workspace: Workspace) -> str:
    """Hash what was published of these captures: features, labels, and what the catalog says."""
    parts: list[JsonValue] = []
    for stage in ("features", "labels"):
        parts += [[stage, m.capture_id, m.fingerprint] for m in published(workspace, stage)]
    rows: list[JsonValue] = [[c.capture_id, c.label, c.family, c.source, c.group] for c in captures]
    return sha256_json([parts, rows])
