"""Connections of a capture gathered by host, pair, port and service: the rows that its features aggregate.

Which host, port or service it was matters to no feature; names and addresses only tell rows apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.connection.state import HALF_OPEN, REJECTED
from ptml.features.expressions import BYTE_CAP, PRIVATE

if TYPE_CHECKING:
    from ptml.features.family import Logs

SOURCE, DESTINATION, PORT = "id.orig_h", "id.resp_h", "id.resp_p"
_SIZES = ("orig_bytes", "resp_bytes")
_US_PER_HOUR = 3_600_000_000


def by_source(logs: Logs) -> pl.LazyFrame:
    """Originators, each with its ``connections`` and the ``destinations`` that it contacts.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.orig_h": ["a", "a", "b"], "id.resp_h": ["x", "y", "x"]})
    >>> by_source({"conn": conn}).sort("connections").select("connections", "destinations").collect().rows()
    [(1, 1), (2, 2)]
    """
    pairs = _counted(logs, SOURCE, DESTINATION)
    sums = pl.col("connections", *_there(pairs, "sent", "received")).sum()
    return pairs.group_by("capture_id", SOURCE).agg(sums, pl.len().alias("destinations"))


def by_destination(logs: Logs) -> pl.LazyFrame:
    """Responders: ``connections``, ``bytes`` both ways, ``private``, ``answered`` with payload, ``late``.

    A destination is late when its first connection starts in the second half of the capture's time;
    ``hours`` is that time.

    >>> ts = pl.Series([0, 9, 9]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"capture_id": "c", "ts": ts, "id.resp_h": ["10.0.0.1", "10.0.0.1", "8.8.8.8"]})
    >>> by_destination({"conn": conn}).select("connections", "private", "late").sort("late").collect().rows()
    [(2, True, False), (1, False, True)]
    """
    conn = logs["conn"]
    known = conn.filter(pl.col(DESTINATION).is_not_null())
    private = pl.col(DESTINATION).str.contains(PRIVATE).alias("private")
    answered = [(pl.col(name) > 0).alias("answered") for name in _there(conn, "resp_bytes")]
    rows = known.select("capture_id", "ts", _code(DESTINATION), private, *_bytes(conn), *answered)
    one = pl.col("private", *_there(rows, "answered")).max()
    grouped = rows.group_by("capture_id", DESTINATION).agg(
        one, *_byte_sums(rows), pl.col("ts").min().alias("first"), pl.len().alias("connections")
    )
    start, end = pl.col("ts").min().alias("start"), pl.col("ts").max().alias("end")
    spans = conn.select("capture_id", "ts").group_by("capture_id").agg(start, end)
    late = ((pl.col("first") - pl.col("start")) * 2 > pl.col("end") - pl.col("start")).alias("late")
    hours = (pl.col("end") - pl.col("start")).dt.total_microseconds() / _US_PER_HOUR
    joined = grouped.join(spans, on="capture_id", nulls_equal=True)
    return joined.with_columns(late, hours.alias("hours")).drop("first", "start", "end")


def by_host(logs: Logs) -> pl.LazyFrame:
    """Hosts on either side: whether each ``starts`` connections, ``receives`` some, and is ``private``.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.orig_h": ["10.0.0.1"], "id.resp_h": ["192.0.2.1"]})
    >>> by_host({"conn": conn}).select("starts", "receives", "private").sort("starts").collect().rows()
    [(False, True, False), (True, False, True)]
    """
    sides = [
        logs["conn"].select(
            "capture_id",
            pl.col(side).cast(pl.String).alias("host"),
            pl.lit(side == SOURCE).alias("starts"),
            pl.lit(side == DESTINATION).alias("receives"),
        )
        for side in (SOURCE, DESTINATION)
    ]
    rows = pl.concat(sides).filter(pl.col("host").is_not_null())
    private = pl.col("host").str.contains(PRIVATE).alias("private")
    hosts = rows.group_by("capture_id", "host").agg(pl.col("starts", "receives").max())
    return hosts.select("capture_id", "starts", "receives", private)


def by_hosts(logs: Logs) -> pl.LazyFrame:
    """Pairs of originator and responder: ``connections``, and payload ``sent`` and ``received``.

    >>> hosts = {"id.orig_h": ["a", "a"], "id.resp_h": ["x", "x"]}
    >>> conn = pl.LazyFrame({"capture_id": "c", **hosts, "orig_bytes": [1, 2], "resp_bytes": [5, None]})
    >>> by_hosts({"conn": conn}).select("connections", "sent", "received").collect().row(0)
    (2, 3, 5)
    """
    return _counted(logs, SOURCE, DESTINATION)


def by_port(logs: Logs) -> pl.LazyFrame:
    """TCP and UDP ports of responders, each with its ``connections`` and ``bytes``.

    >>> conn = pl.LazyFrame({"capture_id": "c", "proto": "tcp", "id.resp_p": [80, 80, 443]})
    >>> by_port({"conn": conn}).select("connections").sort("connections").collect()["connections"].to_list()
    [1, 2]
    """
    return _counted(logs, PORT)


def by_service(logs: Logs) -> pl.LazyFrame | None:
    """Application protocols as Zeek names them, each with its ``connections`` and ``bytes``.

    >>> conn = pl.LazyFrame({"capture_id": "c", "service": ["ssl", "ssl", None]})
    >>> by_service({"conn": conn}).select("connections").collect()["connections"].to_list()
    [2]
    """
    return _counted(logs, "service") if _there(logs["conn"], "service") else None


def horizontal(logs: Logs) -> pl.LazyFrame:
    """Originators and ports, each with the ``destinations`` contacted on it, and how many of them ``failed``.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.orig_h": "a", "id.resp_h": ["x", "y"], "id.resp_p": 22})
    >>> horizontal({"conn": conn}).collect()["destinations"].to_list()
    [2]
    """
    return _scans(logs, PORT, "destinations")


def vertical(logs: Logs) -> pl.LazyFrame:
    """Pairs of hosts, each with the ``ports`` contacted, and how many of them ``failed``.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.orig_h": "a", "id.resp_h": "x", "id.resp_p": [22, 23]})
    >>> vertical({"conn": conn}).collect()["ports"].to_list()
    [2]
    """
    return _scans(logs, DESTINATION, "ports")


def _scans(logs: Logs, fixed: str, counted: str) -> pl.LazyFrame:
    """Count targets; one failed when all of its connections, of known state, were refused or unanswered."""
    triples = _counted(logs, SOURCE, DESTINATION, PORT)
    failed = [pl.col(name).sum() for name in _there(triples, "failed")]
    return triples.group_by("capture_id", SOURCE, fixed).agg(pl.len().alias(counted), *failed)


def _code(address: str) -> pl.Expr:
    """A string as 32 bits, for counting: which one it was does not matter here."""
    return pl.col(address).cast(pl.Categorical).to_physical().alias(address)


def _there(frame: pl.LazyFrame, *columns: str) -> list[str]:
    present = frame.collect_schema()
    return [name for name in columns if name in present]


def _capped(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.UInt64).clip(upper_bound=BYTE_CAP)


def _bytes(conn: pl.LazyFrame) -> list[pl.Expr]:
    """Payload: ``sent``, ``received`` and ``bytes`` both ways, each at most 1 TiB; none if a count lacks."""
    if len(_there(conn, *_SIZES)) < len(_SIZES):
        return []
    sent, received = (_capped(name) for name in _SIZES)
    both = pl.sum_horizontal(sent, received).clip(upper_bound=BYTE_CAP)
    known = pl.any_horizontal(pl.col(_SIZES).is_not_null())
    return [sent.alias("sent"), received.alias("received"), pl.when(known).then(both).alias("bytes")]


def _byte_sums(rows: pl.LazyFrame) -> list[pl.Expr]:
    return [
        pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
        for name in _there(rows, "sent", "received", "bytes")
    ]


def _counted(logs: Logs, *columns: str) -> pl.LazyFrame:
    """Distinct values of the columns in each capture, with their connections; unknown and ICMP left out."""
    conn = logs["conn"].filter(pl.all_horizontal(pl.col(name).is_not_null() for name in columns))
    if PORT in columns and _there(conn, "proto"):
        conn = conn.filter(pl.col("proto").ne_missing("icmp"))
    values = [pl.col(name) if name == PORT else _code(name) for name in columns]
    lost = [pl.col(name).is_in(HALF_OPEN + REJECTED).alias("failed") for name in _there(conn, "conn_state")]
    rows = conn.select("capture_id", *values, *_bytes(conn), *lost)
    failed = [pl.when(pl.col(name).count() > 0).then(pl.col(name).all()) for name in _there(rows, "failed")]
    return rows.group_by("capture_id", *columns).agg(
        pl.len().alias("connections"), *_byte_sums(rows), *failed
    )
