from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ptml.schema import LEARNED, SPLITS
from ptml.train.compare import capture_differences, check, split_differences, value_differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_value_is_the_same_as_itself(value: object) -> None:
    """Nothing differs between a value and itself."""
    assert list(value_differences(value, value)) == []


@given(JSON, JSON)
def test_differences_are_found_both_ways(one: object, other: object) -> None:
    """What differs one way differs the other way, and two values that are unequal differ."""
    there, back = list(value_differences(one, other)), list(value_differences(other, one))
    assert len(there) == len(back)
    if one != other:
        assert there


def test_types_are_told_apart() -> None:
    """True is not 1, and nothing is not zero."""
    assert list(value_differences({"a": True}, {"a": 1})) == ["a: recorded True, now 1"]
    assert list(value_differences({"a": None}, {"a": 0})) == ["a: recorded None, now 0"]


def test_numbers_may_differ_by_the_tolerance_and_no_more() -> None:
    """A billionth is let through, ten billionths are not; whole numbers are compared as numbers."""
    assert list(value_differences([1.0, 2], [1.0 + 5e-10, 2.0], 1e-9)) == []
    assert list(value_differences([1.0], [1.00000001], 1e-9)) == ["[0]: recorded 1.0, now 1.00000001"]


def test_lists_of_other_lengths_differ_as_a_whole() -> None:
    """A list that lost an entry is told as a whole."""
    assert list(value_differences({"a": [1, 2]}, {"a": [1]})) == ["a: recorded [1, 2], now [1]"]


def test_a_check_without_differences_is_fine() -> None:
    """It says what was looked at; a single difference makes it fail."""
    assert check("x", [], "fine").same
    assert check("x", [], "fine").detail == "fine"
    assert not check("x", ["a"], "fine").same


def learned(**changes: dict[str, object]) -> pl.DataFrame:
    """Make a table of captures a, b and c, with some values changed."""
    same = {
        "source": "lab",
        "label": "benign",
        "family": None,
        "unit": "file",
        "raw": "r",
        "known": True,
        "used": True,
    }
    rows = [
        {"capture_id": name, "group": name, "features": "f", "labels": "l", **same, **changes.get(name, {})}
        for name in "abc"
    ]
    return pl.DataFrame(rows, schema=LEARNED.schema)


def test_captures_that_changed_are_named() -> None:
    """Gone, new, other label, other data: each is told with the capture's id, and the rest is not."""
    now = learned(
        b={"label": "malicious", "family": "emotet", "labels": "m"}, c={"features": "g", "raw": "s"}
    )
    now = pl.concat(
        [now.filter(pl.col("capture_id") != "a"), learned().head(1).with_columns(capture_id=pl.lit("d"))]
    )
    assert capture_differences(learned(), now) == [
        "a is gone",
        "d is new",
        "b: label was 'benign', is 'malicious'",
        "b: family was None, is 'emotet'",
        "b: labels of connections changed",
        "c: raw data and features changed",
    ]
    assert capture_differences(now, now) == []


def test_captures_in_other_folds_are_named() -> None:
    """A capture that moved to another fold is told with where it was and where it is."""
    was = pl.DataFrame(
        {"level": ["capture"] * 2, "capture_id": ["a", "b"], "group": ["a", "b"], "fold": [0, 1]}
        | {"rows": [1, 1], "malicious": [0, 1]},
        schema=SPLITS.schema,
    )
    now = was.with_columns(fold=pl.when(capture_id="b").then(2).otherwise("fold").cast(pl.UInt16))
    assert split_differences(was, was) == []
    assert split_differences(was, now) == [
        "b was in fold 1 with 1 rows, 1 malicious",
        "b is in fold 2 with 1 rows, 1 malicious",
    ]
