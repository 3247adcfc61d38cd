"""Errors worth looking at: the most confident ones, a few a capture and source, and what moved each most.

What moved a probability is found by occlusion: a family of features is set to what is usual where the model
learned, and the probability is asked again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from ptml.evaluate.importance import families, few_of_each
from ptml.evaluate.parts import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.fit import Fitted

Kind: TypeAlias = Literal["false_alarm", "missed"]
KINDS: tuple[Kind, ...] = ("false_alarm", "missed")
SHOWN = 12
PER_SPLIT = 8
PER_CAPTURE, PER_SOURCE = 1, 3
USUAL_ROWS = 5_000
REASONS = 3
VALUES = 2
LEAST = 0.2
"""Of a family's move, in log-odds, to be told: a fifth of them is a change from 0.50 to 0.55."""

EVEN = 0.5
NEAR = 1e-6


@dataclass(slots=True)
class Mistakes:
    """Gathers, a split at a time, the most confident errors with their reasons.

    Attributes:
        data: The dataset.
        seed: Seed of the rows from which the usual values are taken.
    """

    data: Dataset
    seed: int
    _found: list[Mistake] = field(default_factory=list)

    def watch(
        self,
        learn: NDArray[np.int64],
        test: NDArray[np.int64],
        fitted: Fitted,
        probability: NDArray[np.float64],
    ) -> None:
        """Look for errors among rows that a model was not fitted on.

        Args:
            learn: Rows that it was fitted on.
            test: Rows that it was not fitted on.
            fitted: The model.
            probability: What it gives each of them.
        """
        called, malicious = probability >= fitted.threshold, self.data.y[test] == 1
        wrong = {"false_alarm": called & ~malicious, "missed": ~called & malicious}
        chosen = [
            (kind, at)
            for kind in KINDS
            for at in self._worst(kind, np.flatnonzero(wrong[kind]), test, probability)
        ]
        if not chosen:
            return
        usual = usual_values(self.data.inputs[few_of_each(learn, self.data.groups, USUAL_ROWS, self.seed)])
        rows = test[[at for _, at in chosen]]
        why = Occlusion(
            fitted, self.data.inputs[rows], usual, families(self.data.inputs.columns, self.data.level)
        )
        with threadpool_limits(1, "openmp"):  # tables are small: threads would only wait for each other
            reasons = why.reasons()
        for (kind, at), row, said in zip(chosen, rows.tolist(), reasons, strict=True):
            self._found.append(self._mistake(kind, row, float(probability[at]), said))

    def found(self) -> tuple[Mistake, ...]:
        """Give the most confident errors of all splits, false alarms first."""
        sure = {"false_alarm": -1.0, "missed": 1.0}
        ordered = sorted(
            self._found, key=lambda one: (sure[one.kind] * one.probability, one.capture_id, one.uid or "")
        )
        return tuple(one for kind in KINDS for one in _few(each for each in ordered if each.kind == kind))

    def _worst(
        self, kind: Kind, wrong: NDArray[np.int64], test: NDArray[np.int64], probability: NDArray[np.float64]
    ) -> list[int]:
        order = np.argsort(probability[wrong], kind="stable")
        ranked = wrong[order[::-1] if kind == "false_alarm" else order]
        keys = self.data.keys[test[ranked]].select("capture_id", "source").with_columns(at=pl.Series(ranked))
        few = keys.filter(pl.int_range(pl.len()).over("capture_id") < PER_CAPTURE)
        few = few.filter(pl.int_range(pl.len()).over("source") < PER_SOURCE)
        return few["at"].head(PER_SPLIT).to_list()

    def _mistake(self, kind: Kind, row: int, probability: float, reasons: tuple[str, ...]) -> Mistake:
        keys = self.data.keys.row(row, named=True)
        return Mistake(
            kind=kind,
            capture_id=keys["capture_id"],
            uid=keys.get("uid"),
            source=keys["source"],
            family=keys["family"],
            probability=probability,
            reasons=reasons,
        )


def _few(ordered: Iterable[Mistake]) -> list[Mistake]:
    """Keep the first ones, a few a source."""
    kept: list[Mistake] = []
    for one in ordered:
        if sum(other.source == one.source for other in kept) < PER_SOURCE:
            kept.append(one)
    return kept[:SHOWN]


