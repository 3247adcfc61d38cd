"""How long a connection lasted and how fast it went."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import not_negative, number, ratio
from ptml.features.family import family


def duration() -> pl.Expr:
    """Time from the first packet to the last.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: unset (a single packet) or negative (the clock jumped back).
    Source: Zeek conn.log; Moore et al. 2005.

    >>> pl.DataFrame({"duration": [1.5, -1.0, None]}).select(duration()).to_series().to_list()
    [1.5, None, None]
    """
    return not_negative(pl.col("duration"))


def orig_bytes_per_s() -> pl.Expr:
    """Payload rate of the originator.

    Unit: bytes a second. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: the count or the duration is unknown, or the duration is not above 0. Source: Moore et al. 2005.

    >>> conns = pl.DataFrame({"orig_bytes": [100, 100, None], "duration": [4.0, 0.0, 1.0]})
    >>> conns.select(orig_bytes_per_s()).to_series().to_list()
    [25.0, None, None]
    """
    return ratio(number("orig_bytes"), pl.col("duration"))


def resp_bytes_per_s() -> pl.Expr:
    """Payload rate of the responder.

    Unit: bytes a second. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: the count or the duration is unknown, or the duration is not above 0. Source: Moore et al. 2005.

    >>> conns = pl.DataFrame({"resp_bytes": [100, 100], "duration": [4.0, None]})
    >>> conns.select(resp_bytes_per_s()).to_series().to_list()
    [25.0, None]
    """
    return ratio(number("resp_bytes"), pl.col("duration"))


def orig_pkts_per_s() -> pl.Expr:
    """Packet rate of the originator.

    Unit: packets a second. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: the count or the duration is unknown, or the duration is not above 0. Source: Moore et al. 2005.

    >>> conns = pl.DataFrame({"orig_pkts": [3, 3], "duration": [2.0, 0.0]})
    >>> conns.select(orig_pkts_per_s()).to_series().to_list()
    [1.5, None]
    """
    return ratio(number("orig_pkts"), pl.col("duration"))


def resp_pkts_per_s() -> pl.Expr:
    """Packet rate of the responder.

    Unit: packets a second. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: the count or the duration is unknown, or the duration is not above 0. Source: Moore et al. 2005.

    >>> conns = pl.DataFrame({"resp_pkts": [3, 3], "duration": [2.0, 0.0]})
    >>> conns.select(resp_pkts_per_s()).to_series().to_list()
    [1.5, None]
    """
    return ratio(number("resp_pkts"), pl.col("duration"))


def mean_packet_gap() -> pl.Expr:
    """Mean time between packets of both directions: the duration over one less than the packets.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: a count or the duration is unknown, the duration is negative, or fewer than two packets.
    Source: Moore et al. 2005.

    >>> conns = pl.DataFrame({"orig_pkts": [3, 1], "resp_pkts": [2, 0], "duration": [2.0, 0.0]})
    >>> conns.select(mean_packet_gap()).to_series().to_list()
    [0.5, None]
    """
    gaps = number("orig_pkts") + number("resp_pkts") - 1
    return ratio(not_negative(pl.col("duration")), gaps)


TIMING = family(
    "timing",
    (duration, orig_bytes_per_s, resp_bytes_per_s, orig_pkts_per_s, resp_pkts_per_s, mean_packet_gap),
)
