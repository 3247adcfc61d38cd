from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from ptml.artifact import contracts_of, log_odds, model_inputs
from ptml.errors import BadData, SettingsError
from ptml.train.estimators import balanced, build_pipeline, fit_pipeline
from ptml.train.spec import ModelSpec
from tests.artifact.builders import NAMES, SMALL, labels, table

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ptml.train.registry import EstimatorName


def fit(frame: pl.DataFrame, spec: ModelSpec, seed: int = 0) -> tuple[Pipeline, pl.DataFrame]:
    """Fit a spec on a table whose label follows from its duration."""
    contracts = contracts_of(frame.schema, "connection")
    inputs = model_inputs(frame, contracts)
    y = labels(frame)
    return fit_pipeline(spec, contracts, inputs, y, np.ones(len(y)), level="connection", seed=seed), inputs


@pytest.mark.parametrize("name", NAMES)
def test_each_estimator_learns_with_nulls_and_categories(name: EstimatorName) -> None:
    """Each estimator takes nulls, truth values and categories, and ranks what it was taught."""
    spec = ModelSpec(name="x", estimator=name, params=SMALL[name])
    pipeline, inputs = fit(table(), spec)
    odds, y = log_odds(pipeline, inputs), labels(table())
    if name == "prevalence":
        assert np.ptp(odds) == 0
    else:
        assert odds[y == 1].mean() > odds[y == 0].mean()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_model(name: EstimatorName) -> None:
    """Two fits with one seed agree in every bit."""
    spec = ModelSpec(name="x", estimator=name, params=SMALL[name])
    (one, inputs), (two, _) = fit(table(), spec, 3), fit(table(), spec, 3)
    assert np.array_equal(log_odds(one, inputs), log_odds(two, inputs))


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_without_values_is_left_out(name: EstimatorName) -> None:
    """A number and a category that are null throughout training are not looked at, then or later."""
    never = table().with_columns(
        empty=pl.lit(None, pl.Float32), nothing=pl.lit(None, pl.String), duration=pl.col("duration")
    )
    pipeline, inputs = fit(never, ModelSpec(name="x", estimator=name, params=SMALL[name]))
    later = inputs.with_columns(empty=pl.lit(5.0, pl.Float32), nothing=pl.lit("x"))
    assert np.array_equal(log_odds(pipeline, inputs), log_odds(pipeline, later))


def test_no_values_at_all_is_bad_data() -> None:
    """Where every feature is null in every row there is nothing to learn."""
    frame = table().select("capture_id", "uid", "duration")
    contracts = contracts_of(frame.schema, "connection")
    inputs = pl.DataFrame({"duration": [None] * 60}, schema={"duration": pl.Float32})
    with pytest.raises(BadData, match="no feature has a value"):
        fit_pipeline(
            ModelSpec(name="x", estimator="random-forest"),
            contracts,
            inputs,
            labels(frame),
            np.ones(60),
            level="connection",
            seed=0,
        )


def test_a_value_that_does_not_fit_is_a_settings_error() -> None:
    """A parameter of the right name and the wrong value is explained by scikit-learn's own words."""
    spec = ModelSpec(name="x", estimator="hist-gradient-boosting", params={"max_iter": -3})
    with pytest.raises(SettingsError, match="'max_iter' parameter of HistGradientBoostingClassifier"):
        fit(table(), spec)


