from __future__ import annotations

import numpy as np
import polars as pl
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

from ptml.evaluate.bootstrap import draw
from ptml.evaluate.metrics import METRICS, group_sums, precision_at, too_few_benign
from ptml.evaluate.outcome import Outcome
from ptml.evaluate.ranking import GRID, LOW_RATES, Ranking, ranking_values
from tests.evaluate.builders import outcome_of

row = st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(1, 5))
rows = st.lists(row, min_size=2, max_size=40).filter(lambda found: {r[1] for r in found} == {0, 1})


def arrays(found: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give probabilities with many ties, labels and weights."""
    p, y, w = (np.array(column) for column in zip(*found, strict=True))
    return p / 6, y.astype(np.int8), w / 3


def verdicts(p: np.ndarray, y: np.ndarray, cut: float, w: np.ndarray) -> dict[str, float]:
    """Compute every metric with weights, each row a capture of its own."""
    found = draw(outcome_of(p, y, np.arange(len(y)), cut=cut), w, draws=1)
    return dict(zip(METRICS, found.values.tolist(), strict=True))


@given(rows)
def test_areas_equal_those_of_scikit_learn(found: list[tuple[int, int, int]]) -> None:
    """ROC-AUC, average precision and the partial area are scikit-learn's for any ties and weights."""
    p, y, w = arrays(found)
    got = ranking_values(p, y, w)
    assert got["roc_auc"] == pytest.approx(roc_auc_score(y, p, sample_weight=w), abs=1e-12)
    assert got["pr_auc"] == pytest.approx(average_precision_score(y, p, sample_weight=w), abs=1e-12)
    partial = roc_auc_score(y, p, sample_weight=w, max_fpr=0.01)
    assert got["partial_auc_1e-2"] == pytest.approx(partial, abs=1e-12)


def test_the_partial_area_of_many_rows_is_scikit_learns() -> None:
    """Where one in a hundred benign rows is many rows, and the bound falls between two of them, too."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 1990).astype(np.int8)
    p = (rng.random(1990) + 0.4 * y).round(3)
    got = ranking_values(p, y)
    assert got["partial_auc_1e-2"] == pytest.approx(roc_auc_score(y, p, max_fpr=0.01), abs=1e-12)
    assert 0.5 < got["partial_auc_1e-2"] < 1


@given(rows)
def test_tpr_at_fpr_is_the_best_point_of_the_curve(found: list[tuple[int, int, int]]) -> None:
    """It is the highest point of scikit-learn's ROC curve that is not right of the rate."""
    p, y, w = arrays(found)
    got = ranking_values(p, y, w)
    fpr, tpr, _ = roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    for name, rate in LOW_RATES.items():
        expected = max(t for f, t in zip(fpr, tpr, strict=True) if f <= rate * (1 + 1e-12))
        assert got[name] == pytest.approx(expected, abs=1e-12)


def test_low_rates_by_hand() -> None:
    """Of 200 benign rows two may be called at one in a hundred, none at one in a thousand."""
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.5, *np.full(198, 0.1)])
    y = np.array([1, 0, 1, 0, 1, *np.zeros(198)], np.int8)
    got = ranking_values(p, y)
    assert got["tpr_at_fpr_1e-2"] == 1
    assert [got["tpr_at_fpr_1e-3"], got["tpr_at_fpr_1e-4"]] == pytest.approx([1 / 3, 1 / 3])


@given(rows)
def test_points_of_the_curve_are_on_it(found: list[tuple[int, int, int]]) -> None:
    """Each point of the band's grid lies on scikit-learn's ROC curve, at its top where it is upright."""
    p, y, w = arrays(found)
    sweep = Ranking.of(p, y, np.zeros(len(y), np.int64), w).sweep(np.ones((1, 1)), bands=True)
    fpr, tpr, _ = roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    upright = [max(t for f, t in zip(fpr, tpr, strict=True) if f <= at * (1 + 1e-12)) for at in GRID]
    assert sweep.tpr[0] == pytest.approx(np.maximum(np.interp(GRID, fpr, tpr), upright), abs=1e-9)


@given(rows, st.integers(0, 6))
def test_verdict_metrics_equal_those_of_scikit_learn(found: list[tuple[int, int, int]], cut: int) -> None:
    """Precision, recall, MCC and Brier are scikit-learn's wherever these are defined."""
    p, y, w = arrays(found)
    called = p >= cut / 6
    got = verdicts(p, y, cut / 6, w)
    assert got["recall"] == pytest.approx(recall_score(y, called, sample_weight=w), abs=1e-12)
    assert got["brier"] == pytest.approx(brier_score_loss(y, p, sample_weight=w), abs=1e-12)
    if called.any():
        assert got["precision"] == pytest.approx(precision_score(y, called, sample_weight=w), abs=1e-12)
    if called.any() and not called.all():
        assert got["mcc"] == pytest.approx(matthews_corrcoef(y, called, sample_weight=w), abs=1e-9)


