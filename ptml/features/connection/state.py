"""How a connection was set up and ended, by Zeek's summary of it."""

from __future__ import annotations

import polars as pl

from ptml.features.family import family

CONN_STATES = (
    "S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH",
)  # fmt: skip
ESTABLISHED = ("S1", "SF", "S2", "S3", "RSTO", "RSTR")
REJECTED = ("REJ", "RSTRH")
HALF_OPEN = ("S0", "SH", "RSTOS0")


def conn_state() -> pl.Expr:
    """Zeek's summary of how the connection went.

    Unit: category. Type: Enum. Logs: conn. Scope: connection.
    Range: S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR, OTH, other.
    Null: unset. Source: Zeek conn.log; UNSW-NB15 (Moustafa and Slay 2015) state.

    >>> pl.DataFrame({"conn_state": ["SF", "XX", None]}).select(conn_state()).to_series().to_list()
    ['SF', 'other', None]
    """
    state = pl.col("conn_state")
    return pl.when(state.is_in(CONN_STATES)).then(state).when(state.is_not_null()).then(pl.lit("other"))


def established() -> pl.Expr:
    """Both sides answered each other: state S1, SF, S2, S3, RSTO or RSTR.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: the state is unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"conn_state": ["SF", "S0", None]}).select(established()).to_series().to_list()
    [True, False, None]
    """
    return pl.col("conn_state").is_in(ESTABLISHED)


def rejected() -> pl.Expr:
    """The responder refused: state REJ or RSTRH.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: the state is unset. Source: KDD Cup 1999 rerror_rate (its REJ errors).

    >>> pl.DataFrame({"conn_state": ["REJ", "SF", None]}).select(rejected()).to_series().to_list()
    [True, False, None]
    """
    return pl.col("conn_state").is_in(REJECTED)


def half_open() -> pl.Expr:
    """Only the originator was heard: state S0, SH or RSTOS0, as in a scan or a dead control server.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: the state is unset. Source: KDD Cup 1999 serror_rate (its SYN errors).

    >>> pl.DataFrame({"conn_state": ["S0", "SF", None]}).select(half_open()).to_series().to_list()
    [True, False, None]
    """
    return pl.col("conn_state").is_in(HALF_OPEN)


STATE = family("state", (conn_state, established, rejected, half_open))
