"""How far features of some captures lie from those of others: folds, and earlier against later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptml.train.audit.check import Found, lit, nothing_to_check
from ptml.train.audit.statistics import chance_index, ks_distance, stability_index
from ptml.train.audit.subject import FOLDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.train.audit.results import Cell
    from ptml.train.audit.subject import Sample, Subject

MAJOR = 0.25  # the usual bound of the population stability index
DRIFTING = (0.1, 0.5)
SPREAD = (0.25, 0.75)
MOST_BINS = 10
CAPTURES_A_BIN = 10
FEWEST = 10


@dataclass(frozen=True, slots=True)
class Split:
    """Captures in two parts, and how finely these can be told apart.

    Attributes:
        second: Whether a row is in the second part.
        rows: The rows that are looked at.
        one: Captures in the first part.
        other: Captures in the second part.
    """

    second: NDArray[np.bool_]
    rows: NDArray[np.bool_]
    one: int
    other: int

    @property
    def bins(self) -> int:
        """Choose how many bins so few captures can fill."""
        return int(np.clip(min(self.one, self.other) // CAPTURES_A_BIN, 2, MOST_BINS))

    def index(self, codes: NDArray[np.int64], weight: NDArray[np.float64]) -> float:
        """Give the stability index between the parts of a column whose values were put into bins."""
        mass, second = weight[self.rows], self.second[self.rows]
        bins = int(codes.max()) + 1
        one, other = (np.bincount(codes, mass * part, bins) for part in (~second, second))
        return stability_index(one.astype(np.float64), other.astype(np.float64))


def fold_spread(subject: Subject) -> Found:
    """Compare each fold of captures with the others, feature by feature."""
    sample = subject.sample
    if isinstance(sample.folds, str):
        return nothing_to_check(sample.folds)
    everything = np.ones(len(sample.y), np.bool_)
    splits = [_split(sample, sample.folds == fold, everything) for fold in range(FOLDS)]
    bins = min(split.bins for split in splits)
    coded = [_binned(column, bins) for column in sample.matrix.T]
    found = np.array([[split.index(codes, sample.weight) for split in splits] for codes in coded])
    mean = found.mean(axis=1)
    share = float(np.mean(mean > MAJOR))
    says = (
        f"{share:.0%} of the features have a stability index above {MAJOR} between a fold of captures and "
        f"the others; the median feature's is {np.median(mean):.2f}"
    )
    order = np.argsort(-mean, kind="stable")
    rows: list[tuple[Cell, ...]] = [(sample.names[i], float(mean[i]), float(found[i].max())) for i in order]
    figures: dict[str, Cell] = {"share_above": share, "median_psi": float(np.median(mean))}
    return Found(lit(share, *SPREAD), says, figures, ("feature", "mean_psi", "worst_psi"), tuple(rows))


def time_drift(subject: Subject) -> Found:
    """Compare the earlier half of each class's captures with the later half, feature by feature."""
    sample = subject.sample
    splits = _halves(subject)
    if not splits:
        return nothing_to_check(f"no class has {2 * FEWEST} captures that say when they were made")
    rows: list[tuple[Cell, ...]] = []
    for name, column in zip(sample.names, sample.matrix.T.astype(np.float64), strict=True):
        indices = [split.index(_binned(column[split.rows], split.bins), sample.weight) for split in splits]
        excess = [i / _bound(split) for i, split in zip(indices, splits, strict=True)]
        worst = int(np.argmax(excess))
        if excess[worst] > 1:
            rows.append((name, indices[worst], _ks(column, splits[worst], sample)))
    share = len(rows) / len(sample.names)
    says = (
        f"{share:.0%} of the features changed by more than chance between the earlier and the later half of "
        "a class's captures"
    )
    rows.sort(key=lambda row: (-float(str(row[1])), str(row[0])))
    figures: dict[str, Cell] = {"share_of_features": share, "features": len(rows), "classes": len(splits)}
    return Found(lit(share, *DRIFTING), says, figures, ("feature", "psi", "ks"), tuple(rows))


def _bound(split: Split) -> float:
    return max(MAJOR, chance_index(split.bins, split.one, split.other))


def _ks(column: NDArray[np.float64], split: Split, sample: Sample) -> float | None:
    return ks_distance(column[split.rows], split.second[split.rows], sample.weight[split.rows])


def _halves(subject: Subject) -> list[Split]:
    """Halve each class's captures by time; a class with too few that know theirs is left out."""
    sample = subject.sample
    found = []
    for y in (0, 1):
        strata = subject.strata.filter(subject.strata["y"] == y).drop_nulls("ts").sort("ts", "group")
        if strata.height < 2 * FEWEST:
            continue
        ordered = strata["group"].to_numpy()
        rows = (sample.y == y) & np.isin(sample.groups, ordered)
        found.append(_split(sample, np.isin(sample.groups, ordered[len(ordered) // 2 :]), rows))
    return found


def _split(sample: Sample, second: NDArray[np.bool_], rows: NDArray[np.bool_]) -> Split:
    one = len(np.unique(sample.groups[rows & ~second]))
    other = len(np.unique(sample.groups[rows & second]))
    return Split(second, rows, one, other)


def _binned(values: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    """Number bins of about equally many values from 1; 0 is null."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.zeros(len(values), np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
    codes = 1 + np.searchsorted(edges, values, side="left")
    return np.where(np.isnan(values), 0, codes)