def usual_values(inputs: pl.DataFrame) -> pl.DataFrame:
    """Give each column's usual value in a row: median or most frequent category; null where most are.

    >>> table = pl.DataFrame({"a": [1.0, 2.0, 9.0], "b": [None, None, 1.0], "c": ["x", "x", "y"]})
    >>> usual_values(table).row(0)
    (2.0, None, 'x')
    """
    usual = []
    for column in inputs:
        if column.null_count() * 2 > len(column):
            value = None
        elif column.dtype.is_numeric():
            value = column.median()
        else:
            value = column.drop_nulls().mode().sort()[0]
        usual.append(pl.Series(column.name, [value], column.dtype, strict=False))
    return pl.DataFrame(usual)


@dataclass(frozen=True, slots=True)
class Occlusion:
    """Asks a model what it would say of some rows if some of their features had their usual values.

    Attributes:
        fitted: The model.
        rows: The inputs of these rows.
        usual: A row of usual values.
        families: Features by family.
    """

    fitted: Fitted
    rows: pl.DataFrame
    usual: pl.DataFrame
    families: Mapping[str, list[str]]

    def reasons(self) -> list[tuple[str, ...]]:
        """Say for each row which families moved its probability most the way it went, and by which values."""
        before = self.fitted.probability(self.rows)
        names, everyone = list(self.families), list(range(self.rows.height))
        after = self._asked({name: (self.families[name], everyone) for name in names})
        chosen = []
        for row in everyone:
            moved = [self._moved(before[row], after[name, row]) for name in names]
            order = np.argsort(-np.array(moved), kind="stable")[:REASONS]
            chosen.append([names[at] for at in order.tolist() if moved[at] >= LEAST])
        rows_of: dict[str, tuple[list[str], list[int]]] = {}
        for row in everyone:
            for name in (name for family in chosen[row] for name in self._unusual(row, family)):
                rows_of.setdefault(name, ([name], []))[1].append(row)
        alone = self._asked(rows_of)
        return [
            tuple(self._words(row, family, before[row], after[family, row], alone) for family in chosen[row])
            for row in everyone
        ]

    def _asked(self, occluded: Mapping[str, tuple[list[str], list[int]]]) -> dict[tuple[str, int], float]:
        """Give the probability of rows with some columns occluded, by name and row."""
        if not occluded:
            return {}
        usual = pl.concat([self.usual] * self.rows.height)
        tables = [
            self.rows[rows].with_columns(usual[: len(rows)].select(columns))
            for columns, rows in occluded.values()
        ]
        asked = iter(self.fitted.probability(pl.concat(tables)).tolist())
        return {(name, row): next(asked) for name, (_, rows) in occluded.items() for row in rows}

    def _moved(self, before: float, after: float) -> float:
        """Tell how far, in log-odds, values moved a probability away from even."""
        moved = _log_odds(before) - _log_odds(after)
        return moved if before >= EVEN else -moved

    def _unusual(self, row: int, family: str) -> list[str]:
        usual, values = self.usual.row(0, named=True), self.rows.row(row, named=True)
        return [name for name in self.families[family] if values[name] != usual[name]]

    def _words(
        self, row: int, family: str, before: float, after: float, alone: Mapping[tuple[str, int], float]
    ) -> str:
        unusual = self._unusual(row, family)
        order = sorted(unusual, key=lambda name: -self._moved(before, alone[name, row]))
        usual, values = self.usual.row(0, named=True), self.rows.row(row, named=True)
        told = ", ".join(
            f"{name} {_shown(values[name])}, usually {_shown(usual[name])}" for name in order[:VALUES]
        )
        return f"{family}: {_rounded(after)} instead of {_rounded(before)} if usual ({told})"


def _log_odds(probability: float) -> float:
    near = min(max(probability, NEAR), 1 - NEAR)
    return math.log(near) - math.log1p(-near)


def _shown(value: object) -> str:
    if value is None:
        return "not there"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _rounded(probability: float) -> str:
    return f"{probability:.2f}" if 0.01 <= probability <= 0.99 else f"{probability:.4f}"  # noqa: PLR2004 - shows more where it is near certain
