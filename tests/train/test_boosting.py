from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks

from ptml.artifact.trees import check_trees
from ptml.errors import MissingTool
from ptml.train.boosting import LibraryBoosting

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptml.train.boosting import Library

LIBRARIES: tuple[Library, ...] = ("lightgbm", "xgboost")
WEIGHTS = "check_sample_weight_equivalence_on_dense_data"


@parametrize_with_checks(  # type: ignore[untyped-decorator] # scikit-learn has no types
    [
        LibraryBoosting("lightgbm", {"n_estimators": 10, "min_child_samples": 2}),
        LibraryBoosting("xgboost", {"n_estimators": 10}),
    ],
    expected_failed_checks=lambda _: {WEIGHTS: "bins of values are counted by rows, not by their weight"},
)
def test_scikit_learns_rules_are_kept(estimator: Any, check: Callable[[Any], None]) -> None:  # noqa: ANN401
    """Boosting by another library behaves as a scikit-learn classifier must."""
    check(estimator)


def made(rows: int = 400) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.float64]]:
    """Make features with ties, nulls, zeros and huge values; labels that follow from them; weights."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    x[:, 1] = rng.integers(-2, 3, rows)
    x[:, 2] = np.where(rng.random(rows) < 0.3, np.nan, rng.lognormal(8, 4, rows))
    x[:200, 3] = np.nan  # no null after these: what it learns of nulls in other columns is a rule of its own
    y = (np.nan_to_num(x[:, 0]) + 0.5 * x[:, 1] + np.isnan(x[:, 2]) > 0.3).astype(np.int8)
    return x, y, rng.random(rows) + 0.2


def own_margin(name: Library, params: dict[str, Any], x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the score by the library itself."""
    learned, y, weights = made()
    if name == "lightgbm":
        own = lightgbm.LGBMClassifier(
            **params, n_jobs=1, random_state=3, verbosity=-1, deterministic=True, force_row_wise=True
        )
        return np.asarray(own.fit(learned, y, weights).booster_.predict(x, raw_score=True))
    grown = xgboost.XGBClassifier(**params, n_jobs=1, random_state=3).fit(learned, y, sample_weight=weights)
    return np.asarray(grown.predict(x, output_margin=True))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("params", [{"n_estimators": 30}, {"n_estimators": 1, "max_depth": 1}])
def test_arrays_score_as_the_library_does(name: Library, params: dict[str, Any]) -> None:
    """Rows never seen, values on the very thresholds, and nulls in every column get the library's score."""
    x, y, weights = made()
    ours = LibraryBoosting(name, params, random_state=3).fit(x, y, weights)
    rng = np.random.default_rng(9)
    others = rng.permuted(np.where(rng.random(x.shape) < 0.2, np.nan, x).astype(np.float32), axis=0)
    thresholds = np.concatenate([tree.nodes["num_threshold"] for tree in ours.predictors_])
    most = np.finfo(np.float32).max / 2
    edges = np.where(
        abs(thresholds) < 1e-30, 0, np.clip(thresholds, -most, most)
    )  # LightGBM's zero is as wide
    on_edge = np.repeat(edges.astype(np.float32)[:, None], 4, axis=1)
    for rows in (x, others, on_edge, np.nextafter(on_edge, np.float32(np.inf))):
        assert ours.decision_function(rows) == pytest.approx(own_margin(name, params, rows), abs=2e-5)
    check_trees(ours)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_constraint_is_kept(name: Library) -> None:
    """A score that may only fall with a feature never rises with it, though the labels do."""
    x, y, weights = made()
    falls = LibraryBoosting(name, {"n_estimators": 20}, monotone=[-1, 0, 0, 0], random_state=0)
    sweep = np.tile(x[:50], (40, 1))
    sweep[:, 0] = np.repeat(np.linspace(-3, 3, 40), 50)
    scores = falls.fit(x, y, weights).decision_function(sweep).reshape(40, 50)
    assert np.diff(scores, axis=0).max() <= 1e-9
    free = LibraryBoosting(name, {"n_estimators": 20}, random_state=0).fit(x, y, weights)
    assert np.diff(free.decision_function(sweep).reshape(40, 50), axis=0).max() > 0.1


@pytest.mark.parametrize(
    ("name", "params"), [("lightgbm", {"num_leaves": -3}), ("xgboost", {"max_depth": -3})]
)
def test_a_value_that_is_refused_is_explained(name: Library, params: dict[str, Any]) -> None:
    """What the library says of a parameter's value arrives as scikit-learn's own error would."""
    x, y, _ = made()
    with pytest.raises(InvalidParameterError, match=f"{name} refuses its parameters: .*{next(iter(params))}"):
        LibraryBoosting(name, params).fit(x, y)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_that_is_not_there_is_named(name: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, fitting says which to install."""
    monkeypatch.setitem(sys.modules, name, None)
    x, y, _ = made()
    with pytest.raises(MissingTool, match=rf"needs the extra(.|\n)*ptml\[{name}\]"):
        LibraryBoosting(name).fit(x, y)


@pytest.mark.parametrize("name", LIBRARIES)
def test_scoring_needs_no_library(name: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once fitted, it scores where the library is not installed."""
    x, y, _ = made()
    fitted = LibraryBoosting(name, {"n_estimators": 3}).fit(x, y)
    before = fitted.decision_function(x)
    monkeypatch.setitem(sys.modules, name, None)
    assert np.array_equal(fitted.decision_function(x), before)
