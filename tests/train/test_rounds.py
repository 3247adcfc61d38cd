from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from ptml.artifact import contracts_of
from ptml.errors import BadData
from ptml.train.estimators import build_pipeline, fit_pipeline
from ptml.train.registry import ESTIMATORS
from ptml.train.rounds import best_rounds
from ptml.train.spec import ModelSpec
from ptml.train.splits import assign_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.train.registry import EstimatorName

BOOSTERS: tuple[EstimatorName, ...] = ("hist-gradient-boosting", "lightgbm", "xgboost")


def made() -> tuple[pl.DataFrame, NDArray[np.int8], NDArray[np.int64]]:
    """Make forty groups of ten rows: a weak signal, and a number that names the group."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), 10)
    y = (groups % 2).astype(np.int8)
    x = pl.DataFrame({"weak": rng.normal(size=400) + y, "group": rng.normal(size=40)[groups]})
    return x.cast(pl.Float32), y, groups


def spec(name: EstimatorName, patience: int) -> ModelSpec:
    """Make a spec of two hundred rounds at most."""
    params: dict[str, Any] = {ESTIMATORS[name].rounds or "": 200}
    return ModelSpec(name="x", estimator=name, params=params, early_stopping=patience)


def fit(name: EstimatorName, patience: int) -> Any:  # noqa: ANN401 - a fitted classifier
    """Fit with so much patience."""
    x, y, groups = made()
    return fit_pipeline(
        spec(name, patience),
        contracts_of(x.schema, "connection"),
        x,
        y,
        np.ones(400),
        level="connection",
        seed=0,
        groups=groups,
    )[-1]


def trees(classifier: Any) -> int:  # noqa: ANN401 - a fitted classifier
    """Count a classifier's rounds."""
    return len(classifier.predictors_ if hasattr(classifier, "predictors_") else classifier._predictors)


@pytest.mark.parametrize("name", BOOSTERS)
def test_groups_held_out_end_the_boosting(name: EstimatorName) -> None:
    """Where rounds only learn groups by heart, few are kept; without patience all are."""
    assert trees(fit(name, 10)) < 60
    assert trees(fit(name, 0)) == 200


def test_the_rounds_are_those_of_least_loss() -> None:
    """With endless patience they equal the minimum of the log loss after each round, computed anew."""
    x, y, groups = made()
    contracts = contracts_of(x.schema, "connection")
    prepare = build_pipeline(
        spec("hist-gradient-boosting", 200), contracts, level="connection", rows=400, seed=0
    )[0]

    def make(_: object) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(max_iter=60, random_state=0, early_stopping=False)

    found = best_rounds(make, lambda _: prepare, x, y, np.ones(400), groups=groups, patience=60, seed=0)
    held_out = assign_folds("grouped", y, groups, 5, 0) == 0
    again = make(None).fit(x.to_numpy()[~held_out], y[~held_out])
    losses = [log_loss(y[held_out], p[:, 1]) for p in again.staged_predict_proba(x.to_numpy()[held_out])]
    assert found == int(np.argmin(losses)) + 1


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_category_of_one_group_does_no_harm(name: EstimatorName) -> None:
    """Where a category is among the groups held out alone, constraints still meet their columns."""
    x, y, groups = made()
    x = x.with_columns(pl.Series("service", [f"s{min(group, 25)}" for group in groups]))
    constrained = spec(name, 5).model_copy(update={"monotone": {"weak": 1}})
    contracts = contracts_of(x.schema, "connection")
    pipeline = fit_pipeline(
        constrained, contracts, x, y, np.ones(400), level="connection", seed=0, groups=groups
    )
    one, more = (pipeline.decision_function(x.with_columns(pl.col("weak") + add)) for add in (0, 1))
    assert (more - one).min() >= -1e-6
    assert (more - one).max() > 0.1


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_feature_of_groups_held_out_alone_does_no_harm(name: EstimatorName) -> None:
    """A feature that has values only in the groups held out is left out while rounds are counted."""
    x, y, groups = made()
    held_out = assign_folds("grouped", y, groups, 5, 0) == 0
    seldom = pl.when(pl.Series(held_out)).then(pl.lit(1.0, pl.Float32))
    x = x.with_columns(seldom.alias("seldom"))
    fitted = fit_pipeline(
        spec(name, 10),
        contracts_of(x.schema, "connection"),
        x,
        y,
        np.ones(400),
        level="connection",
        seed=0,
        groups=groups,
    )
    assert trees(fitted[-1]) < 60


def test_one_group_cannot_be_held_out() -> None:
    """A class of one group has nothing to be held out from it."""
    x, y, _ = made()
    with pytest.raises(BadData, match="1 malicious and 1 benign captures"):
        fit_pipeline(
            spec("hist-gradient-boosting", 5),
            contracts_of(x.schema, "connection"),
            x,
            y,
            np.ones(400),
            level="connection",
            seed=0,
            groups=y.astype(np.int64),
        )
