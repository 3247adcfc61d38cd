"""The trees of a fitted estimator as plain arrays, whichever library grew them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

LEAF = -1


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; children lie behind their parent.

    Attributes:
        left: Child for values that are at most the threshold; -1 in a leaf.
        right: Child for greater values; -1 in a leaf.
        feature: The column that a node looks at.
        threshold: What it compares with.
        missing_left: Missing values go left.
        value: What a leaf adds to the score.
        cover: Weight of the training rows that came by; positive.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]
    cover: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trees:
    """An estimator's trees: its score is `baseline` and the sum of a leaf of each."""

    baseline: float
    trees: tuple[Tree, ...]

    @property
    def covered(self) -> bool:
        """Tell whether all nodes know how many training rows came by; without, no share can be worked out."""
        return all(bool(np.all(tree.cover > 0)) for tree in self.trees)


def trees_of(estimator: BaseEstimator) -> Trees | None:
    """Take the trees out of a fitted estimator; None where it has none that add up to its score."""
    read = READERS.get(type(estimator).__name__)
    return read(estimator) if read else None


def _boosting(estimator: BaseEstimator) -> Trees:
    state = vars(estimator)
    trees = tuple(_predictor(iteration[0].nodes) for iteration in state["_predictors"])
    return Trees(float(state["_baseline_prediction"][0, 0]), trees)


def _library(estimator: BaseEstimator) -> Trees:
    return Trees(estimator.baseline_, tuple(_predictor(one.nodes) for one in estimator.predictors_))


def _predictor(nodes: NDArray[Any]) -> Tree:
    leaf = nodes["is_leaf"] == 1
    return Tree(
        left=np.where(leaf, LEAF, nodes["left"].astype(np.int64)),
        right=np.where(leaf, LEAF, nodes["right"].astype(np.int64)),
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"] == 1,
        value=np.where(leaf, nodes["value"], 0.0),
        cover=nodes["count"].astype(np.float64),
    )


def _forest(estimator: BaseEstimator) -> Trees:
    """Take a forest's trees: its score is the mean share of the second class in the leaves."""
    size = len(estimator.estimators_)
    return Trees(0.0, tuple(_member(one.tree_, size) for one in estimator.estimators_))


def _member(tree: Any, size: int) -> Tree:  # noqa: ANN401 - scikit-learn's own, without types
    left = np.asarray(tree.children_left, np.int64)
    share = tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1)
    return Tree(
        left=left,
        right=np.asarray(tree.children_right, np.int64),
        feature=np.asarray(tree.feature, np.int64),
        threshold=np.asarray(tree.threshold, np.float64),
        missing_left=np.asarray(tree.missing_go_to_left) == 1,
        value=np.where(left == LEAF, share / size, 0.0),
        cover=np.asarray(tree.weighted_n_node_samples, np.float64),
    )


READERS: Mapping[str, Callable[[BaseEstimator], Trees]] = {
    "HistGradientBoostingClassifier": _boosting,
    "LibraryBoosting": _library,
    "RandomForestClassifier": _forest,
    "ExtraTreesClassifier": _forest,
}
