"""How a capture's connections and payload spread over pairs of hosts, ports and services."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import evenness, gini, ratio, share, top_share


def top_port_share() -> pl.Expr:
    """Share of the TCP and UDP connections that go to the most contacted port.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no ports known. Source: Lakhina et al. 2005, who take the entropy.

    >>> pl.DataFrame({"connections": [3, 1]}).select(top_port_share()).item()
    0.75
    """
    return top_share(pl.col("connections"))


def port_byte_evenness() -> pl.Expr:
    """Entropy of payload over contacted ports that have some, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known, or payload on one port at most. Source: Lakhina et al. 2005, taken of bytes.

    >>> pl.DataFrame({"bytes": [5, 5, 0]}).select(port_byte_evenness()).item()
    1.0
    """
    return evenness(pl.col("bytes").filter(pl.col("bytes") > 0))


def lone_port_share() -> pl.Expr:
    """Share of the contacted ports to which one connection goes.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no ports known. Source: ptml; scanners do not come back.

    >>> pl.DataFrame({"connections": [1, 3]}).select(lone_port_share()).item()
    0.5
    """
    return share(pl.col("connections") == 1)


def services() -> pl.Expr:
    """Distinct application protocols, or stacks of such, that Zeek recognised.

    Unit: services. Type: UInt32. Range: 1 or more. Logs: conn. Scope: capture.
    Null: no service recognised. Source: Zeek dynamic protocol detection, Dreger et al. 2006.

    >>> pl.DataFrame({"connections": [9, 1]}).select(services()).item()
    2
    """
    return pl.len()


def service_evenness() -> pl.Expr:
    """Entropy of connections over recognised services, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than two services recognised. Source: Lakhina et al. 2005, taken over services.

    >>> pl.DataFrame({"connections": [7, 7]}).select(service_evenness()).item()
    1.0
    """
    return evenness(pl.col("connections"))


def service_byte_evenness() -> pl.Expr:
    """Entropy of payload over recognised services, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known, or payload in one service at most. Source: Lakhina et al. 2005, taken over services.

    >>> pl.DataFrame({"bytes": [5, 5, 0]}).select(service_byte_evenness()).item()
    1.0
    """
    return evenness(pl.col("bytes").filter(pl.col("bytes") > 0))


def top_pair_byte_share() -> pl.Expr:
    """Share of the payload that the pair of hosts with most exchanges.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known in both directions, or no payload. Source: NetFlow practice.

    >>> pl.DataFrame({"bytes": [3, 1]}).select(top_pair_byte_share()).item()
    0.75
    """
    return top_share(pl.col("bytes"))


def top_pair_upload_share() -> pl.Expr:
    """Share of the payload of the pair of hosts with most that the originator sent: high for exfiltration.

    Of several such pairs the one with the greatest share counts.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known in both directions, or no payload. Source: producer-consumer ratio, Bullard and Gerth
    2014, taken over a pair.

    >>> pl.DataFrame({"sent": [9, 1], "bytes": [12, 2]}).select(top_pair_upload_share()).item()
    0.75
    """
    most = pl.col("bytes") == pl.col("bytes").max()
    return ratio(pl.col("sent").cast(pl.Float64), pl.col("bytes")).filter(most).max().clip(upper_bound=1)


def most_sent_pair_share() -> pl.Expr:
    """Share of the payload from originators that one pair of hosts carries, the one with most.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known, or no payload. Source: ptml; exfiltration has one receiver.

    >>> pl.DataFrame({"sent": [3, 1], "received": [0, 9]}).select(most_sent_pair_share()).item()
    0.75
    """
    return top_share(pl.col("sent"))


def pair_gini() -> pl.Expr:
    """How unequally the pairs of hosts share the connections, as a Gini coefficient.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses known. Source: Gini 1912.

    >>> pl.DataFrame({"connections": [1, 3]}).select(pair_gini()).item()
    0.25
    """
    return gini(pl.col("connections"))
