"""The labelled captures of a workspace: what was published of each, and which belong together."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.catalog import read_provenance, require_captures
from ptml.errors import BadData, MissingInput, quoted
from ptml.io import sha256_json
from ptml.manifest import published, read_manifest
from ptml.parse.published import published_logs
from ptml.train.capture import CAPTURE_CLASSES, CLASSES, NO_SPAN, Capture
from ptml.train.groups import merged_groups, reasons, shared_files, traits_of
from ptml.train.selection import select
from ptml.train.spans import is_believable
from ptml.types import STANDARD_WINDOWS, Windows

if TYPE_CHECKING:
    from ptml.features.family import Logs
    from ptml.manifest import Manifest
    from ptml.settings import DatasetSettings
    from ptml.train.groups import Traits
    from ptml.train.spans import Span
    from ptml.types import JsonObject, JsonValue, Level
    from ptml.workspace import Workspace

FILTERED = "inherit-filtered"


def labelled_captures(
    workspace: Workspace, level: Level, dataset: DatasetSettings | None = None
) -> list[Capture]:
    """List the captures that have features and labels, by id; those without say so under `excluded`.

    Args:
        workspace: Where they are.
        level: ``connection`` or ``capture``.
        dataset: Which of them are wanted, and what for; all if not given.

    Raises:
        MissingInput: No capture has features.
        SettingsError: `dataset` names a source, a family or a capture that there is not.
        BadData: `dataset` leaves no capture, or none to learn from.
    """
    catalog = {row["capture_id"]: row for row in require_captures(workspace).iter_rows(named=True)}
    features = {manifest.capture_id: manifest for manifest in published(workspace, "features")}
    if not features:
        raise MissingInput(
            f"{workspace.root} has no features", hint="run `ptml features` first, then this again"
        )
    shelf = _Shelf(
        workspace,
        level,
        features,
        {manifest.capture_id: manifest for manifest in published(workspace, "labels")},
        {manifest.capture_id: manifest for manifest in published(workspace, "raw")},
    )
    sources = _sources(workspace)
    traits = _traits(workspace, catalog, features, sources)
    links = [*shared_files(catalog.values(), shelf.raw.values()), *traits.links]
    groups, linked = merged_groups(catalog, links), reasons(links)
    captures = [
        replace(
            shelf.capture(row),
            source=sources.get(capture_id, "unknown"),
            group=groups[capture_id],
            linked=tuple(linked.get(capture_id, ())),
            span=_span(traits.spans.get(capture_id, NO_SPAN), row),
        )
        for capture_id, row in sorted(catalog.items())
    ]
    return captures if dataset is None else select(captures, dataset)


def _traits(
    workspace: Workspace,
    catalog: dict[str, dict[str, Any]],
    features: dict[str, Manifest],
    sources: dict[str, str],
) -> Traits:
    """Look at the connections of all captures of the catalog that have features."""
    known = [(name, made) for name, made in features.items() if name in catalog]
    return traits_of(
        tuple((name, tuple(made.paths(workspace, "features/connection"))) for name, made in known),
        tuple(sorted(sources.items())),
        frozenset(name for name, row in catalog.items() if (row["unit"] or "file") != "file"),
    )


def _span(seen: Span, row: dict[str, Any]) -> Span:
    """Take the times that the catalog states where a capture's connections tell none."""
    if seen.start is not None:
        return seen
    start, end = (row[name] if is_believable(row[name]) else None for name in ("started_at", "ended_at"))
    return replace(seen, start=start, end=end)


def _sources(workspace: Workspace) -> dict[str, str]:
    """Name each capture's source; the first by name where several published it."""
    by_capture = read_provenance(workspace).group_by("capture_id").agg(pl.col("source").min())
    return dict(by_capture.iter_rows())


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What the stages have published, by capture."""

    workspace: Workspace
    level: Level
    features: dict[str, Manifest]
    labels: dict[str, Manifest]
    raw: dict[str, Manifest]

    def capture(self, row: dict[str, Any]) -> Capture:
        """Describe a capture of the catalog as far as it stands alone."""
        name = row["capture_id"]
        features, labels, raw = (part.get(name) for part in (self.features, self.labels, self.raw))
        labelled, excluded = self._labelled(row, features, labels)
        return Capture(
            capture_id=name,
            name=row["name"],
            level=self.level,
            label=row["label"],
            family=row["family"],
            unit=row["unit"] or "file",
            raw=raw.fingerprint if raw else "",
            features=features.paths(self.workspace, f"features/{self.level}") if features else [],
            labels=labels.paths(self.workspace, "labels") if labels else [],
            labelled=labelled,
            excluded=excluded,
            logs=_logs(self.workspace, row, labels) if self._filtering else {},
        )

    @property
    def _filtering(self) -> bool:
        """Tell whether it matters whom connections contact."""
        policies = {manifest.parameters.get("policy") for manifest in self.labels.values()}
        return self.level == "connection" and FILTERED in policies

    def _labelled(
        self, row: dict[str, Any], features: Manifest | None, labels: Manifest | None
    ) -> tuple[int, dict[str, int]]:
        """Count the rows with a label, and by reason those that are of no use."""
        if features is None:
            return 0, {"captures without features": 1}
        if self.level == "capture":
            known = row["label"] in CAPTURE_CLASSES
            return int(known), {} if known else {"captures of unknown label": 1}
        if labels is None:
            return 0, {"connections without a label": features.rows_out}
        labelled = sum(labels.counts.get(label, 0) for label in CLASSES)
        unknown = labels.rows_out - labelled
        return labelled, {"connections without a label": unknown} if unknown else {}


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
