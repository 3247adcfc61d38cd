"""Claims about how far captures are apart."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.features.distances import Distances, places

DNS, TRAFFIC = ("dns_query_count", "dns_nxdomain_share"), "connections"


def far(rows: list[dict[str, object]], at: int = 0) -> Distances:
    """Compare one of some captures with all."""
    table = pl.DataFrame(rows, infer_schema_length=None)
    return Distances(table[at : at + 1], table, table)


def test_each_family_counts_the_same() -> None:
    """Of three captures at places 1/6, 3/6 and 5/6 in each number, the mean is over families, not features.

    Two own features without a family differ by 1/3 and by nothing (mean 1/6), `connections` of the family of
    traffic by 2/3: the distance is (1/6 + 2/3) / 2.
    """
    rows: list[dict[str, object]] = [
        {"own_a": 1.0, "own_b": 5.0, "connections": 1},
        {"own_a": 2.0, "own_b": 5.0, "connections": 900},
        {"own_a": 3.0, "own_b": 6.0, "connections": 30},
    ]
    found = far(rows)
    assert found.total[1] == pytest.approx((1 / 6 + 2 / 3) / 2)
    assert list(found.families(1)) == ["own features", "traffic"]
    assert [(gap.feature, gap.here, gap.there) for gap in found.largest(1)] == [
        ("connections", 1, 900),
        ("own_a", 1.0, 2.0),
    ]


def test_null_against_a_value_is_a_half_and_two_nulls_say_nothing() -> None:
    """Neither counts as zero."""
    found = far([{"own": None}, {"own": 3.0}, {"own": None}])
    assert found.total[1] == 0.5
    assert np.isnan(found.total[2])


def test_categories_differ_or_not() -> None:
    """Text is the same or another; text against none is a half."""
    found = far([{"own": "a"}, {"own": "a"}, {"own": "b"}, {"own": None}])
    assert found.total.tolist() == [0.0, 0.0, 1.0, 0.5]


def test_what_is_the_same_for_all_is_left_out() -> None:
    """A feature of one value neither brings captures together nor appears among the names."""
    found = far([{"same": 1.0, "own": 1.0}, {"same": 1.0, "own": 2.0}])
    assert found.names == ["own"]
    assert found.total[1] == 0.5  # places 1/4 and 3/4


NUMBERS = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6, width=32)), min_size=2, max_size=12)


@given(NUMBERS, st.integers(0, 11), st.integers(0, 11))
def test_a_distance_is_symmetric_and_within_one(values: list[float | None], i: int, j: int) -> None:
    """From a to b is as far as from b to a; nothing is farther than 1; a capture is at 0 from itself."""
    i, j = i % len(values), j % len(values)
    rows: list[dict[str, object]] = [{"own": value} for value in values]
    table = pl.DataFrame(rows, schema={"own": pl.Float64})
    one, other = (Distances(table[at : at + 1], table, table).total for at in (i, j))
    assert one[j] == other[i] or (np.isnan(one[j]) and np.isnan(other[i]))
    assert not one[j] > 1
    assert np.isnan(one[i]) or one[i] == 0


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12, unique=True))
def test_no_unit_and_no_outlier_decides(values: list[float]) -> None:
    """Places are the same whatever rising function is applied to the numbers."""
    numbers = pl.Series(values, dtype=pl.Float64)
    stretched = numbers.rank() * 1e9
    assert places(numbers, numbers).tolist() == places(stretched, stretched).tolist()
