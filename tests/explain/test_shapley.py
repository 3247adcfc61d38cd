"""Claims about Shapley values of trees: they are those of the definition, and sum to the score."""

from __future__ import annotations

from itertools import combinations
from math import factorial, isnan
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from ptml.explain.shapley import Path, paths_of, shapley_values
from ptml.explain.trees import LEAF, Tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FEATURES = 4


def follow(tree: Tree, row: NDArray[np.float64], known: frozenset[int], node: int = 0) -> float:
    """Give the expected score when only some features are known, as the definition says."""
    if tree.left[node] == LEAF:
        return float(tree.value[node])
    children = int(tree.left[node]), int(tree.right[node])
    feature = int(tree.feature[node])
    if feature in known:
        value = row[feature]
        to_left = bool(tree.missing_left[node]) if isnan(value) else value <= tree.threshold[node]
        return follow(tree, row, known, children[0] if to_left else children[1])
    return sum(
        float(tree.cover[child] / tree.cover[node]) * follow(tree, row, known, child) for child in children
    )


def by_definition(score: Callable[[frozenset[int]], float]) -> list[float]:
    """Average what each feature adds over all orders in which they could become known."""
    values = []
    for feature in range(FEATURES):
        others = [one for one in range(FEATURES) if one != feature]
        total = 0.0
        for size in range(FEATURES):
            weight = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES)
            for some in combinations(others, size):
                total += weight * (score(frozenset((*some, feature))) - score(frozenset(some)))
        values.append(total)
    return values


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Draw a tree of at most 15 nodes; features come again below themselves."""
    splits = draw(st.integers(0, 7))
    nodes: list[list[float]] = [[LEAF, LEAF, 0, 0.0, 0, draw(st.integers(2, 1000))]]
    for _ in range(splits):
        leaves = [at for at, node in enumerate(nodes) if node[0] == LEAF and node[5] >= 2]
        if not leaves:
            break
        at = draw(st.sampled_from(leaves))
        to_left = draw(st.integers(1, int(nodes[at][5]) - 1))
        whole = nodes[at][5]
        nodes[at] = [
            len(nodes),
            len(nodes) + 1,
            draw(st.integers(0, FEATURES - 1)),
            draw(st.integers(-2, 2)),
            draw(st.integers(0, 1)),
            whole,
        ]
        nodes += [[LEAF, LEAF, 0, 0.0, 0, to_left], [LEAF, LEAF, 0, 0.0, 0, whole - to_left]]
    columns = np.array(nodes, np.float64).T
    leaf_values = draw(st.lists(st.floats(-5, 5), min_size=len(nodes), max_size=len(nodes)))
    return Tree(
        left=columns[0].astype(np.int64),
        right=columns[1].astype(np.int64),
        feature=columns[2].astype(np.int64),
        threshold=columns[3],
        missing_left=columns[4] == 1,
        value=np.where(columns[0] == LEAF, leaf_values, 0.0),
        cover=columns[5],
    )


row_values = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.just(float("nan"))), min_size=FEATURES, max_size=FEATURES
)


@given(st.lists(trees(), min_size=1, max_size=3), row_values)
@settings(deadline=None)
def test_values_are_those_of_the_definition(grown: list[Tree], row: list[float]) -> None:
    """On random trees with missing values they equal the average over all subsets of known features."""
    x = np.array([row])
    paths = [Path.of(tree) for tree in grown]
    found = shapley_values(paths, x)

    def score(known: frozenset[int]) -> float:
        return sum(follow(tree, x[0], known) for tree in grown)

    assert sum(path.expected() for path in paths) == pytest.approx(score(frozenset()), abs=1e-9)
    assert found[0].tolist() == pytest.approx(by_definition(score), abs=1e-9)


def table(rows: int = 400, *, missing: bool) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Make a table in which the class hangs on two columns together."""
    generator = np.random.default_rng(4)
    x = generator.normal(size=(rows, 6))
    y = ((x[:, 0] * x[:, 1] > 0) ^ (generator.random(rows) < 0.1)).astype(np.int8)
    if missing:
        x[generator.random(x.shape) < 0.2] = np.nan
    return x.astype(np.float32).astype(np.float64), y


def test_boosting_sums_to_its_decision_function() -> None:
    """The expected score and the values give scikit-learn's own log-odds, with missing values too."""
    x, y = table(missing=True)
    estimator = HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(x, y)
    grown = paths_of(estimator)
    assert grown is not None
    expected, paths = grown
    values = shapley_values(paths, x)
    assert np.allclose(expected + values.sum(axis=1), estimator.decision_function(x), atol=1e-9)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_forests_sum_to_their_share(kind: type) -> None:
    """The expected score and the values give the forest's own share of the second class, at any depth."""
    x, y = table(missing=False)
    estimator = kind(n_estimators=20, class_weight={0: 1.0, 1: 3.0}, random_state=0).fit(x, y)
    grown = paths_of(estimator)
    assert grown is not None
    expected, paths = grown
    values = shapley_values(paths, x)
    assert np.allclose(expected + values.sum(axis=1), estimator.predict_proba(x)[:, 1], atol=1e-9)


def test_an_estimator_without_trees_has_none() -> None:
    """What cannot be taken apart is not."""
    from sklearn.svm import SVC  # noqa: PLC0415 - only here

    assert paths_of(SVC()) is None
