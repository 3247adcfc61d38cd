"""What a model of one source makes of every other: a row for each learned from, a column for each judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.errors import BadData
from ptml.evaluate.bootstrap import mean_areas
from ptml.evaluate.outcome import Outcome
from ptml.evaluate.parts import MatrixCell, SourceMatrix
from ptml.evaluate.protocols import INNER_FOLDS, out_of_fold
from ptml.evaluate.tables import called_rates
from ptml.train.holdout import Plan
from ptml.train.splits import Split, assign_folds
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec
    from ptml.types import Progress

OTHERS = "the other sources together"
DIAGONAL_FOLDS = 3
SHARED = "every capture shares content with one learned from"


@dataclass(frozen=True, slots=True)
class Maker:
    """How the models of a matrix are made, and its intervals.

    Attributes:
        spec: What is fitted.
        data: The dataset.
        max_false_positive_rate: Bound that thresholds keep within what is learned from.
        seed: Seed of fits and draws.
        draws: Draws of the bootstrap.
        connections: The connections that verdicts on captures rest on, if they do.
    """

    spec: ModelSpec
    data: Dataset
    max_false_positive_rate: float
    seed: int
    draws: int
    connections: Dataset | None = None

    def predictions(self, plan: Plan) -> pl.DataFrame:
        """Predict what a plan holds out."""
        return out_of_fold(
            self.spec,
            self.data,
            plan,
            max_false_positive_rate=self.max_false_positive_rate,
            seed=self.seed,
            connections=self.connections,
        ).rows


def source_matrix(maker: Maker, max_sources: int, progress: Progress = silent) -> SourceMatrix:
    """Learn from each source that can be learned from alone, and judge every source.

    A source can be learned from alone if it has enough groups of both classes to calibrate within; the others
    are learned from, and judged, together as well. Where a source is judged by a model of itself, captures of
    it are held out in grouped folds. Captures that share content with one learned from are never judged.

    Args:
        maker: How models are made.
        max_sources: How many sources are learned from alone at most, those with the most captures first.
        progress: Called before each row.
    """
    source = maker.data.keys["source"].to_numpy().astype(object)
    names = _by_size(maker.data)
    alone = [name for name in names if _learnable(maker.data, source == name)][:max_sources]
    others = [name for name in names if name not in alone]
    of = {name: source == name for name in names}
    if others:
        of[OTHERS] = np.isin(source, others)
    train = [*alone, *([OTHERS] if others else [])]
    cells: list[MatrixCell] = []
    for number, name in enumerate(train):
        progress(f"{maker.data.level}: matrix of sources", number, len(train))
        members = set(others) if name == OTHERS else set()
        cells += _row(maker, name, of, members)
    progress(f"{maker.data.level}: matrix of sources", len(train), len(train))
    return SourceMatrix(train=tuple(train), test=tuple(of), cells=tuple(cells), notes=_notes(others, names))


def _by_size(data: Dataset) -> list[str]:
    sizes = data.keys.group_by("source").agg(pl.col("capture_id").n_unique().alias("captures"))
    return sizes.sort("captures", "source", descending=[True, False])["source"].to_list()


def _learnable(data: Dataset, rows: NDArray[np.bool_]) -> bool:
    """Tell whether there are enough groups of both classes to calibrate within."""
    enough = INNER_FOLDS[data.level]
    return all(len(np.unique(data.groups[rows & (data.y == label)])) >= enough for label in (0, 1))


def _notes(others: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    if not others:
        return ()
    text = (
        f"{len(others)} of {len(names)} sources have one class, or too few captures of one, or are beyond "
        "the bound on sources: they are not learned from alone, but together as one"
    )
    return (text,)


def _row(maker: Maker, name: str, of: dict[str, NDArray[np.bool_]], members: set[str]) -> list[MatrixCell]:
    """Judge every source by a model of one."""
    data = maker.data
    own = of[name]
    apart = ~np.isin(data.groups, np.unique(data.groups[own]))
    elsewhere = _attempt(maker, Plan("leave-source-out", (Split.of(name, own, apart),)))
    within = _attempt(maker, _folds_within(data, own))
    cells = []
    for test, rows in of.items():
        if test in members:
            cells.append(_no_cell(data, name, test, rows, "learned from, together with others"))
            continue
        found = within if test == name else elsewhere
        if isinstance(found, str):
            cells.append(_no_cell(data, name, test, rows, found))
            continue
        judged = found if test == name else found.filter(pl.Series(rows[apart]))
        if judged.is_empty():
            cells.append(_no_cell(data, name, test, rows, SHARED))
            continue
        cells.append(_cell(maker, name, test, judged))
    return cells


def _folds_within(data: Dataset, own: NDArray[np.bool_]) -> Plan | str:
    at = np.flatnonzero(own)
    try:
        fold = assign_folds("grouped", data.y[at], data.groups[at], DIAGONAL_FOLDS, 0)
    except BadData as error:
        return error.message
    splits = (Split(f"fold {n + 1}", at[fold != n], at[fold == n]) for n in range(DIAGONAL_FOLDS))
    return Plan("grouped", tuple(splits))


def _attempt(maker: Maker, plan: Plan | str) -> pl.DataFrame | str:
    """Give predictions, or the reason why there are none."""
    if isinstance(plan, str):
        return plan
    if not any(len(split.test) for split in plan.splits):
        return SHARED
    try:
        return maker.predictions(plan)
    except BadData as error:
        return error.message


def _no_cell(data: Dataset, train: str, test: str, rows: NDArray[np.bool_], reason: str) -> MatrixCell:
    return MatrixCell(
        train=train,
        test=test,
        captures=data.keys["capture_id"].filter(pl.Series(rows)).n_unique(),
        rows=int(rows.sum()),
        malicious=int(data.y[rows].sum()),
        reason=reason,
    )


def _cell(maker: Maker, train: str, test: str, judged: pl.DataFrame) -> MatrixCell:
    outcome = Outcome.of(judged)
    both = outcome.both_classes()
    recall, false_positive_rate = called_rates(judged)
    cell = MatrixCell(
        train=train,
        test=test,
        captures=judged["capture_id"].n_unique(),
        rows=judged.height,
        malicious=int(outcome.y.sum()),
        recall=recall,
        false_positive_rate=false_positive_rate,
        reason=None if both else "one class only: nothing to rank",
    )
    if not both:
        return cell
    everything = np.ones(judged.height, np.bool_)
    area = mean_areas(outcome, [everything], draws=maker.draws, seed=maker.seed)["roc_auc"]
    return cell.model_copy(update={"roc_auc": area.value, "low": area.low, "high": area.high})