def test_preparation_gives_named_polars_columns() -> None:
    """Asked for Polars, the preparing step names its columns: one a category, null a category of its own."""
    frame = table()
    contracts = contracts_of(frame.schema, "connection")
    spec = ModelSpec(name="x", estimator="hist-gradient-boosting")
    prepare = build_pipeline(spec, contracts, level="connection", rows=60, seed=0)[0]
    prepare.set_output(transform="polars")
    found = prepare.fit_transform(model_inputs(frame, contracts))
    assert found.columns == [
        *("duration", "orig_pkts", "established", "beacon_score"),
        *("service_dns", "service_ssl", "service_None"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_marks_of_nulls_are_there_for_those_that_want_them(name: EstimatorName) -> None:
    """Some are told where a value was missing; the machine and extra trees, which carry over, never are."""
    pipeline, _ = fit(table(), ModelSpec(name="x", estimator=name, params=SMALL[name]))
    marks = [column for column in pipeline[0].get_feature_names_out() if column.startswith("missing")]
    without = {"support-vector", "extra-trees", "rita-score", "hist-gradient-boosting", "lightgbm", "xgboost"}
    assert bool(marks) == (name not in without)


def test_medians_are_those_of_the_training_rows() -> None:
    """What an imputer puts in is the median of the rows it was fitted on, never of those it meets later."""
    frame = table().select("capture_id", "uid", "duration")
    spec = ModelSpec(name="x", estimator="random-forest", params={"n_estimators": 2})
    pipeline, _ = fit(frame, spec)
    later = pl.DataFrame({"duration": [None, 100.0]}, schema={"duration": pl.Float32})
    assert pipeline[0].transform(later)[0, 0] == pytest.approx(
        np.median(frame["duration"].to_numpy()), rel=1e-6
    )


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    """Balancing by weights equals scikit-learn's own `class_weight="balanced"`."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(80, 2)), (rng.random(80) < 0.2).astype(np.int8)
    ours = LogisticRegression().fit(x, y, sample_weight=balanced(np.ones(80), y))
    theirs = LogisticRegression(class_weight="balanced").fit(x, y)
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=1e-6)


@pytest.mark.parametrize("name", ["hist-gradient-boosting", "lightgbm", "xgboost", "random-forest"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_monotone_constraint_is_kept(name: EstimatorName, sign: int) -> None:
    """Whatever the labels say, the score rises with duration, or falls, and the others are free."""
    params: dict[str, int] = {"n_estimators": 10}
    if name == "hist-gradient-boosting":
        params = {"max_iter": 10}
    spec = ModelSpec(name="x", estimator=name, monotone={"duration": sign}, params=dict(params))
    frame = table(300).drop("beacon_score")
    pipeline, inputs = fit(frame, spec)
    sweep = pl.concat(
        inputs[:20].with_columns(duration=pl.lit(d, pl.Float32)) for d in np.linspace(-3, 3, 30)
    )
    steps = np.diff(log_odds(pipeline, sweep).reshape(30, 20), axis=0)
    assert (sign * steps).min() >= -1e-9
    others = pl.concat(inputs[:20].with_columns(orig_pkts=pl.lit(d, pl.Float32)) for d in range(9))
    assert sign < 0 or steps.max() > 0
    assert np.isfinite(log_odds(pipeline, others)).all()


@pytest.mark.parametrize(
    ("monotone", "fault"),
    [
        ({"duratoin": 1}, r"constrains 'duratoin', which is no feature(.|\n)*did you mean 'duration'"),
        ({"service": 1}, "constrains 'service', a connection feature of categories"),
    ],
)
def test_a_constraint_that_cannot_be_is_explained(monotone: dict[str, int], fault: str) -> None:
    """A name that is no feature, and a category, which has no order, are refused."""
    spec = ModelSpec(name="x", estimator="hist-gradient-boosting", monotone=monotone)
    with pytest.raises(SettingsError, match=fault):
        fit(table(), spec)


def test_a_constraint_of_the_other_level_does_no_harm() -> None:
    """A feature that only captures have is passed over for connections."""
    spec = ModelSpec(name="x", estimator="hist-gradient-boosting", monotone={"longest_gap_share": 1})
    pipeline, _ = fit(table(), spec)
    assert pipeline[-1].monotonic_cst is None


def test_the_rita_baseline_is_the_beacon_score_alone() -> None:
    """It ranks by the beacon score and nothing else; no score counts as 0."""
    pipeline, inputs = fit(table(), ModelSpec(name="x", estimator="rita-score"))
    other = inputs.with_columns(duration=pl.lit(0.0, pl.Float32), beacon_score="beacon_score")
    assert np.array_equal(log_odds(pipeline, inputs), log_odds(pipeline, other))
    ranked = np.argsort(log_odds(pipeline, inputs), kind="stable")
    assert np.array_equal(ranked, np.argsort(inputs["beacon_score"].to_numpy(), kind="stable"))
    none, zero = (inputs.with_columns(beacon_score=pl.lit(value, pl.Float32)) for value in (None, 0.0))
    assert np.array_equal(log_odds(pipeline, none), log_odds(pipeline, zero))


def test_the_rita_baseline_without_its_score_says_so() -> None:
    """Where there is no beacon score, as for captures, it says what to do."""
    spec = ModelSpec(name="x", estimator="rita-score")
    with pytest.raises(SettingsError, match=r"looks at 'beacon_score'(.|\n)*captures = \"pooled\""):
        fit(table().drop("beacon_score"), spec)


def test_rare_categories_share_a_column() -> None:
    """A category of fewer rows than a thousandth is grouped, and so is one never met."""
    service = ["dns"] * 3000 + ["ssl"] * 3000 + ["odd", "odder"]
    frame = pl.DataFrame({"service": service})
    contracts = contracts_of(frame.schema, "connection")
    spec = ModelSpec(name="x", estimator="hist-gradient-boosting")
    prepare = build_pipeline(spec, contracts, level="connection", rows=6002, seed=0)[0].fit(frame)
    assert prepare.get_feature_names_out().tolist() == [
        "service_dns",
        "service_ssl",
        "service_infrequent_sklearn",
    ]
    assert prepare.transform(pl.DataFrame({"service": ["odd", "never met"]})).tolist() == [[0, 0, 1]] * 2
