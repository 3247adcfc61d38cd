"""The rhythm of a capture: how its connections spread over time, and whether pairs of hosts beat time."""

from __future__ import annotations

import polars as pl

from ptml.features.capture import bursts, gaps, rhythm
from ptml.features.capture.rhythm import FEWEST, REGULAR
from ptml.features.expressions import ratio
from ptml.features.family import Logs, family
from ptml.features.pairs import PAIR, READS, pair_columns


def pairs_of_capture(logs: Logs) -> pl.LazyFrame:
    """One row for each pair of hosts and port: its ``connections`` and the ``dispersion`` of its gaps.

    ``sent_dispersion`` and ``answer_dispersion`` are those of the payload of its two sides. A dispersion is
    null for a pair of fewer than ten connections.

    >>> ts = pl.Series(range(0, 10_000_000, 1_000_000)).cast(pl.Datetime("us", "UTC"))
    >>> hosts = {"id.orig_h": "10.0.0.1", "id.resp_h": "192.0.2.1", "id.resp_p": 443}
    >>> conn = pl.LazyFrame({"capture_id": "c1", "ts": ts, **hosts})
    >>> pairs_of_capture({"conn": conn}).select("connections", "dispersion").collect().rows()
    [(10, 0.0)]
    """
    connections = pl.col("pair_count").alias("connections")
    named = {"dispersion": "gap", "sent_dispersion": "orig_bytes", "answer_dispersion": "resp_bytes"}
    dispersions = [
        pl.when(connections >= FEWEST).then(ratio(pl.col(f"{of}_mad"), pl.col(f"{of}_median"))).alias(name)
        for name, of in named.items()
    ]
    rows = pair_columns(logs).filter(pl.col("pair_first"))
    return rows.select("capture_id", connections, *dispersions)


def minutes_of_capture(logs: Logs) -> pl.LazyFrame:
    """Minutes of the capture with a connection, counted from its first: ``bin`` and ``connections``.

    >>> ts = pl.Series([0, 1, 130_000_000]).cast(pl.Datetime("us", "UTC"))
    >>> minutes = minutes_of_capture({"conn": pl.LazyFrame({"capture_id": "c1", "ts": ts})})
    >>> minutes.select("bin", "connections").sort("bin").collect().rows()
    [(0, 2), (2, 1)]
    """
    return bursts.bins_of_capture(logs, 60)


def host_pairs() -> pl.Expr:
    """Distinct pairs of originator and responder with port.

    Unit: pairs. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [12, 1]}).select(host_pairs()).item()
    2
    """
    return pl.col("connections").len()


def regular_pairs() -> pl.Expr:
    """Pairs of ten connections or more whose gaps deviate by less than a tenth of their median.

    Unit: pairs. Type: UInt32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: ptml; the deviation in RITA v5's scores.

    >>> pl.DataFrame({"dispersion": [0.05, 0.5, None]}).select(regular_pairs()).item()
    1
    """
    return (pl.col("dispersion") < REGULAR).sum()


def least_gap_dispersion() -> pl.Expr:
    """Least dispersion of gaps among pairs of ten connections or more: 0 for a clockwork.

    Unit: ratio. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no pair has ten connections and a median gap above 0. Source: ptml; the deviation in RITA v5's
    scores.

    >>> pl.DataFrame({"dispersion": [0.05, 0.5, None]}).select(least_gap_dispersion()).item()
    0.05
    """
    return pl.col("dispersion").min()


def regular_connection_share() -> pl.Expr:
    """Share of the connections that belong to regular pairs.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: ptml; the deviation in RITA v5's scores.

    >>> pairs = pl.DataFrame({"connections": [15, 4, 1], "dispersion": [0.05, 0.5, None]})
    >>> pairs.select(regular_connection_share()).item()
    0.75
    """
    regular = pl.col("connections").filter(pl.col("dispersion") < REGULAR).sum()
    return ratio(regular.cast(pl.Float64), pl.col("connections").sum())


def idle_minute_share() -> pl.Expr:
    """Share of the minutes between first and last connection in which none starts.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no time known. Source: ptml; sleep and burst of implants.

    >>> pl.DataFrame({"bin": [0, 3]}).select(idle_minute_share()).item()
    0.5
    """
    return 1 - ratio(pl.len().cast(pl.Float64), pl.col("bin").max() + 1)


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

    Minutes with 4, 0, 0 and 4 connections have mean 2 and variance 4.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no time known. Source: Fano 1947.

    >>> pl.DataFrame({"bin": [0, 3], "connections": [4, 4]}).select(minute_fano_factor()).item()
    2.0
    """
    return bursts.fano()


_KEY = ("capture_id",)
CAPTURE_TIMING = (
    family(
        "timing",
        (
            host_pairs,
            regular_pairs,
            least_gap_dispersion,
            regular_connection_share,
            rhythm.busy_pair_share,
            rhythm.single_pair_share,
            rhythm.top_pair_share,
            rhythm.least_sent_dispersion,
            rhythm.least_answer_dispersion,
            rhythm.clockwork_pairs,
        ),
        pairs_of_capture,
        _KEY,
        together=PAIR,
        reads=READS,
        condensed=True,
    ),
    family(
        "timing",
        (idle_minute_share, busiest_minute_share, minute_fano_factor),
        minutes_of_capture,
        _KEY,
        condensed=True,
    ),
    family(
        "timing",
        (
            bursts.second_fano_factor,
            bursts.idle_second_share,
            bursts.most_per_second,
            bursts.second_evenness,
        ),
        bursts.seconds_of_capture,
        _KEY,
        condensed=True,
    ),
    family("timing", (bursts.ten_second_fano_factor,), bursts.tens_of_capture, _KEY, condensed=True),
    family("timing", (bursts.ten_minute_fano_factor,), bursts.ten_minutes_of_capture, _KEY, condensed=True),
    family(
        "timing",
        (
            gaps.median_gap,
            gaps.gap_p10,
            gaps.gap_p90,
            gaps.longest_gap_share,
            gaps.burstiness,
            gaps.gap_gini,
            gaps.zero_gap_share,
        ),
        gaps.gaps_of_capture,
        _KEY,
        condensed=True,
    ),
    family("timing", (gaps.gap_entropy,), gaps.gaps_by_scale, _KEY, condensed=True),
)
