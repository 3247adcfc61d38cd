"""Rows of a log that belong to connections, for the families that aggregate them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.features.family import Logs


def rows_of(log: str, several: str | None = None) -> Callable[[Logs], pl.LazyFrame | None]:
    """Make the function that gives a family its rows: those of a log that name a connection.

    Args:
        log: Name of the log.
        several: Column that lists several connections in one row, where a version of Zeek writes such a one:
            the row counts for each of them, once, and ``uid`` counts where the list is unset.

    >>> dhcp = pl.LazyFrame({"capture_id": "c1", "uids": [["C1", "C2", "C1"], None]})
    >>> rows_of("dhcp", "uids")({"dhcp": dhcp}).collect()["uid"].sort().to_list()
    ['C1', 'C2']
    >>> rows_of("ssh")({}) is None
    True
    """

    def rows(logs: Logs) -> pl.LazyFrame | None:
        if log not in logs:
            return None
        frame = logs[log]
        present = frame.collect_schema().names()
        if several in present and several is not None:
            uid = pl.col(several).list.unique()
            if "uid" in present:
                uid = pl.coalesce(uid, pl.concat_list("uid"))
            return frame.with_columns(uid.alias("uid")).drop(several).explode("uid").drop_nulls("uid")
        return frame.drop_nulls("uid") if "uid" in present else None

    return rows


def with_shares(
    make: Callable[[Logs], pl.LazyFrame | None], *columns: str
) -> Callable[[Logs], pl.LazyFrame | None]:
    """Add to a family's rows, for each column, the share of the capture's rows that have the row's value.

    Args:
        make: Makes the rows.
        columns: Columns, of which ``NAME_share`` is added where NAME is there; null where the value is, and
            rows without a value do not count.

    >>> ssl = pl.LazyFrame({"capture_id": "c1", "uid": ["C1", "C2", "C3"], "ja3": ["aa", "aa", "bb"]})
    >>> rows = with_shares(rows_of("ssl"), "ja3", "ja4")({"ssl": ssl}).collect()
    >>> rows.sort("uid")["ja3_share"].round(2).to_list()
    [0.67, 0.67, 0.33]
    """

    def rows(logs: Logs) -> pl.LazyFrame | None:
        frame = make(logs)
        if frame is None:
            return None
        present = frame.collect_schema().names()
        result = frame
        for name in (column for column in columns if column in present):
            counts = frame.drop_nulls(name).group_by("capture_id", name).agg(pl.len().alias("rows"))
            whole = counts.group_by("capture_id").agg(pl.col("rows").sum().alias("all"))
            share = (pl.col("rows") / pl.col("all")).alias(f"{name}_share")
            shares = counts.join(whole, on="capture_id", nulls_equal=True).select("capture_id", name, share)
            result = result.join(shares, on=["capture_id", name], how="left", nulls_equal=True)
        return result

    return rows
