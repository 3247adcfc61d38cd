"""What happened in a connection, by the letters of Zeek's history: upper case is the originator's doing."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import BYTE
from ptml.features.family import family


def history_length() -> pl.Expr:
    """Events that Zeek noted in the connection.

    Unit: events. Type: UInt8. Range: 0 to 255, where it saturates. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShADad", None]}).select(history_length()).to_series().to_list()
    [6, None]
    """
    return pl.col("history").str.len_bytes().clip(upper_bound=BYTE)


def orig_data_seen() -> pl.Expr:
    """The originator sent payload (history D).

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShADa", "Sr", None]}).select(orig_data_seen()).to_series().to_list()
    [True, False, None]
    """
    return _has("D")


def resp_data_seen() -> pl.Expr:
    """The responder sent payload (history d).

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShADad", "ShADa"]}).select(resp_data_seen()).to_series().to_list()
    [True, False]
    """
    return _has("d")


def orig_fin_seen() -> pl.Expr:
    """The originator closed its side (history F).

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShAFf", "Sr"]}).select(orig_fin_seen()).to_series().to_list()
    [True, False]
    """
    return _has("F")


def resp_fin_seen() -> pl.Expr:
    """The responder closed its side (history f).

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShAFf", "ShAF"]}).select(resp_fin_seen()).to_series().to_list()
    [True, False]
    """
    return _has("f")


def orig_reset_seen() -> pl.Expr:
    """The originator aborted (history R).

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShADR", "Sr"]}).select(orig_reset_seen()).to_series().to_list()
    [True, False]
    """
    return _has("R")


def resp_reset_seen() -> pl.Expr:
    """The responder aborted or refused (history r).

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["Sr", "ShADR"]}).select(resp_reset_seen()).to_series().to_list()
    [True, False]
    """
    return _has("r")


def reset_after_data() -> pl.Expr:
    """Either side aborted after payload had flowed.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShADadR", "Sr", "SrD"]}).select(reset_after_data()).to_series().to_list()
    [True, False, False]
    """
    return pl.col("history").str.contains("[Dd].*[Rr]")


def orig_retransmissions() -> pl.Expr:
    """Retransmissions by the originator, as history counts them: each T is ten times more than the last.

    Unit: letters. Type: UInt8. Range: 0 or more. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["STTT", "ShA"]}).select(orig_retransmissions()).to_series().to_list()
    [3, 0]
    """
    return _count("T")


def resp_retransmissions() -> pl.Expr:
    """Retransmissions by the responder, as history counts them: each t is ten times more than the last.

    Unit: letters. Type: UInt8. Range: 0 or more. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["Shtt", "ShTA"]}).select(resp_retransmissions()).to_series().to_list()
    [2, 0]
    """
    return _count("t")


def zero_windows() -> pl.Expr:
    """Times that either side could take no more (history W, w), each letter ten times more than the last.

    Unit: letters. Type: UInt8. Range: 0 or more. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShADWw", "ShA"]}).select(zero_windows()).to_series().to_list()
    [2, 0]
    """
    return _count("W", "w")


def content_gaps() -> pl.Expr:
    """Gaps in either side's data (history G, g), each letter ten times more than the last.

    Unit: letters. Type: UInt8. Range: 0 or more. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["ShADGg", "ShA"]}).select(content_gaps()).to_series().to_list()
    [2, 0]
    """
    return _count("G", "g")


def direction_flipped() -> pl.Expr:
    """Zeek turned the direction round by its heuristics (history ^): it missed the start.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: history unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"history": ["^dA", "ShA"]}).select(direction_flipped()).to_series().to_list()
    [True, False]
    """
    return _has("^")


def _has(letter: str) -> pl.Expr:
    return pl.col("history").str.contains(letter, literal=True)


def _count(*letters: str) -> pl.Expr:
    counts = [pl.col("history").str.count_matches(letter, literal=True) for letter in letters]
    return pl.sum_horizontal(counts, ignore_nulls=False).clip(upper_bound=2**8 - 1)


HISTORY = family(
    "history",
    (
        history_length,
        orig_data_seen,
        resp_data_seen,
        orig_fin_seen,
        resp_fin_seen,
        orig_reset_seen,
        resp_reset_seen,
        reset_after_data,
        orig_retransmissions,
        resp_retransmissions,
        zero_windows,
        content_gaps,
        direction_flipped,
    ),
)
