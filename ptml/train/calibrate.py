"""From an estimator's log-odds to probabilities, and from probabilities to a threshold.

Both are learned from rows whose captures the estimator had not seen, never from rows it was fitted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ptml.artifact import Calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind: TypeAlias = Literal["auto", "sigmoid", "isotonic", "none"]
MIN_SLOPE = 1e-3
MANY_GROUPS = 1000
"""From so many captures on their log-odds tell more than two numbers of a sigmoid."""


def calibrate(
    kind: Kind, log_odds: NDArray[np.float64], y: NDArray[np.int8], weights: NDArray[np.float64], groups: int
) -> Calibration:
    """Fit the calibration that a spec asks for.

    Args:
        kind: ``sigmoid``, ``isotonic`` or ``none``; ``auto`` is isotonic where many groups were held out.
        log_odds: Held-out log-odds.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row.
        groups: How many groups the rows come from.

    >>> calibrate("auto", np.array([-1.0, 1.0]), np.array([0, 1], np.int8), np.ones(2), 2).kind
    'sigmoid'
    """
    if kind == "none":
        return Calibration(kind="none")
    if kind == "isotonic" or (kind == "auto" and groups >= MANY_GROUPS):
        return fit_isotonic(log_odds, y, weights)
    return fit_calibration(log_odds, y, weights)


def fit_isotonic(
    log_odds: NDArray[np.float64], y: NDArray[np.int8], weights: NDArray[np.float64]
) -> Calibration:
    """Fit the rising line through the shares of malicious rows that lies nearest to them.

    No probability is 0 or 1: with so many rows, as their weights count, none is that certain (Laplace).

    Args:
        log_odds: Held-out log-odds.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row.

    >>> fit_isotonic(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 1, 0, 1], np.int8), np.ones(4)).log_odds
    (-2.0, -1.0, 1.0, 2.0)
    """
    margin = 1 / (weights.sum() ** 2 / (weights**2).sum() + 2)
    fitted = IsotonicRegression(y_min=margin, y_max=1 - margin).fit(log_odds, y, sample_weight=weights)
    return Calibration(
        kind="isotonic",
        log_odds=tuple(fitted.X_thresholds_.tolist()),
        probabilities=tuple(fitted.y_thresholds_.tolist()),
    )


def fit_calibration(
    log_odds: NDArray[np.float64], y: NDArray[np.int8], weights: NDArray[np.float64]
) -> Calibration:
    """Fit Platt's sigmoid: a logistic regression on the log-odds alone.

    Where held-out log-odds do not rank at all, the slope would be zero or negative; it is kept a little
    above zero, so that order survives and every probability lies near the share of malicious rows.

    Args:
        log_odds: Held-out log-odds.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row.

    >>> odds, y = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1], np.int8)
    >>> fit_calibration(odds, y, np.ones(4)).slope > 0
    True
    """
    fitted = LogisticRegression(C=1.0).fit(log_odds.reshape(-1, 1), y, sample_weight=weights)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope >= MIN_SLOPE:
        return Calibration(slope=slope, intercept=intercept)
    share = np.average(y, weights=weights)
    intercept = float(np.log(share / (1 - share)) - MIN_SLOPE * np.average(log_odds, weights=weights))
    return Calibration(slope=MIN_SLOPE, intercept=intercept)


def at_prior(probability: NDArray[np.float64], prior: float, other: float) -> NDArray[np.float64]:
    """Correct probabilities for another share of malicious rows (Saerens et al. 2002, Neural Computation 14).

    Args:
        probability: Calibrated where `prior` of the weight was malicious.
        prior: That share, between 0 and 1.
        other: The share to reckon with instead.

    >>> at_prior(np.array([0.0, 0.2, 0.8, 1.0]), 0.2, 0.5).round(3).tolist()
    [0.0, 0.5, 0.941, 1.0]
    """
    ratio = other / (1 - other) * (1 - prior) / prior
    corrected: NDArray[np.float64] = probability * ratio / (probability * ratio + 1 - probability)
    return corrected


def choose_threshold(
    probability: NDArray[np.float64],
    y: NDArray[np.int8],
    weights: NDArray[np.float64],
    max_false_positive_rate: float,
) -> float:
    """Find the lowest threshold that calls at most this share of the benign weight malicious.

    It lies halfway between the last probability that counts as malicious and the next below, so that a
    new row just beside either falls on its side. Where even the highest probability is benign too often, it
    is 1: nothing short of certainty is called malicious.

    Args:
        probability: Held-out calibrated probabilities.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row.
        max_false_positive_rate: Share of benign weight at or above the threshold, at most.

    >>> p, y = np.array([0.1, 0.2, 0.6, 0.9]), np.array([0, 0, 1, 1], np.int8)
    >>> choose_threshold(p, y, np.ones(4), 0.01)
    0.4
    """
    values, inverse = np.unique(probability, return_inverse=True)
    benign = np.bincount(inverse, weights=weights * (y == 0), minlength=len(values))
    rate = np.cumsum(benign[::-1])[::-1] / benign.sum()
    allowed = np.flatnonzero(rate <= max_false_positive_rate * (1 + 1e-12))
    if len(allowed) == 0:
        return 1.0
    first = int(allowed[0])
    below = float(values[first - 1]) if first else 0.0
    middle = (float(values[first]) + below) / 2
    return middle if middle > below else float(values[first])
