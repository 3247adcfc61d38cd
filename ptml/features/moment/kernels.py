"""The loops: plain functions over arrays, which numba can compile (see :mod:`ptml.features.compiled`).

Each goes once, or with two pointers, over positions that are sorted by a key and within it by end, so the
time that it takes grows with the rows alone, however many end at once. They use nothing but the arrays that
they are given and call nothing but ``isnan`` and ``sqrt``, so that compiled or not they give the same bits.
Their arguments are told by position, since that is how numba is called.
"""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[tuple[int], np.dtype[Any]]


def place(order: Array, codes: Array, starts: Array, placed: Array) -> None:
    """Sort by code, keeping the order of equals: counting sort.

    Args:
        order: Rows in the order to keep.
        codes: Code of each row.
        starts: Where in `placed` the rows of each code start; moved on.
        placed: Takes the rows.

    >>> placed = np.zeros(3, np.int32)
    >>> place(np.array([2, 1, 0]), np.array([1, 0, 1]), np.array([0, 1]), placed)
    >>> placed.tolist()
    [1, 2, 0]
    """
    for position in range(order.size):
        row = order[position]
        code = codes[row]
        placed[starts[code]] = row
        starts[code] += 1


def bounds_by_time(group: Array, end: Array, width: int, low: Array, high: Array) -> None:
    """Find the positions low to high - 1 that ended at most `width` before each, and strictly before it.

    Args:
        group: Key of each position; equal ones are neighbours.
        end: End of each position, rising within a key.
        width: How far back.
        low: Takes the first position within reach.
        high: Takes the first position that ended no earlier.

    >>> low, high = np.zeros((2, 4), np.int32)
    >>> bounds_by_time(np.array([0, 0, 0, 1]), np.array([1, 3, 3, 3]), 2, low, high)
    >>> low.tolist(), high.tolist()
    ([0, 0, 0, 3], [0, 1, 1, 3])
    """
    left = 0
    tie = 0
    for position in range(end.size):
        if position == 0 or group[position] != group[position - 1]:
            left = position
            tie = position
        elif end[position] != end[position - 1]:
            tie = position
        while end[left] < end[position] - width:
            left += 1
        low[position] = left
        high[position] = tie


def bounds_by_count(group: Array, end: Array, most: int, low: Array, high: Array) -> None:
    """Find the last `most` positions that ended strictly before each.

    All that ended at the same instant as the first of them count too, so the order of rows decides nothing.

    Args:
        group: Key of each position; equal ones are neighbours.
        end: End of each position, rising within a key.
        most: How many.
        low: Takes the first position within reach.
        high: Takes the first position that ended no earlier.

    >>> low, high = np.zeros((2, 4), np.int32)
    >>> bounds_by_count(np.array([0, 0, 0, 0]), np.array([1, 1, 2, 3]), 2, low, high)
    >>> low.tolist(), high.tolist()
    ([0, 0, 0, 0], [0, 0, 2, 3])
    """
    start = 0
    tie = 0
    for position in range(end.size):
        if position == 0 or group[position] != group[position - 1]:
            start = position
            tie = position
        elif end[position] != end[position - 1]:
            tie = position
        high[position] = tie
        low[position] = high[max(start, tie - most)]


def distinct(codes: Array, low: Array, high: Array, held: Array, found: Array) -> None:
    """Count the distinct codes within reach of each position.

    Args:
        codes: Code of each position, -1 if unknown.
        low: First position within reach; never falls.
        high: Position after the last within reach; never falls, and at least `low`.
        held: A zero for each code; used up.
        found: Takes the counts.

    >>> found = np.zeros(3, np.int32)
    >>> distinct(np.array([4, 4, 0]), np.array([0, 0, 0]), np.array([0, 1, 2]), np.zeros(5, np.int32), found)
    >>> found.tolist()
    [0, 1, 1]
    """
    left = 0
    right = 0
    kinds = 0
    for position in range(codes.size):
        while right < high[position]:
            code = codes[right]
            if code >= 0:
                if held[code] == 0:
                    kinds += 1
                held[code] += 1
            right += 1
        while left < low[position]:
            code = codes[left]
            if code >= 0:
                held[code] -= 1
                if held[code] == 0:
                    kinds -= 1
            left += 1
        found[position] = kinds


