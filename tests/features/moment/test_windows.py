"""Claims about windows and fading sums, against a computation that looks at every pair of connections."""

from __future__ import annotations

import itertools
import time
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features import compiled
from ptml.features.assemble import beside, families_beside
from ptml.features.build import connection_features, iter_connection_features
from ptml.features.catalog import CONNECTION_FAMILIES
from ptml.features.inputs import read_inputs
from tests.features.frames import conn, conn_row
from tests.features.moment.slowly import slow_fading, slow_windows

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
FAMILIES = [one for one in families_beside(CONNECTION_FAMILIES) if one.name.startswith(("moment", "fading"))]
MOMENT = [feature.name for one in FAMILIES for feature in one.features]

BYTES = {name for name in MOMENT if name.startswith("damped") and "weight" not in name}

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
    named = [{"capture_id" if name == "capture" else name: row[name] for name in row} for row in rows]
    return conn(*(conn_row(f"C{n}", **row) for n, row in enumerate(named)))


def moment(rows: list[Row]) -> pl.DataFrame:
    """Compute the features of the moment."""
    return beside(FAMILIES, read_inputs({"conn": frame(rows)})).collect()


def assert_slow(found: pl.DataFrame, slow: list[Row]) -> None:
    """Compare every value: nulls exactly, numbers to Float32 precision."""
    for row, expected in zip(found.to_dicts(), slow, strict=True):
        assert set(expected) <= set(row)
        for name, value in expected.items():
            # What is exactly 0 may come out as a rest of adding what is not.
            nearly = 1e-6 if "_co" in name else 1e-9 if name in BYTES else 1e-30
            wanted = None if value is None else pytest.approx(value, rel=1e-5, abs=nearly)
            assert row[name] == wanted, (name, row[name], value)


@given(captures)
def test_windows_are_what_looking_at_every_pair_gives(rows: list[Row]) -> None:
    """Every window feature equals a quadratic computation, with ties, nulls and wild durations."""
    assert_slow(moment(rows), slow_windows(rows))


@given(captures)
def test_fading_sums_are_what_looking_at_every_pair_gives(rows: list[Row]) -> None:
    """Every damped statistic equals weighted moments, in exact fractions, by Kitsune's definition."""
    assert_slow(moment(rows), slow_fading(rows))


def drawn(seed: int, number: int, most: int) -> list[Row]:
    """Draw many small captures, of which hosts, times and sizes often repeat."""
    random = Random(seed)
    choices: dict[str, list[Any]] = {
        # Differences from 161 to 439 seconds do not occur: there the fastest fading leaves about 2**-1074.
        "ts": [None, 0, 0, 1, 2, 3, 59, 60, 61, 600, 601, 700, 1e9, *range(0, 100, 4)],
        "duration": [None, -1.0, 0.0, 1.0, 1.000_001, 60.0, 1e9],
        "id__orig_h": ["10.0.0.1"] * 5 + ["10.0.0.2", None],
        "id__resp_h": ["192.0.2.1"] * 5 + ["192.0.2.2", "192.0.2.3", None],
        "id__orig_p": [1001, 1002, None],
        "id__resp_p": [22, 443, None],
        "service": ["ssl", "22", None],
        "conn_state": ["SF", "S0", "REJ", None],
        **{name: [None, 0, 1, 40, 2**63] for name in ("orig_bytes", "resp_bytes")},
        **{name: [None, 0, 1, 40, 1500, 1500] for name in ("orig_ip_bytes", "resp_ip_bytes")},
    }
    return [
        {name: random.choice(values) for name, values in choices.items()} | {"capture": f"c{capture}"}
        for capture in range(number)
        for _ in range(random.randint(1, most))
    ]


def by_capture(rows: list[Row], slow: Callable[[list[Row]], list[Row]]) -> list[Row]:
    """Compute slowly, one capture at a time."""
    groups = itertools.groupby(rows, key=lambda row: row["capture"])
    return [found for _, group in groups for found in slow(list(group))]


def test_thousands_of_captures_at_once() -> None:
    """Three thousand random captures, compiled, are what looking at every pair of each gives."""
    rows = drawn(1, 3000, 12)
    assert len(rows) > compiled.FEWEST_ROWS
    found = moment(rows)
    assert_slow(found, by_capture(rows, slow_windows))
    some = [row for row in rows if row["capture"] in {f"c{n}" for n in range(200)}]
    assert_slow(found.head(len(some)), by_capture(some, slow_fading))


def test_a_hundred_and_more_at_once() -> None:
    """Beyond a hundred connections the last hundred count, and all that ended with the hundredth."""
    rows = drawn(2, 3, 400)
    assert_slow(moment(rows), by_capture(rows, slow_windows))


