from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from ptml.train.calibrate import Kind, calibrate, choose_threshold, fit_calibration, fit_isotonic


def test_calibration_is_the_penalised_likelihood() -> None:
    """Slope and intercept minimise the weighted log loss plus half the slope's square."""
    rng = np.random.default_rng(3)
    odds = rng.normal(size=200) * 3
    y = (rng.random(200) < 1 / (1 + np.exp(-0.7 * odds))).astype(np.int8)
    weights = rng.random(200) + 0.5

    def loss(ab: np.ndarray) -> float:
        z = ab[0] * odds + ab[1]
        return float(np.sum(weights * (np.logaddexp(0, z) - y * z)) + ab[0] ** 2 / 2)

    best = minimize(loss, [1.0, 0.0], tol=1e-12).x
    found = fit_calibration(odds, y, weights)
    assert found.slope == pytest.approx(best[0], abs=1e-3)
    assert found.intercept == pytest.approx(best[1], abs=1e-3)


def test_log_odds_that_mislead_do_not_turn_the_order() -> None:
    """Where held-out log-odds rank backwards, the slope stays positive and all lies near the base rate."""
    odds, y = np.linspace(-3, 3, 40), np.repeat([1, 0, 0, 0], 10).astype(np.int8)
    found = fit_calibration(odds, y, np.ones(40)).apply(odds)
    assert (np.diff(found) > 0).all()
    assert found == pytest.approx(np.full(40, 0.25), abs=0.01)


def test_the_threshold_lies_between() -> None:
    """With 10 % allowed, one of ten benign rows may be called: halfway between 0.6 and the benign 0.5."""
    p = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 0.6, 0.9])
    y = np.array([0] * 10 + [1, 1], np.int8)
    assert choose_threshold(p, y, np.ones(12), 0.10) == pytest.approx(0.55)
    assert choose_threshold(p, y, np.ones(12), 0.09) == pytest.approx(0.8)


def test_weights_count() -> None:
    """A benign row of half the benign weight is too much where a tenth is allowed."""
    p, y = np.array([0.1, 0.2, 0.6]), np.array([0, 0, 1], np.int8)
    assert choose_threshold(p, y, np.array([1.0, 1.0, 1.0]), 0.5) == pytest.approx(0.15)
    assert choose_threshold(p, y, np.array([1.0, 2.0, 1.0]), 0.5) == pytest.approx(0.4)


def test_a_constant_score_raises_no_alert() -> None:
    """Where all rows have the same probability, the threshold is 1."""
    assert choose_threshold(np.full(4, 0.5), np.array([0, 0, 1, 1], np.int8), np.ones(4), 0.01) == 1.0


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1), st.floats(0.1, 9)), min_size=1, max_size=30),
    st.floats(0.001, 0.5),
)
def test_the_bound_holds(rows: list[tuple[float, int, float]], rate: float) -> None:
    """The benign weight at or above the threshold never exceeds the bound, unless certainty itself does."""
    p, w = np.array([r[0] for r in rows]), np.array([r[2] for r in rows])
    y = np.array([r[1] for r in rows], np.int8)
    y[0] = 0
    threshold = choose_threshold(p, y, w, rate)
    called = w[(p >= threshold) & (y == 0)].sum() / w[y == 0].sum()
    assert called <= rate * (1 + 1e-9) or threshold == 1.0


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans(), st.floats(0.1, 3)), min_size=4, max_size=40))
def test_isotonic_keeps_order_and_stays_within_bounds(rows: list[tuple[float, bool, float]]) -> None:
    """A higher log-odds never gives a lower probability, and none is certain."""
    odds, y, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = fit_isotonic(odds, y.astype(np.int8), weights).apply(np.linspace(-12, 12, 99))
    assert np.diff(found).min() >= 0
    assert 0 < found[0] <= found[-1] < 1


def test_isotonic_is_that_of_scikit_learn() -> None:
    """On many rows it equals `IsotonicRegression` within the bounds of certainty."""
    rng = np.random.default_rng(0)
    odds = rng.normal(size=500)
    y = (rng.random(500) < 1 / (1 + np.exp(-odds))).astype(np.int8)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(odds, y).predict(odds)
    ours = fit_isotonic(odds, y, np.ones(500)).apply(odds)
    assert ours == pytest.approx(np.clip(theirs, 1 / 502, 1 - 1 / 502), abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "groups", "expected"),
    [
        ("auto", 999, "sigmoid"),
        ("auto", 1000, "isotonic"),
        ("sigmoid", 1000, "sigmoid"),
        ("isotonic", 2, "isotonic"),
        ("none", 1000, "none"),
    ],
)
def test_few_captures_get_two_numbers(kind: Kind, groups: int, expected: str) -> None:
    """Left to itself it is a sigmoid below a thousand captures; asked for, it is what was asked for."""
    odds, y = np.array([-1.0, 0.0, 1.0, 2.0]), np.array([0, 1, 0, 1], np.int8)
    assert calibrate(kind, odds, y, np.ones(4), groups).kind == expected


def test_no_calibration_is_the_plain_sigmoid() -> None:
    """Uncalibrated log-odds of 0 mean one half, of 1 e / (1 + e)."""
    found = calibrate("none", np.zeros(2), np.array([0, 1], np.int8), np.ones(2), 2)
    assert found.apply(np.array([0.0, 1.0])) == pytest.approx([0.5, 0.7310585786300049], abs=1e-15)
