"""How much a connection carried, and in which direction."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import number, ratio
from ptml.features.family import family


def orig_bytes() -> pl.Expr:
    """Payload bytes that the originator sent, by sequence numbers.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: Zeek does not know. Source: Zeek conn.log; NetFlow.

    >>> pl.DataFrame({"orig_bytes": [0, 17, None]}).select(orig_bytes()).to_series().to_list()
    [0.0, 17.0, None]
    """
    return number("orig_bytes")


def resp_bytes() -> pl.Expr:
    """Payload bytes that the responder sent, by sequence numbers.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: Zeek does not know. Source: Zeek conn.log; NetFlow.

    >>> pl.DataFrame({"resp_bytes": [0, 17, None]}).select(resp_bytes()).to_series().to_list()
    [0.0, 17.0, None]
    """
    return number("resp_bytes")


def orig_pkts() -> pl.Expr:
    """Packets that the originator sent.

    Unit: packets. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: Zeek does not know. Source: Zeek conn.log; NetFlow.

    >>> pl.DataFrame({"orig_pkts": [1, None]}).select(orig_pkts()).to_series().to_list()
    [1.0, None]
    """
    return number("orig_pkts")


def resp_pkts() -> pl.Expr:
    """Packets that the responder sent.

    Unit: packets. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: Zeek does not know. Source: Zeek conn.log; NetFlow.

    >>> pl.DataFrame({"resp_pkts": [1, None]}).select(resp_pkts()).to_series().to_list()
    [1.0, None]
    """
    return number("resp_pkts")


def orig_bytes_per_pkt() -> pl.Expr:
    """Mean size of the originator's IP packets, headers included.

    Unit: bytes a packet. Type: Float32. Range: above 0. Logs: conn. Scope: connection.
    Null: a count is unknown or there was no packet. Source: Moore et al. 2005.

    >>> conns = pl.DataFrame({"orig_ip_bytes": [180, 0], "orig_pkts": [3, 0]})
    >>> conns.select(orig_bytes_per_pkt()).to_series().to_list()
    [60.0, None]
    """
    return ratio(number("orig_ip_bytes"), number("orig_pkts"))


def resp_bytes_per_pkt() -> pl.Expr:
    """Mean size of the responder's IP packets, headers included.

    Unit: bytes a packet. Type: Float32. Range: above 0. Logs: conn. Scope: connection.
    Null: a count is unknown or there was no packet. Source: Moore et al. 2005.

    >>> conns = pl.DataFrame({"resp_ip_bytes": [3000, 0], "resp_pkts": [2, 0]})
    >>> conns.select(resp_bytes_per_pkt()).to_series().to_list()
    [1500.0, None]
    """
    return ratio(number("resp_ip_bytes"), number("resp_pkts"))


def orig_byte_share() -> pl.Expr:
    """Share of the payload bytes that the originator sent.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: connection.
    Null: a count is unknown or both are zero, so that "no data" is not "balanced". Source: producer-consumer
    ratio, Bullard and Gerth 2014.

    >>> conns = pl.DataFrame({"orig_bytes": [30, 0, None], "resp_bytes": [10, 0, 5]})
    >>> conns.select(orig_byte_share()).to_series().to_list()
    [0.75, None, None]
    """
    return ratio(number("orig_bytes"), number("orig_bytes") + number("resp_bytes"))


def orig_pkt_share() -> pl.Expr:
    """Share of the packets that the originator sent.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: connection.
    Null: a count is unknown or both are zero. Source: NetFlow practice.

    >>> conns = pl.DataFrame({"orig_pkts": [1, 0], "resp_pkts": [3, 0]})
    >>> conns.select(orig_pkt_share()).to_series().to_list()
    [0.25, None]
    """
    return ratio(number("orig_pkts"), number("orig_pkts") + number("resp_pkts"))


def orig_header_share() -> pl.Expr:
    """Share of the originator's IP bytes that are headers: near 1 for bare acknowledgements and scans.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: connection.
    Null: a count is unknown, no packet was seen, or the payload exceeds the IP bytes (lost packets). Source:
    NetFlow practice.

    >>> conns = pl.DataFrame({"orig_bytes": [60, 999, None], "orig_ip_bytes": [80, 80, 80]})
    >>> conns.select(orig_header_share()).to_series().to_list()
    [0.25, None, None]
    """
    return _header_share("orig")


def resp_header_share() -> pl.Expr:
    """Share of the responder's IP bytes that are headers.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: connection.
    Null: a count is unknown, no packet was seen, or the payload exceeds the IP bytes (lost packets). Source:
    NetFlow practice.

    >>> conns = pl.DataFrame({"resp_bytes": [60, 0], "resp_ip_bytes": [80, 40]})
    >>> conns.select(resp_header_share()).to_series().to_list()
    [0.25, 1.0]
    """
    return _header_share("resp")


def missed_share() -> pl.Expr:
    """Bytes missing from the capture, as a share of payload and missing bytes.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: connection.
    Null: a count is unknown or all are zero. Source: Zeek conn.log.

    >>> conns = pl.DataFrame({"missed_bytes": [5, 0], "orig_bytes": [10, 0], "resp_bytes": [5, 0]})
    >>> conns.select(missed_share()).to_series().to_list()
    [0.25, None]
    """
    missed = number("missed_bytes")
    return ratio(missed, missed + number("orig_bytes") + number("resp_bytes"))


def _header_share(side: str) -> pl.Expr:
    payload, whole = number(f"{side}_bytes"), number(f"{side}_ip_bytes")
    return pl.when(payload <= whole).then(ratio(whole - payload, whole))


VOLUME = family(
    "volume",
    (
        orig_bytes,
        resp_bytes,
        orig_pkts,
        resp_pkts,
        orig_bytes_per_pkt,
        resp_bytes_per_pkt,
        orig_byte_share,
        orig_pkt_share,
        orig_header_share,
        resp_header_share,
        missed_share,
    ),
)
