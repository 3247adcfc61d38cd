from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import BadData
from ptml.train.holdout import Holding, Plan, Rows, bundle, plan_splits
from ptml.types import HOLDOUTS, Holdout
from tests.evaluate.builders import dataset

SAFE = tuple(name for name in HOLDOUTS if name != "random")

group = st.tuples(
    st.integers(0, 2),
    st.integers(1, 4),
    st.sampled_from("xyz"),
    st.sampled_from(["f", "g", None]),
    st.integers(0, 30),
)


def rows_of(
    y: list[int],
    groups: list[int],
    source: list[str] | None = None,
    family: list[str | None] | None = None,
    days: list[float | None] | None = None,
) -> Rows:
    """Make rows without features."""
    data = dataset(y, groups, source, family, days)
    return Rows(data.y, data.groups, data.keys)


def drawn(groups: list[tuple[int, int, str, str | None, int]]) -> Rows:
    """Make groups: class (2 is both), rows, source, family, day."""
    table = [
        (which if kind == 2 else kind, number, source, family, day + which)
        for number, (kind, size, source, family, day) in enumerate(groups)
        for which in ((0, 1) * size if kind == 2 else range(size))
        for kind in (kind,)
    ]
    y = [int(row[0] > 0) for row in table]
    return rows_of(
        y, [r[1] for r in table], [r[2] for r in table], [r[3] for r in table], [float(r[4]) for r in table]
    )


def planned(protocol: Holdout, rows: Rows, how: Holding) -> Plan | None:
    """Plan, where the data allows it."""
    try:
        return plan_splits(protocol, rows, how)
    except BadData:
        return None


@given(st.lists(group, min_size=4, max_size=25), st.sampled_from(SAFE), st.integers(2, 4))
def test_no_group_is_on_both_sides_and_no_row_is_held_out_twice(
    groups: list[tuple[int, int, str, str | None, int]], protocol: Holdout, folds: int
) -> None:
    """Whatever is held out: its groups are not learned from, and the splits do not overlap."""
    rows = drawn(groups)
    plan = planned(protocol, rows, Holding(folds=folds, max_splits=folds, min_family_captures=1))
    if plan is None:
        return
    held = np.concatenate([split.test for split in plan.splits])
    assert len(held) == len(set(held.tolist()))
    for split in plan.splits:
        assert len(split.test)
        assert not set(rows.groups[split.learn]) & set(rows.groups[split.test])


@given(st.lists(group, min_size=4, max_size=25))
def test_nothing_of_a_family_or_source_held_out_is_learned_from(
    groups: list[tuple[int, int, str, str | None, int]],
) -> None:
    """A source held out is not learned from at all, nor are malicious rows of a family held out."""
    rows = drawn(groups)
    source, family = (rows.keys[name].to_numpy().astype(object) for name in ("source", "family"))
    kinds: dict[Holdout, np.ndarray] = {"leave-source-out": source, "leave-family-out": family}
    for protocol, of in kinds.items():
        plan = planned(protocol, rows, Holding(max_splits=2, min_family_captures=1))
        for split in plan.splits if plan else ():
            attack = split.test[rows.y[split.test] == 1] if protocol == "leave-family-out" else split.test
            learned = split.learn[rows.y[split.learn] == 1] if protocol == "leave-family-out" else split.learn
            assert not set(of[attack]) & set(of[learned])


@given(st.lists(group, min_size=8, max_size=30), st.integers(1, 5))
def test_what_is_learned_from_ended_before_the_window_begins(
    groups: list[tuple[int, int, str, str | None, int]], windows: int
) -> None:
    """Every row learned from is earlier than all held out; windows follow one another, with both classes."""
    rows = drawn(groups)
    plan = planned("temporal", rows, Holding(folds=windows))
    ts = rows.keys["ts"].dt.timestamp("us").to_numpy()
    begins = []
    for split in plan.splits if plan else ():
        assert not len(split.learn) or ts[split.learn].max() < ts[split.test].min()
        assert set(rows.y[split.test]) == {0, 1}
        begins.append(ts[split.test].min())
    assert begins == sorted(begins)
    assert plan is None or len(plan.splits) <= windows


def test_every_row_of_every_source_is_held_out_once() -> None:
    """Three sources, three splits, the largest first; each learns from all the others."""
    rows = rows_of([0, 1, 0, 1, 0], [0, 1, 2, 3, 4], ["b", "b", "b", "a", "c"])
    plan = plan_splits("leave-source-out", rows, Holding())
    assert [(s.name, s.test.tolist(), s.learn.tolist()) for s in plan.splits] == [
        ("b", [0, 1, 2], [3, 4]),
        ("a", [3], [0, 1, 2, 4]),
        ("c", [4], [0, 1, 2, 3]),
    ]
    assert plan.notes == ()


