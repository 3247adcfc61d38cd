"""The scikit-learn pipelines behind the names in a model spec.

Everything that is learned from data, the handling of nulls and categories too, lives in the pipeline, so that
it is learned anew in each fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from ptml.errors import BadData, SettingsError, did_you_mean, quoted
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from ptml.train.registry import ESTIMATORS
from ptml.train.rounds import best_rounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from ptml.artifact import FeatureContract
    from ptml.train.registry import Numbers
    from ptml.train.spec import ModelSpec
    from ptml.types import Level

RARE_SHARE = 0.001
MAX_CATEGORIES = 30


def build_pipeline(
    spec: ModelSpec, contracts: Sequence[FeatureContract], *, level: Level, rows: int, seed: int
) -> Pipeline:
    """Build an unfitted pipeline for these features.

    Boosting takes nulls as they are. The others get the median, with a column that says where it was put
    in. Logistic regression sees each number as its normal quantile, since counts and bytes span nine orders
    of magnitude. Rare categories share one column, and unknown ones fall into it.

    Args:
        spec: The model spec.
        contracts: The features to use, in order.
        level: ``connection`` or ``capture``.
        rows: How many rows it will be fitted on.
        seed: Seed of everything random.
    """
    kind = ESTIMATORS[spec.estimator]
    numbers = [contract.name for contract in contracts if not contract.is_category]
    categories = [contract.name for contract in contracts if contract.is_category]
    prepare = ColumnTransformer(
        [("number", _numbers(kind.numbers, rows, seed), numbers), ("category", _categories(), categories)],
        verbose_feature_names_out=False,
    )
    return Pipeline([("prepare", prepare), ("classify", kind.make(spec.params_of(level), seed))])


def _numbers(numbers: Numbers, rows: int, seed: int) -> Pipeline | str:
    if numbers == "as they are":
        return "passthrough"
    if numbers == "zero":
        return Pipeline([("impute", SimpleImputer(strategy="constant", fill_value=0.0))])
    impute = SimpleImputer(strategy="median", add_indicator=numbers != "unmarked quantiles")
    if numbers == "median":
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
    groups: NDArray[np.int64] | None = None,
    threads: int = 1,
) -> Pipeline:
    """Fit a spec's pipeline; features without any value in these rows are left out.

    With early stopping, groups of these rows are held out first, to find how many rounds of boosting they
    like best; then all rows are fitted with so many.

    Args:
        spec: The model spec.
        contracts: The features, in order.
        inputs: Their values, as `model_inputs` makes them.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row, before class weights.
        level: ``connection`` or ``capture``.
        seed: Seed of everything random.
        groups: Group of each row; early stopping needs them.
        threads: Cores that the fit may use; how many changes nothing about what it learns.

    Raises:
        BadData: No feature has a value, or a class has too few groups to hold any out.
        SettingsError: The estimator refuses a parameter's value, lacks its feature, or the spec constrains
            what is no number.
    """
    constrained = check_monotone(spec, contracts, level)
    usable = _looked_at(spec, contracts, level)

    def build(rows: pl.DataFrame) -> Pipeline:
        present = [contract for contract in usable if rows[contract.name].null_count() < rows.height]
        if not present:
            raise BadData(
                "no feature has a value in any training row", hint="look at `ptml features` for why"
            )
        return build_pipeline(spec, present, level=level, rows=rows.height, seed=seed)

    weights = balanced(weights, y) if spec.class_weights == "balanced" else weights
    pipeline = build(inputs)
    params = dict(spec.params_of(level))
    kind = ESTIMATORS[spec.estimator]

    def make(columns: Iterable[str]) -> Any:  # noqa: ANN401 - a scikit-learn classifier
        return kind.make(params, seed, [constrained.get(name, 0) for name in columns])

    try:
        with threadpool_limits(threads, "openmp"):
            values = pipeline[0].fit_transform(inputs)
            if spec.early_stopping and kind.rounds and groups is not None:
                params[kind.rounds] = best_rounds(
                    make,
                    lambda rows: build(rows)[0],
                    inputs,
                    y,
                    weights,
                    groups=groups,
                    patience=spec.early_stopping,
                    seed=seed,
                )
            del inputs  # a caller that keeps no reference gets its memory back before the fit takes more
            pipeline.steps[-1] = ("classify", make(pipeline[0].get_feature_names_out()))
            pipeline[-1].fit(values, y, sample_weight=weights)
    except InvalidParameterError as error:
        raise SettingsError(f"spec {spec.name!r}: {error}", hint="mend the spec's [params]") from error
    return pipeline


def _looked_at(
    spec: ModelSpec, contracts: Sequence[FeatureContract], level: Level
) -> Sequence[FeatureContract]:
    only = ESTIMATORS[spec.estimator].only
    if only is None:
        return contracts
    found = [contract for contract in contracts if contract.name == only]
    if not found:
        raise SettingsError(
            f"{spec.estimator} looks at {only!r}, which is not among the {level} features of this run",
            hint='train connections alone (--level connection), or let captures = "pooled" judge captures by '
            "their connections",
        )
    return found


def check_monotone(spec: ModelSpec, contracts: Sequence[FeatureContract], level: Level) -> dict[str, int]:
    """Give the constraints of a spec that concern these features.

    Raises:
        SettingsError: One names what is no feature of any level, or a category, which has no order.
    """
    here = {contract.name: contract for contract in contracts}
    known = {*here, *(feature.name for feature in (*CONNECTION_FEATURES, *CAPTURE_FEATURES))}
    unknown = [name for name in spec.monotone if name not in known]
    if unknown:
        raise SettingsError(
            f"spec {spec.name!r} constrains {quoted(unknown)}, which is no feature",
            hint=did_you_mean(unknown, sorted(known)),
        )
    found = {name: sign for name, sign in spec.monotone.items() if name in here}
    without_order = [name for name in found if here[name].is_category]
    if without_order:
        raise SettingsError(
            f"spec {spec.name!r} constrains {quoted(without_order)}, a {level} feature of categories: "
            "these have no order",
            hint="constrain numbers and truth values",
        )
    return found


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
