"""What is held out together while a model is fitted.

A threshold is a promise about captures that nobody has seen. Captures of one source resemble each other, so a
threshold chosen with other captures of the same sources at hand promises too much on the next network: there,
far more benign captures reach it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ptml.errors import BadData
from ptml.train.splits import assign_folds

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from ptml.train.spec import HeldOut


def held_out_together(
    by: HeldOut, sources: pl.Series, groups: NDArray[np.int64], y: NDArray[np.int8], folds: int
) -> NDArray[np.int64]:
    """Number what must be held out together: whole sources, or, where these are too few, groups of captures.

    Sources that share a group count as one. Every fold needs both classes to learn from, so each class has to
    come from at least as many sources as there are folds.

    Args:
        by: ``source`` or ``capture``.
        sources: Source of each row.
        groups: Group of each row.
        y: 1 for malicious, 0 for benign.
        folds: How many folds.

    >>> import polars as pl
    >>> sources, groups = pl.Series(["a", "a", "b", "c"]), np.array([0, 1, 2, 3])
    >>> held_out_together("source", sources, groups, np.array([1, 0, 0, 1], np.int8), 2).tolist()
    [0, 0, 1, 2]
    >>> held_out_together("source", sources, groups, np.array([1, 0, 0, 0], np.int8), 2).tolist()
    [0, 1, 2, 3]
    """
    if by == "capture":
        return groups
    wholes = _whole_sources(sources, groups)
    enough = all(len(np.unique(wholes[y == label])) >= folds for label in (0, 1))
    return wholes if enough else groups


def source_folds(
    sources: pl.Series, groups: NDArray[np.int64], y: NDArray[np.int8], folds: int, seed: int
) -> NDArray[np.int64] | None:
    """Give every row the number of the fold that holds its source out; None where sources are too few.

    Args:
        sources: Source of each row.
        groups: Group of each row.
        y: 1 for malicious, 0 for benign.
        folds: How many folds.
        seed: Seed of the shuffle.

    >>> import polars as pl
    >>> sources, groups, y = pl.Series(["a", "a", "b", "b"]), np.arange(4), np.array([0, 1, 0, 1], np.int8)
    >>> fold = source_folds(sources, groups, y, 2, 0)
    >>> bool(fold[0] == fold[1] != fold[2] == fold[3])
    True
    >>> source_folds(sources, groups, y, 3, 0) is None
    True
    """
    together = held_out_together("source", sources, groups, y, folds)
    if together is groups:
        return None
    try:
        return assign_folds("grouped", y, together, folds, seed)
    except BadData:  # one fold would hold out all of a class
        return None


def _whole_sources(sources: pl.Series, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    names, group = np.unique(groups, return_inverse=True)
    source = sources.rank("dense").to_numpy().astype(np.int64) - 1
    nodes = len(names) + int(source.max()) + 1
    shared = coo_array((np.ones(len(group)), (group, len(names) + source)), shape=(nodes, nodes))
    _, whole = connected_components(shared, directed=False)
    together: NDArray[np.int64] = whole[group].astype(np.int64)
    return together
