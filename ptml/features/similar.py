"""The captures at hand that are most like one (:mod:`ptml.features.distances` says how far)."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.catalog import read_catalog, read_provenance, require_captures
from ptml.errors import MissingInput, SettingsError, did_you_mean, quoted
from ptml.features.distances import Difference, Distances
from ptml.features.large import collect_capture_features
from ptml.manifest import published
from ptml.parse.scan import scan_logs

if TYPE_CHECKING:
    from ptml.types import JsonObject
    from ptml.workspace import Workspace

SHOWN = 3
DATASET = "features/capture"
KEY = "capture_id"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A capture that is like the one asked about.

    Attributes:
        capture_id: Which capture.
        name: What people call it.
        label: The catalog's label.
        family: Its malware family, where somebody said.
        source: Who published it; the first by name of several.
        distance: From 0 (alike in all) to 1.
        families: The difference in each family of features that says something, the smallest first.
        differences: The features that differ most.
    """

    capture_id: str
    name: str | None
    label: str
    family: str | None
    source: str | None
    distance: float
    families: dict[str, float]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Similar:
    """The nearest captures.

    Attributes:
        capture: What was asked about: its id, or the path of its logs.
        neighbours: The nearest first.
        compared: Captures that it was compared with.
        without_features: Captures of the catalog that have no features, so that they were not.
        median: Distance to the middle one of those compared: what nearness is to be held against.
    """

    capture: str
    neighbours: tuple[Neighbour, ...]
    compared: int
    without_features: int
    median: float

    def to_dict(self) -> JsonObject:
        """Give the result as plain JSON values."""
        return {
            "capture": self.capture,
            "compared": self.compared,
            "without_features": self.without_features,
            "median": self.median,
            "neighbours": [
                {
                    **{name: getattr(one, name) for name in Neighbour.__slots__ if name != "differences"},
                    "differences": [
                        {name: getattr(gap, name) for name in Difference.__slots__} for gap in one.differences
                    ],
                }
                for one in self.neighbours
            ],
        }


def similar_captures(workspace: Workspace, wanted: str | Path, *, limit: int = 10) -> Similar:
    """Find the captures of a workspace that are most like one, by the features of whole captures.

    Args:
        workspace: Where captures and their features are; only read.
        wanted: A capture's id, the beginning of one, its name or its MD5; or a folder of Zeek logs, which
            need not be in the catalog.
        limit: How many to give.

    Raises:
        MissingInput: There is no such capture, it has no features yet, or no other capture has.
        SettingsError: What is wanted fits several captures.
        BadData: The logs in the folder cannot be read.
    """
    catalog = require_captures(workspace)
    table = capture_table(workspace)
    if Path(wanted).is_dir():
        logs = scan_logs(wanted)
        if "conn" not in logs:
            raise MissingInput(f"{wanted} has no conn.log", hint="give a folder of one capture's Zeek logs")
        own = collect_capture_features(logs).drop(KEY)
        capture, others = str(wanted), table
        one = own.select(
            own[name] if name in own.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in table.drop(KEY).schema.items()
        )
    else:
        capture = find_capture(catalog, str(wanted))
        one = table.filter(pl.col(KEY) == capture).drop(KEY)
        others = table.filter(pl.col(KEY) != capture)
        if one.is_empty():
            raise MissingInput(
                f"capture {capture} has no features yet", hint=f"`ptml features {capture}` makes them"
            )
    if others.is_empty():
        raise MissingInput("no other capture has features", hint="`ptml features` makes them for all")
    distances = Distances(one, others.drop(KEY), table.drop(KEY))
    order = np.argsort(distances.total, kind="stable")[:limit]
    about = catalog.join(_sources(workspace), on=KEY, how="left").rows_by_key(KEY, named=True, unique=True)
    ids = others[KEY].to_list()
    return Similar(
        capture=capture,
        neighbours=tuple(
            Neighbour(
                capture_id=ids[at],
                **{name: about[ids[at]][name] for name in ("name", "label", "family", "source")},
                distance=round(float(distances.total[at]), 6),
                families=distances.families(at),
                differences=distances.largest(at),
            )
            for at in order.tolist()
            if np.isfinite(distances.total[at])
        ),
        compared=len(ids),
        without_features=catalog.height - table.height,
        median=round(float(np.nanmedian(distances.total)), 6),
    )


def capture_table(workspace: Workspace) -> pl.DataFrame:
    """Read the features of all captures that have some, by capture.

    Raises:
        MissingInput: No capture has.
    """
    known = set(require_captures(workspace)[KEY])
    tables = [
        manifest.scan(workspace, DATASET).collect()  # one by one: hundreds at once exhaust Polars' threads
        for manifest in published(workspace, "features")
        if manifest.capture_id in known and manifest.paths(workspace, DATASET)
    ]
    if not tables:
        raise MissingInput("no capture has features yet", hint="`ptml features` makes them")
    return pl.concat(tables, how="diagonal_relaxed").sort(KEY)


def find_capture(catalog: pl.DataFrame, wanted: str) -> str:
    """Find a capture by its id, the beginning of one, its name or its MD5.

    >>> rows = {"capture_id": ["c01", "c02"], "name": ["a", "b"], "md5": [None, "d" * 32]}
    >>> [find_capture(pl.DataFrame(rows), text) for text in ("c01", "b", "D" * 32)]
    ['c01', 'c02', 'c02']

    Raises:
        MissingInput: There is none.
        SettingsError: There are several.
    """
    exact = (pl.col(KEY) == wanted) | (pl.col("name") == wanted) | (pl.col("md5") == wanted.lower())
    for fits in (exact, pl.col(KEY).str.starts_with(wanted) & pl.lit(bool(wanted))):
        found = catalog.filter(fits)[KEY].sort().to_list()
        if len(found) == 1:
            return str(found[0])
        if found:
            raise SettingsError(
                f"{wanted!r} fits {len(found)} captures: {quoted(found[:SHOWN])}"
                + (", …" if len(found) > SHOWN else ""),
                hint="give more of the id",
            )
    near = get_close_matches(wanted, [*catalog[KEY], *catalog["name"].drop_nulls()], n=1)
    raise MissingInput(
        f"no capture {wanted!r} in the catalog, and no such folder",
        hint=did_you_mean([wanted], near) if near else "`ptml catalog` lists them",
    )


def has_md5(workspace: Workspace, md5: str) -> bool:
    """Tell whether a capture at hand has this MD5; no workspace has none."""
    try:
        return md5.lower() in read_catalog(workspace)["md5"]
    except MissingInput:
        return False


def _sources(workspace: Workspace) -> pl.DataFrame:
    return read_provenance(workspace).group_by(KEY).agg(pl.col("source").min())
