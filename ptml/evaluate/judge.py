"""From held-out predictions to a result: metrics, tables, curves, and the gap between protocols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptml.evaluate.bootstrap import DRAWS, Drawn, draw, mean_areas
from ptml.evaluate.outcome import Outcome
from ptml.evaluate.parts import Comparison, Estimate
from ptml.evaluate.protocols import DESCRIPTIONS, SAFE, HeldOut
from ptml.evaluate.results import ProtocolResult
from ptml.evaluate.tables import (
    alert_load,
    calibration_bins,
    curves,
    detection,
    per_family,
    per_source,
    per_split,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ptml.evaluate.parts import SplitResult
    from ptml.evaluate.results import LevelResult
    from ptml.train.dataset import Dataset
    from ptml.types import Holdout, Level, Weights

OVER_TIME = ("roc_auc", "pr_auc", "recall")


@dataclass(frozen=True, slots=True)
class Judged:
    """A protocol's result, and the draws that it was made from.

    Attributes:
        held_out: The predictions.
        by_row: Every row weighing the same.
        by_capture: Every capture weighing the same.
        result: What they come to.
        seed: Seed of the draws.
    """

    held_out: HeldOut
    by_row: Drawn
    by_capture: Drawn
    result: ProtocolResult
    seed: int


def judge(
    held_out: HeldOut,
    data: Dataset,
    *,
    seed: int,
    weights: Weights = "capture",
    draws: int = DRAWS,
) -> Judged:
    """Judge held-out predictions.

    Args:
        held_out: What `out_of_fold` gives.
        data: The dataset that it was given.
        seed: Seed of the bootstrap.
        weights: What the model's probabilities were calibrated for: every capture, or every row, the same.
        draws: Its draws.
    """
    protocol, rows = held_out.plan.protocol, held_out.rows
    outcome = Outcome.of(rows)
    by_row = draw(outcome, outcome.ones, draws=draws, seed=seed, bands=True)
    by_capture = draw(outcome, outcome.even, draws=draws, seed=seed)
    roc, precision_recall = curves(outcome, by_row.sweep)
    splits = per_split(rows, held_out.plan.splits, data)
    parts = _parts(held_out, outcome)
    result = ProtocolResult(
        protocol=protocol,
        safe=SAFE[protocol],
        description=DESCRIPTIONS[protocol],
        folds=len(splits),
        splits=splits,
        thresholds=tuple(split.threshold for split in splits),
        rows_not_held_out=len(data.y) - rows.height,
        notes=held_out.notes,
        metrics=by_row.estimates(),
        metrics_by_capture=by_capture.estimates(),
        macro=mean_areas(outcome, parts, draws=draws, seed=seed) if parts else {},
        area_under_time=area_under_time(splits) if protocol == "temporal" else {},
        per_source=per_source(rows),
        per_family=per_family(rows),
        roc=roc,
        precision_recall=precision_recall,
        calibration=calibration_bins(
            outcome.probability, outcome.y, outcome.ones if weights == "row" else outcome.even
        ),
        detection=detection(rows),
        alerts=alert_load(outcome),
    )
    return Judged(held_out, by_row, by_capture, result, seed)


def _parts(held_out: HeldOut, outcome: Outcome) -> list[NDArray[np.bool_]]:
    """Give the rows of each source, or of each split where families or windows were held out."""
    if held_out.plan.protocol in ("grouped", "random"):
        return []
    by = "source" if held_out.plan.protocol == "leave-source-out" else "fold"
    values = outcome.rows[by].to_numpy()
    return [values == value for value in outcome.rows[by].unique().sort().to_list()]


def area_under_time(splits: Sequence[SplitResult]) -> dict[str, float | None]:
    """Give TESSERACT's AUT of each metric: the mean over the pairs of windows that follow one another.

    Null where a window has none of a metric, or there is one window only.
    """
    result: dict[str, float | None] = {}
    for name in OVER_TIME:
        values = [getattr(split, name) for split in splits]
        known = len(values) > 1 and None not in values
        result[name] = float(np.trapezoid(values) / (len(values) - 1)) if known else None
    return result


def gap(judged: Mapping[Holdout, Judged]) -> dict[str, dict[str, Estimate]]:
    """Subtract each protocol's figures from the random ones: by how much a random split flatters each metric.

    Both are of the rows that both hold out, and of the same draws of their captures.

    >>> gap({})
    {}
    """
    random = judged.get("random")
    if random is None:
        return {}
    result: dict[str, dict[str, Estimate]] = {}
    for protocol, found in judged.items():
        if protocol != "random":
            one, other = paired(random, found)
            result[protocol] = one.by_row.less(other.by_row)
    return result


@dataclass(frozen=True, slots=True)
class Pair:
    """Draws of one side of a comparison, of the rows that both sides have."""

    by_row: Drawn
    by_capture: Drawn


def paired(one: Judged, other: Judged) -> tuple[Pair, Pair]:
    """Give the draws of two results on the rows that both hold out, anew only where these are fewer."""
    common = np.intersect1d(one.held_out.positions, other.held_out.positions)
    return _on(one, common), _on(other, common)


def _on(judged: Judged, common: NDArray[np.int64]) -> Pair:
    if len(common) == len(judged.held_out.positions):
        return Pair(judged.by_row, judged.by_capture)
    outcome = judged.by_row.outcome.subset(np.isin(judged.held_out.positions, common))
    draws = len(judged.by_row.samples)
    return Pair(
        draw(outcome, outcome.ones, draws=draws, seed=judged.seed),
        draw(outcome, outcome.even, draws=draws, seed=judged.seed),
    )


def compare(against: str, level: Level, one: Judged, other: Judged) -> Comparison:
    """Compare a model with another on the rows that both were judged by, held out the same way."""
    mine, its = paired(one, other)
    return Comparison(
        against=against,
        level=level,
        protocol=one.result.protocol,
        differences=mine.by_row.less(its.by_row),
        differences_by_capture=mine.by_capture.less(its.by_capture),
    )


def headline(level: Level, result: LevelResult) -> str:
    """Put a level's result in a sentence: what each protocol finds, and how far a random split flatters."""
    parts = [
        f"{name}: ROC-AUC {_figure(found.metrics['roc_auc'])}" for name, found in result.protocols.items()
    ]
    parts += [f"{name}: not possible" for name in result.not_possible]
    flattery = [
        f"{_figure(found['roc_auc'], signed=True)} against {name}"
        for name, found in result.gap.items()
        if found["roc_auc"].value is not None
    ]
    if flattery:
        parts.append(f"a random split flatters by {', '.join(flattery)}")
    return f"{level}s, {'; '.join(parts)}"


def _figure(estimate: Estimate, *, signed: bool = False) -> str:
    """Write a figure with its interval.

    >>> _figure(Estimate(value=0.25, low=0.125, high=0.5), signed=True)
    '+0.250 (+0.125 to +0.500)'
    """
    form = "+.3f" if signed else ".3f"
    if estimate.value is None:
        return f"unknown ({estimate.reason})"
    if estimate.low is None or estimate.high is None:
        return format(estimate.value, form)
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"