def same(codes: Array, low: Array, high: Array, held: Array, found: Array) -> None:
    """Count the positions within reach of each that have its own code.

    Args:
        codes: Code of each position, -1 if unknown: then 0 is found.
        low: First position within reach; never falls.
        high: Position after the last within reach; never falls, and at least `low`.
        held: A zero for each code; used up.
        found: Takes the counts.

    >>> found = np.zeros(3, np.int32)
    >>> same(np.array([4, 0, 4]), np.array([0, 0, 0]), np.array([0, 1, 2]), np.zeros(5, np.int32), found)
    >>> found.tolist()
    [0, 0, 1]
    """
    left = 0
    right = 0
    for position in range(codes.size):
        while right < high[position]:
            if codes[right] >= 0:
                held[codes[right]] += 1
            right += 1
        while left < low[position]:
            if codes[left] >= 0:
                held[codes[left]] -= 1
            left += 1
        found[position] = held[codes[position]] if codes[position] >= 0 else 0


def fade(  # noqa: PLR0917 - see above
    first: Array, high: Array, decay: Array, size: Array, weight: Array, mean: Array, spread: Array
) -> None:
    """Weight, mean and standard deviation of the sizes that came before, each fading with its age.

    Mean and variance are carried on themselves and not as sums, so that equal sizes have a variance of
    exactly 0 and nothing is lost by subtracting large numbers (West 1979).

    Args:
        first: First position of each position's key.
        high: First position that ended no earlier.
        decay: What is left of a weight since the key's last end.
        size: The sizes; NaN if unknown, which is not taken in.
        weight: Takes the weights.
        mean: Takes the means; NaN where nothing came before.
        spread: Takes the standard deviations; NaN where nothing came before.

    >>> weight, mean, spread = np.zeros((3, 3), np.float32)
    >>> fade(np.zeros(3, int), np.arange(3), np.array([1, 1, 0.5]), np.array([4.0, 10, 0]),
    ...      weight, mean, spread)
    >>> weight.tolist(), mean.tolist(), spread.tolist()
    ([0.0, 1.0, 1.0], [nan, 4.0, 7.0], [nan, 0.0, 3.0])
    """
    held = 0.0
    centre = np.nan
    variance = np.nan
    taken = 0  # positions before this one have been taken in
    for position in range(size.size):
        if high[position] == position:  # nobody before it ended at the same instant
            while taken < position:
                value = size[taken]
                if not isnan(value):
                    if isnan(centre):
                        centre = value
                        variance = 0.0
                    off = value - centre
                    total = held + 1.0
                    kept = held / total
                    centre += off / total
                    variance = kept * (variance + off * off / total)
                    held = total
                taken += 1
            if first[position] == position:
                held = 0.0
                centre = np.nan
                variance = np.nan
            else:
                held *= decay[position]
        weight[position] = held
        mean[position] = centre
        spread[position] = sqrt(variance)


def fade_both(  # noqa: PLR0917 - see above
    first: Array, high: Array, decay: Array, one: Array, other: Array, joint: Array, likeness: Array
) -> None:
    """Covariance and correlation of two sizes of what came before, each fading with its age.

    Args:
        first: First position of each position's key.
        high: First position that ended no earlier.
        decay: What is left of a weight since the key's last end.
        one: Sizes in one direction; NaN if unknown: then neither is taken in.
        other: Sizes in the other direction; NaN if unknown.
        joint: Takes the covariances; NaN where nothing came before.
        likeness: Takes the correlations; NaN where either size has not varied.

    >>> joint, likeness = np.zeros((2, 3), np.float32)
    >>> fade_both(np.zeros(3, int), np.arange(3), np.ones(3), np.array([4.0, 10, 0]), np.array([1.0, 3, 0]),
    ...           joint, likeness)
    >>> joint.tolist(), likeness.tolist()
    ([nan, 0.0, 3.0], [nan, nan, 1.0])
    """
    held = 0.0
    centre = np.nan
    opposite = np.nan
    variance = np.nan
    variation = np.nan
    shared = np.nan
    taken = 0
    for position in range(one.size):
        if high[position] == position:
            while taken < position:
                value = one[taken]
                answer = other[taken]
                if not (isnan(value) or isnan(answer)):
                    if isnan(centre):
                        centre = value
                        opposite = answer
                        variance = 0.0
                        variation = 0.0
                        shared = 0.0
                    total = held + 1.0
                    off = value - centre
                    away = answer - opposite
                    kept = held / total
                    centre += off / total
                    opposite += away / total
                    variance = kept * (variance + off * off / total)
                    variation = kept * (variation + away * away / total)
                    shared = kept * (shared + off * away / total)
                    held = total
                taken += 1
            if first[position] == position:
                held = 0.0
                centre = np.nan
                opposite = np.nan
                variance = np.nan
                variation = np.nan
                shared = np.nan
            else:
                held *= decay[position]
        joint[position] = shared
        if variance > 0.0 and variation > 0.0:
            likeness[position] = min(max(shared / (sqrt(variance) * sqrt(variation)), -1.0), 1.0)
        else:
            likeness[position] = np.nan
