"""The statistics behind the checks. Weights let every capture count the same, however many rows it has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 200
TAILS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Area:
    """A ROC-AUC with its 95 % interval."""

    value: float
    low: float
    high: float


def weighted_auc(score: NDArray[np.float64], y: NDArray[np.int8], weight: NDArray[np.float64]) -> float:
    """Give the chance that a malicious row has a higher score than a benign one; ties count half.

    >>> weighted_auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1], np.int8), np.ones(4))
    0.875
    """
    return _auc(*_ties(score, y), weight)


def auc_interval(
    score: NDArray[np.float64],
    y: NDArray[np.int8],
    groups: NDArray[np.int64],
    weight: NDArray[np.float64],
    *,
    seed: int = 0,
) -> Area:
    """Give a ROC-AUC with its interval, by drawing whole groups anew.

    Args:
        score: Higher means rather malicious.
        y: 1 for malicious, 0 for benign.
        groups: Group of each row.
        weight: Weight of each row.
        seed: Seed of the draws.

    >>> auc_interval(np.arange(4.0), np.array([0, 0, 1, 1], np.int8), np.arange(4), np.ones(4))
    Area(value=1.0, low=1.0, high=1.0)
    """
    order, ends, positive = _ties(score, y)
    names, inverse = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        times = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        drawn.append(_auc(order, ends, positive, weight * times[inverse]))
    known = [area for area in drawn if not math.isnan(area)]
    value = _auc(order, ends, positive, weight)
    low, high = np.quantile(known, TAILS) if known else (value, value)
    return Area(value, float(low), float(high))


def share_of_classes(
    target: NDArray[np.int64], guessed: NDArray[np.int64], groups: NDArray[np.int64], *, seed: int = 0
) -> tuple[float, float]:
    """Give the share guessed right, the mean over classes, and the lower end of its 95 % interval.

    Groups are drawn whole; a class that a draw lacks does not count in it.

    >>> share_of_classes(np.array([0, 0, 0, 5]), np.array([0, 0, 5, 5]), np.arange(4))[0].__round__(3)
    0.833
    """
    _, code = np.unique(target, return_inverse=True)
    names, inverse = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng(seed)

    def share(weight: NDArray[np.float64]) -> float:
        there = np.bincount(code, weight)
        right = np.bincount(code, weight * (target == guessed), len(there))
        return float((right[there > 0] / there[there > 0]).mean())

    draws = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    low = np.quantile([share(times[inverse].astype(np.float64)) for times in draws], TAILS[0])
    return share(np.ones(len(target))), float(low)


def _ties(
    score: NDArray[np.float64], y: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Sort by score: the order, where each run of equal scores ends, and which rows are malicious."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    return order, ends, y[order] == 1


def _auc(
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    positive: NDArray[np.bool_],
    weight: NDArray[np.float64],
) -> float:
    ranked = weight[order]
    malicious = np.cumsum(ranked * positive)[ends]
    benign = np.cumsum(ranked * ~positive)[ends]
    if malicious[-1] <= 0 or benign[-1] <= 0:
        return math.nan
    below = benign - np.diff(benign, prepend=0) / 2
    return float((np.diff(malicious, prepend=0) * below).sum() / malicious[-1] / benign[-1])


def others_say(
    codes: NDArray[np.int64], y: NDArray[np.int8], groups: NDArray[np.int64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Guess each row's label from rows of other groups with the same code: their share that is malicious.

    The overall share counts as one more row, so that a code of many groups says more than one of few, and one
    that no other group has says nothing. A code that has nothing to do with the label never ranks above
    chance.

    >>> codes, y = np.array([7, 7, 7, 8]), np.array([1, 1, 1, 0], np.int8)
    >>> others_say(codes, y, np.array([0, 1, 2, 3]), np.ones(4)).round(3).tolist()
    [0.917, 0.917, 0.917, 0.75]
    """
    _, code = np.unique(codes, return_inverse=True)
    pairs, pair = np.unique(np.stack([code, groups]), axis=1, return_inverse=True)
    pair, prior = pair.reshape(-1), float(np.average(y, weights=weight))

    def elsewhere(values: NDArray[np.float64]) -> NDArray[np.float64]:
        within = np.bincount(pair, values)
        found: NDArray[np.float64] = np.bincount(pairs[0], within)[pairs[0]] - within
        return found[pair].clip(min=0)

    return (elsewhere(weight * y) + prior) / (elsewhere(weight) + 1)


def stability_index(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Give the population stability index of two histograms over the same bins, of counts or weights.

    Half a row is added to each bin, so that an empty one stays finite.

    >>> round(stability_index(np.array([50.0, 50.0]), np.array([50.0, 50.0])), 6)
    0.0
    >>> round(stability_index(np.array([90.0, 10.0]), np.array([10.0, 90.0])), 2)
    3.41
    """
    one = (first + 0.5) / (first + 0.5).sum()
    other = (second + 0.5) / (second + 0.5).sum()
    return float(((one - other) * np.log(one / other)).sum())


def chance_index(bins: int, one: int, other: int) -> float:
    """Give what the stability index of two samples from one and the same source exceeds once in a hundred.

    Args:
        bins: How many bins the histograms have.
        one: Independent draws in one sample; captures, not their rows.
        other: Those in the other.

    >>> round(chance_index(10, 100, 100), 3)
    0.433
    """
    return float(chi2.ppf(0.99, max(bins - 1, 1))) * (1 / one + 1 / other)


def ks_distance(
    values: NDArray[np.float64], second: NDArray[np.bool_], weight: NDArray[np.float64]
) -> float | None:
    """Give the Kolmogorov-Smirnov distance of two parts of a column; None where a part has no value.

    >>> ks_distance(np.array([1.0, 2.0, 3.0, np.nan]), np.array([False, False, True, True]), np.ones(4))
    1.0
    """
    known = ~np.isnan(values)
    order = np.argsort(values[known], kind="stable")
    ranked, part, mass = values[known][order], second[known][order], weight[known][order]
    totals = mass[~part].sum(), mass[part].sum()
    if min(totals) <= 0:
        return None
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    one, other = np.cumsum(mass * ~part)[ends] / totals[0], np.cumsum(mass * part)[ends] / totals[1]
    return float(np.abs(one - other).max())


def auc_half_width(malicious: int, benign: int, area: float = 0.9) -> float:
    """Give the half width of the 95 % interval of a ROC-AUC that so many captures allow (Hanley, McNeil).

    >>> round(auc_half_width(30, 30), 3), round(auc_half_width(300, 300), 3)
    (0.082, 0.026)
    """
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (malicious - 1) * (q1 - area**2) + (benign - 1) * (q2 - area**2)
    return 1.96 * math.sqrt(spread / (malicious * benign))


def share_half_width(captures: int, share: float = 0.9) -> float:
    """Give the half width of the 95 % interval (Wilson) of a share, such as recall, over so many captures.

    >>> round(share_half_width(30), 3), round(share_half_width(300), 3)
    (0.111, 0.034)
    """
    z = 1.96
    root = math.sqrt(share * (1 - share) / captures + z**2 / 4 / captures**2)
    return z * root / (1 + z**2 / captures)
