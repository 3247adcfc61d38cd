"""The scikit-learn pipelines behind the names in a model spec.

Everything that is learned from data, the handling of nulls and categories too, lives in the pipeline, so that
it is learned anew in each fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from ptml.errors import BadData, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from ptml.artifact import FeatureContract
    from ptml.train.spec import ModelSpec
    from ptml.types import Level

EstimatorName: TypeAlias = Literal["hist-gradient-boosting", "random-forest", "logistic-regression"]
RARE_SHARE = 0.001
MAX_CATEGORIES = 30
CLASSIFIERS: dict[EstimatorName, tuple[type[Any], dict[str, Any]]] = {
    "hist-gradient-boosting": (HistGradientBoostingClassifier, {"early_stopping": False}),
    "random-forest": (RandomForestClassifier, {"n_jobs": 1}),
    "logistic-regression": (LogisticRegression, {"max_iter": 500}),
}


def known_params(estimator: EstimatorName) -> list[str]:
    """Name an estimator's parameters.

    >>> "max_iter" in known_params("hist-gradient-boosting")
    True
    """
    kind, _ = CLASSIFIERS[estimator]
    return sorted(kind().get_params())


def build_pipeline(
    spec: ModelSpec, contracts: Sequence[FeatureContract], *, level: Level, rows: int, seed: int
) -> Pipeline:
    """Build an unfitted pipeline for these features.

    Gradient boosting takes nulls as they are. The others get the median, with a column that says where it
    was put in. Logistic regression sees each number as its normal quantile, since counts and bytes span nine
    orders of magnitude. Rare categories share one column, and unknown ones fall into it.

    Args:
        spec: The model spec.
        contracts: The features to use, in order.
        level: ``connection`` or ``capture``.
        rows: How many rows it will be fitted on.
        seed: Seed of everything random.
    """
    kind, fixed = CLASSIFIERS[spec.estimator]
    seeded = {"random_state": seed} if "random_state" in known_params(spec.estimator) else {}
    numbers = [contract.name for contract in contracts if not contract.is_category]
    categories = [contract.name for contract in contracts if contract.is_category]
    prepare = ColumnTransformer(
        [("number", _numbers(spec.estimator, rows, seed), numbers), ("category", _categories(), categories)],
        verbose_feature_names_out=False,
    )
    return Pipeline(
        [("prepare", prepare), ("classify", kind(**{**fixed, **seeded, **spec.params_of(level)}))]
    )


def _numbers(estimator: EstimatorName, rows: int, seed: int) -> Pipeline | str:
    impute = SimpleImputer(strategy="median", add_indicator=True)
    if estimator == "hist-gradient-boosting":
        return "passthrough"
    if estimator == "random-forest":
        return Pipeline([("impute", impute)])
    normal = QuantileTransformer(
        n_quantiles=min(1000, rows), output_distribution="normal", subsample=100_000, random_state=seed
    )
    return Pipeline([("impute", impute), ("scale", normal)])


def _categories() -> OneHotEncoder:
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=RARE_SHARE,
        max_categories=MAX_CATEGORIES,
        sparse_output=False,
        dtype=np.float32,
    )


def fit_pipeline(
    spec: ModelSpec,
    contracts: Sequence[FeatureContract],
    inputs: pl.DataFrame,
    y: NDArray[np.int8],
    weights: NDArray[np.float64],
    *,
    level: Level,
    seed: int,
) -> Pipeline:
    """Fit a spec's pipeline; features without any value in these rows are left out.

    Args:
        spec: The model spec.
        contracts: The features, in order.
        inputs: Their values, as `model_inputs` makes them.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row, before class weights.
        level: ``connection`` or ``capture``.
        seed: Seed of everything random.

    Raises:
        BadData: No feature has a value.
        SettingsError: The estimator refuses a parameter's value.
    """
    present = [contract for contract in contracts if inputs[contract.name].null_count() < inputs.height]
    if not present:
        raise BadData("no feature has a value in any training row", hint="look at `ptml features` for why")
    pipeline = build_pipeline(spec, present, level=level, rows=inputs.height, seed=seed)
    sample_weight = balanced(weights, y) if spec.class_weights == "balanced" else weights
    try:
        with threadpool_limits(1, "openmp"):  # of this thread; fits run side by side instead
            pipeline.fit(inputs, y, classify__sample_weight=sample_weight)
    except InvalidParameterError as error:
        raise SettingsError(f"spec {spec.name!r}: {error}", hint="mend the spec's [params]") from error
    return pipeline


def balanced(weights: NDArray[np.float64], y: NDArray[np.int8]) -> NDArray[np.float64]:
    """Scale weights so that both classes weigh half of the whole, which stays what it was.

    >>> balanced(np.ones(4), np.array([1, 0, 0, 0], np.int8)).round(3).tolist()
    [2.0, 0.667, 0.667, 0.667]
    """
    whole, malicious = weights.sum(), weights[y == 1].sum()
    scaled: NDArray[np.float64] = np.where(
        y == 1, weights * whole / 2 / malicious, weights * whole / 2 / (whole - malicious)
    )
    return scaled
