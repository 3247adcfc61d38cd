from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ptml.train.holding import held_out_together

Row = tuple[str, int, int]


def together(rows: list[Row], folds: int = 2) -> list[int]:
    """Number rows of (source, group, class) by what is held out with them."""
    sources, groups, y = zip(*rows, strict=True)
    numbers: list[int] = held_out_together(
        "source", pl.Series(sources), np.array(groups), np.array(y, np.int8), folds
    ).tolist()
    return numbers


def test_a_group_of_two_sources_makes_one_of_them() -> None:
    """Sources a and b share group 1, so they are held out together; c and d stand alone."""
    rows = [("a", 0, 0), ("a", 1, 1), ("b", 1, 1), ("b", 2, 0), ("c", 3, 1), ("d", 4, 0)]
    a, a_too, b, b_too, c, d = together(rows)
    assert a == a_too == b == b_too
    assert len({a, c, d}) == 3


def test_too_few_sources_of_a_class_leave_captures() -> None:
    """All malicious rows are of one source: without it no fold could learn, so groups are held out."""
    rows = [("a", 0, 1), ("a", 1, 1), ("b", 2, 0), ("c", 3, 0)]
    assert together(rows) == [0, 1, 2, 3]
    assert len(set(together([*rows, ("c", 4, 1)]))) == 3


def test_captures_are_held_out_where_asked_for() -> None:
    """By capture, groups stay as they are, however many sources there are."""
    groups = np.array([5, 7])
    kept = held_out_together("capture", pl.Series(["a", "b"]), groups, np.array([0, 1], np.int8), 1)
    assert kept is groups


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(0, 9), st.integers(0, 1)), min_size=1, max_size=40
    ),
    st.integers(2, 4),
)
def test_nothing_is_ever_torn_apart(rows: list[Row], folds: int) -> None:
    """Whatever the rows, a group lies on one side; and a source too, unless captures are held out."""
    numbers = together(rows, folds)
    by_group: dict[int, set[int]] = {}
    by_source: dict[str, set[int]] = {}
    for (source, group, _), number in zip(rows, numbers, strict=True):
        by_group.setdefault(group, set()).add(number)
        by_source.setdefault(source, set()).add(number)
    assert all(len(found) == 1 for found in by_group.values())
    torn = any(len(found) > 1 for found in by_source.values())
    enough = all(
        len({n for n, row in zip(numbers, rows, strict=True) if row[2] == y}) >= folds for y in (0, 1)
    )
    assert not torn or numbers == [row[1] for row in rows]
    assert torn or enough or numbers == [row[1] for row in rows]
