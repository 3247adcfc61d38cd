"""The rhythm of a capture: how its connections spread over time, and whether pairs of hosts beat time."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import ratio
from ptml.features.family import Logs, family
from ptml.features.pairs import PAIR, READS, pair_columns

_FEWEST = 10
"""Connections below which the gaps of a pair say nothing of a rhythm."""
_REGULAR = 0.1
"""Median absolute deviation over median gap below which a pair is taken to beat time."""


def pairs_of_capture(logs: Logs) -> pl.LazyFrame:
    """One row for each pair of hosts and port: its ``connections`` and the ``dispersion`` of its gaps.

    The dispersion is null for a pair of fewer than ten connections.

    >>> ts = pl.Series(range(0, 10_000_000, 1_000_000)).cast(pl.Datetime("us", "UTC"))
    >>> hosts = {"id.orig_h": "10.0.0.1", "id.resp_h": "192.0.2.1", "id.resp_p": 443}
    >>> conn = pl.LazyFrame({"capture_id": "c1", "ts": ts, **hosts})
    >>> pairs_of_capture({"conn": conn}).select("connections", "dispersion").collect().rows()
    [(10, 0.0)]
    """
    connections = pl.col("pair_count").alias("connections")
    dispersion = pl.when(connections >= _FEWEST).then(ratio(pl.col("gap_mad"), pl.col("gap_median")))
    rows = pair_columns(logs).filter(pl.col("pair_first"))
    return rows.select("capture_id", connections, dispersion.alias("dispersion"))


def minutes_of_capture(logs: Logs) -> pl.LazyFrame:
    """Minutes of the capture with a connection, counted from its first: ``minute`` and ``connections``.

    >>> ts = pl.Series([0, 1, 130_000_000]).cast(pl.Datetime("us", "UTC"))
    >>> minutes = minutes_of_capture({"conn": pl.LazyFrame({"capture_id": "c1", "ts": ts})})
    >>> minutes.select("minute", "connections").sort("minute").collect().rows()
    [(0, 2), (2, 1)]
    """
    conn = logs["conn"].filter(pl.col("ts").is_not_null()).select("capture_id", "ts")
    starts = conn.group_by("capture_id").agg(pl.col("ts").min().alias("start"))
    minute = (pl.col("ts") - pl.col("start")).dt.total_minutes().alias("minute")
    rows = conn.join(starts, on="capture_id", nulls_equal=True).select("capture_id", minute)
    return rows.group_by("capture_id", "minute").agg(pl.len().cast(pl.UInt64).alias("connections"))


def host_pairs() -> pl.Expr:
    """Distinct pairs of originator and responder with port.

    Unit: pairs. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: RITA v5.

    >>> pl.DataFrame({"connections": [12, 1]}).select(host_pairs()).item()
    2
    """
    return pl.col("connections").len()


def regular_pairs() -> pl.Expr:
    """Pairs of ten connections or more whose gaps deviate by less than a tenth of their median.

    Unit: pairs. Type: UInt32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: RITA v5.

    >>> pl.DataFrame({"dispersion": [0.05, 0.5, None]}).select(regular_pairs()).item()
    1
    """
    return (pl.col("dispersion") < _REGULAR).sum()


def least_gap_dispersion() -> pl.Expr:
    """Least dispersion of gaps among pairs of ten connections or more: 0 for a clockwork.

    Unit: ratio. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no pair has ten connections and a median gap above 0. Source: RITA v5.

    >>> pl.DataFrame({"dispersion": [0.05, 0.5, None]}).select(least_gap_dispersion()).item()
    0.05
    """
    return pl.col("dispersion").min()


def regular_connection_share() -> pl.Expr:
    """Share of the connections that belong to regular pairs.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: RITA v5.

    >>> pairs = pl.DataFrame({"connections": [15, 4, 1], "dispersion": [0.05, 0.5, None]})
    >>> pairs.select(regular_connection_share()).item()
    0.75
    """
    regular = pl.col("connections").filter(pl.col("dispersion") < _REGULAR).sum()
    return ratio(regular.cast(pl.Float64), pl.col("connections").sum())


def idle_minute_share() -> pl.Expr:
    """Share of the minutes between first and last connection in which none starts.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no time known. Source: sleep and burst of implants, RITA v5.

    >>> pl.DataFrame({"minute": [0, 3]}).select(idle_minute_share()).item()
    0.5
    """
    return 1 - ratio(pl.len().cast(pl.Float64), pl.col("minute").max() + 1)


def busiest_minute_share() -> pl.Expr:
    """Share of the connections that start in the busiest minute.

    Unit: share. Type: Float32. Range: above 0 to 1. Logs: conn. Scope: capture.
    Null: no time known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [3, 1]}).select(busiest_minute_share()).item()
    0.75
    """
    return ratio(pl.col("connections").max().cast(pl.Float64), pl.col("connections").sum())


def minute_fano_factor() -> pl.Expr:
    """Variance of connections a minute over their mean, empty minutes included: 1 for a Poisson process.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no time known. Source: Fano 1947.

    Minutes with 4, 0, 0 and 4 connections have mean 2 and variance 4.

    >>> pl.DataFrame({"minute": [0, 3], "connections": [4, 4]}).select(minute_fano_factor()).item()
    2.0
    """
    minutes = (pl.col("minute").max() + 1).cast(pl.Float64)
    mean = pl.col("connections").sum() / minutes
    variance = (pl.col("connections") ** 2).sum() / minutes - mean**2
    return ratio(variance.clip(lower_bound=0), mean)


_KEY = ("capture_id",)
CAPTURE_TIMING = (
    family(
        "timing",
        (host_pairs, regular_pairs, least_gap_dispersion, regular_connection_share),
        pairs_of_capture,
        _KEY,
        together=PAIR,
        reads=READS,
    ),
    family("timing", (idle_minute_share, busiest_minute_share, minute_fano_factor), minutes_of_capture, _KEY),
)
