"""How long the connections of a capture are, in packets and in time: over all rows of conn.log."""

from __future__ import annotations

import polars as pl

from ptml.features.capture.traffic import conn_rows
from ptml.features.expressions import not_negative, number, ratio, share
from ptml.features.family import family

_TEN_MINUTES = 600


def median_packets() -> pl.Expr:
    """Median count of packets of a connection, both ways.

    Unit: packets. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: Moore et al. 2005, taken over connections.

    >>> pl.DataFrame({"orig_pkts": [1, 5, None], "resp_pkts": [1, 5, 3]}).select(median_packets()).item()
    6.0
    """
    return _packets().median()


def packets_p90() -> pl.Expr:
    """Packets, both ways, that nine connections in ten do not exceed.

    Unit: packets. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: Moore et al. 2005, taken over connections.

    >>> rows = pl.DataFrame({"orig_pkts": [0, 5, 10, 15, 20], "resp_pkts": [0, 5, 10, 15, 20]})
    >>> rows.select(packets_p90()).item()
    36.0
    """
    return _packets().quantile(0.9, "linear")


def one_packet_share() -> pl.Expr:
    """Share of the connections of a single packet, which nobody answered.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known. Source: Zeek conn.log.

    >>> pl.DataFrame({"orig_pkts": [1, 2, None], "resp_pkts": [0, 1, 0]}).select(one_packet_share()).item()
    0.5
    """
    return share(_packets() == 1)


def median_packet_payload() -> pl.Expr:
    """Median payload bytes a packet, both ways, of the connections with packets.

    Unit: bytes a packet. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no counts known, or no packets. Source: Moore et al. 2005, taken over connections.

    >>> sizes = {"orig_bytes": [10, 0], "resp_bytes": [2, 0]}
    >>> rows = pl.DataFrame({**sizes, "orig_pkts": [2, 1], "resp_pkts": [1, 0]})
    >>> rows.select(median_packet_payload()).item()
    2.0
    """
    return ratio(_bytes(), _packets()).median()


def median_byte_rate() -> pl.Expr:
    """Median payload bytes a second, both ways, of the connections that lasted.

    Unit: bytes a second. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no counts known, or no duration above 0. Source: Moore et al. 2005, taken over connections.

    >>> rows = pl.DataFrame({"orig_bytes": [10, 30], "resp_bytes": [10, 10], "duration": [2.0, 4.0]})
    >>> rows.select(median_byte_rate()).item()
    10.0
    """
    return ratio(_bytes(), pl.col("duration")).median()


def lossy_connection_share() -> pl.Expr:
    """Share of the connections of which the sensor missed bytes.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known. Source: Zeek conn.log.

    >>> pl.DataFrame({"missed_bytes": [0, 5, None]}).select(lossy_connection_share()).item()
    0.5
    """
    return share(pl.col("missed_bytes") > 0)


def duration_p90() -> pl.Expr:
    """Duration that nine connections in ten of more than one packet do not exceed.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no duration known. Source: Moore et al. 2005, taken over connections.

    >>> pl.DataFrame({"duration": [0.0, 5.0, 10.0, 15.0, 20.0, None, -1.0]}).select(duration_p90()).item()
    18.0
    """
    return _duration().quantile(0.9, "linear")


def over_10_minutes_share() -> pl.Expr:
    """Share of the connections that lasted ten minutes or longer.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no duration known. Source: RITA v5, long connections, of which the shortest last an hour.

    >>> pl.DataFrame({"duration": [600.0, 1.0, None]}).select(over_10_minutes_share()).item()
    0.5
    """
    return share(_duration() >= _TEN_MINUTES)


def _bytes() -> pl.Expr:
    return number("orig_bytes") + number("resp_bytes")


def _packets() -> pl.Expr:
    return number("orig_pkts") + number("resp_pkts")


def _duration() -> pl.Expr:
    return not_negative(pl.col("duration"))


LENGTHS = family(
    "lengths",
    (
        median_packets,
        packets_p90,
        one_packet_share,
        median_packet_payload,
        median_byte_rate,
        lossy_connection_share,
        duration_p90,
        over_10_minutes_share,
    ),
    conn_rows,
    ("capture_id",),
)
