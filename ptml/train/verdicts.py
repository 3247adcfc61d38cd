"""Verdicts on captures from the scores of their connections, alone or with those of their own features.

What is learned here is learned from scores that are themselves out of fold: no connection's score comes from
an estimator that has seen its capture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from ptml.artifact import FEATURES, POOLS, CaptureStack, log_odds, pool, stack_table
from ptml.errors import BadData
from ptml.train.calibrate import calibrate, choose_threshold
from ptml.train.estimators import balanced
from ptml.train.fit import Fitted, fit_level, how_it_did
from ptml.train.holding import held_out_together
from ptml.train.splits import assign_folds
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.artifact import Calibration, OutOfFold
    from ptml.artifact.pooling import StackInput
    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec
    from ptml.train.splits import Protocol
    from ptml.types import Level, Progress


@dataclass(frozen=True, slots=True)
class FittedStack:
    """What turns a capture's pooled scores, and its features, into a probability and a verdict.

    Attributes:
        features: The fitted model of capture features; None where captures are judged by pools alone.
        stack: What weighs them.
        calibration: What makes its log-odds probabilities.
        threshold: From which probability on a capture is called malicious.
        out_of_fold: How that did on captures held out while fitting.
        prior: Share of malicious weight among these captures: what its probabilities reckon with.
        fold_of: The fold that held each capture out.
        held_out: Each capture's calibrated probability by what had not seen its fold.
    """

    features: Fitted | None
    stack: CaptureStack
    calibration: Calibration
    threshold: float
    out_of_fold: OutOfFold
    prior: float
    fold_of: NDArray[np.int64]
    held_out: NDArray[np.float64]

    @property
    def pipeline(self) -> Pipeline | None:
        """The pipeline of capture features, if there is one."""
        return self.features.pipeline if self.features else None

    def probability(
        self, captures: pl.Series, inputs: pl.DataFrame, pooled: pl.DataFrame
    ) -> NDArray[np.float64]:
        """Give the calibrated probability that each capture is malicious.

        Args:
            captures: Their ids.
            inputs: Their features, as `model_inputs` makes them; not looked at without a model of features.
            pooled: Pools of their connections' probabilities; those of other captures do no harm.
        """
        own = log_odds(self.features.pipeline, inputs) if self.features else None
        return self.calibration.apply(self.stack.log_odds(stack_table(captures, pooled, own)))


def fit_stack(
    spec: ModelSpec,
    data: Dataset,
    learn: NDArray[np.int64],
    pooled: pl.DataFrame,
    *,
    folds: int,
    max_false_positive_rate: float,
    seed: int,
    protocol: Protocol = "grouped",
    progress: Progress = silent,
) -> FittedStack:
    """Fit a verdict on captures; nothing but the rows to learn from is looked at.

    Args:
        spec: The model spec.
        data: The captures.
        learn: Positions of the captures to learn from.
        pooled: Pools of out-of-fold probabilities of their connections.
        folds: Folds within these captures, for the features, calibration and threshold.
        max_false_positive_rate: Share of benign weight that may be called malicious.
        seed: Seed of everything random.
        protocol: How the inner folds are made.
        progress: Called before each fit.

    Raises:
        BadData: A class has too few captures for the folds, or no capture has a connection.
    """
    learn = learn[~data.unknown[learn]]
    y, groups, weights = data.y[learn], data.groups[learn], data.weights[learn]
    weights = weights / weights.mean()
    features = None
    if spec.captures == "stack":
        features = fit_level(
            spec,
            data,
            learn,
            folds=folds,
            max_false_positive_rate=max_false_positive_rate,
            seed=seed,
            protocol=protocol,
            progress=progress,
        )
    names = data.keys["capture_id"].gather(learn)
    table = stack_table(names, pooled, features.held_out_log_odds if features else None)
    if table[POOLS[0]].null_count() == table.height:
        raise BadData("no capture to learn from has a labelled connection: there is nothing to pool")
    inputs = (*([FEATURES] if features else []), *POOLS)
    fitting = balanced(weights, y) if spec.class_weights == "balanced" else weights
    together = held_out_together(spec.held_out, data.keys["source"].gather(learn), groups, y, folds)
    fold_of = assign_folds(protocol, y, together, folds, seed)
    held_out = np.empty(len(y))
    for fold in range(folds):
        at, rest = fold_of == fold, fold_of != fold
        fitted = _fit_weights(table.filter(pl.Series(rest)), inputs, y[rest], fitting[rest])
        held_out[at] = fitted.log_odds(table.filter(pl.Series(at)))
    calibration = calibrate(spec.calibration, held_out, y, weights, len(np.unique(groups)))
    probability = calibration.apply(held_out)
    threshold = choose_threshold(probability, y, weights, max_false_positive_rate)
    return FittedStack(
        features,
        _fit_weights(table, inputs, y, fitting),
        calibration,
        threshold,
        how_it_did(probability, threshold, y, weights),
        float(np.average(y, weights=weights)),
        fold_of,
        probability,
    )


def _fit_weights(
    table: pl.DataFrame, inputs: tuple[StackInput, ...], y: NDArray[np.int8], weights: NDArray[np.float64]
) -> CaptureStack:
    middles, spreads, columns = [], [], []
    for name in inputs:
        known = table[name].drop_nulls().to_numpy()
        middles.append(float(known.mean()) if len(known) else 0.0)
        spreads.append(float(known.std()) if len(known) and known.std() > 0 else 1.0)
        columns.append((table[name].fill_null(middles[-1]).to_numpy() - middles[-1]) / spreads[-1])
    fitted = LogisticRegression(max_iter=1000).fit(np.stack(columns, axis=1), y, sample_weight=weights)
    return CaptureStack(
        inputs=inputs,
        middles=tuple(middles),
        spreads=tuple(spreads),
        weights=tuple(fitted.coef_[0].tolist()),
        intercept=float(fitted.intercept_[0]),
    )


@dataclass(frozen=True, slots=True)
class CaptureVerdicts:
    """A fitted model of connections and the verdict on captures that rests on it."""

    connection: Fitted
    capture: FittedStack

    @property
    def threshold(self) -> float:
        """From which probability on a capture is called malicious."""
        return self.capture.threshold

    @property
    def prior(self) -> float:
        """Share of malicious weight that its probabilities reckon with."""
        return self.capture.prior

    def probability(
        self, connections: Dataset, captures: Dataset, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Give the calibrated probability that each capture is malicious.

        Args:
            connections: The connections of these captures, and of others.
            captures: The captures.
            rows: Positions of the captures to judge.
        """
        names = captures.keys["capture_id"].gather(rows)
        theirs = connections_of(connections, names)
        scores = self.connection.probability(connections.inputs[theirs])
        pooled = pool(connections.keys["capture_id"].gather(theirs), scores)
        return self.capture.probability(names, captures.inputs[rows], pooled)


