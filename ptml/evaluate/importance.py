"""What a model owes to each family of features: how much worse it ranks held-out rows when that is shuffled.

Features of a family say much the same thing in other words, so that shuffling one of them alone shows
little: all columns of a family are shuffled together. Rows are those that the model was not fitted on, a few
of each capture, since rows of a capture resemble each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from ptml.artifact import CLASSES
from ptml.evaluate.bootstrap import DRAWS, MIN_DEFINED, TAILS
from ptml.evaluate.parts import Importance
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.fit import Fitted
    from ptml.types import Level

    Floats = NDArray[np.float64]

OWN = "own features"
ROWS: Mapping[Level, int] = {"connection": 2_000, "capture": 1_000}
"""How many held-out rows of a split are shuffled at most."""
REPEATS: Mapping[Level, int] = {"connection": 1, "capture": 5}


def families(names: Sequence[str], level: Level) -> dict[str, list[str]]:
    """Put features into their families, in the order of columns; those not catalogued into one of their own.

    >>> families(["duration", "mine", "orig_bytes"], "connection")
    {'timing': ['duration'], 'own features': ['mine'], 'volume': ['orig_bytes']}
    """
    features = CONNECTION_FEATURES if level == "connection" else CAPTURE_FEATURES
    family = {feature.name: feature.family for feature in features}
    result: dict[str, list[str]] = {}
    for name in names:
        result.setdefault(family.get(name, OWN), []).append(name)
    return result


def few_of_each(
    rows: NDArray[np.int64], groups: NDArray[np.int64], limit: int, seed: int
) -> NDArray[np.int64]:
    """Draw at most so many rows, as evenly over groups as these allow, in ascending order.

    >>> few_of_each(np.arange(6), np.array([0, 0, 0, 0, 1, 2]), 4, 0).tolist()[-2:]
    [4, 5]
    """
    if len(rows) <= limit:
        return rows
    shuffled = np.random.default_rng(seed).permutation(rows)
    frame = pl.DataFrame({"row": shuffled, "group": groups[shuffled]})
    turn = pl.int_range(pl.len()).over("group").alias("turn")
    chosen = frame.with_columns(turn).sort("turn", maintain_order=True).head(limit)
    return np.sort(chosen["row"].to_numpy())


@dataclass(slots=True)
class Importances:
    """Gathers, a split at a time, what shuffling each family does.

    Attributes:
        data: The dataset.
        seed: Seed of the shuffles.
    """

    data: Dataset
    seed: int
    _rows: list[NDArray[np.int64]] = field(default_factory=list)
    _plain: list[Floats] = field(default_factory=list)
    _shuffled: dict[str, list[Floats]] = field(default_factory=dict)

    @property
    def families(self) -> dict[str, list[str]]:
        """The families of the dataset's features."""
        return families(self.data.inputs.columns, self.data.level)

    def watch(self, test: NDArray[np.int64], fitted: Fitted) -> None:
        """Shuffle each family among rows that a model was not fitted on.

        Args:
            test: These rows.
            fitted: The model.
        """
        with threadpool_limits(1, "openmp"):  # tables are small: threads would only wait for each other
            self._shuffle(test, fitted)

    def _shuffle(self, test: NDArray[np.int64], fitted: Fitted) -> None:
        rows = few_of_each(test, self.data.groups, ROWS[self.data.level], self.seed)
        inputs = self.data.inputs[rows]
        self._rows.append(rows)
        self._plain.append(fitted.probability(inputs))
        draw = np.random.default_rng([self.seed, len(self._rows)])
        orders = [draw.permutation(len(rows)) for _ in range(REPEATS[self.data.level])]
        for name, columns in self.families.items():
            of_family = inputs.select(columns)
            tables = pl.concat([inputs.with_columns(of_family[order]) for order in orders])
            found = fitted.probability(tables).reshape(len(orders), len(rows))
            self._shuffled.setdefault(name, []).append(found)

    def found(self) -> tuple[Importance, ...]:
        """Give the loss of ROC-AUC for each family, the greatest first; nothing where there is one class."""
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, np.int64)
        y, groups = self.data.y[rows], self.data.groups[rows]
        if len(set(y.tolist())) < len(CLASSES):
            return ()
        area = GroupedArea(y, groups)
        whole = area.of(np.concatenate(self._plain))
        losses = {}
        for name, parts in self._shuffled.items():
            repeats = np.concatenate(parts, axis=1)
            losses[name] = whole - np.mean([area.of(one) for one in repeats], axis=0)
        drops = area.over_draws(losses, self.seed)
        sizes = {name: len(columns) for name, columns in self.families.items()}
        found = [
            Importance(family=name, features=sizes[name], drop=drop, low=low, high=high)
            for name, (drop, low, high) in drops.items()
        ]
        return tuple(sorted(found, key=lambda one: (-one.drop, one.family)))


@dataclass(frozen=True, slots=True)
class GroupedArea:
    """The ROC-AUC of some rows as a sum over pairs of groups, so that drawing groups anew costs little.

    Attributes:
        y: 1 for malicious, 0 for benign.
        groups: Group of each row.
    """

    y: NDArray[np.int8]
    groups: NDArray[np.int64]

    def of(self, probability: Floats) -> Floats:
        """Count for each two groups how often a malicious row of one ranks above a benign row of the other.

        A tie counts half. The sum over all pairs is the ROC-AUC.

        >>> area = GroupedArea(np.array([1, 0, 0], np.int8), np.array([0, 0, 1]))
        >>> area.of(np.array([0.5, 0.5, 0.1])).tolist()
        [[0.25, 0.5], [0.0, 0.0]]
        """
        group, count = self._numbered()
        order = np.argsort(probability, kind="stable")
        ranked, benign = probability[order], (self.y[order] == 0)
        below = np.zeros((len(order) + 1, count), np.float32)
        below[1:][benign, group[order][benign]] = 1
        np.cumsum(below, axis=0, out=below)
        malicious = np.flatnonzero(self.y == 1)
        left, right = (np.searchsorted(ranked, probability[malicious], side) for side in ("left", "right"))
        wins = (below[left] + below[right]).astype(np.float64) / 2
        result = np.zeros((count, count))
        np.add.at(result, group[malicious], wins)
        return result / (len(malicious) * (len(order) - len(malicious)))

    def over_draws(
        self, losses: Mapping[str, Floats], seed: int
    ) -> dict[str, tuple[float, float | None, float | None]]:
        """Sum tables of pairs, plain and over groups drawn anew; no interval where most draws lack a class.

        Args:
            losses: Differences of what `of` gives, by name.
            seed: Seed of the draws.
        """
        group, count = self._numbered()
        times = (
            np.random.default_rng(seed)
            .multinomial(count, np.full(count, 1 / count), size=DRAWS)
            .astype(float)
        )
        sizes = np.stack([np.bincount(group[self.y == label], minlength=count) for label in (1, 0)], axis=1)
        pairs = (times @ sizes).prod(axis=1) / sizes.sum(axis=0).prod()
        result = {}
        for name, loss in losses.items():
            drawn = ((times @ loss) * times).sum(axis=1)[pairs > 0] / pairs[pairs > 0]
            ends = np.quantile(drawn, TAILS).tolist() if len(drawn) >= MIN_DEFINED * DRAWS else (None, None)
            result[name] = (float(loss.sum()), *ends)
        return result

    def _numbered(self) -> tuple[NDArray[np.int64], int]:
        names, numbers = np.unique(self.groups, return_inverse=True)
        return numbers.astype(np.int64).reshape(-1), len(names)
