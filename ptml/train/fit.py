"""Fitting a model for one level: out-of-fold calibration and threshold, then the final fit."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from ptml.artifact import Calibration, OutOfFold, log_odds
from ptml.engine import available_cores
from ptml.train.calibrate import calibrate, choose_threshold
from ptml.train.contacts import leave_out_ordinary
from ptml.train.draw import draw_rows
from ptml.train.estimators import fit_pipeline
from ptml.train.holding import held_out_together
from ptml.train.search import search_params
from ptml.train.splits import assign_folds
from ptml.train.thresholds import budget_thresholds
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.artifact import BudgetThreshold, FeatureContract
    from ptml.train.contacts import Contacts
    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec, Parameter
    from ptml.train.splits import Protocol
    from ptml.types import Level, Progress

BYTES_A_VALUE = 24  # its Float32, the encoded Float32, the estimator's Float64, one-hot columns
FIT_MEMORY = 3 << 29


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted level of a model: what turns features into a probability and a verdict.

    Attributes:
        pipeline: The fitted pipeline.
        calibration: What makes its log-odds probabilities.
        threshold: From which probability on a row is called malicious.
        out_of_fold: How that did on rows held out while fitting.
        fold_of: The fold that held each row out; negative where none did.
        held_out: Each row's calibrated probability by the pipeline that had not seen its fold.
        held_out_log_odds: The same before calibration.
        thresholds: Thresholds for budgets of false alarms; of connections only.
        params: Parameters that a search found.
    """

    pipeline: Pipeline
    calibration: Calibration
    threshold: float
    out_of_fold: OutOfFold
    fold_of: NDArray[np.int64]
    held_out: NDArray[np.float64]
    held_out_log_odds: NDArray[np.float64]
    thresholds: dict[str, BudgetThreshold] = field(default_factory=dict)
    params: dict[str, Parameter] = field(default_factory=dict)

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
    contacts = data.contacts.take(rows) if data.contacts else None
    learning = _Learning(spec, data.level, data.contracts, inputs, y, groups, weights, seed, contacts)
    sources = data.keys["source"].gather(rows)
    together = held_out_together(spec.held_out, sources, groups, y, folds)
    fold_of = assign_folds(protocol, y, together, folds, seed)
    with side_by_side(inputs) as pool:
        params = _searched(learning, pool, protocol, sources) if spec.search else {}
        learning = replace(learning, spec=spec.with_params(params))
        whole = pool.submit(learning.fit, np.arange(len(y)), np.arange(0))
        odds = learning.out_of_fold(pool, fold_of, progress)
        pipeline, _ = whole.result()
    progress(f"{data.level}: fit", folds + 1, folds + 1)
    calibration = calibrate(spec.calibration, odds, y, weights, len(np.unique(groups)))
    probability = calibration.apply(odds)
    threshold = choose_threshold(probability, y, weights, max_false_positive_rate)
    return Fitted(
        pipeline,
        calibration,
        threshold,
        how_it_did(probability, threshold, y, weights),
        fold_of,
        probability,
        odds,
        thresholds=budget_thresholds(
            probability, y, weights, data.keys[rows], drawn=data.available > len(data.y)
        )
        if data.level == "connection"
        else {},
        params=params,
    )


def how_it_did(
    probability: NDArray[np.float64], threshold: float, y: NDArray[np.int8], weights: NDArray[np.float64]
) -> OutOfFold:
    """Judge a threshold on held-out rows.

    >>> found = how_it_did(np.array([0.1, 0.6, 0.7]), 0.5, np.array([0, 0, 1], np.int8), np.ones(3))
    >>> found.false_positive_rate, found.recall, found.roc_auc
    (0.5, 1.0, 1.0)
    """
    called = probability >= threshold
    return OutOfFold(
        false_positive_rate=float(np.average(called[y == 0], weights=weights[y == 0])),
        recall=float(np.average(called[y == 1], weights=weights[y == 1])),
        roc_auc=float(roc_auc_score(y, probability, sample_weight=weights)),
    )


def _searched(
    learning: _Learning, pool: ThreadPoolExecutor, protocol: Protocol, sources: pl.Series
) -> dict[str, Parameter]:
    """Search for parameters by the area under the ROC curve on folds of the rows to learn from."""
    search = learning.spec.search
    assert search is not None
    y, weights = learning.y, learning.weights
    together = held_out_together(learning.spec.held_out, sources, learning.groups, y, search.folds)
    fold_of = assign_folds(protocol, y, together, search.folds, learning.seed)

    def judge(params: dict[str, Parameter]) -> float:
        tried = replace(learning, spec=learning.spec.with_params(params))
        found = tried.out_of_fold(pool, fold_of, silent)
        areas = [
            roc_auc_score(y[at], found[at], sample_weight=weights[at])
            for at in (fold_of == fold for fold in range(search.folds))
            if len(set(y[at])) > 1
        ]
        return float(np.mean(areas))

    return search_params(search, judge, learning.seed)


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
            groups=self.groups[learn],
        )
        return pipeline, log_odds(pipeline, self.inputs[test])

    def out_of_fold(
        self, pool: ThreadPoolExecutor, fold_of: NDArray[np.int64], progress: Progress
    ) -> NDArray[np.float64]:
        """Give the log-odds of each row by a fit without its fold."""
        folds = int(fold_of.max()) + 1
        learn = [np.flatnonzero(fold_of != fold) for fold in range(folds)]
        test = [np.flatnonzero(fold_of == fold) for fold in range(folds)]
        held_out = np.empty(len(fold_of))
        for fold, (_, found) in enumerate(pool.map(self.fit, learn, test)):
            held_out[test[fold]] = found
            progress(f"{self.level}: fit", fold + 1, folds + 1)
        return held_out


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