def connections_of(connections: Dataset, captures: pl.Series) -> NDArray[np.int64]:
    """Find the positions of the connections of some captures."""
    return connections.keys["capture_id"].is_in(captures.implode()).arg_true().to_numpy().astype(np.int64)


def fit_capture_verdicts(
    spec: ModelSpec,
    connections: Dataset,
    captures: Dataset,
    learn: NDArray[np.int64],
    *,
    folds: Mapping[Level, int],
    max_false_positive_rate: float,
    seed: int,
    protocol: Protocol = "grouped",
) -> CaptureVerdicts:
    """Fit connections, pool their out-of-fold scores, and fit the verdict on captures.

    Args:
        spec: The model spec; its `captures` is ``pooled`` or ``stack``.
        connections: Dataset of connections.
        captures: Dataset of captures.
        learn: Positions of the captures to learn from; nothing else of either dataset is looked at.
        folds: Folds within these, a level: for connections, whose capture is always held out whole, and for
            captures.
        max_false_positive_rate: Share of benign weight that may be called malicious.
        seed: Seed of everything random.
        protocol: How the inner folds of captures are made.

    Raises:
        BadData: A class has too few captures for the folds, or no capture has a connection.
    """
    rows = connections_of(connections, captures.keys["capture_id"].gather(learn))
    rows = rows[~connections.unknown[rows]]
    fitted = fit_level(
        spec,
        connections,
        rows,
        folds=folds["connection"],
        max_false_positive_rate=max_false_positive_rate,
        seed=seed,
    )
    pooled = pool(connections.keys["capture_id"].gather(rows), fitted.held_out)
    stacked = fit_stack(
        spec,
        captures,
        learn,
        pooled,
        folds=folds["capture"],
        max_false_positive_rate=max_false_positive_rate,
        seed=seed,
        protocol=protocol,
    )
    return CaptureVerdicts(fitted, stacked)
