"""How the connections of a capture bunch in time, at scales from a second to ten minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import evenness, ratio

if TYPE_CHECKING:
    from ptml.features.family import Logs


def seconds_of_capture(logs: Logs) -> pl.LazyFrame:
    """Seconds of the capture with a connection, counted from its first: ``bin`` and ``connections``.

    >>> ts = pl.Series([0, 1, 2_500_000]).cast(pl.Datetime("us", "UTC"))
    >>> seconds = seconds_of_capture({"conn": pl.LazyFrame({"capture_id": "c1", "ts": ts})})
    >>> seconds.select("bin", "connections").sort("bin").collect().rows()
    [(0, 2), (2, 1)]
    """
    return bins_of_capture(logs, 1)


def tens_of_capture(logs: Logs) -> pl.LazyFrame:
    """The same in steps of ten seconds.

    >>> ts = pl.Series([0, 9_999_999]).cast(pl.Datetime("us", "UTC"))
    >>> tens_of_capture({"conn": pl.LazyFrame({"capture_id": "c1", "ts": ts})}).collect()["bin"].to_list()
    [0]
    """
    return bins_of_capture(logs, 10)


def ten_minutes_of_capture(logs: Logs) -> pl.LazyFrame:
    """The same in steps of ten minutes.

    >>> ts = pl.Series([0, 599_999_999]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"capture_id": "c1", "ts": ts})
    >>> ten_minutes_of_capture({"conn": conn}).collect()["bin"].to_list()
    [0]
    """
    return bins_of_capture(logs, 600)


def bins_of_capture(logs: Logs, seconds: int) -> pl.LazyFrame:
    """Steps of so many seconds with a connection, counted from the first of the capture.

    >>> ts = pl.Series([0, 70_000_000]).cast(pl.Datetime("us", "UTC"))
    >>> bins = bins_of_capture({"conn": pl.LazyFrame({"capture_id": "c1", "ts": ts})}, 60)
    >>> bins.collect()["bin"].sort().to_list()
    [0, 1]
    """
    conn = logs["conn"].filter(pl.col("ts").is_not_null()).select("capture_id", "ts")
    starts = conn.group_by("capture_id").agg(pl.col("ts").min().alias("start"))
    number = ((pl.col("ts") - pl.col("start")).dt.total_seconds() // seconds).alias("bin")
    rows = conn.join(starts, on="capture_id", nulls_equal=True).select("capture_id", number)
    return rows.group_by("capture_id", "bin").agg(pl.len().cast(pl.UInt64).alias("connections"))


def fano() -> pl.Expr:
    """Variance of the counts of all steps, empty ones included, over their mean.

    >>> pl.DataFrame({"bin": [0, 3], "connections": [4, 4]}).select(fano()).item()
    2.0
    """
    steps = (pl.col("bin").max() + 1).cast(pl.Float64)
    mean = pl.col("connections").sum() / steps
    variance = (pl.col("connections") ** 2).sum() / steps - mean**2
    return ratio(variance.clip(lower_bound=0), mean)


def second_fano_factor() -> pl.Expr:
    """Variance of connections a second over their mean, empty ones included: 1 for a Poisson process.

    Counts of 4, 0, 0 and 4 have mean 2 and variance 4.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no time known. Source: Fano 1947.

    >>> pl.DataFrame({"bin": [0, 3], "connections": [4, 4]}).select(second_fano_factor()).item()
    2.0
    """
    return fano()


def ten_second_fano_factor() -> pl.Expr:
    """Variance of connections in ten seconds over their mean, empty ones included: 1 for a Poisson process.

    Counts of 4, 0, 0 and 4 have mean 2 and variance 4.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no time known. Source: Fano 1947.

    >>> pl.DataFrame({"bin": [0, 3], "connections": [4, 4]}).select(ten_second_fano_factor()).item()
    2.0
    """
    return fano()


def ten_minute_fano_factor() -> pl.Expr:
    """Variance of connections in ten minutes over their mean, empty ones included: 1 for a Poisson process.

    Counts of 4, 0, 0 and 4 have mean 2 and variance 4.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no time known. Source: Fano 1947.

    >>> pl.DataFrame({"bin": [0, 3], "connections": [4, 4]}).select(ten_minute_fano_factor()).item()
    2.0
    """
    return fano()


def idle_second_share() -> pl.Expr:
    """Share of the seconds between first and last connection in which none starts.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no time known. Source: ptml; sleep and burst of implants.

    >>> pl.DataFrame({"bin": [0, 3]}).select(idle_second_share()).item()
    0.5
    """
    return 1 - ratio(pl.len().cast(pl.Float64), pl.col("bin").max() + 1)


def most_per_second() -> pl.Expr:
    """Most connections that start within one second, counted from the first.

    Unit: connections. Type: Float32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no time known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [3, 1]}).select(most_per_second()).item()
    3
    """
    return pl.col("connections").max()


def second_evenness() -> pl.Expr:
    """Entropy of connections over the seconds in which some start, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no time known, or all in one second. Source: Lakhina et al. 2005, taken over seconds.

    >>> pl.DataFrame({"connections": [3, 3]}).select(second_evenness()).item()
    1.0
    """
    return evenness(pl.col("connections"))
