"""Fitting a model for one level: out-of-fold calibration and threshold, then the final fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score

from ptml.artifact import Calibration, OutOfFold, log_odds
from ptml.train.calibrate import choose_threshold, fit_calibration
from ptml.train.estimators import fit_pipeline
from ptml.train.splits import assign_folds
from ptml.types import silent

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec
    from ptml.train.splits import Protocol
    from ptml.types import Progress


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted level of a model: what turns features into a probability and a verdict."""

    pipeline: Pipeline
    calibration: Calibration
    threshold: float
    out_of_fold: OutOfFold

    def probability(self, inputs: pl.DataFrame) -> NDArray[np.float64]:
        """Give the calibrated probability that each row is malicious."""
        return self.calibration.apply(log_odds(self.pipeline, inputs))


def fit_level(
    spec: ModelSpec,
    data: Dataset,
    rows: NDArray[np.int64],
    *,
    folds: int,
    max_false_positive_rate: float,
    seed: int,
    protocol: Protocol = "grouped",
    progress: Progress = silent,
) -> Fitted:
    """Fit on some rows of a dataset; nothing else of it is looked at.

    Args:
        spec: The model spec.
        data: The dataset.
        rows: Positions of the rows to learn from.
        folds: Folds within these rows, for calibration and threshold.
        max_false_positive_rate: Share of benign weight that may be called malicious.
        seed: Seed of everything random.
        protocol: How the inner folds are made.
        progress: Called before each fit.

    Raises:
        BadData: A class has too few captures for the folds, or no feature has a value.
    """
    y, groups, weights = data.y[rows], data.groups[rows], data.weights[rows]
    weights = weights / weights.mean()
    inputs = data.inputs if len(rows) == data.inputs.height else data.inputs[rows]
    fold_of = assign_folds(protocol, y, groups, folds, seed)
    held_out = np.empty(len(y))
    for fold in range(folds):
        progress(f"{data.level}: fit", fold, folds + 1)
        learn, test = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        pipeline = fit_pipeline(
            spec, data.contracts, inputs[learn], y[learn], weights[learn], level=data.level, seed=seed
        )
        held_out[test] = log_odds(pipeline, inputs[test])
    calibration = fit_calibration(held_out, y, weights)
    probability = calibration.apply(held_out)
    threshold = choose_threshold(probability, y, weights, max_false_positive_rate)
    progress(f"{data.level}: fit", folds, folds + 1)
    pipeline = fit_pipeline(spec, data.contracts, inputs, y, weights, level=data.level, seed=seed)
    progress(f"{data.level}: fit", folds + 1, folds + 1)
    called = probability >= threshold
    return Fitted(
        pipeline,
        calibration,
        threshold,
        OutOfFold(
            false_positive_rate=float(np.average(called[y == 0], weights=weights[y == 0])),
            recall=float(np.average(called[y == 1], weights=weights[y == 1])),
            roc_auc=float(roc_auc_score(y, probability, sample_weight=weights)),
        ),
    )
