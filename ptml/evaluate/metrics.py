"""Metrics of verdicts, from sums over captures, so that one code serves data and bootstrap; and all names.

A rate needs enough rows to measure it: by the rule of three, no false positive among n benign rows bounds
their rate by 3/n at 95 %, so that a true positive rate at a low false positive rate asks for 3/rate of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ptml.evaluate.ranking import LOW_RATES, PARTIAL_RATE, RANKING_METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.evaluate.outcome import Outcome

    Floats = NDArray[np.float64]

Number = TypeVar("Number", "float", "Floats")

RULE_OF_THREE = 3
BINS = 10
BASE_RATES = {"precision_at_1e-2": 1e-2, "precision_at_1e-3": 1e-3, "precision_at_1e-4": 1e-4}
VERDICT_METRICS = (
    "precision",
    "recall",
    "false_positive_rate",
    "mcc",
    "brier",
    "ece",
    *BASE_RATES,
    "captures_detected",
    "alerts_per_host_day",
    "false_alarms_per_host_day",
)
METRICS = (*RANKING_METRICS, *VERDICT_METRICS)
NEEDED_RATES = {**LOW_RATES, "partial_auc_1e-2": PARTIAL_RATE}
LOWER_IS_BETTER = frozenset(
    {"false_positive_rate", "brier", "ece", "alerts_per_host_day", "false_alarms_per_host_day"}
)


def group_sums(outcome: Outcome, weights: Floats) -> Floats:
    """Sum what the verdict metrics need: a row a group, columns as `verdict_metrics` takes them.

    Captures and alerts are counted, whatever rows weigh.
    """
    called, y, p = outcome.called, outcome.y == 1, outcome.probability
    rows = [called & y, called & ~y, y, ~y, (p - y) ** 2]
    sums = [np.bincount(outcome.groups, weights=weights * row, minlength=outcome.count) for row in rows]
    bins = tenths(p)
    for over in (p, y):
        flat = np.bincount(
            outcome.groups * BINS + bins, weights=weights * over, minlength=outcome.count * BINS
        )
        sums.extend(flat.reshape(-1, BINS).T)
    return np.stack([*sums, *outcome.counted()], axis=1)


def tenths(probability: Floats) -> NDArray[np.int64]:
    """Number the tenth that each probability lies in; 1 lies in the last.

    >>> tenths(np.array([0.05, 0.95, 1.0])).tolist()
    [0, 9, 9]
    """
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def verdict_metrics(sums: Floats) -> Floats:
    """Compute the `VERDICT_METRICS` from sums of weight, any number of them at once.

    Args:
        sums: Last axis: true positives, false positives, malicious, benign, squared error; probability in
            each tenth; malicious in each tenth; malicious captures, those detected; host-days, those with
            benign connections, alerts, false alarms.

    >>> tenths_of = np.zeros(2 * BINS)
    >>> tenths_of[[9, 19]] = 4.5, 4.0
    >>> found = verdict_metrics(np.array([3, 1, 4, 16, 2, *tenths_of, 2, 1, 10, 5, 4, 1]))
    >>> dict(zip(VERDICT_METRICS, found.round(4).tolist()))["ece"]
    0.025
    """
    sums = np.asarray(sums, np.float64)
    tp, fp, malicious, benign, squared = np.moveaxis(sums[..., :5], -1, 0)
    given, observed = sums[..., 5 : 5 + BINS], sums[..., 5 + BINS : 5 + 2 * BINS]
    captures, detected, days, benign_days, alerts, false = np.moveaxis(sums[..., 5 + 2 * BINS :], -1, 0)
    fn, tn, weight = malicious - tp, benign - fp, malicious + benign
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, rate = tp / malicious, fp / benign
        mcc = (tp * tn - fp * fn) / np.sqrt((tp + fp) * malicious * benign * (tn + fn))
        values = [
            *(tp / (tp + fp), recall, rate, mcc, squared / weight),
            np.abs(given - observed).sum(axis=-1) / weight,
            *(precision_at(base, recall, rate) for base in BASE_RATES.values()),
            *(detected / captures, alerts / days, false / benign_days),
        ]
    return np.stack(values, axis=-1)


def precision_at(base: float, recall: Number, false_positive_rate: Number) -> Number:
    """Tell the share of alerts that are true where this share of all rows is malicious.

    >>> round(precision_at(1e-4, 0.95, 0.001), 3)
    0.087
    """
    true, false = base * recall, (1 - base) * false_positive_rate
    return true / (true + false)


def too_few_benign(benign: int, rate: float) -> str | None:
    """Say why a true positive rate at this false positive rate cannot be measured; None if it can.

    >>> too_few_benign(277, 0.01)
    '277 benign rows; to measure a false positive rate of 0.01 takes 300 (rule of three)'
    """
    needed = round(RULE_OF_THREE / rate)
    if benign >= needed:
        return None
    return f"{benign} benign rows; to measure a false positive rate of {rate} takes {needed} (rule of three)"


def why_unknown(name: str, value: float, outcome: Outcome, verdicts: Floats) -> str | None:
    """Say why a metric of these outcomes cannot be told; None if it can.

    Args:
        name: Name of the metric.
        value: What was computed.
        outcome: From what.
        verdicts: The `VERDICT_METRICS` of it.
    """
    benign = int((outcome.y == 0).sum())
    if name in NEEDED_RATES:
        reason = too_few_benign(benign, NEEDED_RATES[name])
        if reason is not None:
            return reason
    if name in BASE_RATES and benign and not (outcome.called & (outcome.y == 0)).any():
        return _no_false_alarm(BASE_RATES[name], benign, verdicts)
    if np.isfinite(value):
        return None
    if name.endswith("host_day"):
        return "not defined: no host and day with such rows is known"
    return "not defined: a class, or a verdict, has no rows"


def _no_false_alarm(base: float, benign: int, verdicts: Floats) -> str:
    recall = float(verdicts[VERDICT_METRICS.index("recall")])
    bound = min(RULE_OF_THREE / benign, 1.0)
    least = precision_at(base, recall, bound) if recall > 0 else 0.0
    return (
        f"no false alarm among {benign} benign rows: their rate may be up to {bound:.2g} (rule of three), "
        f"and precision as low as {least:.2g}"
    )
