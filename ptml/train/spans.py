"""When captures were: from the first connection's start to the last one's end.

As far as clocks can be believed: packets without a clock, or made by hand, carry times such as 1970-01-01. A
split by time, and whoever asks which captures were at the same time, must not believe them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_KEYS = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")


@dataclass(frozen=True, slots=True)
class Span:
    """When a capture was.

    Attributes:
        start: Start of its first connection; None where no connection has a time that can be believed.
        end: End of its last connection.
        connections: How many it has.
        untimed: How many of these have a time that cannot be believed; they are not looked at.
    """

    start: datetime | None = None
    end: datetime | None = None
    connections: int = 0
    untimed: int = 0


def believable(moment: pl.Expr) -> pl.Expr:
    """Give a moment where it can be a packet's; null before 1990 and from 2100 on.

    >>> moments = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2021, 5, 4, tzinfo=UTC)]
    >>> frame = pl.DataFrame({"ts": moments}, schema={"ts": pl.Datetime("us", "UTC")})
    >>> frame.select(believable(pl.col("ts")).dt.year())["ts"].to_list()
    [None, 2021]
    """
    return pl.when(moment.is_between(EARLIEST, LATEST, closed="left")).then(moment)


def is_believable(moment: datetime | None) -> bool:
    """Tell whether a moment is there and can be a packet's.

    >>> is_believable(datetime(1970, 1, 1, tzinfo=UTC)), is_believable(None)
    (False, False)
    """
    return moment is not None and EARLIEST <= moment < LATEST


def scan_connections(files: Mapping[str, Sequence[Path]]) -> pl.LazyFrame:
    """Scan who spoke to whom and when, in all captures at once.

    Args:
        files: The files of features of connections, by capture.

    Returns:
        capture_id, ts, end (ts + duration; an unset duration counts as 0) and id.*; a row a connection.
    """
    capture_of = {str(path): capture_id for capture_id, paths in files.items() for path in paths}
    short = pl.Enum(sorted(files))  # a number a row in place of a text
    if not capture_of:
        return pl.LazyFrame(schema=_EMPTY)
    rows = pl.scan_parquet(
        list(capture_of),
        include_file_paths="path",
        hive_partitioning=False,
        glob=False,
        extra_columns="ignore",
    )
    lasted = (pl.col("duration").cast(pl.Float64).fill_null(0) * 1e6).cast(pl.Int64)
    return rows.select(
        pl.col("path").replace_strict(capture_of, return_dtype=short).alias("capture_id"),
        (pl.col("ts") + pl.duration(microseconds=lasted)).alias("end"),
        *_KEYS,
    )


_TIME = pl.Datetime("us", "UTC")
_EMPTY: dict[str, pl.DataType | type[pl.DataType]] = {
    "capture_id": pl.String,
    "end": _TIME,
    "ts": _TIME,
    "id.orig_h": pl.String,
    "id.orig_p": pl.UInt16,
    "id.resp_h": pl.String,
    "id.resp_p": pl.UInt16,
}


def spans_of(connections: pl.LazyFrame) -> dict[str, Span]:
    """Tell when each capture was.

    Args:
        connections: What `scan_connections` gives.

    Returns:
        By capture; one without connections is not among them.
    """
    timed = believable(pl.col("ts"))
    found = connections.group_by("capture_id").agg(
        timed.min().alias("start"),
        pl.col("end").filter(timed.is_not_null()).max(),
        pl.len().alias("connections"),
        timed.null_count().alias("untimed"),
    )
    rows = found.collect(engine="streaming").iter_rows(named=True)
    return {row.pop("capture_id"): Span(**row) for row in rows}
