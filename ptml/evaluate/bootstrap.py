"""Metrics with intervals: captures, not rows, are drawn anew, since rows of a capture are not independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptml.evaluate.metrics import METRICS, VERDICT_METRICS, group_sums, verdict_metrics, why_unknown
from ptml.evaluate.parts import Estimate
from ptml.evaluate.ranking import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptml.evaluate.outcome import Outcome
    from ptml.evaluate.ranking import Sweep

    Floats = NDArray[np.float64]

DRAWS = 1000
TAILS = (0.025, 0.975)
MIN_DEFINED = 0.9
FEW = "too few captures for an interval"
AREAS = ("roc_auc", "pr_auc")


@dataclass(frozen=True, slots=True)
class Drawn:
    """Every metric of an outcome, and of each draw of its groups.

    Attributes:
        outcome: What was drawn from.
        values: The `METRICS`, every group once.
        samples: The same of each draw, a row a draw.
        sweep: Points of the curves of each draw, if asked for.
    """

    outcome: Outcome
    values: Floats
    samples: Floats
    sweep: Sweep

    def estimates(self) -> dict[str, Estimate]:
        """Give each metric with its interval, or the reason why there is none."""
        result = {}
        for number, name in enumerate(METRICS):
            value, samples = float(self.values[number]), self.samples[:, number]
            reason = self.why_unknown(name)
            result[name] = estimate(value, samples) if reason is None else Estimate(value=None, reason=reason)
        return result

    def why_unknown(self, name: str) -> str | None:
        """Say why a metric cannot be told; None if it can."""
        verdicts = self.values[-len(VERDICT_METRICS) :]
        return why_unknown(name, float(self.values[METRICS.index(name)]), self.outcome, verdicts)

    def less(self, other: Drawn) -> dict[str, Estimate]:
        """Subtract another's metrics, draw by draw: both of the same groups, drawn by the same seed."""
        if self.outcome.count != other.outcome.count or len(self.samples) != len(other.samples):
            raise ValueError("differences are between draws of the same captures")
        result = {}
        for number, name in enumerate(METRICS):
            reason = self.why_unknown(name) or other.why_unknown(name)
            result[name] = (
                estimate(
                    float(self.values[number] - other.values[number]),
                    self.samples[:, number] - other.samples[:, number],
                )
                if reason is None
                else Estimate(value=None, reason=reason)
            )
        return result


def draw(
    outcome: Outcome, weights: Floats, *, draws: int = DRAWS, seed: int = 0, bands: bool = False
) -> Drawn:
    """Compute every metric, and that of each draw of as many groups as there are, with replacement.

    Args:
        outcome: Predictions of rows that were held out.
        weights: Weight of each row.
        draws: How many draws.
        seed: Seed of the draws; the same for the same number of groups gives the same draws.
        bands: Give the points of the curves, too.
    """
    ranking = Ranking.of(outcome.probability, outcome.y, outcome.groups, weights)
    sums = group_sums(outcome, weights)
    once, times = np.ones((1, outcome.count)), group_draws(outcome.count, draws, seed)
    sweep = ranking.sweep(times, bands=bands)
    return Drawn(
        outcome=outcome,
        values=np.concatenate([ranking.sweep(once).metrics[0], verdict_metrics(sums.sum(axis=0))]),
        samples=np.concatenate([sweep.metrics, verdict_metrics(times @ sums)], axis=1),
        sweep=sweep,
    )


def group_draws(count: int, draws: int, seed: int) -> Floats:
    """Draw groups: how often each comes, a row a draw.

    >>> group_draws(3, 2, 0).sum(axis=1).tolist()
    [3.0, 3.0]
    """
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    return times.astype(np.float64)


def mean_areas(
    outcome: Outcome, parts: Sequence[NDArray[np.bool_]], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Estimate]:
    """Average the areas under the curves over parts that have both classes, each part weighing the same.

    Args:
        outcome: Predictions of rows that were held out.
        parts: Which rows belong to each part.
        draws: Draws of the bootstrap; a part that a draw leaves without a class does not count in it.
        seed: Seed of the draws.
    """
    both = [part for part in parts if outcome.both_classes(part)]
    if not both:
        reason = "no part has both classes"
        return {name: Estimate(value=None, reason=reason) for name in AREAS}
    times = np.concatenate([np.ones((1, outcome.count)), group_draws(outcome.count, draws, seed)])
    found = np.stack([_areas(outcome, part, times) for part in both])
    defined = np.isfinite(found)
    with np.errstate(invalid="ignore"):
        means = np.where(defined, found, 0.0).sum(axis=0) / defined.sum(axis=0)
    return {name: estimate(float(means[0, i]), means[1:, i]) for i, name in enumerate(AREAS)}


def _areas(outcome: Outcome, part: NDArray[np.bool_], times: Floats) -> Floats:
    ranking = Ranking.of(
        outcome.probability[part], outcome.y[part], outcome.groups[part], np.ones(int(part.sum()))
    )
    return ranking.sweep(times).metrics[:, : len(AREAS)]


def estimate(value: float, samples: Floats) -> Estimate:
    """Put a value and its draws together; where fewer than nine in ten define it, it has no interval.

    >>> estimate(1.0, np.array([np.nan, 1.0])).reason
    'too few captures for an interval'
    """
    defined = samples[np.isfinite(samples)]
    if len(defined) < MIN_DEFINED * len(samples):
        return Estimate(value=value, reason=FEW)
    low, high = (float(bound) for bound in np.quantile(defined, TAILS))
    return Estimate(value=value, low=low, high=high)


def band(points: Floats) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Give the band that holds 95 % of the draws at each point; null where too few define it.

    >>> band(np.array([[0.2, np.nan], [0.4, np.nan]]))
    ((0.205, None), (0.395, None))
    """
    enough = np.isfinite(points).mean(axis=0) >= MIN_DEFINED
    low: list[float | None] = [None] * points.shape[1]
    high = low.copy()
    for at in np.flatnonzero(enough).tolist():
        bounds = np.nanquantile(points[:, at], TAILS).round(6)
        low[at], high[at] = float(bounds[0]), float(bounds[1])
    return tuple(low), tuple(high)
