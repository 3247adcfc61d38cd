from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ptml.errors import BadData
from ptml.train.splits import assign_folds


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 30)), min_size=6, max_size=40),
    st.integers(2, 4),
    st.integers(0, 99),
)
def test_a_group_is_never_on_both_sides(groups: list[tuple[int, int]], folds: int, seed: int) -> None:
    """Grouped folds keep every group whole, use every fold, and leave both classes to learn from."""
    labels = [label for label, _ in groups]
    assume(min(labels.count(0), labels.count(1)) >= folds)
    y = np.repeat(labels, [size for _, size in groups]).astype(np.int8)
    group = np.repeat(np.arange(len(groups)), [size for _, size in groups])
    fold = assign_folds("grouped", y, group, folds, seed)
    assert set(fold) == set(range(folds))
    assert all(len(set(fold[group == g])) == 1 for g in range(len(groups)))
    assert all(set(y[fold != f]) == {0, 1} for f in range(folds))


def test_captures_are_spread_evenly_however_large() -> None:
    """One capture of 1000 rows counts as one: each of 2 folds gets 2 captures of each class."""
    sizes = [1000, 1, 1, 1, 1, 1, 1, 1]
    y = np.repeat([0, 0, 0, 0, 1, 1, 1, 1], sizes).astype(np.int8)
    group = np.repeat(np.arange(8), sizes)
    fold_of_group = {
        int(g): int(f) for g, f in zip(group, assign_folds("grouped", y, group, 2, 3), strict=True)
    }
    assert sum(fold_of_group[g] for g in range(4)) == 2
    assert sum(fold_of_group[g] for g in range(4, 8)) == 2


def test_a_mixed_group_stays_whole() -> None:
    """A capture with malicious and benign connections is held out whole."""
    y = np.array([0, 1, 0, 0, 1, 1, 0, 1], np.int8)
    group = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    fold = assign_folds("grouped", y, group, 2, 0)
    assert fold[0::2].tolist() == fold[1::2].tolist()


def test_random_splits_captures() -> None:
    """The unsafe control spreads the rows of one capture over the folds."""
    y, group = np.repeat([0, 1], 50).astype(np.int8), np.repeat([0, 1], 50)
    assert len(set(assign_folds("random", y, group, 5, 0)[:50])) == 5


def test_the_same_seed_gives_the_same_folds() -> None:
    """Folds follow from the seed alone, and another seed gives others."""
    y, group = np.tile([0, 1], 20).astype(np.int8), np.arange(40)
    one, two, three = (assign_folds("grouped", y, group, 4, seed) for seed in (5, 5, 6))
    assert one.tolist() == two.tolist()
    assert one.tolist() != three.tolist()


def test_fewer_captures_than_folds_is_bad_data() -> None:
    """The message says how many captures of each class there are, and to lower the folds."""
    y, group = np.repeat([0, 1, 1, 1], 10).astype(np.int8), np.repeat([0, 1, 2, 3], 10)
    with pytest.raises(BadData, match=r"3 malicious and 1 benign captures(.|\n)*lower `folds`"):
        assign_folds("grouped", y, group, 3, 0)
