"""Exact Shapley values of trees, path-dependent: a feature that is left out takes both ways, by cover.

A leaf adds its value times a product with one factor for each feature on its path: o (1 if the row takes that
way, else 0) where the feature is known, z (share of the training rows that took it) where it is not. The
Shapley value of feature i is the integral over t from 0 to 1 of (o_i - z_i) times the product over the other
features of z (1 - t) + o t: a polynomial, for which Gauss and Legendre's rule with half as many points as
features on the path is exact. Products are carried down a tree and sums up, so that a row costs as many steps
as there are nodes, times points. The integral is Owen's (1972), carrying products and sums is Yang's (2021)
and Yu, Xu, Bifet and Read's (2022); the values are those of Lundberg's TreeSHAP (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptml.explain.trees import LEAF
from ptml.features.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.explain.trees import Tree, Trees

BLOCK = 8
"""Rows that are worked on together."""


def shapley_values(trees: Trees, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Share the score of each row out among the columns.

    Args:
        trees: The trees; all nodes must have a cover.
        x: Rows as the estimator compares them; nan where a value is missing.

    Returns:
        The expected score, by cover; and a value for each row and column, which with it sum to the score.
    """
    expected = trees.baseline
    values = np.zeros(x.shape)
    for tree in trees.trees:
        parent, same = _ancestors(tree)
        points, weights = _rule(parent, same)
        share = np.where(parent >= 0, tree.cover / tree.cover[np.maximum(parent, 0)], 1.0)
        expected += float(tree.value @ _reached(parent, share))
        compiled(_add_tree)(
            x,
            tree.left,
            tree.right,
            tree.feature,
            tree.threshold,
            tree.missing_left,
            tree.value,
            share,
            parent,
            same,
            points,
            weights,
            values,
        )
    return expected, values


def _ancestors(tree: Tree) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give each node's parent, and the nearest node above it that was reached by the same feature; else -1."""
    count = len(tree.left)
    parent = np.full(count, -1)
    inner = np.flatnonzero(tree.left != LEAF)
    parent[tree.left[inner]] = inner
    parent[tree.right[inner]] = inner
    same = np.full(count, -1)
    for node in range(1, count):
        feature, above = tree.feature[parent[node]], parent[node]
        while above > 0 and tree.feature[parent[above]] != feature:
            above = parent[above]
        same[node] = above if above > 0 else -1
    return parent, same


def _rule(parent: NDArray[np.int64], same: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Give points and weights on 0 to 1 that integrate the products of this tree exactly."""
    features = np.zeros(len(parent), np.int64)
    for node in range(1, len(parent)):
        features[node] = features[parent[node]] + (same[node] < 0)
    points, weights = np.polynomial.legendre.leggauss(max(1, (int(features.max()) + 1) // 2))
    return (points + 1) / 2, weights / 2


def _reached(parent: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the share of the training rows that came to each node."""
    reached = share.copy()
    for node in range(1, len(parent)):
        reached[node] *= reached[parent[node]]
    return reached


def _add_tree(
    x: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    feature: NDArray[np.int64],
    threshold: NDArray[np.float64],
    missing_left: NDArray[np.bool_],
    value: NDArray[np.float64],
    share: NDArray[np.float64],
    parent: NDArray[np.int64],
    same: NDArray[np.int64],
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Add one tree's values, a block of rows at a time, so that a processor does several at once.

    A node's feature is known to lead there (state 1) or away (state 0): its factors in both states, and their
    reciprocals, are worked out once for all rows.
    """
    count, size = len(left), len(points)
    zero = np.ones(count)
    factor, inverse = np.ones((2, count, size)), np.ones((2, count, size))
    for node in range(1, count):
        zero[node] = share[node] * (zero[same[node]] if same[node] >= 0 else 1.0)
        for k in range(size):
            factor[0, node, k] = zero[node] * (1 - points[k])
            factor[1, node, k] = factor[0, node, k] + points[k]
            inverse[0, node, k] = 1 / factor[0, node, k]
            inverse[1, node, k] = 1 / factor[1, node, k]
    state = np.ones((count, BLOCK), np.bool_)
    down, up = np.ones((count, size, BLOCK)), np.zeros((count, size, BLOCK))
    own, replaced = np.zeros(BLOCK), np.zeros(BLOCK)
    for start in range(0, len(x), BLOCK):
        rows = min(BLOCK, len(x) - start)
        for node in range(1, count):
            above, before = parent[node], same[node]
            for row in range(rows):
                seen = x[start + row, feature[above]]
                to_left = missing_left[above] if np.isnan(seen) else seen <= threshold[above]
                taken = (left[above] == node) == to_left
                state[node, row] = taken and (before < 0 or state[before, row])
            for k in range(size):
                known, unknown = factor[1, node, k], factor[0, node, k]
                if before < 0:
                    for row in range(BLOCK):
                        down[node, k, row] = down[above, k, row] * (known if state[node, row] else unknown)
                else:
                    undone, undone_not = inverse[1, before, k], inverse[0, before, k]
                    for row in range(BLOCK):
                        ratio = (known if state[node, row] else unknown) * (
                            undone if state[before, row] else undone_not
                        )
                        down[node, k, row] = down[above, k, row] * ratio
                gain = value[node] * weights[k] if left[node] < 0 else 0.0
                for row in range(BLOCK):
                    up[node, k, row] = gain * down[node, k, row]
        for node in range(count - 1, 0, -1):
            above, before = parent[node], same[node]
            own[:] = 0.0
            replaced[:] = 0.0
            for k in range(size):
                known, unknown = inverse[1, node, k], inverse[0, node, k]
                for row in range(BLOCK):
                    carried = up[node, k, row]
                    own[row] += carried * (known if state[node, row] else unknown)
                    up[above, k, row] += carried
                if before >= 0:
                    known, unknown = inverse[1, before, k], inverse[0, before, k]
                    for row in range(BLOCK):
                        replaced[row] += up[node, k, row] * (known if state[before, row] else unknown)
            for row in range(rows):
                gained = ((1.0 if state[node, row] else 0.0) - zero[node]) * own[row]
                if before >= 0:
                    gained -= ((1.0 if state[before, row] else 0.0) - zero[before]) * replaced[row]
                values[start + row, feature[above]] += gained
