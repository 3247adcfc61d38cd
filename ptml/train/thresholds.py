"""Thresholds for stated budgets of false alarms, from rows whose captures the estimator had not seen.

A budget that these rows are too few to tell has no threshold, and says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.artifact import BudgetThreshold
from ptml.train.calibrate import choose_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RULE_OF_THREE = 3
"""So many times 1/rate rows without a false alarm bound it by the rate, with 95 % confidence."""
RATES: Mapping[str, float] = {"1 of 1000 connections": 1e-3, "1 of 10000 connections": 1e-4}
ALERTS: Mapping[str, float] = {"1 alert per host and day": 1.0, "1 alert per 10 hosts and day": 0.1}


def budget_thresholds(
    probability: NDArray[np.float64],
    y: NDArray[np.int8],
    weights: NDArray[np.float64],
    keys: pl.DataFrame,
    *,
    drawn: bool = False,
) -> dict[str, BudgetThreshold]:
    """Find the threshold of connections for each budget.

    Args:
        probability: Held-out calibrated probabilities.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row.
        keys: capture_id, ts and host of each row.
        drawn: Some connections of these captures were left out, so that alerts of a day cannot be counted.

    Returns:
        A threshold a budget, or the reason why there is none: shares of benign connections called malicious,
        and alerts on benign connections a host-day (a day, UTC, on which a host of a capture opened any).
    """
    benign = y == 0
    found = {name: _of_rate(probability, y, weights, rate, int(benign.sum())) for name, rate in RATES.items()}
    days = host_days(keys.filter(pl.Series(benign)))
    for name, alerts in ALERTS.items():
        found[name] = _of_alerts(probability[benign], alerts, days, drawn=drawn)
    return found


def _of_rate(
    probability: NDArray[np.float64],
    y: NDArray[np.int8],
    weights: NDArray[np.float64],
    rate: float,
    benign: int,
) -> BudgetThreshold:
    needed = round(RULE_OF_THREE / rate)
    if benign < needed:
        return BudgetThreshold(
            reason=f"{benign} benign connections held out; a false positive rate of {rate:g} takes {needed}"
        )
    return BudgetThreshold(threshold=choose_threshold(probability, y, weights, rate))


def _of_alerts(benign: NDArray[np.float64], alerts: float, days: int, *, drawn: bool) -> BudgetThreshold:
    if drawn:
        return BudgetThreshold(reason="connections over the cap were left out: a day's alerts are not known")
    if days * alerts < RULE_OF_THREE:
        needed = int(np.ceil(RULE_OF_THREE / alerts))
        return BudgetThreshold(reason=f"{days} host-days of benign traffic held out; it takes {needed}")
    none = np.zeros(len(benign), np.int8)
    return BudgetThreshold(
        threshold=choose_threshold(benign, none, np.ones(len(benign)), min(alerts * days / len(benign), 1))
    )


def host_days(keys: pl.DataFrame) -> int:
    """Count the days (UTC) on which a host of a capture opened a connection.

    Args:
        keys: capture_id, ts and host of each row; rows without either of the two do not count.

    >>> from datetime import datetime
    >>> ts = [datetime(2026, 1, 1, 23), datetime(2026, 1, 2, 1), datetime(2026, 1, 2, 9), None]
    >>> host = ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1"]
    >>> host_days(pl.DataFrame({"capture_id": "c", "ts": ts, "host": host}))
    2
    """
    known = keys.drop_nulls(["ts", "host"])
    return int(known.select(pl.struct("capture_id", "host", pl.col("ts").dt.date()).n_unique()).item())
