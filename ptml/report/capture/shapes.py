"""The columns of logs that the page shows, there whether a log has them or not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

TIME = pl.Datetime("us", "UTC")
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Times before and after are a clock's mistake, and no calendar's to show."""
CAPTURE = {"capture_id": pl.String(), "uid": pl.String()}
COLUMNS: Mapping[str, Mapping[str, pl.DataType]] = {
    "conn": {
        **CAPTURE,
        "ts": TIME,
        "id.orig_h": pl.String(),
        "id.orig_p": pl.UInt16(),
        "id.resp_h": pl.String(),
        "id.resp_p": pl.UInt16(),
        "proto": pl.String(),
        "service": pl.String(),
        "duration": pl.Float64(),
        "orig_bytes": pl.UInt64(),
        "resp_bytes": pl.UInt64(),
        "conn_state": pl.String(),
    },
    "dns": {**CAPTURE, "id.orig_h": pl.String(), "query": pl.String(), "rcode_name": pl.String()},
    "ssl": {**CAPTURE, "id.orig_h": pl.String(), "id.resp_h": pl.String(), "server_name": pl.String()},
    "quic": {**CAPTURE, "id.orig_h": pl.String(), "id.resp_h": pl.String(), "server_name": pl.String()},
    "http": {**CAPTURE, "host": pl.String()},
    "files": {
        "mime_type": pl.String(),
        "filename": pl.String(),
        "source": pl.String(),
        "seen_bytes": pl.UInt64(),
        "sha256": pl.String(),
        "sha1": pl.String(),
        "md5": pl.String(),
    },
    "notice": {"note": pl.String(), "msg": pl.String(), "src": pl.String(), "id.orig_h": pl.String()},
    "weird": {"name": pl.String(), "id.orig_h": pl.String()},
}
"""By log; a log without them all is shown with nulls."""


def shaped(logs: Mapping[str, pl.LazyFrame], log: str) -> pl.LazyFrame | None:
    """Give the columns of a log that the page shows; None where there is no such log.

    What does not fit its type is null, and so is a time that no calendar has.

    >>> shaped({"weird": pl.LazyFrame({"name": ["odd"]})}, "weird").collect().rows()
    [('odd', None)]
    """
    if log not in logs:
        return None
    there = logs[log].collect_schema()
    return logs[log].select(_column(name, dtype, there) for name, dtype in COLUMNS[log].items())


def _column(name: str, dtype: pl.DataType, there: pl.Schema) -> pl.Expr:
    if name not in there or there[name].is_nested():
        return pl.lit(None, dtype).alias(name)
    column = pl.col(name).cast(dtype, strict=False)
    if dtype == TIME:
        return pl.when(column.is_between(FIRST, LAST)).then(column).alias(name)
    return column
