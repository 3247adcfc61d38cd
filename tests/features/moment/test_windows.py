"""Claims about windows and fading sums, against a computation that looks at every pair of connections."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features.build import connection_features, iter_connection_features
from ptml.features.catalog import CONNECTION_FAMILIES
from ptml.features.moment import running
from tests.features.frames import conn, conn_row
from tests.features.moment.slowly import slow_fading, slow_windows

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
MOMENT = [
    feature.name
    for family in CONNECTION_FAMILIES
    if family.name.startswith(("moment", "fading"))
    for feature in family.features
]
FADING = [name for name in MOMENT if name.startswith("damped")]
WINDOWS = [name for name in MOMENT if not name.startswith("damped")]

counts = st.none() | st.sampled_from([0, 1, 40, 2**63])
connection = st.fixed_dictionaries(
    {
        "ts": st.sampled_from([None, 0, 0, 1, 2, 3, 59, 60, 61, 600, 601, 700, 1e9]),
        "duration": st.none() | st.sampled_from([-1.0, 0.0, 1.0, 1.000_001, 60.0, 1e9]),
        "id__orig_h": st.sampled_from(["10.0.0.1", "10.0.0.2", None]),
        "id__resp_h": st.sampled_from(["192.0.2.1", "192.0.2.2", "ümlaut", None]),
        "id__orig_p": st.sampled_from([1001, 1002, None]),
        "id__resp_p": st.sampled_from([22, 443, None]),
        "service": st.sampled_from(["ssl", "22", None]),
        "conn_state": st.sampled_from(["SF", "S0", "REJ", None]),
        "orig_bytes": counts,
        "resp_bytes": counts,
        "orig_ip_bytes": counts,
        "resp_ip_bytes": counts,
        "capture": st.sampled_from(["c1", "c1", "c1", "c2"]),
    }
)
captures = st.lists(connection, min_size=1, max_size=24)


def frame(rows: list[Row]) -> pl.LazyFrame:
    """Make a conn.log of rows, each with the capture that it is of; uids follow their order."""
    parts = [
        conn(
            conn_row(f"C{n}", **{name: value for name, value in row.items() if name != "capture"}),
            capture_id=row["capture"],
        )
        for n, row in enumerate(rows)
    ]
    return pl.concat(parts)


def moment(rows: list[Row]) -> pl.DataFrame:
    """Compute the features of the moment."""
    return connection_features({"conn": frame(rows)}).select("uid", *MOMENT).collect()


@settings(max_examples=400)
@given(captures)
def test_windows_are_what_looking_at_every_pair_gives(rows: list[Row]) -> None:
    """Every window feature equals a quadratic computation, with ties, nulls and wild durations."""
    found = moment(rows).select(WINDOWS).to_dicts()
    for row, expected in zip(found, slow_windows(rows), strict=True):
        assert {name: row[name] for name in WINDOWS} == {
            name: pytest.approx(expected[name], rel=1e-6) for name in WINDOWS
        }


@settings(max_examples=200)
@given(captures)
def test_fading_sums_are_what_looking_at_every_pair_gives(rows: list[Row]) -> None:
    """Every damped statistic equals weighted sums in exact fractions of Kitsune's definition."""
    found = moment(rows).select(FADING).to_dicts()
    for row, expected in zip(found, slow_fading(rows), strict=True):
        for name in FADING:
            assert row[name] == pytest.approx(expected[name], rel=1e-5, abs=1e-30), name


def test_every_feature_is_compared() -> None:
    """The slow computations know exactly the features that there are."""
    row = {"ts": 0, "capture": "c1"} | {name: None for name in ("duration", "id__orig_h", "id__resp_h")}
    assert set(slow_windows([row])[0]) == set(WINDOWS)
    assert set(slow_fading([row])[0]) == set(FADING)
