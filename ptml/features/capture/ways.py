"""Which way the connections of a capture run and how they end: over all rows of conn.log."""

from __future__ import annotations

import polars as pl

from ptml.features.capture.traffic import conn_rows
from ptml.features.connection.addresses import ipv6, resp_group
from ptml.features.expressions import share
from ptml.features.family import family

_RESET = ("RSTO", "RSTR")


def inbound_share() -> pl.Expr:
    """Share of the connections from a public address to a private one.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 1918.

    >>> pl.DataFrame({"inbound": [True, False, None]}).select(inbound_share()).item()
    0.5
    """
    return share(pl.col("inbound"))


def group_share() -> pl.Expr:
    """Share of the connections to a multicast address or limited broadcast.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 5771; RFC 919.

    >>> pl.DataFrame({"id.resp_h": ["224.0.0.251", "8.8.8.8", None]}).select(group_share()).item()
    0.5
    """
    return share(resp_group())


def ipv6_share() -> pl.Expr:
    """Share of the connections that run over IPv6.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 8200.

    >>> pl.DataFrame({"id.resp_h": ["fe80::1", "10.0.0.1", None]}).select(ipv6_share()).item()
    0.5
    """
    return share(ipv6())


def reset_share() -> pl.Expr:
    """Share of the connections that were established and then reset.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no state known. Source: Zeek conn.log.

    >>> pl.DataFrame({"conn_state": ["RSTO", "SF", "RSTR", "S0"]}).select(reset_share()).item()
    0.5
    """
    return share(pl.col("conn_state").is_in(_RESET))


def unclosed_share() -> pl.Expr:
    """Share of the connections that were established and not closed while the sensor looked.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no state known. Source: Zeek conn.log.

    >>> pl.DataFrame({"conn_state": ["S1", "SF"]}).select(unclosed_share()).item()
    0.5
    """
    return share(pl.col("conn_state") == "S1")


def midstream_share() -> pl.Expr:
    """Share of the connections of which the sensor saw no beginning.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no state known. Source: Zeek conn.log.

    >>> pl.DataFrame({"conn_state": ["OTH", "SF"]}).select(midstream_share()).item()
    0.5
    """
    return share(pl.col("conn_state") == "OTH")


def normal_end_share() -> pl.Expr:
    """Share of the connections that were established and closed in order.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no state known. Source: Zeek conn.log.

    >>> pl.DataFrame({"conn_state": ["SF", "S1"]}).select(normal_end_share()).item()
    0.5
    """
    return share(pl.col("conn_state") == "SF")


WAYS = family(
    "ways",
    (
        inbound_share,
        group_share,
        ipv6_share,
        reset_share,
        unclosed_share,
        midstream_share,
        normal_end_share,
    ),
    conn_rows,
    ("capture_id",),
)
