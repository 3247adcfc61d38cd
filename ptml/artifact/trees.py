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
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
    from sklearn.tree._tree import Tree

N_CLASSES = 2


def check_trees(estimator: BaseEstimator) -> None:
    """Check every tree of an estimator; those without trees pass.

    Raises:
        BadData: A tree points outside its nodes or features, or back.
    """
    kind = type(estimator).__name__
    try:
        check = CHECKS.get(kind)
        if check is not None:
            check(estimator)
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
        _check_predictor(iteration[0], estimator.n_features_in_)


def _check_library_boosting(estimator: BaseEstimator) -> None:
    if not isinstance(estimator.baseline_, float):
        raise _broken("its baseline is not one number")
    for predictor in estimator.predictors_:
        _check_predictor(predictor, estimator.n_features_in_)


def _check_predictor(predictor: TreePredictor, n_features: int) -> None:
    nodes = predictor.nodes
    if nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or not nodes.flags.c_contiguous:
        raise _broken("the nodes of a tree have another layout")
    if np.any(nodes["is_categorical"]):
        raise _broken("it splits on categories, which ptml never does")
    check_nodes(
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        nodes["feature_idx"].astype(np.int64),
        nodes["is_leaf"] == 0,
        n_features,
    )


def _check_forest(estimator: BaseEstimator) -> None:
    if int(estimator.n_classes_) != N_CLASSES or estimator.n_outputs_ != 1:
        raise _broken("the forest is not one of two classes")
    for member in estimator.estimators_:
        _check_tree(member.tree_, N_CLASSES, estimator.n_features_in_)


def _check_benign_forest(estimator: BaseEstimator) -> None:
    forest = estimator.forest_
    if type(forest).__name__ != "IsolationForest" or forest.n_features_in_ != estimator.n_features_in_:
        raise _broken("the forest of benign rows is not one of its features")
    if len(forest.estimators_) != len(forest.estimators_features_):
        raise _broken("the forest does not say what each of its trees sees")
    for member, features in zip(forest.estimators_, forest.estimators_features_, strict=True):
        seen = np.asarray(features)
        if np.any(seen < 0) or np.any(seen >= forest.n_features_in_):
            raise _broken(f"a tree sees a feature beyond its {forest.n_features_in_}")
        _check_tree(member.tree_, 1, len(seen))


def _check_tree(tree: Tree, n_values: int, n_features: int) -> None:
    if tree.node_count > tree.capacity:  # else reading the arrays below would run over
        raise _broken("a tree claims more nodes than it has")
    if tree.value.shape != (tree.node_count, 1, n_values):
        raise _broken(f"the leaves of a tree do not hold {n_values} values")
    if tree.n_features != n_features:
        raise _broken(f"a tree was made for {tree.n_features} features, not {n_features}")
    left = np.asarray(tree.children_left)
    check_nodes(left, np.asarray(tree.children_right), np.asarray(tree.feature), left != -1, n_features)


def _check_single_feature(estimator: BaseEstimator) -> None:
    if not 0 <= estimator.feature_ < estimator.n_features_in_:
        raise _broken(f"it looks at a feature beyond its {estimator.n_features_in_}")


def _check_machine(estimator: BaseEstimator) -> None:
    """Check a support vector machine: its C code reads as many vectors as the counts of classes say."""
    state = vars(estimator)
    vectors, counts = estimator.support_vectors_, state["_n_support"]
    if vectors.shape != (len(vectors), estimator.n_features_in_) or vectors.dtype != np.float64:
        raise _broken(f"its support vectors do not hold {estimator.n_features_in_} numbers each")
    if counts.shape != (N_CLASSES,) or np.any(counts < 0) or int(counts.sum()) != len(vectors):
        raise _broken("it counts other support vectors than it has")
    shapes = {"support_": (len(vectors),), "_dual_coef_": (1, len(vectors)), "_intercept_": (1,)}
    for name, shape in shapes.items():
        if state[name].shape != shape:
            raise _broken(f"its {name} is not of shape {shape}")
    if estimator.kernel != "rbf" or state["_sparse"] or len(estimator.classes_) != N_CLASSES:
        raise _broken("it is not a dense machine of two classes with the kernel that ptml fits")


CHECKS: Mapping[str, Callable[[BaseEstimator], None]] = {
    "HistGradientBoostingClassifier": _check_boosting,
    "LibraryBoosting": _check_library_boosting,
    "RandomForestClassifier": _check_forest,
    "ExtraTreesClassifier": _check_forest,
    "BenignForest": _check_benign_forest,
    "SingleFeature": _check_single_feature,
    "SVC": _check_machine,
}
"""What is checked of each kind of estimator that holds indices."""


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
