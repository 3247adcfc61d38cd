"""Whom the hosts of a capture contact, and how widely: counts over hosts and ports, never which ones."""

from __future__ import annotations

import polars as pl

from ptml.features.capture import groups, hosts, talk
from ptml.features.expressions import evenness, share, top_share
from ptml.features.family import family


def source_hosts() -> pl.Expr:
    """Hosts that start connections.

    Unit: hosts. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [5, 1]}).select(source_hosts()).item()
    2
    """
    return pl.col("connections").len()


def top_source_share() -> pl.Expr:
    """Share of the connections that the busiest host starts.

    Unit: share. Type: Float32. Range: above 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [3, 1]}).select(top_source_share()).item()
    0.75
    """
    return top_share(pl.col("connections"))


def most_destinations() -> pl.Expr:
    """Hosts that the most outgoing host contacts.

    Unit: hosts. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses known. Source: Jung et al. 2004.

    >>> pl.DataFrame({"destinations": [3, 1]}).select(most_destinations()).item()
    3
    """
    return pl.col("destinations").max()


def destination_hosts() -> pl.Expr:
    """Hosts that are contacted.

    Unit: hosts. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [5, 1]}).select(destination_hosts()).item()
    2
    """
    return pl.col("connections").len()


def top_destination_share() -> pl.Expr:
    """Share of the connections that go to the most contacted host.

    Unit: share. Type: Float32. Range: above 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [3, 1]}).select(top_destination_share()).item()
    0.75
    """
    return top_share(pl.col("connections"))


def destination_evenness() -> pl.Expr:
    """Entropy of connections over destinations, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known, or one destination. Source: Lakhina et al. 2005.

    >>> pl.DataFrame({"connections": [2, 2, 2, 2]}).select(destination_evenness()).item()
    1.0
    """
    return evenness(pl.col("connections"))


def public_destination_share() -> pl.Expr:
    """Share of the contacted hosts that have a public address.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: RFC 1918.

    >>> pl.DataFrame({"private": [True, False]}).select(public_destination_share()).item()
    0.5
    """
    return share(~pl.col("private"))


def destination_ports() -> pl.Expr:
    """TCP and UDP ports that are contacted.

    Unit: ports. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no ports known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [5, 1]}).select(destination_ports()).item()
    2
    """
    return pl.col("connections").len()


def port_evenness() -> pl.Expr:
    """Entropy of connections over contacted ports, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no ports known, or one port. Source: Lakhina et al. 2005.

    >>> pl.DataFrame({"connections": [7, 7]}).select(port_evenness()).item()
    1.0
    """
    return evenness(pl.col("connections"))


def widest_horizontal() -> pl.Expr:
    """Most hosts that one host contacts on one port: a horizontal scan.

    Unit: hosts. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: Jung et al. 2004; Zeek policy/misc/scan.

    >>> pl.DataFrame({"destinations": [3, 1]}).select(widest_horizontal()).item()
    3
    """
    return pl.col("destinations").max()


def widest_vertical() -> pl.Expr:
    """Most ports of one host that one host contacts: a vertical scan.

    Unit: ports. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: Zeek policy/misc/scan (port scans).

    >>> pl.DataFrame({"ports": [3, 1]}).select(widest_vertical()).item()
    3
    """
    return pl.col("ports").max()


_KEY = ("capture_id",)
FANOUT = (
    family(
        "fanout",
        (
            source_hosts,
            top_source_share,
            most_destinations,
            hosts.source_gini,
            hosts.median_destinations,
            hosts.top_uploader_share,
        ),
        groups.by_source,
        _KEY,
        condensed=True,
    ),
    family(
        "fanout",
        (
            destination_hosts,
            top_destination_share,
            destination_evenness,
            public_destination_share,
            hosts.destination_gini,
            hosts.destination_byte_evenness,
            hosts.top_destination_byte_share,
            hosts.single_visit_share,
            hosts.public_destinations,
            hosts.mute_destination_share,
            hosts.late_destination_share,
            hosts.new_destinations_per_hour,
        ),
        groups.by_destination,
        _KEY,
        condensed=True,
    ),
    family(
        "fanout",
        (hosts.hosts, hosts.private_hosts, hosts.two_way_host_share),
        groups.by_host,
        _KEY,
        condensed=True,
    ),
    family(
        "fanout",
        (
            destination_ports,
            port_evenness,
            talk.top_port_share,
            talk.port_byte_evenness,
            talk.lone_port_share,
        ),
        groups.by_port,
        _KEY,
        condensed=True,
    ),
    family(
        "fanout",
        (talk.services, talk.service_evenness, talk.service_byte_evenness),
        groups.by_service,
        _KEY,
        condensed=True,
    ),
    family(
        "fanout",
        (
            talk.top_pair_byte_share,
            talk.top_pair_upload_share,
            talk.most_sent_pair_share,
            talk.pair_gini,
        ),
        groups.by_hosts,
        _KEY,
        condensed=True,
    ),
    family(
        "fanout",
        (widest_horizontal, hosts.horizontal_failed_share, hosts.scanned_port_share),
        groups.horizontal,
        _KEY,
        condensed=True,
    ),
    family("fanout", (widest_vertical, hosts.vertical_failed_share), groups.vertical, _KEY, condensed=True),
)
