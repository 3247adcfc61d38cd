"""The rhythm of a pair: all connections of the capture from one host to one port of another.

Beacons show here: many connections, even gaps, even sizes. Medians are used throughout, because one pause
or one large transfer must not hide a rhythm, and because they are the same in whatever order rows come.
Of values that are not negative half are at most the median, so the median absolute deviation is at most it
too, and a dispersion at most 1.
"""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import ratio
from ptml.features.family import family
from ptml.features.pairs import PAIR, READS, pair_columns


def pair_connections() -> pl.Expr:
    """Connections of the pair in the capture.

    Unit: connections. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: an address or the port is unset. Source: RITA v5.

    >>> pl.DataFrame({"pair_count": [2]}).select(pair_connections()).item()
    2
    """
    return pl.col("pair_count")


def pair_span() -> pl.Expr:
    """Time from the start of the pair's first connection to that of its last.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: an address or the port is unset. Source: RITA v5.

    >>> pl.DataFrame({"pair_seconds": [60.0]}).select(pair_span()).item()
    60.0
    """
    return pl.col("pair_seconds")


def pair_gap_median() -> pl.Expr:
    """Median time between the starts of successive connections of the pair.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: a single connection. Source: RITA v5.

    >>> pl.DataFrame({"gap_median": [7.0, None]}).select(pair_gap_median()).to_series().to_list()
    [7.0, None]
    """
    return pl.col("gap_median")


def pair_gap_dispersion() -> pl.Expr:
    """Median absolute deviation of the pair's gaps over their median: 0 for a clockwork.

    Unit: ratio. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than three connections, or a median gap of 0. Source: RITA v5.

    >>> pairs = pl.DataFrame({"pair_count": [4, 2], "gap_median": [10.0, 10.0], "gap_mad": [2.0, 0.0]})

    Gaps of 8, 10 and 14 seconds have the median 10 and the deviations 2, 0 and 4, whose median is 2.

    >>> pairs.select(pair_gap_dispersion()).to_series().to_list()
    [0.2, None]
    """
    return _dispersion("gap", least_count=3)


def pair_orig_bytes_median() -> pl.Expr:
    """Median payload that the originator sends in a connection of the pair.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count is known. Source: RITA v5.

    >>> pl.DataFrame({"orig_bytes_median": [300.0]}).select(pair_orig_bytes_median()).item()
    300.0
    """
    return pl.col("orig_bytes_median")


def pair_orig_bytes_dispersion() -> pl.Expr:
    """Median absolute deviation of the originator's payload over its median: 0 when always the same.

    Unit: ratio. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: a single connection, no count known, or a median of 0. Source: RITA v5.

    >>> pairs = pl.DataFrame({"pair_count": [3], "orig_bytes_median": [10.0], "orig_bytes_mad": [2.0]})
    >>> pairs.select(pair_orig_bytes_dispersion()).item()
    0.2
    """
    return _dispersion("orig_bytes", least_count=2)


def pair_resp_bytes_dispersion() -> pl.Expr:
    """Median absolute deviation of the responder's payload over its median: 0 when always the same.

    Unit: ratio. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: a single connection, no count known, or a median of 0. Source: ptml; the deviation in RITA v5's
    scores, taken of the responder's payload.

    >>> pairs = pl.DataFrame({"pair_count": [3], "resp_bytes_median": [10.0], "resp_bytes_mad": [2.0]})
    >>> pairs.select(pair_resp_bytes_dispersion()).item()
    0.2
    """
    return _dispersion("resp_bytes", least_count=2)


def _dispersion(measure: str, *, least_count: int) -> pl.Expr:
    value = ratio(pl.col(f"{measure}_mad"), pl.col(f"{measure}_median"))
    return pl.when(pl.col("pair_count") >= least_count).then(value)


PAIRS = family(
    "pair",
    (
        pair_connections,
        pair_span,
        pair_gap_median,
        pair_gap_dispersion,
        pair_orig_bytes_median,
        pair_orig_bytes_dispersion,
        pair_resp_bytes_dispersion,
    ),
    pair_columns,
    (),
    together=PAIR,
    reads=READS,
)
