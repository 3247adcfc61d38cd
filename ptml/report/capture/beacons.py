"""Pairs that meet so regularly that a program may be behind it, and the gaps between their meetings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from ptml.errors import BadData, MissingInput
from ptml.features.build import pair_features
from ptml.report.capture.shapes import shaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row: TypeAlias = dict[str, Any]

LEAST_SCORE = 0.5
SHOWN, DRAWN = 12, 6
BINS = 24
PAIR = ("capture_id", "id.orig_h", "id.resp_h", "id.resp_p")
_AS_PAIRS = {"orig_h": "id.orig_h", "resp": "id.resp_h", "resp_p": "id.resp_p"}


@dataclass(frozen=True, slots=True)
class Bin:
    """Gaps of a length: from, to (seconds), how many."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Beacon:
    """A pair that may beacon: its row of the table of pairs, and its gaps; none are binned for names."""

    row: Row
    gaps: Sequence[Bin] = ()


def beacons(logs: Mapping[str, pl.LazyFrame]) -> tuple[list[Beacon], str | None]:
    """List the pairs with RITA's highest scores, and why there are none where they cannot be scored."""
    try:
        pairs = pair_features(logs)
        scored = pairs.filter(pl.col("beacon_score") >= LEAST_SCORE).collect()
    except (BadData, MissingInput) as error:
        return [], error.message
    by = ["beacon_score", "connections", "kind", "orig_h", "resp", "resp_p", "capture_id"]
    down = [True, True, *(False for _ in by[2:])]
    first = scored.sort(by, descending=down, nulls_last=True).head(SHOWN)
    drawn = first.filter(pl.col("kind") == "address").head(DRAWN)
    gaps = _gaps(logs, drawn.rename(_AS_PAIRS).select(PAIR)) if drawn.height else {}
    return [
        Beacon(row, binned(gaps.get((row["capture_id"], row["orig_h"], row["resp"], row["resp_p"]), [])))
        for row in first.iter_rows(named=True)
    ], None


def _gaps(logs: Mapping[str, pl.LazyFrame], pairs: pl.DataFrame) -> dict[tuple[Any, ...], list[float]]:
    conn = shaped(logs, "conn")
    assert conn is not None, "pairs were scored"
    times = conn.join(pairs.lazy(), on=PAIR, how="semi", nulls_equal=True).select(*PAIR, "ts").sort("ts")
    gap = pl.col("ts").diff().drop_nulls().dt.total_microseconds() / 1_000_000
    found = times.group_by(PAIR, maintain_order=True).agg(gap.alias("gaps")).collect()
    return {row[:4]: row[4] for row in found.iter_rows()}


def binned(gaps: Sequence[float]) -> list[Bin]:
    """Count gaps by length, in even bins that the longest 1 % of them do not stretch.

    >>> [(bin.count, round(bin.low, 2)) for bin in binned([60.0] * 98 + [0.0, 48.0]) if bin.count]
    [(1, 0.0), (1, 47.5), (98, 57.5)]
    """
    if not gaps:
        return []
    ordered = sorted(gaps)
    most = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] or ordered[-1] or 1.0
    width = most / BINS
    counts = [0] * BINS
    for gap in ordered:
        counts[min(BINS - 1, int(gap / width))] += 1
    return [Bin(number * width, (number + 1) * width, count) for number, count in enumerate(counts)]
