"""Leases and tunnels: over a connection's rows of dhcp.log and tunnel.log, and conn.log's tunnels."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, at_most
from ptml.features.family import family

LOOSE = ("GRE", "IP", "GTPv1", "VXLAN", "Geneve")
"""Tunnels of networks, not of hosts."""


def dhcp_messages() -> pl.Expr:
    """Most messages in one exchange.

    Unit: messages. Type: UInt8. Range: 0 to 255, where it saturates. Logs: dhcp. Scope: connection.
    Null: no message known. Source: Zeek dhcp.log.

    >>> pl.DataFrame({"msg_types": [["DISCOVER", "OFFER"]]}).select(dhcp_messages()).item()
    2
    """
    return at_most(pl.col("msg_types").list.len().max(), BYTE)


def dhcp_host_named() -> pl.Expr:
    """The client told its name.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dhcp. Scope: connection.
    Null: no row in dhcp.log. Source: RFC 2132, section 3.14.

    >>> pl.DataFrame({"host_name": ["pc-7", None]}).select(dhcp_host_named()).item()
    True
    """
    return pl.col("host_name").is_not_null().max()


def dhcp_refused() -> pl.Expr:
    """A server refused an address, or a client found it taken.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dhcp. Scope: connection.
    Null: no message known. Source: RFC 2131.

    >>> pl.DataFrame({"msg_types": [["REQUEST", "NAK"]]}).select(dhcp_refused()).item()
    True
    """
    return pl.col("msg_types").list.eval(pl.element().is_in(["NAK", "DECLINE"])).list.any().max()


def tunnel_of_networks() -> pl.Expr:
    """The connection is a tunnel between networks (GRE, GTP, VXLAN), not of one host (Teredo, SOCKS).

    Unit: flag. Type: Boolean. Range: true, false. Logs: tunnel. Scope: connection.
    Null: not logged as a tunnel. Source: Zeek tunnel.log.

    >>> pl.DataFrame({"tunnel_type": ["Tunnel::GRE"]}).select(tunnel_of_networks()).item()
    True
    """
    return pl.col("tunnel_type").str.replace("Tunnel::", "", literal=True).is_in(LOOSE).max()


def tunnel_proxy() -> pl.Expr:
    """The connection is a tunnel by a proxy: SOCKS or HTTP CONNECT.

    Unit: flag. Type: Boolean. Range: true, false. Logs: tunnel. Scope: connection.
    Null: not logged as a tunnel. Source: Zeek tunnel.log.

    >>> pl.DataFrame({"tunnel_type": ["Tunnel::TEREDO"]}).select(tunnel_proxy()).item()
    False
    """
    return pl.col("tunnel_type").str.contains("SOCKS|HTTP").max()


def in_tunnel() -> pl.Expr:
    """The connection ran inside another one that is a tunnel.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: the field is not in the log. Source: Zeek conn.log.

    >>> pl.DataFrame({"tunnel_parents": [["C9"]]}).select(in_tunnel()).item()
    True
    """
    return pl.col("tunnel_parents").list.len().fill_null(0) > 0


DHCP = family(
    "dhcp",
    (
        dhcp_messages,
        dhcp_host_named,
        dhcp_refused,
    ),
    rows_of("dhcp", "uids"),
)
TUNNELS = family(
    "tunnel",
    (
        tunnel_of_networks,
        tunnel_proxy,
    ),
    rows_of("tunnel"),
)
TUNNELED = family(
    "tunnel",
    (in_tunnel,),
    None,
)
