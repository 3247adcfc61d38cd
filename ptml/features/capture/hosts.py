"""How a capture's traffic spreads over its hosts, what part they play in it, and how scans went."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import evenness, gini, ratio, share, top_share

_WIDE = 10
"""Destinations of one host on one port from which on it may be looking for something."""


def source_gini() -> pl.Expr:
    """How unequally the originators share the connections, as a Gini coefficient.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: Gini 1912.

    >>> pl.DataFrame({"connections": [1, 3]}).select(source_gini()).item()
    0.25
    """
    return gini(pl.col("connections"))


def median_destinations() -> pl.Expr:
    """Median count of hosts that a host contacts.

    Unit: hosts. Type: Float32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses known. Source: ptml; the host in the middle, to compare most_destinations with.

    >>> pl.DataFrame({"destinations": [1, 2, 9]}).select(median_destinations()).item()
    2.0
    """
    return pl.col("destinations").median()


def top_uploader_share() -> pl.Expr:
    """Share of all payload from originators that the host which sends most sends.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known, or no payload. Source: ptml; exfiltration has one sender.

    >>> pl.DataFrame({"sent": [3, 1, None]}).select(top_uploader_share()).item()
    0.75
    """
    return top_share(pl.col("sent"))


def destination_gini() -> pl.Expr:
    """How unequally the destinations share the connections, as a Gini coefficient.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: Gini 1912.

    >>> pl.DataFrame({"connections": [1, 3]}).select(destination_gini()).item()
    0.25
    """
    return gini(pl.col("connections"))


def destination_byte_evenness() -> pl.Expr:
    """Entropy of payload over destinations that have some, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known, or payload with one destination at most. Source: Lakhina et al. 2005, taken of
    bytes.

    >>> pl.DataFrame({"bytes": [5, 5, 0]}).select(destination_byte_evenness()).item()
    1.0
    """
    return evenness(pl.col("bytes").filter(pl.col("bytes") > 0))


def top_destination_byte_share() -> pl.Expr:
    """Share of the payload that is exchanged with one destination, the one with most.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known, or no payload. Source: NetFlow practice.

    >>> pl.DataFrame({"bytes": [3, 1, None]}).select(top_destination_byte_share()).item()
    0.75
    """
    return top_share(pl.col("bytes"))


def single_visit_share() -> pl.Expr:
    """Share of the destinations to which one connection goes.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: ptml; scanners do not come back.

    >>> pl.DataFrame({"connections": [1, 3]}).select(single_visit_share()).item()
    0.5
    """
    return share(pl.col("connections") == 1)


def public_destinations() -> pl.Expr:
    """Hosts with a public address that are contacted.

    Unit: hosts. Type: UInt32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 1918.

    >>> pl.DataFrame({"private": [True, False, False]}).select(public_destinations()).item()
    2
    """
    return (~pl.col("private")).sum()


def mute_destination_share() -> pl.Expr:
    """Share of the destinations that never answer with payload.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known. Source: ptml; scanners meet silence.

    >>> pl.DataFrame({"answered": [True, False, None]}).select(mute_destination_share()).item()
    0.5
    """
    return share(~pl.col("answered"))


def late_destination_share() -> pl.Expr:
    """Share of the destinations that are first contacted in the second half of the capture.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no times or addresses known. Source: ptml; after the first-contact rate, Schechter et al. 2004.

    >>> pl.DataFrame({"late": [True, False]}).select(late_destination_share()).item()
    0.5
    """
    return share(pl.col("late"))


def new_destinations_per_hour() -> pl.Expr:
    """Destinations, each counted at its first connection, over the hours of the capture.

    Unit: hosts an hour. Type: Float32. Range: above 0. Logs: conn. Scope: capture.
    Null: no addresses known, or all connections start at once. Source: ptml; after the first-contact rate,
    Schechter et al. 2004.

    >>> pl.DataFrame({"hours": [0.5, 0.5, 0.5]}).select(new_destinations_per_hour()).item()
    6.0
    """
    return ratio(pl.len().cast(pl.Float64), pl.col("hours").max())


def hosts() -> pl.Expr:
    """Hosts on either side of a connection.

    Unit: hosts. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses known. Source: NetFlow practice.

    >>> pl.DataFrame({"starts": [True, False]}).select(hosts()).item()
    2
    """
    return pl.len()


def private_hosts() -> pl.Expr:
    """Hosts with a private address on either side of a connection.

    Unit: hosts. Type: UInt32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 1918.

    >>> pl.DataFrame({"private": [True, False, True]}).select(private_hosts()).item()
    2
    """
    return pl.col("private").sum()


def two_way_host_share() -> pl.Expr:
    """Share of the hosts that both start connections and are contacted, as peers and worms do.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: Karagiannis et al. 2005, BLINC.

    >>> pl.DataFrame({"starts": [True, True], "receives": [True, False]}).select(two_way_host_share()).item()
    0.5
    """
    return share(pl.col("starts") & pl.col("receives"))


def horizontal_failed_share() -> pl.Expr:
    """Of the hosts in the widest horizontal scan, the share that refused or did not answer on the port.

    Of several scans of the greatest width the one that failed most counts.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses, ports or states known. Source: Jung et al. 2004; Zeek policy/misc/scan.

    >>> pl.DataFrame({"destinations": [4, 1], "failed": [3, 1]}).select(horizontal_failed_share()).item()
    0.75
    """
    return _failed("destinations")


def vertical_failed_share() -> pl.Expr:
    """Of the ports in the widest vertical scan, the share that refused or did not answer.

    Of several scans of the greatest width the one that failed most counts.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses, ports or states known. Source: Zeek policy/misc/scan (port scans).

    >>> pl.DataFrame({"ports": [4, 1], "failed": [3, 1]}).select(vertical_failed_share()).item()
    0.75
    """
    return _failed("ports")


def scanned_port_share() -> pl.Expr:
    """Share of the pairs of an originator and a port with at least ten destinations.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: Zeek policy/misc/scan.

    >>> pl.DataFrame({"destinations": [10, 1]}).select(scanned_port_share()).item()
    0.5
    """
    return share(pl.col("destinations") >= _WIDE)


def _failed(counted: str) -> pl.Expr:
    width = pl.col(counted)
    return ratio(pl.col("failed").cast(pl.Float64), width).filter(width == width.max()).max()