def test_many_sources_are_held_out_in_bundles_and_it_is_said() -> None:
    """Five sources in two splits: small ones together, and a note on it."""
    rows = rows_of([0, 1] * 5, list(range(10)), ["a"] * 4 + ["b"] * 2 + ["c", "d", "e", "e"])
    plan = plan_splits("leave-source-out", rows, Holding(max_splits=2))
    assert [split.name for split in plan.splits] == ["a + c", "b + e + d"]
    assert plan.notes[0].startswith("5 sources were held out in 2 bundles, small ones together")


def test_families_share_out_the_benign_captures() -> None:
    """Two families, four benign captures: each is held out with two of these, all of them once."""
    y, groups = [1, 1, 1, 1, 0, 0, 0, 0], list(range(8))
    rows = rows_of(y, groups, family=["f", "f", "g", "g", None, None, None, None])
    plan = plan_splits("leave-family-out", rows, Holding(min_family_captures=2))
    assert [split.name for split in plan.splits] == ["f", "g"]
    assert [split.test[:2].tolist() for split in plan.splits] == [[0, 1], [2, 3]]
    assert sorted(np.concatenate([split.test[2:] for split in plan.splits])) == [4, 5, 6, 7]
    assert all(len(split.test) == 4 == len(split.learn) for split in plan.splits)


def test_small_families_are_learned_from_and_it_is_said() -> None:
    """A family with one capture is never held out where three are asked for."""
    rows = rows_of([1, 1, 1, 1, 0, 0], list(range(6)), family=["f", "f", "f", "rare", None, None])
    plan = plan_splits("leave-family-out", rows, Holding())
    assert plan.splits[0].learn.tolist() == [3]
    assert plan.notes == ("1 of 2 families have fewer than 3 captures and are learned from, never held out",)


def test_a_capture_that_goes_on_into_the_window_is_not_learned_from() -> None:
    """Captures 0 to 5 are learned from but for 5, which is not over when the window begins."""
    y, groups = [0, 1] * 5 + [1], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 5]
    days: list[float | None] = [0.0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 10.5]
    plan = plan_splits("temporal", rows_of(y, groups, days=days), Holding(folds=1))
    (split,) = plan.splits
    assert split.test.tolist() == [6, 7, 8, 9]
    assert split.learn.tolist() == [0, 1, 2, 3, 4]
    assert split.name == "2024-01-11 to 2024-01-14"


def test_rows_without_a_time_are_left_out_and_counted() -> None:
    """Unknown times are neither before nor after."""
    days: list[float | None] = [float(day) for day in range(10)]
    rows = rows_of([0, 1] * 6, list(range(12)), days=[*days, None, None])
    plan = plan_splits("temporal", rows, Holding(folds=2))
    assert all(max(*split.learn, *split.test) < 10 for split in plan.splits)
    assert plan.notes == ("2 rows without a time were left out",)


def test_named_periods_are_the_split() -> None:
    """Where train, validation and test were named, test is held out, and its groups are not learned from."""
    rows = rows_of([0, 1, 0, 1, 0, 1], [0, 1, 2, 3, 4, 1])
    periods = pl.Series("period", ["train", "train", "validation", "test", None, "test"])
    plan = plan_splits("temporal", Rows(rows.y, rows.groups, rows.keys.with_columns(periods)), Holding())
    assert [(s.name, s.learn.tolist(), s.test.tolist()) for s in plan.splits] == [("test", [0, 2], [3, 5])]


@pytest.mark.parametrize(
    ("protocol", "rows", "message"),
    [
        ("leave-source-out", rows_of([0, 1], [0, 1]), "needs two sources; there is 1"),
        ("leave-family-out", rows_of([0, 1], [0, 1]), "no family has 3 captures; there are 0 families"),
        ("temporal", rows_of([0, 1], [0, 1], days=[None, None]), "none has a time"),
        ("temporal", rows_of([0] * 9 + [1] * 9, list(range(18)), days=list(range(18))), "no cut in time"),
        ("temporal", rows_of([0, 1] * 9, [0] * 18), "no cut in time"),
        ("grouped", rows_of([0, 1] * 3, [0] * 6), "1 malicious and 1 benign captures"),
        ("grouped", rows_of([0] * 9, list(range(9))), "0 malicious and 9 benign captures"),
    ],
)
def test_what_the_data_does_not_allow_says_why(protocol: Holdout, rows: Rows, message: str) -> None:
    """One source, no family, no time, one class or one group: each has its own reason."""
    with pytest.raises(BadData, match=message):
        plan_splits(protocol, rows, Holding())


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 99), min_size=1), st.integers(1, 6))
def test_bundles_hold_every_name_once(sizes: dict[str, int], most: int) -> None:
    """No name is lost, there are not too many bundles, and none is empty."""
    bundles = bundle(sizes, most)
    assert sorted(name for names in bundles for name in names) == sorted(sizes)
    assert len(bundles) == min(most, len(sizes))
    assert all(bundles)
