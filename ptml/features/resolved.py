"""By which name a host had found the address that it connects to: answers in dns.log before it connects.

An answer is known from the time of its question plus the round trip, and a connection has found its address
by it if it starts then or later. Answers are joined by address and time, share by share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.names import FACTS, LONGEST, name_facts

if TYPE_CHECKING:
    from ptml.features.family import Logs

READS = ("capture_id", "id.resp_h", "id.orig_h", "ts")
TOGETHER = ("capture_id", "id.resp_h")
SCHEMA: dict[str, pl.DataType] = {
    "resolved": pl.Boolean(),
    "resolved_by_any": pl.Boolean(),
    "since": pl.Float32(),
    **{name: dtype for name, dtype in FACTS.items() if name != "registered"},
}
_ADDRESS = "^[0-9a-f.:]{2,45}$"
_LONGEST_WAIT = 1e9  # seconds: a round trip beyond it is nonsense, and would overflow the clock
_US_PER_S = 1_000_000


def answers(logs: Logs) -> dict[str, pl.LazyFrame]:
    """Tables of what is known of addresses: empty without a dns.log that has questions and answers.

    ``answers`` has a row for each address in an answer: the address as ``id.resp_h``, who had asked
    (``asked_by``), ``query``, and when it was known (``at``). ``dns_captures`` tells when the first row of
    each capture's dns.log came (``seen``): before it, it is not known whether a name was resolved.

    >>> from datetime import datetime
    >>> dns = pl.LazyFrame({"capture_id": "c1", "ts": [datetime(2026, 1, 1)], "id.orig_h": "10.0.0.5",
    ...                     "query": "a.com", "answers": [["b.com", "192.0.2.1"]], "rtt": 0.5})
    >>> answers({"dns": dns})["answers"].select("id.resp_h", "query").collect().rows()
    [('192.0.2.1', 'a.com')]
    """
    if "dns" not in logs:
        return {}
    dns = logs["dns"]
    present = dns.collect_schema().names()
    if not {"ts", "query", "answers", "id.orig_h"} <= set(present):
        return {}
    # Zeek before 2.5 does not log the round trip: then the answer is taken to have come at once.
    wait = pl.col("rtt").fill_null(0.0).clip(0.0) if "rtt" in present else pl.lit(0.0)
    table = (
        dns.filter(pl.col("query").is_not_null() & (pl.col("answers").list.len() > 0))
        .select(
            "capture_id",
            pl.col("id.orig_h").alias("asked_by"),
            pl.col("query").str.tail(LONGEST),
            pl.col("ts").dt.epoch("us").alias("at"),
            wait.alias("wait"),
            pl.col("answers").alias("id.resp_h"),
        )
        .filter(pl.col("wait") <= _LONGEST_WAIT)
        .explode("id.resp_h")
        .filter(pl.col("id.resp_h").str.contains(_ADDRESS))
        .select(
            "capture_id",
            "id.resp_h",
            "asked_by",
            "query",
            at=pl.col("at") + (pl.col("wait") * _US_PER_S).round().cast(pl.Int64),
        )
        .drop_nulls("at")
    )
    seen = dns.group_by("capture_id").agg(pl.col("ts").min().alias("seen"))
    return {"answers": table, "dns_captures": seen}


def resolved_columns(logs: Logs) -> pl.LazyFrame | None:
    """Tell of each connection by which name its responder's address had been found; in conn's order.

    Args:
        logs: conn, and what :func:`answers` gives.

    Returns:
        One row for each of conn's: ``resolved`` for its own originator and ``resolved_by_any`` host, seconds
        ``since`` the latest answer to the originator that holds the address, and the measures of the name
        that was asked then (see ``name_facts``); of several names in the same microsecond the alphabetically
        first. All null where an address or the time is unset or no row of dns.log had come; None if there
        are no answers to look at.

    >>> conn = pl.LazyFrame({"capture_id": "c1", "ts": [3_000_000, 5_000_000], "id.orig_h": "10.0.0.5",
    ...                      "id.resp_h": "192.0.2.1"}).cast({"ts": pl.Datetime("us", "UTC")})
    >>> known = pl.LazyFrame({"capture_id": "c1", "id.resp_h": ["192.0.2.1"], "asked_by": ["10.0.0.5"],
    ...                       "query": "a.com", "at": [4_000_000]})
    >>> captures = pl.LazyFrame({"capture_id": "c1", "seen": [0]}).cast({"seen": pl.Datetime("us")})
    >>> tables = {"conn": conn, "answers": known, "dns_captures": captures}
    >>> resolved_columns(tables).select("resolved", "since").collect().rows()
    [(False, None), (True, 1.0)]
    """
    conn = logs["conn"]
    if "answers" not in logs:
        return None
    rows = (
        conn.select(_no_null("capture_id"), "id.resp_h", "id.orig_h", pl.col("ts").dt.epoch("us"))
        .with_row_index("row")
        .join(
            logs["dns_captures"].select(_no_null("capture_id"), pl.col("seen").dt.epoch("us")),
            on="capture_id",
            how="left",
            maintain_order="left",
        )
    )
    known = logs["answers"].with_columns(_no_null("capture_id"))
    # Join by value and time: both sides are put in order of time, and conn back in its own at the end.
    hosts = known.group_by("capture_id", "id.resp_h", "asked_by", "at").agg(pl.col("query").min())
    found = (
        rows.sort("ts", "row")
        .join_asof(
            hosts.drop_nulls("asked_by").sort("at"),
            left_on="ts",
            right_on="at",
            by_left=["capture_id", "id.resp_h", "id.orig_h"],
            by_right=["capture_id", "id.resp_h", "asked_by"],
            strategy="backward",
            check_sortedness=False,
        )
        .join(
            known.group_by("capture_id", "id.resp_h").agg(pl.col("at").min().alias("first")),
            on=["capture_id", "id.resp_h"],
            how="left",
        )
        .sort("row")
    )
    usable = (pl.col("seen") <= pl.col("ts")) & pl.all_horizontal(
        pl.col("id.resp_h", "id.orig_h", "ts").is_not_null()
    )
    measured = found.select(
        pl.when(usable).then(pl.col("at").is_not_null()).alias("resolved"),
        pl.when(usable).then((pl.col("first") <= pl.col("ts")).fill_null(False)).alias("resolved_by_any"),
        ((pl.col("ts") - pl.col("at")) / _US_PER_S).cast(pl.Float32).alias("since"),
        name_facts(pl.col("query")).alias("facts"),
    )
    return measured.unnest("facts").select(*SCHEMA)


def _no_null(column: str) -> pl.Expr:
    """Joins by time do not match nulls; a table without captures is one capture."""
    return pl.col(column).fill_null("")
