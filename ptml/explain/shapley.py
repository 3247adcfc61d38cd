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

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ptml.explain.trees import LEAF, trees_of
from ptml.features.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

    from ptml.explain.trees import Tree


@dataclass(frozen=True, slots=True)
class Path:
    """A tree, and what is the same of it for all rows.

    Attributes:
        tree: The tree.
        parent: Each node's parent; -1 for the root.
        same: The nearest node above that was reached by the same feature; -1 where there is none.
        share: Share of its parent's training rows that came to each node.
        points: Where products are evaluated.
        weights: Weight of each point.
    """

    tree: Tree
    parent: NDArray[np.int64]
    same: NDArray[np.int64]
    share: NDArray[np.float64]
    points: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, tree: Tree) -> Path:
        """Work it out."""
        parent, same = _ancestors(tree)
        share = np.where(parent >= 0, tree.cover / tree.cover[np.maximum(parent, 0)], 1.0)
        return cls(tree, parent, same, share, *_rule(parent, same))

    def expected(self) -> float:
        """Give the tree's mean over its training rows."""
        return float(self.tree.value @ _reached(self.parent, self.share))


@lru_cache(maxsize=4)
def paths_of(estimator: BaseEstimator) -> tuple[float, tuple[Path, ...]] | None:
    """Give an estimator's expected score and the paths of its trees; None where they do not tell.

    It is remembered, since many small tables are shared out by the same trees.
    """
    trees = trees_of(estimator)
    if trees is None or not trees.covered:
        return None
    paths = tuple(Path.of(tree) for tree in trees.trees)
    return trees.baseline + sum(path.expected() for path in paths), paths


def shapley_values(paths: Sequence[Path], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share the score of each row out among the columns.

    Args:
        paths: The trees.
        x: Rows as the estimator compares them; nan where a value is missing.

    Returns:
        A value for each row and column, which with the expected score sum to the score.
    """
    values = np.zeros(x.shape)
    add = compiled(_add_tree)
    for path in paths:
        tree = path.tree
        add(
            x,
            tree.left,
            tree.feature,
            tree.threshold,
            tree.missing_left,
            tree.value,
            path.share,
            path.parent,
            path.same,
            path.points,
            path.weights,
            values,
        )
    return values


def _ancestors(tree: Tree) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give each node's parent, and the nearest node above that was reached by the same feature; else -1."""
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


def _rule(
    parent: NDArray[np.int64], same: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _add_tree(  # noqa: C901, PLR0912, PLR0917 - numba compiles one loop over plain arrays
    x: NDArray[np.float64],
    left: NDArray[np.int64],
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
    """Add one tree's values.

    A node's feature is known to lead there (state 1) or away (state 0): its factors in both states, and their
    reciprocals, are worked out once for all rows. Sums over points are taken last, so that every inner loop
    goes over points by themselves, which a processor does several at once.
    """
    count, size = len(left), len(points)
    zero = np.ones(count)
    factor, inverse = np.ones((2 * count, size)), np.ones((2 * count, size))  # by 2 x node + state
    for node in range(1, count):
        zero[node] = share[node] * (zero[same[node]] if same[node] >= 0 else 1.0)
        for k in range(size):
            factor[2 * node, k] = zero[node] * (1 - points[k])
            factor[2 * node + 1, k] = factor[2 * node, k] + points[k]
            inverse[2 * node, k] = 1 / factor[2 * node, k]
            inverse[2 * node + 1, k] = 1 / factor[2 * node + 1, k]
    state = np.ones(count, np.int64)
    down, up = np.ones((count, size)), np.zeros((count, size))
    gained = np.zeros((x.shape[1], size))
    for row in range(len(x)):
        for node in range(1, count):
            above, before = parent[node], same[node]
            seen = x[row, feature[above]]
            to_left = missing_left[above] if np.isnan(seen) else seen <= threshold[above]
            taken = (left[above] == node) == to_left and (before < 0 or state[before] == 1)
            state[node] = 1 if taken else 0
            here = 2 * node + state[node]
            if before < 0:
                for k in range(size):
                    down[node, k] = down[above, k] * factor[here, k]
            else:
                there = 2 * before + state[before]
                for k in range(size):
                    down[node, k] = down[above, k] * factor[here, k] * inverse[there, k]
            gain = value[node] if left[node] < 0 else 0.0
            for k in range(size):
                up[node, k] = gain * down[node, k]
        for node in range(count - 1, 0, -1):
            above, before, column = parent[node], same[node], feature[parent[node]]
            here, weight = 2 * node + state[node], state[node] - zero[node]
            if before < 0:
                for k in range(size):
                    gained[column, k] += weight * up[node, k] * inverse[here, k]
            else:
                there, less = 2 * before + state[before], state[before] - zero[before]
                for k in range(size):
                    gained[column, k] += up[node, k] * (weight * inverse[here, k] - less * inverse[there, k])
            for k in range(size):
                up[above, k] += up[node, k]
        for column in range(x.shape[1]):
            for k in range(size):
                values[row, column] += weights[k] * gained[column, k]
                gained[column, k] = 0.0
