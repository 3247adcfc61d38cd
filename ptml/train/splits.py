"""Which rows are held out together.

Rows of one capture resemble each other far more than rows of another capture will: a model that has seen some
of them has seen the rest. So captures are held out whole, and captures that share content count as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ptml.errors import BadData

if TYPE_CHECKING:
    from numpy.typing import NDArray

Protocol: TypeAlias = Literal["grouped", "random"]
"""How folds are made: groups whole, or rows at random."""


@dataclass(frozen=True, slots=True)
class Split:
    """One time that rows are held out.

    Attributes:
        name: What is held out.
        learn: Positions of the rows to learn from, ascending.
        test: Positions of the rows held out, ascending; none of them is learned from.
    """

    name: str
    learn: NDArray[np.int64]
    test: NDArray[np.int64]

    @classmethod
    def of(cls, name: str, learn: NDArray[np.bool_], test: NDArray[np.bool_]) -> Split:
        """Make a split from what is true of each row.

        >>> Split.of("x", np.array([True, False, False]), np.array([False, False, True])).test.tolist()
        [2]
        """
        return cls(name, np.flatnonzero(learn), np.flatnonzero(test))


def assign_folds(
    protocol: Protocol, y: NDArray[np.int8], groups: NDArray[np.int64], folds: int, seed: int
) -> NDArray[np.int64]:
    """Give every row the number of the fold that holds it out.

    `grouped` keeps a group's rows together and spreads the groups of each class evenly over the folds,
    however many rows they have. `random` spreads rows; it leaks, and is there to show by how much.

    Args:
        protocol: ``grouped`` or ``random``.
        y: 1 for malicious, 0 for benign, a row.
        groups: Group of each row.
        folds: How many folds.
        seed: Seed of the shuffle.

    >>> y, groups = np.array([0, 0, 1, 1, 0, 1], np.int8), np.array([0, 0, 1, 1, 2, 3])
    >>> fold = assign_folds("grouped", y, groups, 2, 0)
    >>> bool(fold[0] == fold[1] and fold[2] == fold[3] and fold[0] != fold[4])
    True

    Raises:
        BadData: A class has fewer groups (or rows) than there are folds.
    """
    result = np.empty(len(y), np.int64)
    if protocol == "random":
        _require(y, folds, "rows")
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for fold, (_, held_out) in enumerate(splitter.split(y, y)):
            result[held_out] = fold
        return result
    # One row a group and class: a fold's share of captures counts, not how many rows these happen to have.
    pairs, inverse = np.unique(np.stack([groups, y]), axis=1, return_inverse=True)
    pair_group, pair_label = pairs
    _require(pair_label, folds, "captures")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    pair_fold = np.empty(len(pair_group), np.int64)
    for fold, (_, held_out) in enumerate(splitter.split(pair_label, pair_label, pair_group)):
        pair_fold[held_out] = fold
    result[:] = pair_fold[inverse.reshape(-1)]
    for fold in range(folds):
        if len(set(y[result != fold])) == 1:
            raise BadData(
                f"without fold {fold + 1} of {folds} only one class is left to learn from",
                hint="add captures of the rarer class, or lower `folds`",
            )
    return result


def _require(y: NDArray[np.int8], folds: int, what: str) -> None:
    malicious = int(y.sum())
    benign = len(y) - malicious
    if min(benign, malicious) < folds:
        raise BadData(
            f"{folds} folds need at least {folds} {what} of each class; "
            f"there are {malicious} malicious and {benign} benign {what}",
            hint=f"lower `folds` to {max(min(benign, malicious), 2)}, or add captures of the rarer class",
        )
