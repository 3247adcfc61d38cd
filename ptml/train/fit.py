"""Fitting a model for one level: out-of-fold calibration and threshold, then the final fit."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from ptml.artifact import Calibration, OutOfFold, log_odds
from ptml.engine import available_cores
from ptml.train.calibrate import choose_threshold, fit_calibration
from ptml.train.contacts import leave_out_ordinary
from ptml.train.draw import draw_rows
from ptml.train.estimators import fit_pipeline
from ptml.train.splits import assign_folds
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.artifact import FeatureContract
    from ptml.train.contacts import Contacts
    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec
    from ptml.train.splits import Protocol
    from ptml.types import Level, Progress

BYTES_A_VALUE = 24  # its Float32, the encoded Float32, the estimator's Float64, one-hot columns
FIT_MEMORY = 3 << 29


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted level of a model: what turns features into a probability and a verdict.

    Attributes:
        pipeline: The fitted estimator.
        calibration: What makes its log-odds a probability.
        threshold: The probability from which a row is called malicious.
        out_of_fold: How the threshold did on rows held out.
        fold_of: The fold that held each row out.
        held_out: Each row's calibrated probability by the estimator that had not seen its fold.
    """

    pipeline: Pipeline
    calibration: Calibration
    threshold: float
    out_of_fold: OutOfFold
    fold_of: NDArray[np.int64]
    held_out: NDArray[np.float64]

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
    contacts = data.contacts.take(rows) if data.contacts else None
    learning = _Learning(spec, data.level, data.contracts, inputs, y, groups, weights, seed, contacts)
    learn = [np.flatnonzero(fold_of != fold) for fold in range(folds)]
    test = [np.flatnonzero(fold_of == fold) for fold in range(folds)]
    held_out = np.empty(len(y))
    with side_by_side(inputs) as pool:
        whole = pool.submit(learning.fit, np.arange(len(y)), np.arange(0))
        for fold, (_, found) in enumerate(pool.map(learning.fit, learn, test)):
            held_out[test[fold]] = found
            progress(f"{data.level}: fit", fold + 1, folds + 1)
        pipeline, _ = whole.result()
    progress(f"{data.level}: fit", folds + 1, folds + 1)
    calibration = fit_calibration(held_out, y, weights)
    probability = calibration.apply(held_out)
    threshold = choose_threshold(probability, y, weights, max_false_positive_rate)
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
        fold_of,
        probability,
    )


@dataclass(frozen=True, slots=True)
class _Learning:
    """The rows of one call of `fit_level`, and how they are fitted."""

    spec: ModelSpec
    level: Level
    contracts: tuple[FeatureContract, ...]
    inputs: pl.DataFrame
    y: NDArray[np.int8]
    groups: NDArray[np.int64]
    weights: NDArray[np.float64]
    seed: int
    contacts: Contacts | None

    def fit(self, learn: NDArray[np.int64], test: NDArray[np.int64]) -> tuple[Pipeline, NDArray[np.float64]]:
        """Fit on some rows and give the log-odds of others, of which only the inputs are looked at."""
        cap = self.spec.fit_connections_per_capture
        weights = self.weights[learn]
        if self.contacts is not None:
            kept, weights = leave_out_ordinary(
                self.contacts.take(learn),
                self.groups[learn],
                self.y[learn],
                weights,
                keep_group_weight=self.spec.weights == "capture",
            )
            learn = learn[kept]
        drawn, weights = draw_rows(self.groups[learn], self.y[learn], weights, cap, self.seed)
        learn = learn[drawn]
        pipeline = fit_pipeline(
            self.spec,
            self.contracts,
            self.inputs[learn],
            self.y[learn],
            weights,
            level=self.level,
            seed=self.seed,
        )
        return pipeline, log_odds(pipeline, self.inputs[test])


@contextlib.contextmanager
def side_by_side(inputs: pl.DataFrame) -> Iterator[ThreadPoolExecutor]:
    """Lend threads for fits on these rows: as many as there are cores and memory allows, one core to each.

    A fit that shares its cores with itself adds up in another order on each machine, and waits for its
    slowest thread; fits side by side do neither.
    """
    needed = inputs.height * inputs.width * BYTES_A_VALUE
    workers = max(1, min(available_cores(), FIT_MEMORY // max(needed, 1)))
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        yield pool
