"""Checks of fitted trees before they are used.

Tree code follows indices without looking: an edited file of permitted types could make it read beyond its
arrays or run in circles. Children must lie behind their parent, so that every path ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

from ptml.errors import BadData

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

N_CLASSES = 2


def check_trees(estimator: BaseEstimator) -> None:
    """Check every tree of a random forest or histogram gradient boosting; others have none.

    Raises:
        BadData: A tree points outside its nodes or features, or back.
    """
    kind = type(estimator).__name__
    try:
        if kind == "HistGradientBoostingClassifier":
            _check_boosting(estimator)
        elif kind == "RandomForestClassifier":
            _check_forest(estimator)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise _broken(f"a tree lacks what {kind} needs: {error}") from error


def _broken(what: str) -> BadData:
    return BadData(
        f"the model file is damaged or was edited: {what}; it was not used", hint="train or fetch it again"
    )


def _check_boosting(estimator: BaseEstimator) -> None:
    state = vars(estimator)  # the private parts that predict itself reads
    if np.any(state["_bin_mapper"].is_categorical_):
        raise _broken("it splits on categories, which ptml never does")
    if np.shape(state["_baseline_prediction"]) != (1, 1):
        raise _broken("its baseline is not one number")
    for iteration in state["_predictors"]:
        if len(iteration) != 1:
            raise _broken("an iteration of two classes has more than one tree")
        nodes = iteration[0].nodes
        if nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or not nodes.flags.c_contiguous:
            raise _broken("the nodes of a tree have another layout")
        if np.any(nodes["is_categorical"]):
            raise _broken("it splits on categories, which ptml never does")
        inner = nodes["is_leaf"] == 0
        check_nodes(
            nodes["left"].astype(np.int64),
            nodes["right"].astype(np.int64),
            nodes["feature_idx"].astype(np.int64),
            inner,
            estimator.n_features_in_,
        )


def _check_forest(estimator: BaseEstimator) -> None:
    if int(estimator.n_classes_) != N_CLASSES or estimator.n_outputs_ != 1:
        raise _broken("the forest is not one of two classes")
    for member in estimator.estimators_:
        tree = member.tree_
        if tree.node_count > tree.capacity:  # else reading the arrays below would run over
            raise _broken("a tree claims more nodes than it has")
        if tree.value.shape != (tree.node_count, 1, N_CLASSES):
            raise _broken("the leaves of a tree do not hold two classes")
        left = np.asarray(tree.children_left)
        check_nodes(
            left,
            np.asarray(tree.children_right),
            np.asarray(tree.feature),
            left != -1,
            estimator.n_features_in_,
        )


def check_nodes(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    feature: NDArray[np.int64],
    inner: NDArray[np.bool_],
    n_features: int,
) -> None:
    """Check one tree: children behind their parent and inside, features in range.

    >>> at = np.array
    >>> check_nodes(at([1, -1, -1]), at([2, -1, -1]), at([0, -2, -2]), at([True, False, False]), 1)

    Raises:
        BadData: They are not.
    """
    count = len(left)
    if count == 0:
        raise _broken("a tree has no nodes")
    parent = np.arange(count)[inner]
    for child in (left[inner], right[inner]):
        if np.any(child <= parent) or np.any(child >= count):
            raise _broken("a tree's node points outside the tree or back")
    split = feature[inner]
    if np.any(split < 0) or np.any(split >= n_features):
        raise _broken(f"a tree splits on a feature beyond its {n_features}")
