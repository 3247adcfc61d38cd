"""What kind of addresses a connection joins; never the addresses themselves."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import BROADCAST, MULTICAST, PRIVATE
from ptml.features.family import family

_DIGITS = "0123456789"
DIRECTIONS = pl.Enum(["internal", "outbound", "inbound", "external", "group"])


def orig_private() -> pl.Expr:
    """The originator's address is not reachable from the internet.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: unset. Source: RFC 1918; RFC 6890; RFC 4193.

    >>> pl.DataFrame({"id.orig_h": ["10.0.0.1", "8.8.8.8"]}).select(orig_private()).to_series().to_list()
    [True, False]
    """
    return pl.col("id.orig_h").str.contains(PRIVATE)


def resp_private() -> pl.Expr:
    """The responder's address is not reachable from the internet.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: unset. Source: RFC 1918; RFC 6890; RFC 4193.

    >>> pl.DataFrame({"id.resp_h": ["172.31.0.1", "172.32.0.1"]}).select(resp_private()).to_series().to_list()
    [True, False]
    """
    return pl.col("id.resp_h").str.contains(PRIVATE)


def resp_group() -> pl.Expr:
    """The responder's address stands for many hosts: multicast or limited broadcast.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: unset. Source: RFC 5771; RFC 4291; RFC 919.

    >>> conns = pl.DataFrame({"id.resp_h": ["224.0.0.251", "ff02::fb", "255.255.255.255", "8.8.8.8"]})
    >>> conns.select(resp_group()).to_series().to_list()
    [True, True, True, False]
    """
    return pl.col("id.resp_h").str.contains(f"{MULTICAST}|{BROADCAST}")


def ipv6() -> pl.Expr:
    """The connection runs over IPv6.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: unset. Source: RFC 8200.

    >>> pl.DataFrame({"id.resp_h": ["fe80::1", "10.0.0.1"]}).select(ipv6()).to_series().to_list()
    [True, False]
    """
    return pl.col("id.resp_h").str.contains(":", literal=True)


def same_subnet() -> pl.Expr:
    """Both addresses share their first 24 bits.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: an address is unset or not IPv4. Source: RFC 4632.

    >>> conns = pl.DataFrame(
    ...     {"id.orig_h": ["10.0.1.5"] * 2 + ["fe80::1"], "id.resp_h": ["10.0.1.9", "10.0.2.9", "fe80::2"]}
    ... )
    >>> conns.select(same_subnet()).to_series().to_list()
    [True, False, None]
    """
    source, target = pl.col("id.orig_h").str, pl.col("id.resp_h").str
    both_ipv4 = ~source.contains(":", literal=True) & ~target.contains(":", literal=True)
    return pl.when(both_ipv4).then(target.starts_with(source.strip_chars_end(_DIGITS)))


def direction() -> pl.Expr:
    """Between which sides of the network's edge the connection runs, private addresses being inside.

    Unit: category. Type: Enum. Range: internal, outbound, inbound, external, group. Logs: conn.
    Scope: connection. Null: an address is unset. Source: Zeek local_orig and local_resp; RFC 1918.

    >>> conns = pl.DataFrame(
    ...     {"id.orig_h": ["10.0.0.1"] * 2 + ["8.8.8.8"], "id.resp_h": ["10.0.0.2", "8.8.8.8", "10.0.0.1"]}
    ... )
    >>> conns.select(direction()).to_series().to_list()
    ['internal', 'outbound', 'inbound']
    """
    inside, target_inside = orig_private(), resp_private()
    return (
        pl.when(inside.is_null() | target_inside.is_null())
        .then(None)
        .when(resp_group())
        .then(pl.lit("group", DIRECTIONS))
        .when(inside & target_inside)
        .then(pl.lit("internal", DIRECTIONS))
        .when(inside)
        .then(pl.lit("outbound", DIRECTIONS))
        .when(target_inside)
        .then(pl.lit("inbound", DIRECTIONS))
        .otherwise(pl.lit("external", DIRECTIONS))
    )


ADDRESSES = family("addresses", (orig_private, resp_private, resp_group, ipv6, same_subnet, direction))