def test_compiled_or_not_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python and numba give the same bits."""
    rows = drawn(3, 40, 120)
    fast = moment(rows)
    monkeypatch.setattr(compiled, "FEWEST_ROWS", len(rows) + 1)
    assert_frame_equal(moment(rows), fast, check_exact=True)


def test_every_feature_is_compared() -> None:
    """The slow computations know exactly the features that there are."""
    row = {"ts": 0, "capture": "c1"}
    assert {*slow_windows([row])[0], *slow_fading([row])[0]} == set(MOMENT)


@settings(max_examples=20)
@given(captures, st.randoms(use_true_random=False))
def test_names_order_and_days_change_nothing(rows: list[Row], random: Any) -> None:  # noqa: ANN401 - hypothesis gives its own Random
    """Other addresses, other uids, another order and other days leave every value bit for bit the same."""
    names = {"10.0.0.1": "10.9.9.9", "192.0.2.1": "10.9.9.8", "ümlaut": "x" * 10_000}
    order = random.sample(range(len(rows)), len(rows))
    moved = [
        rows[n]
        | {key: names.get(rows[n][key], rows[n][key]) for key in ("id__orig_h", "id__resp_h")}
        | {"ts": None if rows[n]["ts"] is None else rows[n]["ts"] + 3 * 86_400}
        for n in order
    ]
    assert_frame_equal(moment(moved), moment(rows)[order], check_exact=True)


@settings(max_examples=20)
@given(captures, st.integers(1, 5))
def test_shares_change_nothing(rows: list[Row], batch_rows: int) -> None:
    """However a capture is cut up, every value is bit for bit the same."""
    logs = {"conn": frame(rows)}
    whole = connection_features(logs).select(MOMENT).collect()
    cut = pl.concat(iter_connection_features(logs, batch_rows=batch_rows)).select(MOMENT)
    assert_frame_equal(cut, whole, check_exact=True)


def test_later_connections_change_nothing() -> None:
    """What ends at the same instant or later is not seen."""
    rows = [row | {"capture": "c1"} for row in drawn(4, 1, 300) if row["ts"] is not None]
    middle = sorted(end_of(row) for row in rows)[len(rows) // 2]
    before = [row for row in rows if end_of(row) <= middle]
    assert 0 < len(before) < len(rows)
    seen = pl.Series([end_of(row) <= middle for row in rows])
    assert_frame_equal(moment(before), moment(rows).filter(seen), check_exact=True)


@pytest.mark.parametrize("number", [1, 3])
def test_nothing_earlier_is_zero_or_null(number: int) -> None:
    """Of connections that end at the same instant none sees another, and one alone sees none."""
    row = {"ts": 5, "duration": -1.0, "capture": "c1"}
    found = moment([row, row | {"ts": 4, "duration": 1.0}, row][:number])
    names = ["src_connections_10m", "src_orig_bytes_10m", "src_failed_share_10m", "src_since_end"]
    assert found.select(names).rows() == [(0, 0.0, None, None)] * number
    assert found.select("damped_src_weight_l001", "damped_src_mean_l001").rows() == [(0.0, None)] * number


def test_clock_that_jumps_back() -> None:
    """The order is that of the ends, whatever the order of the log and however far a clock jumps."""
    rows = [{"ts": ts, "duration": None, "capture": "c1"} for ts in (100, 101, -1_700_000_000, 102)]
    assert moment(rows)["src_since_end"].to_list() == [pytest.approx(1_700_000_100), 1.0, None, 1.0]
    assert moment(rows)["src_connections_60s"].to_list() == [0, 1, 0, 2]


def test_greatest_counts_stay_finite() -> None:
    """Counts of 2**63 and more are taken as 1 TiB, and neither sums nor squares overflow."""
    wild = dict.fromkeys(("orig_bytes", "resp_bytes", "orig_ip_bytes", "resp_ip_bytes"), 2**64 - 1)
    found = moment([wild | {"ts": n, "capture": "c1"} for n in range(3)])
    assert found["src_orig_bytes_10m"].to_list() == [0.0, 2.0**40, 2.0**41]
    assert found["damped_pair_mean_l1"].to_list() == [None, 2.0**41, 2.0**41]
    assert found["damped_pair_std_l1"].to_list() == [None, 0.0, 0.0]


def test_many_of_one_pair_in_one_second() -> None:
    """200,000 connections of one pair in a second, most of them at once, take seconds and saturate."""
    rows = 200_000
    ends = pl.Series([n // 50_000 for n in range(rows)]).cast(pl.Datetime("us", "UTC"))
    log = conn(conn_row("C")).collect().drop("ts")
    flood = log.select(pl.all().repeat_by(rows).explode()).with_columns(ends.alias("ts"), duration=0.0)
    before = time.process_time()
    found = beside(FAMILIES, read_inputs({"conn": flood.lazy()})).collect()
    assert time.process_time() - before < 60, "quadratic would take hours"
    last = found.row(rows - 1, named=True)
    assert (last["pair_connections_60s"], last["dst_host_count"], last["ct_dst_ltm"]) == (65_535, 255, 255)
    assert found["pair_port_earlier"][50_000] == 50_000


@pytest.mark.parametrize("column", ["duration", "service", "conn_state", "orig_bytes", "orig_ip_bytes"])
def test_a_missing_column_is_null(column: str) -> None:
    """Without a column what needs it is null, and the rest is there."""
    needing = {
        "duration": [],
        "service": [],
        "conn_state": ["serror_rate", "src_failed_share_10m", "srv_rerror_rate", "pair_failed_share_10m"],
        "orig_bytes": ["src_orig_bytes_10m", "pair_orig_bytes_10m"],
        "orig_ip_bytes": [name for name in MOMENT if name.startswith("damped")],
    }
    log = frame([{"ts": n, "capture": "c1"} for n in range(3)]).drop(column)
    found = beside(FAMILIES, read_inputs({"conn": log})).collect()
    assert all(found[name].null_count() == 3 for name in needing[column])
    assert found["src_connections_10m"].to_list() == [0, 1, 2]


def end_of(row: Row) -> float:
    """Give when a connection ended, in seconds."""
    return float(row["ts"] + max(row["duration"] or 0.0, 0.0))
