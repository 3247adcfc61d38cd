"""How rows are held out: by capture, and, to show how much that matters, at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.train.fit import fit_level
from ptml.train.splits import assign_folds
from ptml.train.verdicts import fit_capture_verdicts
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec
    from ptml.train.splits import Protocol
    from ptml.types import Level, Progress

INNER_FOLDS: Mapping[Level, int] = {"connection": 2, "capture": 3}  # captures are few, and quick to fit
SAFE: dict[Protocol, bool] = {"grouped": True, "random": False}
DESCRIPTIONS: dict[Protocol, str] = {
    "grouped": "captures held out whole, with those that share content; classes spread evenly over the folds",
    "random": "rows held out at random: rows of one capture are on both sides, so the figure flatters. "
    "It is the unsafe control and says nothing about captures not seen",
}


def out_of_fold(
    spec: ModelSpec,
    data: Dataset,
    protocol: Protocol,
    *,
    folds: int,
    max_false_positive_rate: float,
    seed: int,
    connections: Dataset | None = None,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Predict every row with a model that was fitted, calibrated and given its threshold without its fold.

    Args:
        spec: What is fitted anew in each fold.
        data: The dataset.
        protocol: How rows are held out; calibration inside the training part holds out likewise.
        folds: How many folds.
        max_false_positive_rate: Bound that each fold's threshold keeps within its training part.
        seed: Seed of everything random.
        connections: The connections of these captures, where the spec judges captures by theirs.
        progress: Called after each fold.

    Returns:
        The dataset's keys, then label, fold, probability, threshold and verdict; a row for each of its rows.

    Raises:
        BadData: A class has too few captures.
    """
    fold_of = assign_folds(protocol, data.y, data.groups, folds, seed)
    probability, threshold = np.empty(len(data.y)), np.empty(len(data.y))
    for fold in range(folds):
        progress(f"{data.level}: {protocol} folds", fold, folds)
        learn, test = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        if connections is not None:
            verdicts = fit_capture_verdicts(
                spec,
                connections,
                data,
                learn,
                folds=INNER_FOLDS,
                max_false_positive_rate=max_false_positive_rate,
                seed=seed,
                protocol=protocol,
            )
            probability[test] = verdicts.probability(connections, data, test)
            threshold[test] = verdicts.threshold
            continue
        fitted = fit_level(
            spec,
            data,
            learn,
            folds=INNER_FOLDS[data.level],
            max_false_positive_rate=max_false_positive_rate,
            seed=seed,
            protocol=protocol,
        )
        probability[test] = fitted.probability(data.inputs[test])
        threshold[test] = fitted.threshold
    progress(f"{data.level}: {protocol} folds", folds, folds)
    return data.keys.with_columns(
        pl.Series("label", np.where(data.y == 1, "malicious", "benign")),
        pl.Series("fold", fold_of, pl.UInt8),
        pl.Series("probability", probability),
        pl.Series("threshold", threshold),
        pl.Series("verdict", np.where(probability >= threshold, "malicious", "benign")),
    )
