"""Claims about contributions: they sum to a model's own log-odds, or there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ptml.artifact import contracts_of, log_odds, model_inputs
from ptml.explain.contributions import contributions
from ptml.train.estimators import fit_pipeline
from ptml.train.spec import ModelSpec
from tests.artifact.builders import SMALL, labels, table

if TYPE_CHECKING:
    import polars as pl
    from sklearn.pipeline import Pipeline

    from ptml.train.registry import EstimatorName


def fit(name: EstimatorName) -> tuple[Pipeline, pl.DataFrame]:
    """Fit an estimator on numbers, truth values and categories, with nulls."""
    contracts = contracts_of(table().schema, "connection")
    inputs = model_inputs(table(), contracts)
    spec = ModelSpec(name="x", estimator=name, params=SMALL[name])
    y = labels(table())
    return fit_pipeline(spec, contracts, inputs, y, np.ones(len(y)), level="connection", seed=0), inputs


@pytest.mark.parametrize(
    "name", ["hist-gradient-boosting", "random-forest", "extra-trees", "logistic-regression"]
)
def test_contributions_sum_to_the_log_odds(name: EstimatorName) -> None:
    """What the model begins with and what the features add give its uncalibrated log-odds, row by row."""
    pipeline, inputs = fit(name)
    means = pipeline[:-1].transform(inputs).mean(axis=0).tolist()
    found = contributions(pipeline, inputs, means)
    assert found is not None
    assert found.features == tuple(inputs.columns)
    assert found.exact.all()
    assert np.allclose(found.expected + found.values.sum(axis=1), log_odds(pipeline, inputs), atol=1e-6)
    assert np.abs(found.values).max() > 0.01


@pytest.mark.parametrize("name", ["support-vector", "isolation-forest", "prevalence"])
def test_there_are_none_where_they_are_not_exact(name: EstimatorName) -> None:
    """A score that is no sum of leaves or weights is not shared out."""
    assert contributions(*fit(name)) is None


def test_a_linear_model_without_its_training_means_has_none() -> None:
    """Distances from an unknown mean would mean nothing."""
    assert contributions(*fit("logistic-regression")) is None


def test_a_sum_that_is_off_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows whose contributions miss the score by more than a millionth are marked, the others stay."""
    pipeline, inputs = fit("hist-gradient-boosting")

    def wrong(estimator: Pipeline, rows: pl.DataFrame) -> np.ndarray:
        odds = log_odds(estimator, rows)
        odds[0] += 1e-5
        return odds

    monkeypatch.setattr("ptml.explain.contributions.log_odds", wrong)  # no real model is known to be off
    found = contributions(pipeline, inputs)
    assert found is not None
    assert found.exact.tolist() == [False] + [True] * (inputs.height - 1)
