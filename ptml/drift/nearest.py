"""The training captures that a capture is most like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from ptml.artifact import LevelReference

SHOWN = 3
TENTHS = 9


def nearest(reference: LevelReference, inputs: pl.DataFrame, families: Mapping[str, str]) -> list[list[str]]:
    """List the ids of the training captures most like each row, nearest first.

    Values are compared by the tenth of the training values that they fall into, so that no unit and no
    outlier weighs more than another; a value beside a null differs as much as the least from the greatest.
    Each family of features weighs the same. Of equals the first by id comes first.

    Args:
        reference: What the model was trained on.
        inputs: Features of captures, as `model_inputs` makes them.
        families: Family of each feature.
    """
    names = sorted(reference.neighbours)
    if not names:
        return [[] for _ in range(inputs.height)]
    weights = _weights([families[feature.name] for feature in reference.features])
    known = _numbers([reference.neighbours[name] for name in names])
    found = []
    for row in _numbers(reference.codes(inputs)):
        apart = np.where((row < 0) == (known < 0), np.abs(row - known), TENTHS) @ weights
        found.append([names[at] for at in np.argsort(np.round(apart, 9), kind="stable")[:SHOWN]])
    return found


def _weights(families: list[str]) -> NDArray[np.float64]:
    _, at, sizes = np.unique(families, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1 / sizes[at] / len(sizes)
    return weights


def _numbers(codes: list[str]) -> NDArray[np.int64]:
    """Turn codes into numbers, null into -1."""
    letters = np.array([list(code) for code in codes])
    numbers: NDArray[np.int64] = np.where(letters == "-", "-1", letters).astype(np.int64)
    return numbers
