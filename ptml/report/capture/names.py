"""The names that were asked for and met: most frequent, rarest, longest; and the name of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from ptml.report.capture.shapes import shaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row: TypeAlias = dict[str, Any]

SHOWN = 12
ASKED = (("dns", "query"),)
MET = (("ssl", "server_name"), ("quic", "server_name"))
NAMED = (*MET, ("http", "host"), *ASKED)
"""Where a connection's name stands, the best first."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one kind.

    Attributes:
        distinct: How many there are.
        lists: Title of a list → its rows: ``name``, ``times``, ``clients``, ``length``, ``failed``.
    """

    distinct: int
    lists: Mapping[str, Sequence[Row]]


def asked_names(logs: Mapping[str, pl.LazyFrame]) -> Names | None:
    """List the names asked for in DNS; None where there is no dns.log."""
    return _names(logs, ASKED)


def met_names(logs: Mapping[str, pl.LazyFrame]) -> Names | None:
    """List the server names of TLS and QUIC; None where neither has a log."""
    return _names(logs, MET)


def _names(logs: Mapping[str, pl.LazyFrame], where: Sequence[tuple[str, str]]) -> Names | None:
    parts = []
    for log, column in where:
        frame = shaped(logs, log)
        if frame is not None:
            failed = pl.col("rcode_name") == "NXDOMAIN" if log == "dns" else pl.lit(None, pl.Boolean)
            name = pl.col(column).alias("name")
            parts.append(frame.select(name, pl.col("id.orig_h").alias("client"), failed.alias("failed")))
    if not parts:
        return None
    table = pl.concat(parts).filter(pl.col("name").str.len_bytes() > 0)
    counted = table.group_by("name").agg(
        pl.len().alias("times"),
        pl.col("client").n_unique().alias("clients"),
        pl.col("failed").sum().alias("failed"),
        pl.col("name").first().str.len_chars().alias("length"),
    )
    orders = {
        "Most frequent": (["times", "clients"], [True, True]),
        "Rarest": (["times", "clients"], [False, False]),
        "Longest": (["length"], [True]),
    }
    queries = [
        counted.sort([*by, "name"], descending=[*down, False]).head(SHOWN) for by, down in orders.values()
    ]
    distinct, *found = pl.collect_all([counted.select(pl.len()), *queries], engine="streaming")
    lists = {title: table.to_dicts() for title, table in zip(orders, found, strict=True)}
    return Names(distinct.item(), lists)


def connection_names(logs: Mapping[str, pl.LazyFrame], uids: pl.LazyFrame) -> pl.LazyFrame:
    """Name connections by what their other logs call the destination: ``capture_id, uid, name``.

    Args:
        logs: All logs.
        uids: The connections: ``capture_id``, ``uid``.
    """
    parts = []
    for rank, (log, column) in enumerate(NAMED):
        frame = shaped(logs, log)
        if frame is not None:
            of = ("capture_id", "uid", pl.col(column).alias("name"), pl.lit(rank).alias("rank"))
            parts.append(frame.select(of).filter(pl.col("name").str.len_bytes() > 0))
    if not parts:
        return uids.select("capture_id", "uid", pl.lit(None, pl.String).alias("name"))
    named = pl.concat(parts).join(uids, on=["capture_id", "uid"], how="semi", nulls_equal=True)
    return named.group_by("capture_id", "uid").agg(pl.col("name").sort_by("rank", "name").first())
