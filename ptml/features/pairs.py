"""What a pair of hosts does over a whole capture, written beside each of its connections.

A pair is an originator, a responder and the responder's port within one capture. Millions of pairs with a
few connections each are normal (a scan), so the work is done on sorted arrays and not group by group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from ptml.features.family import Logs

Floats: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

PAIR = ("capture_id", "id.orig_h", "id.resp_h", "id.resp_p")
SIZES = ("orig_bytes", "resp_bytes")
READS = (*PAIR, "ts", *SIZES)
"""Columns of conn.log that are read here; pairs can be described apart from each other."""
SCHEMA: dict[str, pl.DataType] = {
    "capture_id": pl.String(),
    "pair_first": pl.Boolean(),
    "pair_count": pl.UInt32(),
    "pair_seconds": pl.Float32(),
    **{f"{name}_{kind}": pl.Float32() for name in ("gap", *SIZES) for kind in ("median", "mad")},
}
_US_PER_S = 1_000_000


def pair_columns(logs: Logs) -> pl.LazyFrame:
    """Describe the pair of each connection, row by row in the order of conn.log.

    Args:
        logs: Checked inputs; only conn is read.

    Returns:
        One row for each of conn's, with ``pair_count`` connections, ``pair_seconds`` from the first start to
        the last, and median and median absolute deviation of gaps (seconds between successive starts) and of
        payload (bytes). ``pair_first`` marks one connection of each pair. All null when an address, the port
        or the time is unknown.

    >>> ts = pl.Series([0, 9_000_000, 3_000_000]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"capture_id": "c1", "ts": ts, "id.orig_h": "10.0.0.1", "id.resp_h": "192.0.2.1",
    ...                      "id.resp_p": 443})
    >>> pair_columns({"conn": conn}).select("pair_count", "gap_median", "gap_mad").collect().row(0)
    (3, 4.5, 1.5)
    """
    conn = logs["conn"]
    present = conn.collect_schema()
    sizes = [
        (pl.col(name) if name in present else pl.lit(None)).cast(pl.Float32).alias(name) for name in SIZES
    ]
    codes = [pl.col(name).cast(pl.Categorical).to_physical().alias(f"{name}_code") for name in PAIR[:3]]
    rows = conn.select("capture_id", *codes, "id.resp_p", "ts", *sizes)
    return rows.map_batches(_describe_pairs, schema=SCHEMA)


def _describe_pairs(rows: pl.DataFrame) -> pl.DataFrame:
    known = rows.select(
        pl.all_horizontal(pl.col("id.orig_h_code", "id.resp_h_code", "id.resp_p", "ts").is_not_null())
    ).to_series()
    kept = rows.filter(known)
    order, starts = sort_by_pair(kept)
    pair = np.cumsum(starts) - 1
    pairs = int(starts.sum())
    time = kept["ts"].to_physical().to_numpy()[order]
    counts = np.bincount(pair, minlength=pairs)
    first = np.flatnonzero(starts)
    gaps = np.diff(time, prepend=0) / _US_PER_S
    table: dict[str, Floats] = {"pair_seconds": (time[first + counts - 1] - time[first]) / _US_PER_S}
    table["gap_median"], table["gap_mad"] = _median_and_mad(pair[~starts], gaps[~starts], pairs)
    for name in SIZES:
        sizes = kept[name].to_numpy().astype(np.float64)[order]
        there = ~np.isnan(sizes)
        table[f"{name}_median"], table[f"{name}_mad"] = _median_and_mad(pair[there], sizes[there], pairs)
    pair_of_row = np.empty(kept.height, dtype=np.int64)
    pair_of_row[order] = pair
    first_of_row = np.zeros(kept.height, dtype=np.bool_)
    first_of_row[order[first]] = True
    columns = [
        pl.Series("pair_first", first_of_row),
        pl.Series("pair_count", counts[pair_of_row], dtype=pl.UInt32),
        *(
            pl.Series(name, values.astype(np.float32)[pair_of_row], nan_to_null=True)
            for name, values in table.items()
        ),
    ]
    return spread(pl.DataFrame(columns), known).with_columns(rows["capture_id"]).select(*SCHEMA)


def sort_by_pair(rows: pl.DataFrame) -> tuple[Ints, Flags]:
    """Order rows by pair and time, and mark where in that order each pair starts.

    Args:
        rows: The columns of `PAIR`, the first three as numbers named ``<column>_code``, and ``ts``.

    >>> ts = pl.Series([5, 3, 4]).cast(pl.Datetime("us", "UTC"))
    >>> codes = {"capture_id_code": [0] * 3, "id.orig_h_code": [1, 1, 0], "id.resp_h_code": [2] * 3}
    >>> order, starts = sort_by_pair(pl.DataFrame({**codes, "id.resp_p": [443] * 3, "ts": ts}))
    >>> order.tolist(), starts.tolist()
    ([2, 1, 0], [True, True, False])
    """
    hosts = rows.select(
        pl.col("id.orig_h_code").cast(pl.UInt64) * 2**32 + pl.col("id.resp_h_code").cast(pl.UInt64)
    ).to_series()
    capture = (pl.col("capture_id_code").cast(pl.UInt64) + 1).fill_null(0)
    places = rows.select(capture * 2**16 + pl.col("id.resp_p").cast(pl.UInt64)).to_series()
    host, place = hosts.to_numpy(), places.to_numpy()
    order = np.lexsort((rows["ts"].to_physical().to_numpy(), place, host))
    host, place = host[order], place[order]
    starts = np.ones(rows.height, dtype=np.bool_)
    starts[1:] = (host[1:] != host[:-1]) | (place[1:] != place[:-1])
    return order, starts


def _median_and_mad(group: Ints, values: Floats, groups: int) -> tuple[Floats, Floats]:
    """Median of each group's values, and median of their distances from it; NaN for a group without any."""
    median = _median(group, values, groups)
    return median, _median(group, np.abs(values - median[group]), groups)


def _median(group: Ints, values: Floats, groups: int) -> Floats:
    """Median of each group's values, none of them negative, as Float32 precision has it.

    The bits of a float that is not negative order as the float does, so a group's number and a value's bits
    make one integer, and one sort of integers orders all groups at once.
    """
    bits = values.astype(np.float32).view(np.uint32)
    ordered = np.sort((group.astype(np.uint64) << np.uint64(32)) | bits)
    counts = np.bincount(group, minlength=groups)
    starts = np.cumsum(counts) - counts
    filled = counts > 0
    result = np.full(groups, np.nan)
    low = _value(ordered[(starts + (counts - 1) // 2)[filled]])
    high = _value(ordered[(starts + counts // 2)[filled]])
    result[filled] = (low + high) / 2
    return result


def _value(keyed: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> Floats:
    return (keyed & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.float32).astype(np.float64)


def spread(kept: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Put rows back where they were, with nulls at the others.

    Args:
        kept: The rows that were worked on.
        known: Which of all rows these are.

    >>> spread(pl.DataFrame({"n": [7]}), pl.Series([False, True]))["n"].to_list()
    [None, 7]
    """
    if known.all():
        return kept
    position = pl.when(known).then(known.cast(pl.UInt32).cum_sum().cast(pl.Int64) - 1)
    index = known.to_frame("known").select(position.alias("i")).to_series()
    return kept.select(pl.all().gather(index))
