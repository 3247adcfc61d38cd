"""How much a capture holds, and between which sides: over all rows of conn.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.addresses import direction
from ptml.features.connection.service import PROTOCOLS
from ptml.features.expressions import ratio, share, total
from ptml.features.family import Logs, family

_US_PER_S = 1_000_000


def conn_rows(logs: Logs) -> pl.LazyFrame:
    """Rows of conn.log, with whether each is ``outbound``, ``inbound`` or ``internal``.

    >>> conns = pl.LazyFrame({"id.orig_h": ["10.0.0.1", "10.0.0.1"], "id.resp_h": ["8.8.8.8", "10.0.0.2"]})
    >>> conn_rows({"conn": conns}).select("outbound", "internal").collect().rows()
    [(True, False), (False, True)]
    """
    way = direction()
    return logs["conn"].with_columns(
        (way == side).alias(side) for side in ("outbound", "internal", "inbound")
    )


def connections() -> pl.Expr:
    """Connections in the capture.

    Unit: connections. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: never. Source: NetFlow practice.

    >>> pl.DataFrame({"uid": ["C1", "C2"]}).select(connections()).item()
    2
    """
    return pl.len()


def span_seconds() -> pl.Expr:
    """Time from the start of the first connection to that of the last.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no time known. Source: NetFlow practice.

    >>> from datetime import datetime
    >>> ts = [datetime(2026, 1, 1, 0, 1), datetime(2026, 1, 1, 0, 0)]
    >>> pl.DataFrame({"ts": ts}).select(span_seconds()).item()
    60.0
    """
    return (pl.col("ts").max() - pl.col("ts").min()).dt.total_microseconds() / _US_PER_S


def connections_per_s() -> pl.Expr:
    """Connections over the span of their starts.

    Unit: connections a second. Type: Float32. Range: above 0. Logs: conn. Scope: capture.
    Null: all start at once. Source: NetFlow practice.

    >>> from datetime import datetime
    >>> ts = [datetime(2026, 1, 1, 0, 0, 0), datetime(2026, 1, 1, 0, 0, 4)]
    >>> pl.DataFrame({"ts": ts}).select(connections_per_s()).item()
    0.5
    """
    return ratio(pl.len().cast(pl.Float64), span_seconds())


def total_orig_bytes() -> pl.Expr:
    """Payload bytes that all originators sent, each count taken as at most 1 TiB.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: NetFlow practice.

    >>> pl.DataFrame({"orig_bytes": [3, 4, None]}).select(total_orig_bytes()).item()
    7
    """
    return total("orig_bytes")


def total_resp_bytes() -> pl.Expr:
    """Payload bytes that all responders sent, each count taken as at most 1 TiB.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: NetFlow practice.

    >>> pl.DataFrame({"resp_bytes": [3, 4, None]}).select(total_resp_bytes()).item()
    7
    """
    return total("resp_bytes")


def total_orig_share() -> pl.Expr:
    """Share of the capture's payload that originators sent: high when data leaves.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known in either direction, or no payload. Source: producer-consumer ratio, Bullard and
    Gerth 2014, taken over the capture.

    >>> pl.DataFrame({"orig_bytes": [1, 2], "resp_bytes": [4, 5]}).select(total_orig_share()).item()
    0.25
    """
    sent = total("orig_bytes").cast(pl.Float64)
    return ratio(sent, sent + total("resp_bytes").cast(pl.Float64))


def median_orig_bytes() -> pl.Expr:
    """Median payload of the originator in a connection.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: NetFlow practice.

    >>> pl.DataFrame({"orig_bytes": [1, 9, 2, None]}).select(median_orig_bytes()).item()
    2.0
    """
    return pl.col("orig_bytes").median()


def tcp_share() -> pl.Expr:
    """Share of the connections that are TCP.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no protocol known. Source: NetFlow practice.

    >>> pl.DataFrame({"proto": ["tcp", "udp", None]}).select(tcp_share()).item()
    0.5
    """
    return share(pl.col("proto") == PROTOCOLS[0])


def icmp_share() -> pl.Expr:
    """Share of the connections that are ICMP.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no protocol known. Source: NetFlow practice.

    >>> pl.DataFrame({"proto": ["tcp", "icmp", None]}).select(icmp_share()).item()
    0.5
    """
    return share(pl.col("proto") == PROTOCOLS[2])


def outbound_share() -> pl.Expr:
    """Share of the connections from a private address to a public one.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 1918.

    >>> pl.DataFrame({"outbound": [True, False, None]}).select(outbound_share()).item()
    0.5
    """
    return share(pl.col("outbound"))


def internal_share() -> pl.Expr:
    """Share of the connections between two private addresses.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 1918.

    >>> pl.DataFrame({"internal": [True, False, None]}).select(internal_share()).item()
    0.5
    """
    return share(pl.col("internal"))


TRAFFIC = family(
    "traffic",
    (
        connections,
        span_seconds,
        connections_per_s,
        total_orig_bytes,
        total_resp_bytes,
        total_orig_share,
        median_orig_bytes,
        tcp_share,
        icmp_share,
        outbound_share,
        internal_share,
    ),
    conn_rows,
    ("capture_id",),
)
