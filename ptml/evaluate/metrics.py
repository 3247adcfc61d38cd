"""Metrics of a ranking and of verdicts, each from weights, so that one code serves data and bootstrap.

Area under the ROC curve and average precision are scikit-learn's, ties and all. A true positive rate at a low
false positive rate needs enough benign rows to measure that rate: by the rule of three, no false positive
among n rows bounds the rate by 3/n at 95 %, so at least 3/rate benign rows are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RULE_OF_THREE = 3
LOW_RATES = {"tpr_at_fpr_1e-2": 1e-2, "tpr_at_fpr_1e-3": 1e-3}
RANKING_METRICS = ("roc_auc", "pr_auc", *LOW_RATES)
VERDICT_METRICS = ("precision", "recall", "false_positive_rate", "mcc", "brier")
METRICS = (*RANKING_METRICS, *VERDICT_METRICS)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows from the highest probability to the lowest, sorted once for any number of weightings.

    Attributes:
        order: Positions of the rows, highest probability first.
        ends: Last place of each run of equal probabilities.
        malicious: 1.0 where the row in that place is malicious.
        probability: Probability in each place.
    """

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    malicious: Floats
    probability: Floats

    @classmethod
    def of(cls, probability: Floats, y: NDArray[np.int8]) -> Ranking:
        """Sort rows by probability."""
        order = np.argsort(-probability, kind="stable")
        ranked = probability[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        return cls(order, ends, y[order].astype(np.float64), ranked)

    def curve(self, weights: Floats) -> tuple[Floats, Floats]:
        """Sum the malicious and the benign weight at or above each distinct probability.

        Args:
            weights: Weight of each place, in ranked order.

        >>> ranking = Ranking.of(np.array([0.9, 0.5, 0.5]), np.array([1, 1, 0], np.int8))
        >>> [part.tolist() for part in ranking.curve(np.ones(3))]
        [[1.0, 2.0], [0.0, 1.0]]
        """
        malicious = weights * self.malicious
        return np.cumsum(malicious)[self.ends], np.cumsum(weights - malicious)[self.ends]


def roc_auc(tp: Floats, fp: Floats) -> float:
    """Area under the ROC curve; nan where a class has no weight.

    >>> roc_auc(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    0.75
    """
    if tp[-1] <= 0 or fp[-1] <= 0:
        return np.nan
    area = np.sum(np.diff(fp, prepend=0.0) * (tp + np.concatenate([[0.0], tp[:-1]]))) / 2
    return float(area / (tp[-1] * fp[-1]))


def average_precision(tp: Floats, fp: Floats) -> float:
    """Area under the precision-recall curve as average precision; nan where nothing is malicious.

    >>> average_precision(np.array([1.0, 2.0]), np.array([0.0, 1.0])).__round__(4)
    0.8333
    """
    if tp[-1] <= 0:
        return np.nan
    called = tp + fp
    precision = np.divide(tp, called, out=np.zeros_like(tp), where=called > 0)
    return float(np.sum(np.diff(tp, prepend=0.0) * precision) / tp[-1])


def tpr_at_fpr(tp: Floats, fp: Floats, rate: float) -> float:
    """Share of the malicious weight caught when at most this share of the benign weight is called malicious.

    >>> tpr_at_fpr(np.array([1.0, 2.0]), np.array([0.0, 1.0]), 0.01)
    0.5
    """
    if tp[-1] <= 0 or fp[-1] <= 0:
        return np.nan
    allowed = int(np.searchsorted(fp, rate * fp[-1] * (1 + 1e-12), side="right"))
    return float(tp[allowed - 1] / tp[-1]) if allowed else 0.0


def ranking_metrics(ranking: Ranking, weights: Floats) -> Floats:
    """Compute the `RANKING_METRICS` for one weighting, in that order."""
    tp, fp = ranking.curve(weights)
    low = [tpr_at_fpr(tp, fp, rate) for rate in LOW_RATES.values()]
    return np.array([roc_auc(tp, fp), average_precision(tp, fp), *low])


def verdict_metrics(sums: Floats) -> Floats:
    """Compute the `VERDICT_METRICS` from sums of weight, any number of them at once.

    Args:
        sums: Last axis: true positives, false positives, malicious, benign, squared error.

    >>> verdict_metrics(np.array([3.0, 1.0, 4.0, 16.0, 2.0])).round(4).tolist()
    [0.75, 0.75, 0.0625, 0.6875, 0.1]
    """
    tp, fp, malicious, benign, squared = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    fn, tn = malicious - tp, benign - fp
    with np.errstate(divide="ignore", invalid="ignore"):
        mcc = (tp * tn - fp * fn) / np.sqrt((tp + fp) * malicious * benign * (tn + fn))
        values = [tp / (tp + fp), tp / malicious, fp / benign, mcc, squared / (malicious + benign)]
    return np.stack(values, axis=-1)


def too_few_benign(benign: int, rate: float) -> str | None:
    """Say why a true positive rate at this false positive rate cannot be measured; None if it can.

    >>> too_few_benign(277, 0.01)
    '277 benign rows; to measure a false positive rate of 0.01 takes 300 (rule of three)'
    """
    needed = round(RULE_OF_THREE / rate)
    if benign >= needed:
        return None
    return f"{benign} benign rows; to measure a false positive rate of {rate} takes {needed} (rule of three)"
