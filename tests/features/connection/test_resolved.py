"""Claims about answers of the domain name system and the connections that follow them."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features.build import connection_features, iter_connection_features
from tests.features.frames import conn, conn_row, log

NAMES = ("dest_resolved", "dest_resolved_by_any", "seconds_since_resolved", "dest_name_length")
HOSTS = ("10.0.0.1", "10.0.0.2", None)
TARGETS = ("192.0.2.1", "192.0.2.2", "2001:db8::1", None)


def answer(ts: float, *addresses: str, **changes: object) -> dict[str, Any]:
    """Make a row of dns.log: who asked what when, and the answer a second later."""
    row = {"uid": "D1", "ts": ts, "id.orig_h": "10.0.0.5", "query": "abc.com", "rtt": 1.0}
    return row | {"answers": list(addresses)} | changes


def to(address: str | None, ts: float, uid: str = "C1", **changes: object) -> dict[str, Any]:
    """Make a connection to an address."""
    return conn_row(uid, ts, id__resp_h=address, **changes)


def described(rows: list[dict[str, Any]], *answers: dict[str, Any]) -> list[tuple[object, ...]]:
    """Describe these connections after these answers."""
    return (
        connection_features({"conn": conn(*rows), "dns": log("dns", list(answers))})
        .select(NAMES)
        .collect()
        .rows()
    )


@pytest.mark.parametrize(
    ("ts", "expected"), [(10.9, (False, False, None, None)), (11.0, (True, True, 0.0, 3))]
)
def test_answer_is_known_when_it_comes(ts: float, expected: tuple[object, ...]) -> None:
    """A question at 10 s whose answer takes 1 s is known to a connection at 11 s, not at 10.9 s."""
    assert described([to("192.0.2.1", ts)], answer(10, "192.0.2.1")) == [expected]


def test_any_host_and_own_host() -> None:
    """An answer to another host counts for any, not for the originator, and names nothing."""
    other = answer(0, "192.0.2.1", **{"id.orig_h": "10.0.0.6"})
    assert described([to("192.0.2.1", 5)], other) == [(False, True, None, None)]


def test_latest_answer_names_it_and_the_first_name_of_a_tie() -> None:
    """Of earlier answers the latest counts; of names in the same microsecond the first by alphabet."""
    answers = [
        answer(0, "192.0.2.1", query="old-name.com"),
        answer(2, "192.0.2.1", query="zz.com"),
        answer(2, "192.0.2.1", query="aaaaa.com"),
        answer(7, "192.0.2.1", query="later.com"),
    ]
    for order in (answers, answers[::-1]):
        assert described([to("192.0.2.1", 5)], *order) == [(True, True, 2.0, 5)]


def test_aliases_before_the_address() -> None:
    """An answer that leads by aliases to the address names it by what was asked."""
    row = answer(0, "cdn.example.net", "2001:db8::1", query="shop.example.com")
    assert described([to("2001:db8::1", 1)], row) == [(True, True, 0.0, len("shop.example"))]


@pytest.mark.parametrize("rtt", [None, -5.0])
def test_round_trip_unknown_or_negative_is_none(rtt: float | None) -> None:
    """An old log without round trips, or a clock that jumped back: the answer came with the question."""
    assert described([to("192.0.2.1", 3)], answer(3, "192.0.2.1", rtt=rtt)) == [(True, True, 0.0, 3)]


def test_unknown_is_null() -> None:
    """Without dns.log, before its first row, or for an unset address it is not known."""
    frame = conn(to("192.0.2.1", 5), to(None, 6, "C2"))
    without = connection_features({"conn": frame}).select(NAMES).collect()
    assert without.rows() == [(None,) * 4] * 2
    elsewhere = log("dns", [answer(0, "192.0.2.1")], capture_id="c2")
    assert (
        connection_features({"conn": frame, "dns": elsewhere}).select(NAMES).collect().rows()
        == without.rows()
    )
    later = log("dns", [answer(7, "192.0.2.1")])
    assert connection_features({"conn": frame, "dns": later}).select(NAMES).collect().rows() == without.rows()
    here = log("dns", [answer(0, "192.0.2.9")])
    found = connection_features({"conn": frame, "dns": here}).select(NAMES).collect().rows()
    assert found == [(False, False, None, None), (None,) * 4]


def test_hostile_answers() -> None:
    """Answers of ten kilobytes, names of as many and waits of ages are no crash and resolve nothing."""
    rows = [
        answer(0, "x" * 10_240, "", "192.0.2.1" * 500),
        answer(0, "192.0.2.1", query="é" * 10_240, rtt=1e300),
        answer(0, "192.0.2.1", query="b\x00" * 5_000),
    ]
    assert described([to("192.0.2.1", 5)], *rows) == [(True, True, 4.0, 255)]


hosts, targets = st.sampled_from(HOSTS), st.sampled_from(TARGETS)
times = st.integers(0, 8)
captures = st.sampled_from(["c1", "c2", None])
drawn_answers = st.lists(
    st.tuples(
        times,
        hosts,
        st.sampled_from(["a.com", "bb.com", None]),
        st.none() | st.lists(targets, max_size=3),
        st.none() | st.integers(-1, 3),
        captures,
    ),
    min_size=1,
    max_size=12,
)
drawn_conns = st.lists(st.tuples(times, hosts, targets, captures), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(drawn_conns, drawn_answers, st.integers(1, 4))
def test_each_connection_is_what_a_search_through_all_answers_gives(
    conns: list[tuple[Any, ...]], replies: list[tuple[Any, ...]], batch_rows: int
) -> None:
    """Looking at every answer for every connection gives the same, at once and in batches of any size."""
    rows = [
        conn(to(target, ts, f"C{number}", id__orig_h=host), capture_id=cap)
        for number, (ts, host, target, cap) in enumerate(conns)
    ]
    dns = [
        log(
            "dns",
            [{"uid": "D", "ts": ts, "id.orig_h": host, "query": query, "answers": given_, "rtt": rtt}],
            capture_id=cap,
        )
        for ts, host, query, given_, rtt, cap in replies
    ]
    logs = {"conn": pl.concat(rows), "dns": pl.concat(dns)}
    expected: list[tuple[object, ...]] = []
    for ts, host, target, cap in conns:
        of_capture = [one for one in replies if one[5] == cap]
        if not any(one[0] <= ts for one in of_capture) or host is None or target is None:
            expected.append((None,) * 4)
            continue
        known = [
            (one[0] + max(one[4] or 0, 0), one[1], one[2])
            for one in of_capture
            if one[2] is not None and target in (one[3] or []) and one[0] + max(one[4] or 0, 0) <= ts
        ]
        own = [(-at, name) for at, asked_by, name in known if asked_by == host]
        if own:
            at, name = min(own)
            expected.append((True, True, float(ts + at), len(name) - 4))
        else:
            expected.append((False, bool(known), None, None))
    table = connection_features(logs).collect()
    assert table.select(NAMES).rows() == expected
    batches = pl.concat(iter_connection_features(logs, batch_rows=batch_rows))
    assert_frame_equal(batches, table, check_exact=True)
