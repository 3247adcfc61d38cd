"""Whom the hosts of a capture contact, and how widely: counts over hosts and ports, never which ones."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import PRIVATE, evenness, ratio, share
from ptml.features.family import Logs, family

_SOURCE, _DESTINATION, _PORT = "id.orig_h", "id.resp_h", "id.resp_p"


def by_source(logs: Logs) -> pl.LazyFrame:
    """Originators, each with its ``connections`` and the ``destinations`` that it contacts.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.orig_h": ["a", "a", "b"], "id.resp_h": ["x", "y", "x"]})
    >>> by_source({"conn": conn}).sort("connections").select("connections", "destinations").collect().rows()
    [(1, 1), (2, 2)]
    """
    pairs = _counted(logs, _SOURCE, _DESTINATION)
    return pairs.group_by("capture_id", _SOURCE).agg(
        pl.col("connections").sum(), pl.len().alias("destinations")
    )


def by_destination(logs: Logs) -> pl.LazyFrame:
    """Responders, each with its ``connections`` and whether it is ``private``.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.resp_h": ["10.0.0.1", "10.0.0.1"]})
    >>> by_destination({"conn": conn}).select("connections", "private").collect().rows()
    [(2, True)]
    """
    conn = logs["conn"].filter(pl.col(_DESTINATION).is_not_null())
    private = pl.col(_DESTINATION).str.contains(PRIVATE).alias("private")
    rows = conn.select("capture_id", _code(_DESTINATION), private)
    grouped = rows.group_by("capture_id", _DESTINATION)
    return grouped.agg(pl.col("private").max(), pl.len().alias("connections"))


def by_port(logs: Logs) -> pl.LazyFrame:
    """TCP and UDP ports of responders, each with its ``connections``.

    >>> conn = pl.LazyFrame({"capture_id": "c", "proto": "tcp", "id.resp_p": [80, 80, 443]})
    >>> by_port({"conn": conn}).select("connections").sort("connections").collect()["connections"].to_list()
    [1, 2]
    """
    return _counted(logs, _PORT)


def horizontal(logs: Logs) -> pl.LazyFrame:
    """Originators and ports, each with the ``destinations`` contacted on it.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.orig_h": "a", "id.resp_h": ["x", "y"], "id.resp_p": 22})
    >>> horizontal({"conn": conn}).collect()["destinations"].to_list()
    [2]
    """
    triples = _counted(logs, _SOURCE, _DESTINATION, _PORT)
    return triples.group_by("capture_id", _SOURCE, _PORT).agg(pl.len().alias("destinations"))


def vertical(logs: Logs) -> pl.LazyFrame:
    """Pairs of hosts, each with the ``ports`` contacted.

    >>> conn = pl.LazyFrame({"capture_id": "c", "id.orig_h": "a", "id.resp_h": "x", "id.resp_p": [22, 23]})
    >>> vertical({"conn": conn}).collect()["ports"].to_list()
    [2]
    """
    triples = _counted(logs, _SOURCE, _DESTINATION, _PORT)
    return triples.group_by("capture_id", _SOURCE, _DESTINATION).agg(pl.len().alias("ports"))


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
    return _top_share()


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
    return _top_share()


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
    Null: no addresses or ports known. Source: Jung et al. 2004.

    >>> pl.DataFrame({"destinations": [3, 1]}).select(widest_horizontal()).item()
    3
    """
    return pl.col("destinations").max()


def widest_vertical() -> pl.Expr:
    """Most ports of one host that one host contacts: a vertical scan.

    Unit: ports. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: Jung et al. 2004.

    >>> pl.DataFrame({"ports": [3, 1]}).select(widest_vertical()).item()
    3
    """
    return pl.col("ports").max()


def _top_share() -> pl.Expr:
    return ratio(pl.col("connections").max().cast(pl.Float64), pl.col("connections").sum())


def _code(address: str) -> pl.Expr:
    """An address as 32 bits, for counting: which address it was does not matter here."""
    return pl.col(address).cast(pl.Categorical).to_physical().alias(address)


def _counted(logs: Logs, *columns: str) -> pl.LazyFrame:
    """Distinct values of the columns in each capture, with their connections; unknown and ICMP left out."""
    conn = logs["conn"].filter(pl.all_horizontal(pl.col(name).is_not_null() for name in columns))
    if _PORT in columns and "proto" in conn.collect_schema():
        conn = conn.filter(pl.col("proto").ne_missing("icmp"))
    values = [pl.col(name) if name == _PORT else _code(name) for name in columns]
    rows = conn.select("capture_id", *values)
    return rows.group_by("capture_id", *columns).agg(pl.len().alias("connections"))


_KEY = ("capture_id",)
FANOUT = (
    family("fanout", (source_hosts, top_source_share, most_destinations), by_source, _KEY),
    family(
        "fanout",
        (destination_hosts, top_destination_share, destination_evenness, public_destination_share),
        by_destination,
        _KEY,
    ),
    family("fanout", (destination_ports, port_evenness), by_port, _KEY),
    family("fanout", (widest_horizontal,), horizontal, _KEY),
    family("fanout", (widest_vertical,), vertical, _KEY),
)
