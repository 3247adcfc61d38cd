from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.artifact.trees import check_nodes, check_trees
from ptml.errors import BadData
from tests.artifact.builders import NAMES, fitted

if TYPE_CHECKING:
    from collections.abc import Callable


def classifier(name: Any) -> Any:  # noqa: ANN401 - a scikit-learn classifier
    """Give a fitted classifier without its pipeline."""
    return fitted(name)[0][-1]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_fitted_passes(name: str) -> None:
    """Trees as scikit-learn makes them are accepted, and so is a classifier without trees."""
    check_trees(classifier(name))


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("left", 10_000, "outside the tree or back"),
        ("right", 0, "outside the tree or back"),
        ("feature_idx", 999, "beyond its"),
        ("feature_idx", -1, "beyond its"),
        ("is_categorical", 1, "splits on categories"),
    ],
)
def test_edited_boosting_trees_are_refused(field: str, value: int, fault: str) -> None:
    """A child out of range, a child that is its own ancestor, a feature out of range: none is followed."""
    model = classifier("hist-gradient-boosting")
    model._predictors[0][0].nodes[field][0] = value
    with pytest.raises(BadData, match=fault):
        check_trees(model)


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("left_child", 10_000, "outside the tree or back"),
        ("right_child", 0, "outside the tree or back"),
        ("feature", 999, "beyond its"),
    ],
)
def test_edited_forest_trees_are_refused(field: str, value: int, fault: str) -> None:
    """The same holds for the trees of a forest."""
    model = classifier("random-forest")
    tree = model.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"][field][0] = value
    tree.__setstate__(state)
    with pytest.raises(BadData, match=fault):
        check_trees(model)


@pytest.mark.parametrize("name", ["extra-trees", "isolation-forest"])
@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [("left_child", 10_000, "outside the tree or back"), ("feature", 999, "beyond its")],
)
def test_edited_random_trees_are_refused(name: str, field: str, value: int, fault: str) -> None:
    """And for trees whose splits are drawn at random, of two classes or of benign rows alone."""
    model = classifier(name)
    forest = model.forest_ if name == "isolation-forest" else model
    tree = forest.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"][field][0] = value
    tree.__setstate__(state)
    with pytest.raises(BadData, match=fault):
        check_trees(model)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("left", 10_000, "outside the tree or back"),
        ("right", 0, "outside the tree or back"),
        ("feature_idx", 999, "beyond its"),
        ("is_categorical", 1, "splits on categories"),
    ],
)
def test_edited_trees_of_other_libraries_are_refused(name: str, field: str, value: int, fault: str) -> None:
    """Trees that LightGBM and XGBoost grew are arrays as well, and checked as such."""
    model = classifier(name)
    model.predictors_[0].nodes[field][0] = value
    with pytest.raises(BadData, match=fault):
        check_trees(model)


def test_a_tree_cannot_see_a_feature_beyond_its_forest() -> None:
    """The list of features that a tree of the novelty forest sees may not lead outside."""
    model = classifier("isolation-forest")
    model.forest_.estimators_features_[0] = np.array([0, 999])
    with pytest.raises(BadData, match="sees a feature beyond"):
        check_trees(model)


@pytest.mark.parametrize(
    ("part", "edit", "fault"),
    [
        ("_n_support", lambda counts: counts + 1000, "other support vectors"),
        ("_n_support", lambda counts: counts * np.int32(-1), "other support vectors"),
        ("support_vectors_", lambda vectors: vectors[:, :-1], "numbers each"),
        ("support_vectors_", lambda vectors: vectors.astype(np.float32), "numbers each"),
        ("support_vectors_", lambda vectors: vectors[:-1], "other support vectors"),
        ("_dual_coef_", lambda weights: weights[:, :-1], "_dual_coef_ is not of shape"),
        ("_intercept_", lambda _: np.empty(0), "_intercept_ is not of shape"),
        ("kernel", lambda _: "precomputed", "the kernel that ptml fits"),
    ],
)
def test_an_edited_machine_is_refused(part: str, edit: Callable[[Any], Any], fault: str) -> None:
    """A support vector machine whose parts disagree in size never reaches the C code that trusts them."""
    model = classifier("support-vector")
    vars(model)[part] = edit(vars(model)[part])
    with pytest.raises(BadData, match=fault):
        check_trees(model)


@pytest.mark.parametrize("value", [-1, 999])
def test_a_single_feature_lies_within(value: int) -> None:
    """The position of the one feature that is looked at may not lead outside."""
    model = classifier("single-best-feature")
    model.feature_ = value
    with pytest.raises(BadData, match="looks at a feature beyond"):
        check_trees(model)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("lightgbm", "predictors_"),
        ("isolation-forest", "forest_"),
        ("single-best-feature", "feature_"),
        ("extra-trees", "estimators_"),
    ],
)
def test_a_part_that_is_gone_is_named(name: str, part: str) -> None:
    """A file of permitted types that lacks what the estimator needs is damaged."""
    model = classifier(name)
    delattr(model, part)
    with pytest.raises(BadData, match=part):
        check_trees(model)


def test_a_tree_cannot_claim_more_nodes_than_it_has() -> None:
    """A node count beyond the nodes would read over them; it is refused before anything is read."""
    model = classifier("random-forest")
    tree = model.estimators_[0].tree_
    tree.__setstate__({**tree.__getstate__(), "node_count": tree.node_count + 1000})
    with pytest.raises(BadData, match="more nodes than it has"):
        check_trees(model)


def test_a_tree_without_nodes_is_refused() -> None:
    """An empty tree has no root to begin at."""
    none = np.array([], np.int64)
    with pytest.raises(BadData, match="no nodes"):
        check_nodes(none, none, none, none.astype(bool), 1)


@given(st.data())
def test_every_path_of_an_accepted_tree_ends(data: st.DataObject) -> None:
    """Whatever the indices: if the check passes, walking from any node ends within the tree."""
    count = data.draw(st.integers(1, 8))
    index = st.lists(st.integers(-2, 9), min_size=count, max_size=count)
    left, right = np.array(data.draw(index)), np.array(data.draw(index))
    inner = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    try:
        check_nodes(left, right, np.zeros(count, np.int64), inner, 1)
    except BadData:
        return
    for side in (left, right):
        node, steps = 0, 0
        while inner[node]:
            node, steps = int(side[node]), steps + 1
            assert 0 <= node < count
            assert steps <= count
