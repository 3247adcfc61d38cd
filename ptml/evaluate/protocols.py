"""Predictions of rows by models that have not seen them, whatever the plan holds out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.errors import BadData
from ptml.train.calibrate import at_prior
from ptml.train.fit import Fitted, fit_level
from ptml.train.verdicts import CaptureVerdicts, fit_capture_verdicts
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.holdout import Plan
    from ptml.train.spec import ModelSpec
    from ptml.train.splits import Protocol, Split
    from ptml.types import Holdout, Level, Progress

INNER_FOLDS: Mapping[Level, int] = {"connection": 2, "capture": 3}  # captures are few, and quick to fit
SAFE: Mapping[Holdout, bool] = {
    "grouped": True,
    "temporal": True,
    "leave-family-out": True,
    "leave-source-out": True,
    "random": False,
}
DESCRIPTIONS: Mapping[Holdout, str] = {
    "grouped": "captures held out whole, with those that share content; classes spread evenly over the folds",
    "temporal": "windows of time held out, one after another; learned from is only what ended before, "
    "and each window has both classes",
    "leave-family-out": "each family held out with a share of the benign captures: what a model makes of an "
    "attack that it has never seen",
    "leave-source-out": "each source held out: what a model makes of captures that somebody else published",
    "random": "rows held out at random: rows of one capture are on both sides, so the figure flatters. "
    "It is the unsafe control and says nothing about captures not seen",
}
CLASSES = 2
ONE_CLASS = BadData(
    "what is left to learn from has not both classes",
    hint="add captures of both classes that are unlike these",
)
PARTIAL: frozenset[Holdout] = frozenset({"temporal", "leave-family-out", "leave-source-out"})
"""Protocols that still say something when some of their splits cannot be made."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions of rows that were held out.

    Attributes:
        plan: What was held out when; its splits are those that could be made.
        rows: The keys of these rows, then label, group, fold (number of the split), probability, threshold
            and verdict; in the order of the dataset.
        positions: Where each of them is in the dataset.
        notes: What a reader must know: the plan's notes, and splits that could not be made.
    """

    plan: Plan
    rows: pl.DataFrame
    positions: NDArray[np.int64]
    notes: tuple[str, ...]


def out_of_fold(
    spec: ModelSpec,
    data: Dataset,
    plan: Plan,
    *,
    max_false_positive_rate: float,
    seed: int,
    connections: Dataset | None = None,
    progress: Progress = silent,
    watch: Callable[[Split, Fitted, NDArray[np.float64]], None] | None = None,
) -> HeldOut:
    """Predict each row held out with a model that was fitted, calibrated and given its threshold without it.

    What is held out changes the share of malicious rows that is left to learn from, and so the probabilities:
    they and thresholds are corrected to the share of the whole dataset, so that splits can be put together.

    Args:
        spec: What is fitted anew in each split.
        data: The dataset.
        plan: What is held out when.
        max_false_positive_rate: Bound that each split's threshold keeps within what it learns from.
        seed: Seed of the fits.
        connections: The connections of these captures, where the spec judges captures by theirs.
        progress: Called before each split.
        watch: Called with each split, what was fitted for it, and the probabilities of the rows held out,
            before the next is made; never where captures are judged by their connections.

    Raises:
        BadData: A split has too few captures of a class to learn from; where others can be made without it,
            only if none can.
    """
    inner: Protocol = "random" if plan.protocol == "random" else "grouped"
    fold = np.full(len(data.y), -1)
    probability, threshold = np.empty(len(data.y)), np.empty(len(data.y))
    prior = float(np.average(data.y, weights=data.weights))
    made: list[Split] = []
    skipped: list[tuple[str, BadData]] = []
    for number, split in enumerate(plan.splits):
        progress(f"{data.level}: {plan.protocol}", number, len(plan.splits))
        refuse_leaks(split, data.groups, safe=SAFE[plan.protocol])
        if len(np.unique(data.y[split.learn])) < CLASSES:
            skipped.append((split.name, ONE_CLASS))
            continue
        try:
            fitted, found = _fitted(
                spec, data, split, connections, bound=max_false_positive_rate, seed=seed, protocol=inner
            )
        except BadData as error:
            skipped.append((split.name, error))
            continue
        found, bound = (
            at_prior(values, fitted.prior, prior) for values in (found, np.array([fitted.threshold]))
        )
        probability[split.test], threshold[split.test] = found, bound[0]
        fold[split.test] = len(made)
        made.append(split)
        if watch is not None and isinstance(fitted, Fitted):
            watch(split, fitted, found)
    progress(f"{data.level}: {plan.protocol}", len(plan.splits), len(plan.splits))
    if skipped and (not made or plan.protocol not in PARTIAL):
        raise skipped[0][1]
    notes = tuple(f"{name} could not be held out: {error.message}" for name, error in skipped)
    at = np.flatnonzero(fold >= 0)
    rows = _predictions(data, at, fold[at], probability[at], threshold[at])
    return HeldOut(replace(plan, splits=tuple(made)), rows, at, (*plan.notes, *notes))


def _fitted(
    spec: ModelSpec,
    data: Dataset,
    split: Split,
    connections: Dataset | None,
    *,
    bound: float,
    seed: int,
    protocol: Protocol,
) -> tuple[Fitted | CaptureVerdicts, NDArray[np.float64]]:
    """Fit what a split learns from, and give the probabilities of what it holds out."""
    if connections is None:
        fitted = fit_level(
            spec,
            data,
            split.learn,
            folds=INNER_FOLDS[data.level],
            max_false_positive_rate=bound,
            seed=seed,
            protocol=protocol,
        )
        return fitted, fitted.probability(data.inputs[split.test])
    verdicts = fit_capture_verdicts(
        spec,
        connections,
        data,
        split.learn,
        folds=INNER_FOLDS,
        max_false_positive_rate=bound,
        seed=seed,
        protocol=protocol,
    )
    return verdicts, verdicts.probability(connections, data, split.test)


def _predictions(
    data: Dataset,
    at: NDArray[np.int64],
    fold: NDArray[np.int64],
    probability: NDArray[np.float64],
    threshold: NDArray[np.float64],
) -> pl.DataFrame:
    return data.keys[at].with_columns(
        pl.Series("label", np.where(data.y[at] == 1, "malicious", "benign")),
        pl.Series("group", data.groups[at], pl.UInt32),
        pl.Series("fold", fold, pl.UInt16),
        pl.Series("probability", probability),
        pl.Series("threshold", threshold),
        pl.Series("verdict", np.where(probability >= threshold, "malicious", "benign")),
    )


def refuse_leaks(split: Split, groups: NDArray[np.int64], *, safe: bool) -> None:
    """Refuse to judge a model by rows that it learned from, or, where a protocol is safe, by their groups.

    Raises:
        ValueError: There are such rows; no data can bring this about, only an error in a plan.
    """
    if np.intersect1d(split.learn, split.test).size:
        raise ValueError(f"rows of {split.name!r} are learned from and held out")
    if safe and np.intersect1d(groups[split.learn], groups[split.test]).size:
        raise ValueError(f"captures of {split.name!r} are learned from and held out")
