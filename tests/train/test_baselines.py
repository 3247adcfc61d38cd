from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from ptml.train.baselines import BenignForest, SingleFeature

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHTS = "check_sample_weight_equivalence_on_dense_data"


def expected(estimator: Any) -> dict[str, str]:  # noqa: ANN401 - a scikit-learn estimator
    """Name the check that scikit-learn expects its own isolation forest to fail, too."""
    if isinstance(estimator, BenignForest):
        return {WEIGHTS: "trees draw rows by their weight: equal on average, not for one seed"}
    return {}


@parametrize_with_checks(  # type: ignore[untyped-decorator] # scikit-learn has no types
    [SingleFeature(), SingleFeature("up"), BenignForest(n_estimators=20)], expected_failed_checks=expected
)
def test_scikit_learns_rules_are_kept(estimator: Any, check: Callable[[Any], None]) -> None:  # noqa: ANN401
    """Each baseline behaves as a scikit-learn classifier must."""
    check(estimator)


def made(
    seed: int, rows: int = 300
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Make three features with ties, of which the second falls with the class; labels and weights."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    x = rng.integers(0, 9, (rows, 3)).astype(float)
    x[:, 1] -= 3 * y
    return x, y, rng.random(rows) + 0.1


@pytest.mark.parametrize("seed", range(5))
def test_the_best_feature_is_that_of_scikit_learns_areas(seed: int) -> None:
    """Its area under the curve is the largest of all features and both directions."""
    x, y, weights = made(seed)
    found = SingleFeature().fit(x, y, weights)
    area = roc_auc_score(y, found.decision_function(x), sample_weight=weights)
    areas = [roc_auc_score(y, sign * x[:, i], sample_weight=weights) for i in range(3) for sign in (1, -1)]
    assert (found.feature_, found.sign_) == (1, -1)
    assert area == pytest.approx(max(areas), abs=1e-12)


def test_upwards_means_upwards() -> None:
    """With the direction given, a feature that falls with the class is not turned round."""
    x, y, _ = made(0)
    found = SingleFeature("up").fit(x[:, [1]], y)
    assert roc_auc_score(y, found.decision_function(x[:, [1]])) < 0.4


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.floats(0.1, 5)), min_size=4, max_size=20).filter(
        lambda rows: {y for _, y, _ in rows} == {True, False}
    )
)
def test_the_dividing_value_divides_best(rows: list[tuple[int, bool, float]]) -> None:
    """No threshold between two values is right for more weight than the one that was learned."""
    x, y, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = SingleFeature().fit(x.reshape(-1, 1).astype(float), y.astype(int), weights)
    score = found.sign_ * x
    right = accuracy_score(
        y.astype(int), found.predict(x.reshape(-1, 1).astype(float)), sample_weight=weights
    )
    between = [(a + b) / 2 for a, b in zip(np.unique(score)[:-1], np.unique(score)[1:], strict=True)]
    others = [accuracy_score(y, score > value, sample_weight=weights) for value in between]
    assert not others or right >= max(others) - 1e-9


def test_malicious_rows_have_no_say_in_novelty() -> None:
    """The score is that of scikit-learn's forest of the benign rows, whatever the malicious ones hold."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 3)), np.repeat([0, 1], 100)
    ours = BenignForest(n_estimators=10, random_state=3).fit(x, y)
    spoilt = np.where(y[:, None] == 1, 1e6, x)
    theirs = IsolationForest(n_estimators=10, random_state=3).fit(x[:100], sample_weight=np.ones(100))
    assert ours.decision_function(x) == pytest.approx(-theirs.decision_function(x), abs=1e-12)
    again = BenignForest(n_estimators=10, random_state=3).fit(spoilt, y)
    assert np.array_equal(again.decision_function(x), ours.decision_function(x))


def test_more_rows_a_tree_than_there_are_means_all() -> None:
    """Asked for 512 rows a tree of 100, it takes 100, without a warning."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 3)), np.repeat([0, 1], 100)
    many, all_ = (BenignForest(5, max_samples=n, random_state=0).fit(x, y) for n in (512, 100))
    assert np.array_equal(many.decision_function(x), all_.decision_function(x))


@pytest.mark.parametrize("estimator", [SingleFeature(), BenignForest()])
def test_one_class_is_refused(estimator: Any) -> None:  # noqa: ANN401 - a scikit-learn estimator
    """With one class there is nothing to tell apart."""
    with pytest.raises(ValueError, match="needs two classes; there is one class"):
        estimator.fit(np.ones((4, 1)), np.zeros(4))
