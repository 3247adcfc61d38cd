from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from ptml.evaluate.metrics import (
    Ranking,
    average_precision,
    ranking_metrics,
    roc_auc,
    too_few_benign,
    tpr_at_fpr,
    verdict_metrics,
)

row = st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(1, 5))
rows = st.lists(row, min_size=2, max_size=40).filter(lambda found: {r[1] for r in found} == {0, 1})


def arrays(found: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give probabilities with many ties, labels and weights."""
    p, y, w = (np.array(column) for column in zip(*found, strict=True))
    return p / 6, y.astype(np.int8), w.astype(np.float64)


@given(rows)
def test_areas_equal_those_of_scikit_learn(found: list[tuple[int, int, int]]) -> None:
    """ROC-AUC and average precision are scikit-learn's for any ties and weights."""
    p, y, w = arrays(found)
    ranking = Ranking.of(p, y)
    tp, fp = ranking.curve(w[ranking.order])
    assert roc_auc(tp, fp) == pytest.approx(roc_auc_score(y, p, sample_weight=w), abs=1e-12)
    assert average_precision(tp, fp) == pytest.approx(
        average_precision_score(y, p, sample_weight=w), abs=1e-12
    )


@given(rows, st.sampled_from([0.01, 0.1, 0.3, 0.5]))
def test_tpr_at_fpr_is_the_best_point_of_the_curve(found: list[tuple[int, int, int]], rate: float) -> None:
    """It is the highest point of scikit-learn's ROC curve that is not right of the rate."""
    p, y, w = arrays(found)
    ranking = Ranking.of(p, y)
    fpr, tpr, _ = roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    expected = max(t for f, t in zip(fpr, tpr, strict=True) if f <= rate * (1 + 1e-12))
    assert tpr_at_fpr(*ranking.curve(w[ranking.order]), rate) == pytest.approx(expected, abs=1e-12)


@given(rows, st.integers(0, 6))
def test_verdict_metrics_equal_those_of_scikit_learn(found: list[tuple[int, int, int]], cut: int) -> None:
    """Precision, recall, MCC and Brier are scikit-learn's wherever these are defined."""
    p, y, w = arrays(found)
    called = p >= cut / 6
    sums = [w[m].sum() for m in (called & (y == 1), called & (y == 0), y == 1, y == 0)]
    got = verdict_metrics(np.array([*sums, (w * (p - y) ** 2).sum()]))
    assert got[1] == pytest.approx(recall_score(y, called, sample_weight=w), abs=1e-12)
    assert got[4] == pytest.approx(brier_score_loss(y, p, sample_weight=w), abs=1e-12)
    if called.any():
        assert got[0] == pytest.approx(precision_score(y, called, sample_weight=w), abs=1e-12)
    if called.any() and not called.all():
        assert got[3] == pytest.approx(matthews_corrcoef(y, called, sample_weight=w), abs=1e-9)


@given(rows)
def test_a_weight_of_two_is_a_row_twice(found: list[tuple[int, int, int]]) -> None:
    """Weighing a row by n gives what n copies of it give."""
    p, y, w = arrays(found)
    times = w.astype(int)
    one, many = Ranking.of(p, y), Ranking.of(np.repeat(p, times), np.repeat(y, times))
    assert ranking_metrics(one, w[one.order]) == pytest.approx(
        ranking_metrics(many, np.ones(times.sum())), abs=1e-12
    )


def test_one_class_is_not_defined() -> None:
    """Without a benign or a malicious row, areas are not a number."""
    ranking = Ranking.of(np.array([0.2, 0.4]), np.array([1, 1], np.int8))
    assert np.isnan(roc_auc(*ranking.curve(np.ones(2))))
    ranking = Ranking.of(np.array([0.2, 0.4]), np.array([0, 0], np.int8))
    assert np.isnan(average_precision(*ranking.curve(np.ones(2))))


@pytest.mark.parametrize(
    ("benign", "rate", "enough"), [(299, 0.01, False), (300, 0.01, True), (3000, 0.001, True)]
)
def test_the_rule_of_three(benign: int, rate: float, enough: bool) -> None:
    """A false positive rate needs three over itself benign rows to be measured."""
    assert (too_few_benign(benign, rate) is None) is enough
