"""What Zeek itself found odd or worth a notice in a capture: over kinds in weird.log and notice.log."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import top_share
from ptml.features.family import Logs, family


def by_weird(logs: Logs) -> pl.LazyFrame | None:
    """Names of oddities, each with its ``weirds``.

    >>> weird = pl.LazyFrame({"capture_id": "c", "name": ["data_before_established"] * 2})
    >>> by_weird({"weird": weird}).collect()["weirds"].to_list()
    [2]
    """
    return _counted(logs, "weird", "name", "weirds")


def by_notice(logs: Logs) -> pl.LazyFrame | None:
    """Kinds of notices, each with its ``notices``.

    >>> notice = pl.LazyFrame({"capture_id": "c", "note": ["Scan::Port_Scan", None]})
    >>> by_notice({"notice": notice}).collect()["notices"].to_list()
    [1]
    """
    return _counted(logs, "notice", "note", "notices")


def _counted(logs: Logs, log: str, column: str, counts: str) -> pl.LazyFrame | None:
    if log not in logs or column not in logs[log].collect_schema():
        return None
    rows = logs[log].select("capture_id", column).drop_nulls(column)
    return rows.group_by("capture_id", column).agg(pl.len().alias(counts))


def oddities() -> pl.Expr:
    """Oddities that Zeek noted.

    Unit: oddities. Type: UInt32. Range: 1 or more. Logs: weird. Scope: capture.
    Null: no row in weird.log. Source: Zeek weird.log.

    >>> pl.DataFrame({"weirds": [3, 1]}).select(oddities()).item()
    4
    """
    return pl.col("weirds").sum()


def kinds_of_oddity() -> pl.Expr:
    """Distinct kinds of oddities that Zeek noted.

    Unit: kinds. Type: UInt32. Range: 1 or more. Logs: weird. Scope: capture.
    Null: no row in weird.log. Source: Zeek weird.log.

    >>> pl.DataFrame({"weirds": [3, 1]}).select(kinds_of_oddity()).item()
    2
    """
    return pl.len()


def top_oddity_share() -> pl.Expr:
    """Share of the oddities that are of the most common kind.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: weird. Scope: capture.
    Null: no row in weird.log. Source: Zeek weird.log.

    >>> pl.DataFrame({"weirds": [3, 1]}).select(top_oddity_share()).item()
    0.75
    """
    return top_share(pl.col("weirds"))


def capture_notices() -> pl.Expr:
    """Notices that Zeek raised.

    Unit: notices. Type: UInt32. Range: 1 or more. Logs: notice. Scope: capture.
    Null: no row in notice.log. Source: Zeek notice framework.

    >>> pl.DataFrame({"notices": [3, 1]}).select(capture_notices()).item()
    4
    """
    return pl.col("notices").sum()


def kinds_of_notice() -> pl.Expr:
    """Distinct kinds of notices that Zeek raised.

    Unit: kinds. Type: UInt32. Range: 1 or more. Logs: notice. Scope: capture.
    Null: no row in notice.log. Source: Zeek notice framework.

    >>> pl.DataFrame({"notices": [3, 1]}).select(kinds_of_notice()).item()
    2
    """
    return pl.len()


_KEY = ("capture_id",)
ODDITIES = (
    family("oddities", (oddities, kinds_of_oddity, top_oddity_share), by_weird, _KEY, condensed=True),
    family("oddities", (capture_notices, kinds_of_notice), by_notice, _KEY, condensed=True),
)
