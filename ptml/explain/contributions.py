"""How much each feature pushed a score: exact, or not given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptml.artifact import log_odds, share_log_odds
from ptml.explain.shapley import paths_of, shapley_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

TOLERANCE = 1e-6
LINEAR = "LogisticRegression"
MISSING = "missingindicator_"
FLAT = 1e-9
"""Below such a difference of shares, log-odds rise as their slope says."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each feature adds to the log-odds of each row.

    Attributes:
        expected: Log-odds that the model begins with, before it looks at a row.
        values: A row a row, a column a feature; nan in rows where they do not sum to the score.
        features: Names of the columns.
    """

    expected: float
    values: NDArray[np.float64]
    features: tuple[str, ...]

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Tell the rows whose contributions sum to their score."""
        return np.asarray(np.isfinite(self.values).all(axis=1), np.bool_)


def contributions(
    pipeline: Pipeline, inputs: pl.DataFrame, means: Sequence[float] | None = None
) -> Contributions | None:
    """Share the uncalibrated log-odds of each row out among the features.

    Trees by their Shapley values (:mod:`ptml.explain.shapley`). Those of a forest share out its share of
    votes; log-odds are no sum of votes, so each is then stretched by one number a row, which keeps signs and
    proportions. Linear models by weight times distance from the training mean. A category's columns and the
    one that tells that a value was missing count for their feature.

    Args:
        pipeline: The fitted pipeline of a model's level.
        inputs: Its features, as `model_inputs` makes them.
        means: Mean of each column that the classifier saw in training; linear models need it.

    Returns:
        The contributions; None for an estimator whose score cannot be shared out exactly.
    """
    x = np.asarray(pipeline[:-1].transform(inputs), np.float64)
    classifier = pipeline[-1]
    grown = paths_of(classifier)
    if grown is not None:
        expected, paths = grown
        values = shapley_values(paths, x.astype(np.float32).astype(np.float64))  # as trees compare
        if not hasattr(classifier, "decision_function"):
            expected, values = _as_log_odds(expected, values)
    elif type(classifier).__name__ == LINEAR and means is not None and len(means) == x.shape[1]:
        weights = classifier.coef_[0]
        expected = float(classifier.intercept_[0] + weights @ np.array(means))
        values = weights * (x - np.array(means))
    else:
        return None
    features = tuple(inputs.columns)
    owner = _owners(pipeline[:-1].get_feature_names_out(), features)
    summed = np.zeros((len(x), len(features)))
    np.add.at(summed.T, owner, values.T)
    short = np.abs(expected + summed.sum(axis=1) - log_odds(pipeline, inputs)) > TOLERANCE
    summed[short] = np.nan
    return Contributions(expected, summed, features)


def _as_log_odds(share: float, values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Stretch shares of votes so that they sum to log-odds."""
    gained = values.sum(axis=1)
    expected = float(share_log_odds(np.array([share]))[0])
    there = share_log_odds(np.clip(share + gained, 0, 1)) - expected
    slope = share_log_odds(np.array([share - FLAT, share + FLAT]))
    flat = np.abs(gained) < FLAT
    stretch = np.where(flat, (slope[1] - slope[0]) / (2 * FLAT), there / np.where(flat, 1, gained))
    return expected, values * stretch[:, None]


def _owners(columns: Sequence[str], features: Sequence[str]) -> NDArray[np.int64]:
    """Tell which feature each column of the classifier was made from."""
    place = {name: at for at, name in enumerate(features)}
    return np.array([place[_owner(column, place)] for column in columns], np.int64)


def _owner(column: str, features: dict[str, int]) -> str:
    if column in features:
        return column
    if column.startswith(MISSING) and column.removeprefix(MISSING) in features:
        return column.removeprefix(MISSING)
    parts = column.split("_")
    heads = ("_".join(parts[:size]) for size in range(len(parts) - 1, 0, -1))
    return next(head for head in heads if head in features)
