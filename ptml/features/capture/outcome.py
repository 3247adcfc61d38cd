"""How the connections of a capture went: over all rows of conn.log."""

from __future__ import annotations

import polars as pl

from ptml.features.capture.traffic import conn_rows
from ptml.features.connection.service import PROTOCOLS
from ptml.features.connection.state import ESTABLISHED, HALF_OPEN, REJECTED
from ptml.features.expressions import share
from ptml.features.family import family


def established_share() -> pl.Expr:
    """Share of the connections in which both sides answered each other.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no state known. Source: Zeek conn.log.

    >>> pl.DataFrame({"conn_state": ["SF", "S0", None]}).select(established_share()).item()
    0.5
    """
    return share(pl.col("conn_state").is_in(ESTABLISHED))


def rejected_share() -> pl.Expr:
    """Share of the connections that the responder refused.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no state known. Source: KDD Cup 1999 rerror_rate, taken over the capture.

    >>> pl.DataFrame({"conn_state": ["REJ", "SF"]}).select(rejected_share()).item()
    0.5
    """
    return share(pl.col("conn_state").is_in(REJECTED))


def half_open_share() -> pl.Expr:
    """Share of the connections in which only the originator was heard.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no state known. Source: KDD Cup 1999 serror_rate, taken over the capture.

    >>> pl.DataFrame({"conn_state": ["S0", "SF"]}).select(half_open_share()).item()
    0.5
    """
    return share(pl.col("conn_state").is_in(HALF_OPEN))


def unrecognised_share() -> pl.Expr:
    """Share of the established TCP connections in which Zeek recognised no application protocol.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no established TCP connection. Source: Zeek dynamic protocol detection, Dreger et al. 2006.

    >>> conns = pl.DataFrame(
    ...     {"proto": ["tcp", "tcp", "udp"], "conn_state": ["SF", "SF", "SF"], "service": [None, "ssl", None]}
    ... )
    >>> conns.select(unrecognised_share()).item()
    0.5
    """
    applies = (pl.col("proto") == PROTOCOLS[0]) & pl.col("conn_state").is_in(ESTABLISHED)
    return share(pl.when(applies).then(pl.col("service").is_null()))


def median_duration() -> pl.Expr:
    """Median duration of the connections of more than one packet.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no duration known. Source: NetFlow practice.

    >>> pl.DataFrame({"duration": [1.0, 9.0, 2.0, None]}).select(median_duration()).item()
    2.0
    """
    return pl.col("duration").filter(pl.col("duration") >= 0).median()


def longest_duration() -> pl.Expr:
    """Longest duration of a connection.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no duration known. Source: RITA v5, long connections.

    >>> pl.DataFrame({"duration": [1.0, 9.0, None]}).select(longest_duration()).item()
    9.0
    """
    return pl.col("duration").filter(pl.col("duration") >= 0).max()


OUTCOME = family(
    "outcome",
    (
        established_share,
        rejected_share,
        half_open_share,
        unrecognised_share,
        median_duration,
        longest_duration,
    ),
    conn_rows,
    ("capture_id",),
)
