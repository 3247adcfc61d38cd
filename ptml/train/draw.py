"""Drawing rows to read and to fit on: some hundreds of a flood teach as much as a hundred thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptml.train.spec import ModelSpec


def draw_rows(
    groups: NDArray[np.int64], y: NDArray[np.int8], weights: NDArray[np.float64], most: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw at most so many rows of each class of each group; these weigh as much as all of them did.

    Args:
        groups: Group of each row.
        y: Class of each row.
        weights: Weight of each row.
        most: Rows of a class of a group at most.
        seed: Seed of the draw.

    Returns:
        Positions of the drawn rows, ascending, and their weights.

    >>> rows, weights = draw_rows(np.zeros(4, int), np.array([0, 0, 0, 1], np.int8), np.ones(4), 1, 0)
    >>> len(rows), weights.tolist()
    (2, [3.0, 1.0])
    """
    stratum = groups * 2 + y
    order = np.lexsort((np.random.default_rng(seed).random(len(groups)), stratum))
    ranked = stratum[order]
    first = np.searchsorted(ranked, ranked)
    rows = np.sort(order[np.arange(len(order)) - first < most])
    whole, drawn = np.bincount(stratum, weights), np.bincount(stratum[rows], weights[rows])
    return rows, weights[rows] * whole[stratum[rows]] / drawn[stratum[rows]]


def connection_cap(sizes: Sequence[int], spec: ModelSpec) -> int:
    """Find how many rows a capture may give, so that all of them stay within the spec's bounds.

    >>> from ptml.train.spec import ModelSpec
    >>> spec = ModelSpec(name="x", estimator="random-forest", max_connections=100)
    >>> connection_cap([10, 1000, 1000], spec)
    45
    """
    cap = spec.max_connections_per_capture
    left, remaining = spec.max_connections, len(sizes)
    for size in sorted(sizes):
        share = max(left // remaining, 1)
        if size > share:
            return min(cap, share)
        left -= size
        remaining -= 1
    return cap
