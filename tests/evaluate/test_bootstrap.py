from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ptml.evaluate.bootstrap import estimate_metrics
from ptml.evaluate.metrics import METRICS

if TYPE_CHECKING:
    from ptml.evaluate.parts import Estimate


def made(groups: int = 30, rows: int = 10, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make captures of one class each, whose rows are alike."""
    rng = np.random.default_rng(4)
    y = np.repeat(np.arange(groups) % 2, rows).astype(np.int8)
    group = np.repeat(np.arange(groups), rows)
    odds = 2.0 * (y - 0.5) + noise * rng.normal(size=groups)[group]
    return 1 / (1 + np.exp(-odds)), y, group


def estimate(
    p: np.ndarray, y: np.ndarray, group: np.ndarray, seed: int = 0, draws: int = 400
) -> dict[str, Estimate]:
    """Estimate with every row weighing the same."""
    return estimate_metrics(p, p >= 0.5, y, group, np.ones(len(y)), draws=draws, seed=seed)


def test_every_metric_has_its_value_within_its_interval() -> None:
    """Each metric is there, with an interval around its value or a reason for having none."""
    found = estimate(*made())
    assert set(found) == set(METRICS)
    for one in found.values():
        if one.value is None:
            assert one.reason
        else:
            assert one.low is not None
            assert one.high is not None
            assert one.low <= one.value <= one.high


def test_the_interval_is_that_of_drawing_captures() -> None:
    """The interval equals that of an independent bootstrap that copies the rows of drawn captures."""
    p, y, group = made()
    area = estimate(p, y, group, draws=2000)["roc_auc"]
    rng = np.random.default_rng(99)
    values = []
    for _ in range(2000):
        rows = np.concatenate([np.flatnonzero(group == g) for g in rng.integers(0, 30, 30)])
        if len(set(y[rows])) == 2:
            values.append(roc_auc_score(y[rows], p[rows]))
    assert (area.low, area.high) == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.02)


def test_rows_of_a_capture_do_not_count_as_many() -> None:
    """Ten copies of every row leave the interval as wide as it was."""
    p, y, group = made(rows=1)
    one, ten = estimate(p, y, group), estimate(np.repeat(p, 10), np.repeat(y, 10), np.repeat(group, 10))
    assert one["roc_auc"] == ten["roc_auc"]
    assert one["recall"] == ten["recall"]


def test_the_same_seed_gives_the_same_interval() -> None:
    """Intervals follow from the seed."""
    assert estimate(*made(), seed=1) == estimate(*made(), seed=1)
    assert estimate(*made(), seed=1)["roc_auc"] != estimate(*made(), seed=2)["roc_auc"]


def test_too_few_benign_rows_give_a_reason_and_no_figure() -> None:
    """With 150 benign rows, recall at a false positive rate of 1 % is refused with the reason."""
    found = estimate(*made())["tpr_at_fpr_1e-2"]
    assert found.value is None
    assert (
        found.reason == "150 benign rows; to measure a false positive rate of 0.01 takes 300 (rule of three)"
    )


def test_two_captures_have_no_interval() -> None:
    """With one capture of each class, half of the draws have one class only: a value, but no interval."""
    found = estimate(*made(groups=2))["roc_auc"]
    assert found.value is not None
    assert (found.low, found.high) == (None, None)
    assert found.reason == "too few captures for an interval"
