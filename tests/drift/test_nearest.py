"""Claims about nearest captures: the same features come first, families weigh the same."""

from __future__ import annotations

import polars as pl

from ptml.artifact import FeatureReference, LevelReference
from ptml.drift.nearest import nearest


def level(names: str, **codes: str) -> LevelReference:
    """Make a reference of features whose tenths are the whole numbers from 0 to 9."""
    features = [
        FeatureReference(
            name=name, nulls=0.1, low=0, high=9, edges=tuple(n + 0.5 for n in range(9)), shares=(0.1,) * 10
        )
        for name in names
    ]
    return LevelReference(
        features=tuple(features), unlike=0, unlike_held_out=0, captures=len(codes), neighbours=codes
    )


def row(**values: float | None) -> pl.DataFrame:
    """Make a capture's features."""
    return pl.DataFrame({name: [value] for name, value in values.items()}, schema_overrides=None)


def test_the_same_capture_comes_first() -> None:
    """Then those that differ by a tenth, then by more; of equals the first by name."""
    seen = level("ab", c4="99", c3="34", c2="33", c1="43")
    assert nearest(seen, row(a=3.0, b=3.0), {"a": "x", "b": "y"}) == [["c2", "c1", "c3"]]


def test_families_weigh_the_same_however_many_features_they_have() -> None:
    """Three tenths apart in the one feature of a family weigh more than two in each of three of another."""
    seen = level("abcd", far="3333", near="0222")
    assert nearest(seen, row(a=0, b=0, c=0, d=0), dict.fromkeys("bcd", "many") | {"a": "one"})[0][0] == "near"
    assert nearest(seen, row(a=3, b=0, c=0, d=0), dict.fromkeys("bcd", "many") | {"a": "one"})[0] == [
        "far",
        "near",
    ]


def test_a_value_beside_a_null_is_as_far_as_can_be() -> None:
    """Null is not zero: the least value is nearer to the greatest but one than to null."""
    seen = level("a", null="-", great="8")
    assert nearest(seen, row(a=0.0), {"a": "x"}) == [["great", "null"]]
    assert nearest(seen, pl.DataFrame({"a": [None]}, schema={"a": pl.Float64}), {"a": "x"})[0][0] == "null"


def test_without_training_captures_there_are_none() -> None:
    """A model that knows no captures names none."""
    assert nearest(level("a"), row(a=1.0), {"a": "x"}) == [[]]
