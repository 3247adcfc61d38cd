"""Beacon scores of a connection's pair: RITA's own, under RITA's names, and what is measured beside them.

A pair is a source and an address and port; or a source and a name that TLS, QUIC or HTTP gives; or a source
and a name that it asks for. Scores are null for pairs that RITA does not look at: fewer than four
connections, or fewer than three that start in a later second than the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.beacons import READS, address_rows, beacon_columns, name_scores, named_rows
from ptml.features.family import family
from ptml.features.pairs import PAIR

if TYPE_CHECKING:
    from ptml.features.family import Logs

SCORES_OF = "scores of {}"
"""Name among the logs under which scores that were made share by share are handed on."""


def beacon_score() -> pl.Expr:
    """RITA's beacon score of the pair: mean of the timestamp, data size, histogram and duration scores.

    Unit: score. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than four connections, three positive gaps or three known sizes. Source: RITA v5.

    >>> pl.DataFrame({"beacon_score": [0.9]}).select(beacon_score()).item()
    0.9
    """
    return pl.col("beacon_score")


def ts_score() -> pl.Expr:
    """RITA's timestamp score: how symmetric and how narrow the distribution of the pair's gaps is.

    Unit: score. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than four connections or three positive gaps. Source: RITA v5.

    >>> pl.DataFrame({"ts_score": [0.9]}).select(ts_score()).item()
    0.9
    """
    return pl.col("ts_score")


def ds_score() -> pl.Expr:
    """RITA's data size score: the same of the IP bytes that the originator sends.

    Unit: score. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than four connections, three positive gaps or three known sizes. Source: RITA v5.

    >>> pl.DataFrame({"ds_score": [0.9]}).select(ds_score()).item()
    0.9
    """
    return pl.col("ds_score")


def hist_score() -> pl.Expr:
    """RITA's histogram score: how flat, or of how few heights, connections are over 24 parts of the capture.

    Unit: score. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than four connections or three positive gaps. Source: RITA v5.

    >>> pl.DataFrame({"hist_score": [0.9]}).select(hist_score()).item()
    0.9
    """
    return pl.col("hist_score")


def dur_score() -> pl.Expr:
    """RITA's duration score: how much of the capture the pair spans, or how long it does not pause.

    Unit: score. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: fewer than four connections or three positive gaps. Source: RITA v5.

    >>> pl.DataFrame({"dur_score": [0.9]}).select(dur_score()).item()
    0.9
    """
    return pl.col("dur_score")


def pair_periodicity() -> pl.Expr:
    """Share of the pair's gaps that lie together, the longest at most a quarter longer than the shortest.

    Unit: percent. Type: UInt8. Range: 0 to 100. Logs: conn. Scope: capture.
    Null: fewer than four connections or three positive gaps. Source: ptml; jitter as beacons are set up.

    >>> pl.DataFrame({"periodicity": [80]}).select(pair_periodicity()).item()
    80
    """
    return pl.col("periodicity")


def pair_fano() -> pl.Expr:
    """Fano factor of the pair's connections over 24 parts of the capture: variance over mean.

    0 for a clockwork, 1 for chance, above for bursts.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: fewer than four connections or three positive gaps. Source: Fano 1947.

    >>> pl.DataFrame({"fano": [1.5]}).select(pair_fano()).item()
    1.5
    """
    return pl.col("fano")


def pair_gap_entropy() -> pl.Expr:
    """Shannon entropy of the pair's gaps, those of one octave (1, 2-3, 4-7 seconds) taken as one.

    Unit: bits. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: fewer than four connections or three positive gaps. Source: Shannon 1948.

    >>> pl.DataFrame({"gap_entropy": [1.5]}).select(pair_gap_entropy()).item()
    1.5
    """
    return pl.col("gap_entropy")


def pair_orig_bytes_mode() -> pl.Expr:
    """Share of the pair's connections in which the originator's payload has its most common size.

    Unit: percent. Type: UInt8. Range: 0 to 100. Logs: conn. Scope: capture.
    Null: fewer than two sizes are known. Source: ptml; check-ins without orders are equal.

    >>> pl.DataFrame({"orig_bytes_mode": [80]}).select(pair_orig_bytes_mode()).item()
    80
    """
    return pl.col("orig_bytes_mode")


def pair_resp_bytes_mode() -> pl.Expr:
    """Share of the pair's connections in which the responder's payload has its most common size.

    Unit: percent. Type: UInt8. Range: 0 to 100. Logs: conn. Scope: capture.
    Null: fewer than two sizes are known. Source: ptml; check-ins without orders are equal.

    >>> pl.DataFrame({"resp_bytes_mode": [80]}).select(pair_resp_bytes_mode()).item()
    80
    """
    return pl.col("resp_bytes_mode")


def pair_strobe() -> pl.Expr:
    """The pair has a connection a second, on average over the capture, or over a minute if it is shorter.

    Unit: flag. Type: Boolean. Range: false, true. Logs: conn. Scope: capture.
    Null: an address or the port is unset. Source: RITA v5, whose strobes have 86,400 a day.

    >>> pl.DataFrame({"strobe": [True]}).select(pair_strobe()).item()
    True
    """
    return pl.col("strobe")


def name_beacon_score() -> pl.Expr:
    """RITA's beacon score of the source with the name that TLS, QUIC or HTTP gives; of several the highest.

    Unit: score. Type: Float32. Range: 0 to 1. Logs: conn, ssl, http. Scope: capture.
    Null: no name, or too few connections, gaps or sizes. Source: RITA v5.

    >>> pl.DataFrame({"name_score": [0.5, 0.9]}).select(name_beacon_score()).item()
    0.9
    """
    return pl.col("name_score").max()


def dns_beacon_score() -> pl.Expr:
    """RITA's beacon score of the source with the name that it asks for; of several the highest.

    Unit: score. Type: Float32. Range: 0 to 1. Logs: conn, dns. Scope: capture.
    Null: no name, or too few connections, gaps or sizes. Source: RITA v5, of names instead of hosts.

    >>> pl.DataFrame({"dns_score": [0.5, 0.9]}).select(dns_beacon_score()).item()
    0.9
    """
    return pl.col("dns_score").max()


def scores_of_names(logs: Logs) -> pl.LazyFrame | None:
    """Score each connection's names from TLS, QUIC and HTTP, or take the scores that were made already."""
    return _scores(logs, "name")


def scores_of_queries(logs: Logs) -> pl.LazyFrame | None:
    """Score the names that each connection asks for, or take the scores that were made already."""
    return _scores(logs, "dns")


def _scores(logs: Logs, kind: str) -> pl.LazyFrame | None:
    if SCORES_OF.format(kind) in logs:
        return logs[SCORES_OF.format(kind)]
    rows = named_rows(logs, kind)
    if rows is None:
        return None
    schema = {"capture_id": pl.String(), "uid": pl.String(), f"{kind}_score": pl.Float32()}
    return rows.map_batches(lambda frame: name_scores(frame, kind), schema=schema)


BEACONS = (
    family(
        "beacon",
        (
            beacon_score,
            ts_score,
            ds_score,
            hist_score,
            dur_score,
            pair_periodicity,
            pair_fano,
            pair_gap_entropy,
            pair_orig_bytes_mode,
            pair_resp_bytes_mode,
            pair_strobe,
        ),
        beacon_columns,
        (),
        together=PAIR,
        reads=READS,
        pairs=address_rows,
    ),
    family("name beacon", (name_beacon_score,), scores_of_names),
    family("dns beacon", (dns_beacon_score,), scores_of_queries),
)
