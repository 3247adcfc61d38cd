"""What the training data looked like, to hold new captures against (`ptml.artifact.reference`)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.artifact import FeatureReference, LevelReference, Reference, unusual_share
from ptml.artifact.reference import HIGH, LOW, PARTS
from ptml.manifest import published

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.train.dataset import Dataset
    from ptml.types import Level
    from ptml.workspace import Workspace

ROWS_OF_A_CAPTURE = 300
ROWS = 200_000
NEIGHBOURS = 2000
"""Training captures that new ones are compared with: a sample where there are more."""
FOLDS = 3
FLAGGED = 0.01
"""Share of the training rows held out that may be flagged as unlike the others."""
DIGITS = 6
LINEAR = "LogisticRegression"
LOG = "rows_"


def level_reference(data: Dataset, pipeline: Pipeline | None) -> LevelReference:
    """Sum up the rows of a level; each capture weighs the same, and at most some hundred rows of it are read.

    The line between like and unlike is drawn on groups of captures held out in turn.

    Args:
        data: The rows that the level learned from.
        pipeline: The fitted pipeline; None where captures are judged by their connections alone.
    """
    rows = _some_rows(data)
    inputs, groups = data.inputs[rows], data.groups[rows]
    weights = _weights(data.keys["capture_id"].gather(rows))
    fold_of = np.random.default_rng(0).permutation(int(groups.max()) + 1)[groups] % FOLDS
    unusual = np.zeros(len(rows))
    for fold in range(FOLDS):
        test = fold_of == fold
        if test.any() and not test.all():
            seen = feature_references(inputs.filter(~test), weights[~test])
            unusual[test] = unusual_share(seen, inputs.filter(test))
    line = float(_quantiles(unusual, weights, [1 - FLAGGED])[0])
    found = LevelReference(
        features=feature_references(inputs, weights),
        means=_means(pipeline, inputs, weights),
        unlike=line,
        unlike_held_out=float(np.average(unusual > line, weights=weights)),
        captures=data.keys["capture_id"].n_unique(),
    )
    if data.level == "connection":
        return found
    names = data.keys["capture_id"].gather(rows)
    kept = np.sort(np.random.default_rng(0).permutation(len(names))[:NEIGHBOURS])
    codes = found.codes(inputs[kept])
    return found.model_copy(update={"neighbours": dict(zip(names.gather(kept), codes, strict=True))})


def training_reference(
    workspace: Workspace, levels: Mapping[Level, LevelReference], captures: Collection[str]
) -> Reference:
    """Put a model's reference together, with the logs and versions of Zeek of its captures.

    Args:
        workspace: Where the captures are.
        levels: Each level's.
        captures: Ids of the captures that the model learned from.
    """
    made = [manifest for manifest in published(workspace, "parse") if manifest.capture_id in captures]
    logs = Counter(name.removeprefix(LOG) for one in made for name in one.counts if name.startswith(LOG))
    zeek = Counter(str(one.parameters["zeek"]) for one in made if "zeek" in one.parameters)
    return Reference(
        levels=dict(levels),
        logs={name: round(count / len(made), DIGITS) for name, count in sorted(logs.items())},
        zeek=dict(sorted(zeek.items())),
        captures=len(made),
    )


def feature_references(inputs: pl.DataFrame, weights: NDArray[np.float64]) -> tuple[FeatureReference, ...]:
    """Sum up each feature.

    >>> table = pl.DataFrame({"x": [1.0, 2.0, 3.0, None]}, schema={"x": pl.Float32})
    >>> [found] = feature_references(table, np.ones(4))
    >>> found.nulls, found.low, found.high
    (0.25, 1.0, 3.0)
    """
    return tuple(_feature(column, weights) for column in inputs)


def _feature(column: pl.Series, weights: NDArray[np.float64]) -> FeatureReference:
    known = column.is_not_null().to_numpy()
    nulls = round(float(weights[~known].sum() / weights.sum()), DIGITS)
    values, weights = column.drop_nulls(), weights[known]
    if values.is_empty():
        return FeatureReference(name=column.name, nulls=nulls)
    if column.dtype == pl.String:
        counted = pl.DataFrame({"value": values, "weight": weights}).group_by("value").agg(pl.sum("weight"))
        shares = counted.sort("value").with_columns(pl.col("weight") / weights.sum())
        categories = {name: round(share, DIGITS) for name, share in shares.iter_rows()}
        return FeatureReference(name=column.name, nulls=nulls, categories=categories)
    numbers = values.cast(pl.Float64).to_numpy()
    edges = np.unique(_quantiles(numbers, weights, np.arange(1, PARTS) / PARTS))
    edges = edges[edges < numbers.max()]
    parts = np.bincount(np.searchsorted(edges, numbers, side="left"), weights, len(edges) + 1)
    low, high = _quantiles(numbers, weights, [LOW, HIGH])
    return FeatureReference(
        name=column.name,
        nulls=nulls,
        low=float(low),
        high=float(high),
        edges=tuple(edges.tolist()),
        shares=tuple(np.round(parts / parts.sum(), DIGITS).tolist()),
    )


def _quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], shares: list[float] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the least values that such shares of the weight do not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    found: NDArray[np.float64] = values[order][np.minimum(np.searchsorted(reached, shares), len(values) - 1)]
    return found


def _some_rows(data: Dataset) -> NDArray[np.int64]:
    """Choose rows of each capture, evenly spaced in the order of their keys."""
    captures = data.keys["capture_id"].rank("dense").to_numpy().astype(np.int64) - 1
    order = np.argsort(captures, kind="stable")
    sizes = np.bincount(captures)
    most = max(1, min(ROWS_OF_A_CAPTURE, ROWS // len(sizes)))
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    step = np.repeat(np.maximum(sizes / most, 1), sizes)
    kept = np.floor(place / step) != np.floor((place - 1) / step)
    return np.sort(order[kept])


def _weights(captures: pl.Series) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = (1 / captures.to_frame("c").select(pl.len().over("c"))["len"]).to_numpy()
    return weights


def _means(
    pipeline: Pipeline | None, inputs: pl.DataFrame, weights: NDArray[np.float64]
) -> tuple[float, ...] | None:
    if pipeline is None or type(pipeline[-1]).__name__ != LINEAR:
        return None
    means = np.average(pipeline[:-1].transform(inputs), axis=0, weights=weights)
    return tuple(means.tolist())
