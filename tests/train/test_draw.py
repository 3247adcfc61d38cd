from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.train.draw import draw_rows

rows_of_groups = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.floats(0.1, 5)), min_size=1, max_size=60
)


@given(rows_of_groups, st.integers(1, 10), st.integers(0, 9))
def test_each_class_of_each_group_keeps_its_weight(
    rows: list[tuple[int, int, float]], most: int, seed: int
) -> None:
    """No class of a group gives more rows than allowed, or fewer than it could, and none loses weight."""
    group, y, w = (np.array(column) for column in zip(*rows, strict=True))
    drawn, weights = draw_rows(group, y.astype(np.int8), w, most, seed)
    assert (np.diff(drawn) > 0).all()
    for g in range(4):
        for label in (0, 1):
            all_of_it, taken = (group == g) & (y == label), (group[drawn] == g) & (y[drawn] == label)
            assert taken.sum() == min(all_of_it.sum(), most)
            assert weights[taken].sum() == pytest.approx(w[all_of_it].sum())


def test_a_rare_class_is_not_drawn_away() -> None:
    """Three malicious connections among ten thousand benign ones of a capture are all learned from."""
    y = np.zeros(10_003, np.int8)
    y[[5, 500, 10_000]] = 1
    drawn, _ = draw_rows(np.zeros(len(y), np.int64), y, np.ones(len(y)), 100, 0)
    assert {5, 500, 10_000} <= set(drawn.tolist())
    assert len(drawn) == 103


def test_few_rows_stay_as_they_are() -> None:
    """Where no class exceeds the bound, every row comes back with its weight."""
    weights = np.array([1.0, 2.0, 3.0])
    drawn, same = draw_rows(np.array([0, 0, 1]), np.array([0, 1, 1], np.int8), weights, 5, 0)
    assert drawn.tolist() == [0, 1, 2]
    assert same.tolist() == weights.tolist()


def test_the_draw_follows_the_seed() -> None:
    """The same seed draws the same rows, another seed others."""
    y = np.zeros(100, np.int8)
    one, two, three = (draw_rows(y.astype(int), y, np.ones(100), 10, seed)[0].tolist() for seed in (1, 1, 2))
    assert one == two != three
