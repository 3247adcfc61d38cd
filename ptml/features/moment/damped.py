"""Kitsune's damped statistics: each earlier connection weighs less the longer ago it ended.

A weight falls to 2 to the power of minus rate times seconds, at five rates of 5, 3, 1, 0.1 and 0.01 a
second, which halve it in 0.2, 0.33, 1, 10 and 100 seconds. Kitsune takes packets and their sizes; here a
connection is one event, at its end, and its size is the IP bytes of both directions (each at most 1 TiB).
One whose IP bytes are unset is not an event. A mean or a deviation does not change while nothing happens:
only the weight fades.
"""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import TYPE_CHECKING

import polars as pl

from ptml.features.family import family
from ptml.features.moment.tables import RATES, fading_pair_table, fading_source_table, preparing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.features.family import FeatureFunction

_EACH_RATE: list[FeatureFunction] = []
_SIZES = ("source", "destination", "end", "orig_size", "resp_size")


def at_each_rate(feature: Callable[[str], pl.Expr]) -> tuple[FeatureFunction, ...]:
    """Make of a function of a rate one feature for each, named after it; its docstring may say ``{rate}``.

    >>> [made.__name__ for made in at_each_rate(lambda suffix: pl.col(suffix))][0]
    '<lambda>_l5'
    """
    made = []
    for suffix, rate in RATES.items():

        def at_rate(suffix: str = suffix) -> pl.Expr:
            return feature(suffix)

        at_rate.__name__ = at_rate.__qualname__ = f"{feature.__name__}_{suffix}"
        at_rate.__doc__ = inspect.cleandoc(feature.__doc__ or "").format(rate=f"{rate:g}", suffix=suffix)
        made.append(at_rate)
    _EACH_RATE.extend(made)
    return tuple(made)


@at_each_rate
def damped_src_weight(suffix: str) -> pl.Expr:
    """Connections of the source before, each faded at {rate} a second.

    Unit: connections. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Kitsune (Mirsky et al. 2018).

    >>> from ptml.features.moment.example import at_example

    At the fifth connection, at second 3, one is 3 seconds old and two are 2.

    >>> weight = 2 ** (-3 * {rate}) + 2 * 2 ** (-2 * {rate})
    >>> abs(at_example("damped_src_weight_{suffix}")[4] / weight - 1) < 1e-6
    True
    """
    return pl.col(f"weight_{suffix}")


@at_each_rate
def damped_src_mean(suffix: str) -> pl.Expr:
    """Mean size of the source's connections before, each faded at {rate} a second.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: the source or the time is unset, or there is none. Source: Kitsune (Mirsky et al. 2018).

    >>> from ptml.features.moment.example import at_example

    At the fifth connection, at second 3, one of 600 bytes is 3 seconds old, and of 40 and 80 are 2.

    >>> old, young = 2 ** (-3 * {rate}), 2 ** (-2 * {rate})
    >>> mean = (600 * old + (40 + 80) * young) / (old + 2 * young)
    >>> abs(at_example("damped_src_mean_{suffix}")[4] / mean - 1) < 1e-6
    True
    """
    return pl.col(f"mean_{suffix}")


@at_each_rate
def damped_src_std(suffix: str) -> pl.Expr:
    """Standard deviation of the sizes of the source's connections before, each faded at {rate} a second.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: the source or the time is unset, or there is none. Source: Kitsune (Mirsky et al. 2018).

    >>> from ptml.features.moment.example import at_example

    At the fifth connection, at second 3, one of 600 bytes is 3 seconds old, and of 40 and 80 are 2.

    >>> old, young = 2 ** (-3 * {rate}), 2 ** (-2 * {rate})
    >>> mean = (600 * old + (40 + 80) * young) / (old + 2 * young)
    >>> square = (600**2 * old + (40**2 + 80**2) * young) / (old + 2 * young)
    >>> abs(at_example("damped_src_std_{suffix}")[4] / (square - mean**2) ** 0.5 - 1) < 1e-6
    True
    """
    return pl.col(f"std_{suffix}")