@given(rows)
def test_the_calibration_error_is_that_of_a_loop(found: list[tuple[int, int, int]]) -> None:
    """ECE is the weighted mean, over tenths, of how far the mean probability is from the share malicious."""
    p, y, w = arrays(found)
    error = 0.0
    for low in range(10):
        inside = [i for i in range(len(p)) if min(int(p[i] * 10), 9) == low]
        weight = sum(w[i] for i in inside)
        if weight:
            given_ = sum(w[i] * p[i] for i in inside) / weight
            observed = sum(w[i] * y[i] for i in inside) / weight
            error += weight / w.sum() * abs(given_ - observed)
    assert verdicts(p, y, 0.5, w)["ece"] == pytest.approx(error, abs=1e-12)


@given(rows)
def test_a_weight_of_two_is_a_row_twice(found: list[tuple[int, int, int]]) -> None:
    """Weighing a row by n gives what n copies of it give."""
    p, y, w = arrays(found)
    times = (w * 3).round().astype(int)
    many = ranking_values(np.repeat(p, times), np.repeat(y, times))
    assert ranking_values(p, y, times.astype(float)) == pytest.approx(many, abs=1e-12)


def test_one_class_is_not_defined() -> None:
    """Without a benign or a malicious row, areas are not a number."""
    p = np.array([0.2, 0.4])
    assert np.isnan(ranking_values(p, np.ones(2, np.int8))["roc_auc"])
    benign = ranking_values(p, np.zeros(2, np.int8))
    assert np.isnan([benign["roc_auc"], benign["pr_auc"], benign["partial_auc_1e-2"]]).all()


def test_precision_at_a_base_rate_by_hand() -> None:
    """Where one row in ten thousand is malicious, 95 % found at one false alarm in a thousand gives 8.7 %."""
    assert precision_at(1e-4, 0.95, 1e-3) == pytest.approx(0.95e-4 / (0.95e-4 + 0.9999e-3))
    p = np.repeat([0.9, 0.1, 0.9, 0.1], [3, 1, 1, 999])
    y = np.repeat([1, 1, 0, 0], [3, 1, 1, 999]).astype(np.int8)
    got = verdicts(p, y, 0.5, np.ones(1004))
    assert got["precision_at_1e-3"] == pytest.approx(0.75e-3 / (0.75e-3 + 0.999e-3))


def test_captures_and_alerts_are_counted_by_hand() -> None:
    """Malicious captures and those caught, host-days and alerts: counted, not weighed; by group."""
    table = pl.DataFrame(
        {
            "capture_id": ["a", "a", "a", "b", "b", "c", "c"],
            "uid": list("1234567"),
            "host": ["h", "h", "i", "h", None, "h", "h"],
            "ts": ["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-01", "2024-01-01"] + ["2024-03-01"] * 2,
            "label": ["malicious", "malicious", "benign", "malicious", "malicious", "benign", "benign"],
            "verdict": ["benign", "malicious", "malicious", "benign", "benign", "malicious", "benign"],
            "probability": [0.5] * 7,
            "group": [4, 4, 4, 4, 4, 9, 9],
        }
    ).with_columns(pl.col("ts").str.to_datetime(time_unit="us", time_zone="UTC"))
    counted = [part.tolist() for part in Outcome.of(table).counted()]
    assert counted == [[2, 0], [1, 0], [4, 1], [1, 1], [2, 1], [1, 1]]
    once, doubled = (draw(Outcome.of(table), np.full(7, w), draws=2).values for w in (1.0, 2.0))
    got = dict(zip(METRICS, once.tolist(), strict=True))
    assert got["captures_detected"] == 0.5
    assert got["alerts_per_host_day"] == pytest.approx(3 / 5)
    assert got["false_alarms_per_host_day"] == 1
    assert once[-3:].tolist() == doubled[-3:].tolist()


def test_sums_are_a_groups_own() -> None:
    """The sums over groups add up to those of all rows as one group."""
    rng = np.random.default_rng(1)
    p, y, g = rng.random(50), rng.integers(0, 2, 50).astype(np.int8), rng.integers(0, 5, 50)
    one, many = outcome_of(p, y, np.zeros(50, int)), outcome_of(p, y, g)
    sums = [group_sums(outcome, outcome.ones).sum(axis=0)[:25] for outcome in (one, many)]
    assert sums[0] == pytest.approx(sums[1])


@pytest.mark.parametrize(
    ("benign", "rate", "enough"),
    [(299, 0.01, False), (300, 0.01, True), (3000, 0.001, True), (29_999, 1e-4, False), (30_000, 1e-4, True)],
)
def test_the_rule_of_three(benign: int, rate: float, enough: bool) -> None:
    """A false positive rate needs three over itself benign rows to be measured."""
    assert (too_few_benign(benign, rate) is None) is enough
