"""Claims about the counts over all connections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.report.capture.traffic import BARS, TIME_TYPE, mixes, talkers, timeline, totals

START = datetime(2026, 11, 23, tzinfo=UTC)


def conn(**columns: list[object]) -> pl.LazyFrame:
    """Make connections of columns; what is not given is null."""
    height = len(next(iter(columns.values())))
    names = ("ts", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "service", "conn_state")
    given_ = {name.replace("__", "."): values for name, values in columns.items()}
    all_of_it = {name: [None] * height for name in (*names, "orig_bytes", "resp_bytes")} | given_
    types = {"ts": TIME_TYPE, "orig_bytes": pl.UInt64(), "resp_bytes": pl.UInt64()}
    return pl.LazyFrame(all_of_it, schema_overrides=types)


def test_bytes_beyond_an_integer_are_added() -> None:
    """Two counts near the largest do not wrap around."""
    most = 2**64 - 1
    found = totals(conn(orig_bytes=[most, most], resp_bytes=[None, 5]))
    assert found["sent"] == pytest.approx(2 * most)
    assert found["received"] == 5


def test_nothing_is_counted_where_nothing_is() -> None:
    """No connection: all counts are 0, no time is known, nothing is drawn."""
    none = conn(ts=[])
    assert totals(none)["connections"] == 0
    assert totals(none)["first"] is None
    assert timeline(none) is None
    assert all(rows == [] for rows in mixes(none).values())
    assert all(rows == [] for rows in talkers(none).values())


def test_a_jump_of_the_clock_does_not_flatten_the_drawing() -> None:
    """One connection of 1970 and one of 2099 are told of, and the others drawn in their own hour."""
    hour = [START + timedelta(minutes=minute) for minute in range(60)]
    jumps = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)]
    found = timeline(conn(ts=[*hour, *jumps, None]))
    assert found is not None
    assert (found.outside, found.unknown) == (2, 1)
    assert sum(bar["connections"] for bar in found.bars) == 60
    assert found.bars[-1]["at"] < START + timedelta(hours=1)


@given(
    st.lists(
        st.none()
        | st.integers(0, 400 * 86_400_000_000 - 1).map(lambda us: START + timedelta(microseconds=us)),
        min_size=1,
        max_size=30,
    )
)
def test_every_connection_is_in_a_bar_or_told_of(moments: list[datetime | None]) -> None:
    """Bars, outside and unknown add up to all connections, and there are never too many bars."""
    found = timeline(conn(ts=list(moments)))
    if found is None:
        assert all(moment is None for moment in moments)
        return
    drawn = sum(bar["connections"] for bar in found.bars)
    assert drawn + found.outside + found.unknown == len(moments)
    assert 1 <= len(found.bars) <= BARS + 1


def test_the_rest_of_many_is_one_row() -> None:
    """Of 14 services the 12 most frequent have a row each and the others one together; of 13 all have one."""
    fourteen = [f"s{i:02}" for i in range(14)]
    rows = mixes(conn(service=[*fourteen, "s00"]))["Service"]
    assert [row["name"] for row in rows] == [*fourteen[:12], "2 others"]
    assert (rows[0]["connections"], rows[0]["share"]) == (2, pytest.approx(2 / 15))
    assert rows[-1]["connections"] == 2
    assert [row["name"] for row in mixes(conn(service=list(fourteen[:13])))["Service"]] == fourteen[:13]


def test_who_talks_seldom_but_much_is_among_the_talkers() -> None:
    """Eleven hosts with two connections each, and one with a single large one: it is in the list."""
    often = [f"10.0.0.{i}" for i in range(1, 12)]
    hosts = [*often, *often, "192.0.2.1"]
    sizes = [1] * 22 + [10**9]
    rows = talkers(conn(id__orig_h=list(hosts), orig_bytes=list(sizes)))["Originators"]
    assert rows[-1]["id.orig_h"] == "192.0.2.1"
    assert rows[-1]["bytes"] == 10**9
    assert [row["connections"] for row in rows] == sorted((row["connections"] for row in rows), reverse=True)
