"""Metrics with intervals: captures, not rows, are drawn anew, since rows of a capture are not independent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptml.evaluate.metrics import (
    LOW_RATES,
    METRICS,
    RANKING_METRICS,
    VERDICT_METRICS,
    Ranking,
    ranking_metrics,
    too_few_benign,
    verdict_metrics,
)
from ptml.evaluate.parts import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 1000
TAILS = (0.025, 0.975)
MIN_DEFINED = 0.9


def estimate_metrics(
    probability: NDArray[np.float64],
    called: NDArray[np.bool_],
    y: NDArray[np.int8],
    groups: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Compute every metric with its 95 % interval.

    Each draw takes as many captures as there are, with replacement, and weighs their rows by how often they
    came. A metric that fewer than nine in ten draws define has no interval.

    Args:
        probability: Calibrated probability of each row.
        called: Whether the row was called malicious.
        y: 1 for malicious, 0 for benign.
        groups: Number of each row's capture, from 0.
        weights: Weight of each row.
        draws: Draws of the bootstrap.
        seed: Seed of the draws.
    """
    ranking = Ranking.of(probability, y)
    sums = group_sums(probability, called, y, groups, weights)
    values = np.concatenate(
        [ranking_metrics(ranking, weights[ranking.order]), verdict_metrics(sums.sum(axis=0))]
    )
    count = len(sums)
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    samples = np.empty((draws, len(METRICS)))
    ranked_groups, ranked_weights = groups[ranking.order], weights[ranking.order]
    for draw in range(draws):
        samples[draw, : len(RANKING_METRICS)] = ranking_metrics(
            ranking, ranked_weights * times[draw][ranked_groups]
        )
    samples[:, -len(VERDICT_METRICS) :] = verdict_metrics(times @ sums)
    benign = int((y == 0).sum())
    return {name: _estimate(name, float(values[i]), samples[:, i], benign) for i, name in enumerate(METRICS)}


def group_sums(
    probability: NDArray[np.float64],
    called: NDArray[np.bool_],
    y: NDArray[np.int8],
    groups: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum what the verdict metrics need: a row a capture, columns as `verdict_metrics` takes them."""
    columns = (called & (y == 1), called & (y == 0), y == 1, y == 0, (probability - y) ** 2)
    return np.stack([np.bincount(groups, weights=weights * column) for column in columns], axis=1)


def _estimate(name: str, value: float, samples: NDArray[np.float64], benign: int) -> Estimate:
    if name in LOW_RATES:
        reason = too_few_benign(benign, LOW_RATES[name])
        if reason is not None:
            return Estimate(value=None, reason=reason)
    if not np.isfinite(value):
        return Estimate(value=None, reason="not defined: a class, or a verdict, has no rows")
    defined = samples[np.isfinite(samples)]
    if len(defined) < MIN_DEFINED * len(samples):
        return Estimate(value=value, reason="too few captures for an interval")
    low, high = (float(bound) for bound in np.quantile(defined, TAILS))
    return Estimate(value=value, low=low, high=high)
