"""Metrics of a ranking, swept once from the highest probability to the lowest, for any number of weightings.

Areas are scikit-learn's, ties and all. One sweep gives every metric and the points of both curves, so that a
thousand draws of captures cost a thousand sweeps and no sort.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptml.features.compiled import runner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOW_RATES = {"tpr_at_fpr_1e-2": 1e-2, "tpr_at_fpr_1e-3": 1e-3, "tpr_at_fpr_1e-4": 1e-4}
PARTIAL_RATE = 1e-2
RANKING_METRICS = ("roc_auc", "pr_auc", "partial_auc_1e-2", *LOW_RATES)
GRID = np.linspace(0, 1, 101)
"""Where bands are given: false positive rates of the ROC curve, recalls of the precision-recall curve."""


SLACK = 1 + 1e-12
"""Sums of weights that are equal on paper differ in their last digits."""


class Ranking(NamedTuple):
    """Rows from the highest probability to the lowest; those alike in probability, group and class are one.

    Attributes:
        groups: Group of each place.
        malicious: Whether it is malicious.
        weights: Its weight.
        ends: Whether it is the last of its probability.
    """

    groups: NDArray[np.int32]
    malicious: NDArray[np.bool_]
    weights: Floats
    ends: NDArray[np.bool_]

    @classmethod
    def of(
        cls, probability: Floats, y: NDArray[np.int8], groups: NDArray[np.int64], weights: Floats
    ) -> Ranking:
        """Sort rows.

        >>> ranking = Ranking.of(np.array([0.5, 0.9, 0.5]), np.array([1, 0, 1]), np.zeros(3, int), np.ones(3))
        >>> ranking.weights.tolist(), ranking.malicious.tolist()
        ([1.0, 2.0], [False, True])
        """
        order = np.lexsort((y, groups, -probability))
        p, g, label = probability[order], groups[order], y[order]
        next_p = p[1:] != p[:-1]
        first = np.concatenate([[True], next_p | (g[1:] != g[:-1]) | (label[1:] != label[:-1])])
        last = np.concatenate([first[1:], [True]])
        return cls(
            groups=g[first].astype(np.int32),
            malicious=label[first] == 1,
            weights=np.add.reduceat(weights[order], np.flatnonzero(first)),
            ends=np.concatenate([next_p, [True]])[last],
        )

    def sweep(self, times: Floats, *, bands: bool = False) -> Sweep:
        """Compute every metric for each draw.

        Args:
            times: How often each draw has each group: a row a draw, a column a group.
            bands: Give the points of the curves as well.
        """
        draws, points = len(times), len(GRID) if bands else 0
        found = Sweep(
            metrics=np.full((draws, len(RANKING_METRICS)), np.nan),
            tpr=np.full((draws, points), np.nan),
            precision=np.full((draws, points), np.nan),
        )
        sweep = runner(draws * len(self.weights), _sweep, _curve, _reached, _between, _partial_area)
        sweep(self, np.ascontiguousarray(times, np.float64), np.array([*LOW_RATES.values()]), GRID, found)
        return found


class Sweep(NamedTuple):
    """What sweeps found, a row a draw; nan where a class has no weight.

    Attributes:
        metrics: The `RANKING_METRICS`, in that order.
        tpr: True positive rate at each false positive rate of the `GRID`.
        precision: Precision where recall first reaches each value of the `GRID`.
    """

    metrics: Floats
    tpr: Floats
    precision: Floats


def ranking_values(
    probability: Floats, y: NDArray[np.int8], weights: Floats | None = None
) -> dict[str, float]:
    """Compute the `RANKING_METRICS` of some rows, by name; nan where a class has none.

    >>> found = ranking_values(np.array([0.9, 0.5, 0.4]), np.array([1, 0, 1], np.int8))
    >>> found["roc_auc"], round(found["pr_auc"], 4), found["tpr_at_fpr_1e-2"]
    (0.5, 0.8333, 0.5)
    """
    weights = np.ones(len(y)) if weights is None else weights
    ranking = Ranking.of(probability, y, np.zeros(len(y), np.int64), weights)
    metrics = ranking.sweep(np.ones((1, 1))).metrics[0]
    return dict(zip(RANKING_METRICS, metrics.tolist(), strict=True))


def _sweep(ranking: Ranking, times: Floats, rates: Floats, grid: Floats, found: Sweep) -> None:
    size = len(ranking.ends)
    tp, fp = np.empty(size), np.empty(size)
    for draw in range(len(times)):
        count, area, average = _curve(ranking, times[draw], tp, fp)
        if count == 0:
            continue
        p, n = tp[count - 1], fp[count - 1]
        if p <= 0:
            continue
        found.metrics[draw, 1] = average / p
        for at in range(found.precision.shape[1]):
            place = min(np.searchsorted(tp[:count], grid[at] * p / SLACK), count - 1)
            found.precision[draw, at] = tp[place] / max(tp[place] + fp[place], 1e-300)
        if n <= 0:
            continue
        found.metrics[draw, 0] = area / (p * n)
        found.metrics[draw, 2] = _partial_area(tp[:count], fp[:count], PARTIAL_RATE)
        for number in range(len(rates)):
            found.metrics[draw, 3 + number] = _reached(tp[:count], fp[:count], rates[number] * n)
        for at in range(found.tpr.shape[1]):
            found.tpr[draw, at] = _between(tp[:count], fp[:count], grid[at] * n) / p


def _curve(ranking: Ranking, times: Floats, tp: Floats, fp: Floats) -> tuple[int, float, float]:
    """Sum malicious and benign weight at or above each distinct probability; both areas on the way."""
    count = 0
    up = right = above = before = area = average = 0.0
    for i in range(len(ranking.ends)):
        weight = ranking.weights[i] * times[ranking.groups[i]]
        if ranking.malicious[i]:
            up += weight
        else:
            right += weight
        if ranking.ends[i] and (up > 0 or right > 0):
            area += right * (above + up / 2)
            above, before = above + up, before + right
            average += up * above / (above + before)
            tp[count], fp[count] = above, before
            count += 1
            up = right = 0.0
    return count, area, average


def _reached(tp: Floats, fp: Floats, allowed: float) -> float:
    """Tell the share of malicious weight at the last point that has at most this benign weight."""
    last = np.searchsorted(fp, allowed * SLACK, side="right")
    return float(tp[last - 1] / tp[-1]) if last else 0.0


def _between(tp: Floats, fp: Floats, at: float) -> float:
    """Tell the malicious weight where the curve has this benign weight; the most, where it is upright."""
    last = np.searchsorted(fp, at * SLACK, side="right")
    if last == len(fp):
        return float(tp[-1])
    left, below = (fp[last - 1], tp[last - 1]) if last else (0.0, 0.0)
    return float(below + (tp[last] - below) * max(at - left, 0.0) / (fp[last] - left))


def _partial_area(tp: Floats, fp: Floats, rate: float) -> float:
    """Tell the area left of a false positive rate, standardised as McClish did: a half for guessing."""
    limit = rate * fp[-1]
    area = left = below = 0.0
    for i in range(len(fp)):
        step = min(fp[i], limit) - left
        if fp[i] > left:
            area += step * (below + (tp[i] - below) * step / (fp[i] - left) / 2)
        if fp[i] >= limit:
            break
        left, below = fp[i], tp[i]
    least, most = limit * tp[-1] * rate / 2, limit * tp[-1]
    return float((1 + (area - least) / (most - least)) / 2)