@at_each_rate
def damped_pair_weight(suffix: str) -> pl.Expr:
    """Connections of the source with the destination before, each faded at {rate} a second.

    Unit: connections. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: an address or the time is unset. Source: Kitsune (Mirsky et al. 2018).

    >>> from ptml.features.moment.example import at_example

    At the fifth connection, at second 3, one is 3 seconds old and one is 2.

    >>> weight = 2 ** (-3 * {rate}) + 2 ** (-2 * {rate})
    >>> abs(at_example("damped_pair_weight_{suffix}")[4] / weight - 1) < 1e-6
    True
    """
    return pl.col(f"weight_{suffix}")


@at_each_rate
def damped_pair_mean(suffix: str) -> pl.Expr:
    """Mean size of the source's connections with the destination before, each faded at {rate} a second.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: an address or the time is unset, or there is none. Source: Kitsune (Mirsky et al. 2018).

    >>> from ptml.features.moment.example import at_example

    At the fifth connection, at second 3, one of 600 bytes is 3 seconds old, and one of 40 is 2.

    >>> old, young = 2 ** (-3 * {rate}), 2 ** (-2 * {rate})
    >>> mean = (600 * old + 40 * young) / (old + young)
    >>> abs(at_example("damped_pair_mean_{suffix}")[4] / mean - 1) < 1e-6
    True
    """
    return pl.col(f"mean_{suffix}")


@at_each_rate
def damped_pair_std(suffix: str) -> pl.Expr:
    """Standard deviation of the sizes of the pair's connections before, each faded at {rate} a second.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: an address or the time is unset, or there is none. Source: Kitsune (Mirsky et al. 2018).

    >>> from ptml.features.moment.example import at_example

    At the fifth connection, at second 3, one of 600 bytes is 3 seconds old, and one of 40 is 2: they lie 560
    apart, and for shares p and 1 - p of the weight the variance is p (1 - p) times the square of that.

    >>> share = 1 / (1 + 2 ** (1 * {rate}))
    >>> abs(at_example("damped_pair_std_{suffix}")[4] / (560 * (share * (1 - share)) ** 0.5) - 1) < 1e-6
    True
    """
    return pl.col(f"std_{suffix}")


@at_each_rate
def damped_pair_cov(suffix: str) -> pl.Expr:
    """Covariance of what the two directions sent in the pair's connections before, faded at {rate} a second.

    Unit: square bytes. Type: Float32. Range: any. Logs: conn. Scope: past.
    Null: an address or the time is unset, or there is none. Source: Kitsune (Mirsky et al. 2018).

    Kitsune pairs each packet with the last of the other direction; a connection knows both directions.

    >>> from ptml.features.moment.example import at_example

    At the fifth connection, at second 3, one of 200 and 400 bytes is 3 seconds old, and one of 40 and 0 is 2.

    >>> share = 1 / (1 + 2 ** (1 * {rate}))
    >>> abs(at_example("damped_pair_cov_{suffix}")[4] / (160 * 400 * share * (1 - share)) - 1) < 1e-6
    True
    """
    return pl.col(f"cov_{suffix}")


@at_each_rate
def damped_pair_corr(suffix: str) -> pl.Expr:
    """Correlation of what the two directions sent in the pair's connections before, faded at {rate} a second.

    Unit: ratio. Type: Float32. Range: -1 to 1. Logs: conn. Scope: past.
    Null: an address or the time is unset, or a direction has always sent the same.
    Source: Kitsune (Mirsky et al. 2018).

    Kitsune pairs each packet with the last of the other direction; a connection knows both directions.

    >>> from ptml.features.moment.example import at_example

    At the fifth connection there have been two, of which one sent more both ways; at the second, one.

    >>> at_example("damped_pair_corr_{suffix}")[1], round(at_example("damped_pair_corr_{suffix}")[4], 6)
    (None, 1.0)
    """
    return pl.col(f"corr_{suffix}")


DAMPED_SOURCE = family(
    "fading moment of the source",
    (*damped_src_weight, *damped_src_mean, *damped_src_std),
    fading_source_table,
    (),
    together=("source",),
    prepare=preparing(*_SIZES),
)
DAMPED_PAIR = family(
    "fading moment of the pair",
    (*damped_pair_weight, *damped_pair_mean, *damped_pair_std, *damped_pair_cov, *damped_pair_corr),
    fading_pair_table,
    (),
    together=("source", "destination"),
    prepare=preparing(*_SIZES),
)
__test__ = {made.__name__: made for made in _EACH_RATE if isinstance(made, FunctionType)}
"""Where doctest finds the examples of the features, which are made and not written."""
