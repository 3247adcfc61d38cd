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
from ptml.train.holding import held_out_together, source_folds
from ptml.train.search import search_params
from ptml.train.splits import assign_folds
from ptml.train.thresholds import budget_thresholds
from ptml.train.validation import validation_rows
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
NO_FOLD = -1


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted level of a model: what turns features into a probability and a verdict.

    Attributes:
        pipeline: The fitted pipeline.
        calibration: What makes its log-odds probabilities.
        threshold: From which probability on a row is called malicious.
        out_of_fold: How that did on the rows held out that it was chosen on.
        prior: Share of malicious weight among the rows that calibrated it; its probabilities reckon with it.
        fold_of: The fold that held each row out; -1 for those that were learned from only.
        held_out: Each row's calibrated probability by the pipeline that had not seen its fold.
        held_out_log_odds: The same before calibration.
        thresholds: Thresholds for budgets of false alarms; of connections only.
        params: Parameters that a search found.
    """

    pipeline: Pipeline
    calibration: Calibration
    threshold: float
    out_of_fold: OutOfFold
    prior: float
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

    Rows of families that are to be unknown are not learned from. Calibration comes from grouped folds, and
    thresholds from folds of whole sources where the spec says so and there are enough of them (else from the
    same); or, where all rows are of the periods `train` and `validation`, from the latter, which are then
    not learned from.

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
    rows = rows[~data.unknown[rows]]
    y, groups, weights = data.y[rows], data.groups[rows], data.weights[rows]
    weights = weights / weights.mean()
    inputs = data.inputs if len(rows) == data.inputs.height else data.inputs[rows]
    validation = validation_rows(data, rows, spec)
    contacts = data.contacts.take(rows) if data.contacts else None
    learning = _Learning(spec, data.level, data.contracts, inputs, y, groups, weights, seed, contacts)
    sources = data.keys["source"].gather(rows)
    apart = None
    if validation is None:
        fold_of, learned = assign_folds(protocol, y, groups, folds, seed), np.arange(len(y))
        if spec.held_out == "source" and protocol == "grouped":
            apart = source_folds(sources, groups, y, folds, seed)
    else:
        fold_of, learned, folds = np.where(validation, 0, NO_FOLD), np.flatnonzero(~validation), 1
    with side_by_side(inputs) as pool:
        params = _searched(learning, pool, protocol, sources, learned) if spec.search else {}
        learning = replace(learning, spec=spec.with_params(params))
        whole = pool.submit(learning.fit, learned, np.arange(0))
        odds = learning.out_of_fold(pool, learned, fold_of, progress)
        promised = odds if apart is None else learning.out_of_fold(pool, learned, apart, progress)
        pipeline, _ = whole.result()
    progress(f"{data.level}: fit", folds + 1, folds + 1)
    at = np.flatnonzero(fold_of != NO_FOLD)
    calibration = calibrate(spec.calibration, odds[at], y[at], weights[at], len(np.unique(groups[at])))
    held_out, y, weights = calibration.apply(promised[at]), y[at], weights[at]
    threshold = choose_threshold(held_out, y, weights, max_false_positive_rate)
    return Fitted(
        pipeline,
        calibration,
        threshold,
        how_it_did(held_out, threshold, y, weights),
        float(np.average(y, weights=weights)),
        fold_of,
        calibration.apply(odds),
        odds,
        thresholds=budget_thresholds(
            held_out, y, weights, data.keys[rows][at], drawn=data.available > len(data.y)
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
    learning: _Learning,
    pool: ThreadPoolExecutor,
    protocol: Protocol,
    sources: pl.Series,
    learned: NDArray[np.int64],
) -> dict[str, Parameter]:
    """Search for parameters by the area under the ROC curve on folds of the rows to learn from."""
    search = learning.spec.search
    assert search is not None
    y, groups = learning.y[learned], learning.groups[learned]
    together = held_out_together(learning.spec.held_out, sources.gather(learned), groups, y, search.folds)
    folds = assign_folds(protocol, y, together, search.folds, learning.seed)
    fold_of = np.full(len(learning.y), NO_FOLD)
    fold_of[learned] = folds

    def judge(params: dict[str, Parameter]) -> float:
        tried = replace(learning, spec=learning.spec.with_params(params))
        found = tried.out_of_fold(pool, learned, fold_of, silent)
        areas = [
            roc_auc_score(learning.y[at], found[at], sample_weight=learning.weights[at])
            for at in (fold_of == fold for fold in range(search.folds))
            if len(set(learning.y[at])) > 1
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
                keep_group_weight=self.spec.weights != "row",
            )
            learn = learn[kept]
        drawn, weights = draw_rows(self.groups[learn], self.y[learn], weights, cap, self.seed)
        learn = learn[drawn]
        pipeline = fit_pipeline(
            self.spec,
            self.contracts,
            self.inputs if len(learn) == self.inputs.height else self.inputs[learn],  # a copy costs memory
            self.y[learn],
            weights,
            level=self.level,
            seed=self.seed,
            groups=self.groups[learn],
            threads=available_cores() // workers_for(self.inputs),
        )
        return pipeline, log_odds(pipeline, self.inputs[test])

    def out_of_fold(
        self,
        pool: ThreadPoolExecutor,
        learned: NDArray[np.int64],
        fold_of: NDArray[np.int64],
        progress: Progress,
    ) -> NDArray[np.float64]:
        """Give the log-odds of each row by a fit on those to learn from without its fold; nan in no fold."""
        folds = int(fold_of.max()) + 1
        learn = [learned[fold_of[learned] != fold] for fold in range(folds)]
        test = [np.flatnonzero(fold_of == fold) for fold in range(folds)]
        held_out = np.full(len(fold_of), np.nan)
        for fold, (_, found) in enumerate(pool.map(self.fit, learn, test)):
            held_out[test[fold]] = found
            progress(f"{self.level}: fit", fold + 1, folds + 1)
        return held_out


def workers_for(inputs: pl.DataFrame) -> int:
    """Tell how many fits on these rows go side by side: as many as there are cores and memory allows."""
    needed = inputs.height * inputs.width * BYTES_A_VALUE
    return max(1, min(available_cores(), FIT_MEMORY // max(needed, 1)))


@contextlib.contextmanager
def side_by_side(inputs: pl.DataFrame) -> Iterator[ThreadPoolExecutor]:
    """Lend threads for fits on these rows, and share the cores among them.

    A fit that shares its cores with itself waits for its slowest thread; fits side by side do not. Only
    where memory is for one at a time does that one get all cores.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers_for(inputs)) as pool:
        yield pool
