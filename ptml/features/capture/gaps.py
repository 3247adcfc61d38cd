"""The gaps between the starts of a capture's connections, whoever started them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import gini, ratio, share

if TYPE_CHECKING:
    from ptml.features.family import Logs

_US_PER_S = 1_000_000
_INSTANT = 0.001


def gaps_of_capture(logs: Logs) -> pl.LazyFrame:
    """Times in seconds between successive starts in a capture: ``gap``.

    >>> ts = pl.Series([4_000_000, 0, 1_000_000]).cast(pl.Datetime("us", "UTC"))
    >>> gaps_of_capture({"conn": pl.LazyFrame({"capture_id": "c", "ts": ts})}).collect()["gap"].to_list()
    [1.0, 3.0]
    """
    starts = logs["conn"].select("capture_id", "ts").drop_nulls("ts").sort("capture_id", "ts")
    same = pl.col("capture_id").eq_missing(pl.col("capture_id").shift())
    gap = (pl.col("ts") - pl.col("ts").shift()).dt.total_microseconds() / _US_PER_S
    gaps = starts.select("capture_id", pl.when(same).then(gap).alias("gap"))
    return gaps.drop_nulls("gap")


def gaps_by_scale(logs: Logs) -> pl.LazyFrame:
    """Powers of two of a microsecond that gaps reach, each with the ``gaps`` of that size.

    >>> ts = pl.Series([0, 1_000_000, 2_000_000, 6_000_000]).cast(pl.Datetime("us", "UTC"))
    >>> scales = gaps_by_scale({"conn": pl.LazyFrame({"capture_id": "c", "ts": ts})})
    >>> scales.collect()["gaps"].sort().to_list()
    [1, 2]
    """
    microseconds = (pl.col("gap") * _US_PER_S).round()
    scale = pl.when(microseconds >= 1).then(microseconds.log(2.0).floor()).otherwise(-1).cast(pl.Int8)
    rows = gaps_of_capture(logs).select("capture_id", scale.alias("scale"))
    return rows.group_by("capture_id", "scale").agg(pl.len().alias("gaps"))


def median_gap() -> pl.Expr:
    """Median time between successive starts of connections.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: fewer than two starts known. Source: Paxson and Floyd 1995.

    >>> pl.DataFrame({"gap": [1.0, 2.0, 9.0]}).select(median_gap()).item()
    2.0
    """
    return pl.col("gap").median()


def gap_p10() -> pl.Expr:
    """Time between successive starts that nine gaps in ten reach.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: fewer than two starts known. Source: Paxson and Floyd 1995.

    >>> pl.DataFrame({"gap": [0.0, 10.0, 20.0, 30.0, 40.0]}).select(gap_p10()).item()
    4.0
    """
    return pl.col("gap").quantile(0.1, "linear")


def gap_p90() -> pl.Expr:
    """Time between successive starts that nine gaps in ten do not exceed.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: fewer than two starts known. Source: Paxson and Floyd 1995.

    >>> pl.DataFrame({"gap": [0.0, 10.0, 20.0, 30.0, 40.0]}).select(gap_p90()).item()
    36.0
    """
    return pl.col("gap").quantile(0.9, "linear")


def longest_gap_share() -> pl.Expr:
    """Share of the span between first and last start that the longest gap takes: sleep.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than two starts known, or all at once. Source: ptml; sleep and burst of implants.

    >>> pl.DataFrame({"gap": [1.0, 3.0]}).select(longest_gap_share()).item()
    0.75
    """
    ordered = pl.col("gap").sort()
    return ratio(ordered.last(), ordered.sum()).clip(upper_bound=1)


def burstiness() -> pl.Expr:
    """Deviation less mean of the gaps, over their sum: -1 for a clock, 0 for chance, 1 for the utmost bursts.

    Gaps 0, 0, 0 and 4 have mean 1 and deviation 3 ** 0.5.

    Unit: ratio. Type: Float32. Range: -1 to 1. Logs: conn. Scope: capture.
    Null: fewer than two starts known, or all at once. Source: Goh and Barabasi 2008.

    >>> pl.DataFrame({"gap": [0.0, 0.0, 0.0, 4.0]}).select(burstiness()).item()
    0.2679491924311227
    """
    gap = pl.col("gap").sort()
    deviation, mean = gap.std(ddof=0), gap.mean()
    return pl.when(mean > 0).then((deviation - mean) / (deviation + mean))


def gap_gini() -> pl.Expr:
    """How unequally the gaps between successive starts share the span, as a Gini coefficient.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than two starts known, or all at once. Source: Gini 1912.

    >>> pl.DataFrame({"gap": [1.0, 3.0]}).select(gap_gini()).item()
    0.25
    """
    return gini(pl.col("gap"))


def zero_gap_share() -> pl.Expr:
    """Share of the gaps between successive starts that are below a millisecond.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than two starts known. Source: ptml; no hand is as quick.

    >>> pl.DataFrame({"gap": [0.0001, 3.0]}).select(zero_gap_share()).item()
    0.5
    """
    return share(pl.col("gap") < _INSTANT)


def gap_entropy() -> pl.Expr:
    """Entropy of the gaps between successive starts over powers of two of a microsecond, 0 for a clock.

    Unit: bits. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: fewer than two starts known. Source: Gianvecchio and Wang 2007.

    >>> pl.DataFrame({"gaps": [2, 2, 4]}).select(gap_entropy()).item()
    1.5
    """
    return pl.col("gaps").sort().entropy(base=2.0, normalize=True).clip(lower_bound=0)
