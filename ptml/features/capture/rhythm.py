"""How much of a capture belongs to busy pairs of hosts, and how regular these are."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import ratio, share, top_share

FEWEST = 10
"""Connections below which the gaps of a pair say nothing of a rhythm."""
REGULAR = 0.1
"""Median absolute deviation over median below which a pair is taken to beat time."""


def busy_pair_share() -> pl.Expr:
    """Share of the connections that belong to pairs of ten connections or more.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: ptml; pairs with connections enough to be beacons.

    >>> pl.DataFrame({"connections": [12, 3, 1]}).select(busy_pair_share()).item()
    0.75
    """
    size = pl.col("connections")
    return ratio(size.filter(size >= FEWEST).sum().cast(pl.Float64), size.sum())


def single_pair_share() -> pl.Expr:
    """Share of the pairs that have one connection.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: ptml; scanners do not come back.

    >>> pl.DataFrame({"connections": [12, 1]}).select(single_pair_share()).item()
    0.5
    """
    return share(pl.col("connections") == 1)


def top_pair_share() -> pl.Expr:
    """Share of the connections that belong to the busiest pair.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: NetFlow practice.

    >>> pl.DataFrame({"connections": [3, 1]}).select(top_pair_share()).item()
    0.75
    """
    return top_share(pl.col("connections"))


def least_sent_dispersion() -> pl.Expr:
    """Least dispersion of the originator's payload among pairs of ten connections or more.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no pair has ten connections and a median above 0. Source: ptml; the deviation in RITA v5's scores.

    >>> pl.DataFrame({"sent_dispersion": [0.05, 0.5, None]}).select(least_sent_dispersion()).item()
    0.05
    """
    return pl.col("sent_dispersion").min()


def least_answer_dispersion() -> pl.Expr:
    """Least dispersion of the responder's payload among pairs of ten connections or more.

    Unit: ratio. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no pair has ten connections and a median above 0. Source: ptml; the deviation in RITA v5's scores,
    taken of the responder's payload.

    >>> pl.DataFrame({"answer_dispersion": [0.05, 0.5, None]}).select(least_answer_dispersion()).item()
    0.05
    """
    return pl.col("answer_dispersion").min()


def clockwork_pairs() -> pl.Expr:
    """Pairs that are regular both in their gaps and in the payload of the originator.

    Unit: pairs. Type: UInt32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no addresses or ports known. Source: ptml; the deviation in RITA v5's scores.

    >>> rows = pl.DataFrame({"dispersion": [0.05, 0.05, None], "sent_dispersion": [0.0, 0.5, 0.0]})
    >>> rows.select(clockwork_pairs()).item()
    1
    """
    regular = (pl.col("dispersion") < REGULAR) & (pl.col("sent_dispersion") < REGULAR)
    return regular.sum()
