"""The dataset as the checks look at it: weights by capture, a sample, and forests fitted on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.ensemble import ExtraTreesClassifier

from ptml.errors import BadData
from ptml.train.audit.statistics import auc_interval
from ptml.train.draw import draw_rows
from ptml.train.estimators import balanced
from ptml.train.splits import assign_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptml.train.audit.statistics import Area
    from ptml.train.dataset import Dataset

SAMPLE_ROWS = 5_000
FEWEST_A_STRATUM = 5
FOLDS = 3
TREES = 40


@dataclass(frozen=True)
class Subject:
    """A dataset under audit. A stratum is the rows of one class in one group; each weighs the same.

    Attributes:
        data: The dataset.
        seed: Seed of everything random.
        rows: At most so many rows are drawn for what is costly.
    """

    data: Dataset
    seed: int = 0
    rows: int = SAMPLE_ROWS

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """Weigh each row so that its stratum weighs 1."""
        stratum = self.data.groups * 2 + self.data.y
        weights: NDArray[np.float64] = 1 / np.bincount(stratum)[stratum]
        return weights

    @cached_property
    def captures(self) -> pl.DataFrame:
        """List capture_id, y, rows, group, source, family, ts; a capture with both classes twice."""
        firsts = pl.col("group", "source", "family").first()
        return (
            self.data.keys.with_columns(group=pl.Series(self.data.groups), y=pl.Series(self.data.y))
            .group_by("capture_id", "y", maintain_order=True)
            .agg(pl.len().alias("rows"), firsts, pl.col("ts").min())
            .sort("capture_id", "y")
        )

    @cached_property
    def strata(self) -> pl.DataFrame:
        """List the strata: group, y, source (of one of its captures), ts (its first), capture_id (one)."""
        firsts = pl.col("source", "capture_id").first()
        return (
            self.captures.group_by("group", "y", maintain_order=True)
            .agg(firsts, pl.col("ts").min())
            .sort("group", "y")
        )

    @cached_property
    def groups(self) -> int:
        """Count the groups: captures that are held out together are one."""
        return self.strata["group"].n_unique()

    def groups_with(self, y: int) -> int:
        """Count the groups that have rows of a class."""
        return int((self.strata["y"] == y).sum())

    @cached_property
    def drawn(self) -> NDArray[np.int64]:
        """Draw rows, as many of each stratum as fit, and at least a few."""
        most = max(self.rows // self.strata.height, FEWEST_A_STRATUM)
        rows, _ = draw_rows(self.data.groups, self.data.y, np.ones(len(self.data.y)), most, self.seed)
        return rows

    @cached_property
    def sample(self) -> Sample:
        """The drawn rows as numbers."""
        rows = self.drawn
        inputs = self.data.inputs[rows]
        columns = [
            _numbers(inputs[contract.name], category=contract.is_category) for contract in self.data.contracts
        ]
        stratum = self.data.groups[rows] * 2 + self.data.y[rows]
        return Sample(
            names=tuple(contract.name for contract in self.data.contracts),
            categories=frozenset(c.name for c in self.data.contracts if c.is_category),
            matrix=np.stack(columns, axis=1),
            y=self.data.y[rows],
            groups=self.data.groups[rows],
            weight=1 / np.bincount(stratum)[stratum],
            seed=self.seed,
        )

    @cached_property
    def whole(self) -> Area | str:
        """Ask a forest on all features for the label of captures held out; why not, where it cannot be."""
        return self.sample.probe(self.sample.names)


@dataclass(frozen=True)
class Sample:
    """Rows drawn from a dataset.

    Attributes:
        names: The features.
        categories: Those whose numbers are mere codes.
        matrix: Their values, NaN for null, a column a feature.
        y: 1 for malicious.
        groups: Group of each row.
        weight: Weight of each row; each stratum weighs 1.
        seed: Seed of everything random.
    """

    names: tuple[str, ...]
    categories: frozenset[str]
    matrix: NDArray[np.float32]
    y: NDArray[np.int8]
    groups: NDArray[np.int64]
    weight: NDArray[np.float64]
    seed: int

    @cached_property
    def folds(self) -> NDArray[np.int64] | str:
        """Give each row the fold that holds it out, or say why there can be no folds."""
        try:
            return assign_folds("grouped", self.y, self.groups, FOLDS, self.seed)
        except BadData as error:
            return error.message

    def probe(self, names: Sequence[str]) -> Area | str:
        """Ask a forest on some features for the label of captures held out; say why not, where it cannot."""
        if isinstance(self.folds, str):
            return self.folds
        columns = self.matrix[:, [self.names.index(name) for name in names]]
        score = np.empty(len(self.y))
        for fold in range(FOLDS):
            test = self.folds == fold
            weight = balanced(self.weight[~test], self.y[~test])
            forest = grown(columns[~test], self.y[~test], weight, self.seed)
            score[test] = forest.predict_proba(columns[test])[:, 1]
        return auc_interval(score, self.y, self.groups, self.weight, seed=self.seed)


def grown(
    columns: NDArray[np.float32], target: NDArray[Any], weight: NDArray[np.float64], seed: int
) -> ExtraTreesClassifier:
    """Grow a forest of extremely randomised trees: quick, takes nulls as they are, one core."""
    forest = ExtraTreesClassifier(TREES, min_samples_leaf=3, random_state=seed, n_jobs=1)
    return forest.fit(columns, target, sample_weight=weight)


def _numbers(column: pl.Series, *, category: bool) -> NDArray[np.float32]:
    if category:
        column = column.rank("dense")
    return column.cast(pl.Float32).to_numpy().copy()
