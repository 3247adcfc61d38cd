from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.engine import LocalEngine
from ptml.labels import label_connections
from ptml.train.dataset import load_dataset
from ptml.train.groups import Link, merged_groups, reasons, shared_connections, shared_hosts
from ptml.train.sources import labelled_captures
from ptml.train.spec import ModelSpec
from tests.train.builders import Made, build_workspace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOON = datetime(2021, 5, 4, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = tuple[str, float, float, str]
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "capture_id": pl.String,
    "end": pl.Datetime("us", "UTC"),
    "ts": pl.Datetime("us", "UTC"),
    "id.orig_h": pl.String,
    "id.orig_p": pl.UInt16,
    "id.resp_h": pl.String,
    "id.resp_p": pl.UInt16,
}


def connections(*rows: Row, origin: datetime = NOON, port: int = 443) -> pl.LazyFrame:
    """Make connections: capture, start in minutes after noon, length in minutes, originator."""
    table = []
    for number, (capture, start, length, host) in enumerate(rows):
        ts = origin + timedelta(minutes=start)
        table.append((capture, ts + timedelta(minutes=length), ts, host, 1000 + number, "192.0.2.1", port))
    return pl.LazyFrame(table, SCHEMA, orient="row")


def groups(links: Iterable[Link]) -> list[str]:
    """Name the groups of the captures a to d, one word each."""
    found = merged_groups("abcd", links)
    return sorted("".join(one for one in "abcd" if found[one] == name) for name in set(found.values()))


def by_hosts(*rows: Row, source: str = "lab", streams: Iterable[str] = ()) -> list[str]:
    """Group captures of one source by hosts and times."""
    return groups(shared_hosts(connections(*rows), dict.fromkeys("abcd", source), streams))


def test_chains_of_links_are_one_group() -> None:
    """Captures that share content with each other through a third are one group, named after the first."""
    shared = [("c1", "x"), ("c2", "x"), ("c2", "y"), ("c3", "y"), ("c4", "z")]
    links = [Link(name, "pcap", content) for name, content in shared]
    assert merged_groups(["c4", "c3", "c2", "c1"], links) == {"c1": "c1", "c2": "c1", "c3": "c1", "c4": "c4"}


def test_links_of_other_kinds_do_not_mix() -> None:
    """The same word as the content of two kinds links nothing; nor do captures that are not asked about."""
    assert groups([Link("a", "pcap", "x"), Link("b", "conn.log", "x"), Link("z", "pcap", "x")]) == list(
        "abcd"
    )


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), max_size=20))
def test_groups_are_what_links_reach(pairs: list[tuple[str, str]]) -> None:
    """Two captures are in one group exactly if a walk along links leads from one to the other."""
    found = merged_groups("fedcba", [Link(name, "pcap", content) for name, content in pairs])
    for start in "abcdef":
        reached, before = {start}, set[str]()
        while reached != before:
            before = set(reached)
            contents = {content for name, content in pairs if name in reached}
            reached |= {name for name, content in pairs if content in contents}
        assert {name for name in "abcdef" if found[name] == found[start]} == reached
        assert found[start] == min(reached)


def test_reasons_name_what_links() -> None:
    """A capture's reasons are the kinds that it shares with another, once each."""
    links = [Link("a", "pcap", "x"), Link("b", "pcap", "x"), Link("b", "connections", "b")]
    links += [Link("c", "connections", "b"), Link("d", "pcap", "y")]
    assert reasons(links) == {"a": ["pcap"], "b": ["connections", "pcap"], "c": ["connections"]}


def test_one_connection_in_common_links() -> None:
    """Two captures that hold the same connection are one group, however many others they have."""
    rows = connections(*(("a", minute, 0, "10.0.0.1") for minute in range(50)))
    copy = rows.slice(7, 1).with_columns(capture_id=pl.lit("c"))
    other = connections(("b", 7, 0, "10.0.0.1"), port=80)
    assert groups(shared_connections(pl.concat([rows, copy, other]))) == ["ac", "b", "d"]


@pytest.mark.parametrize("column", ["ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"])
def test_a_connection_that_differs_in_one_thing_is_another(column: str) -> None:
    """Start, both addresses and both ports must be the same."""
    other = {
        "ts": pl.col("ts") + pl.duration(microseconds=1),
        "id.orig_h": pl.lit("10.0.0.9"),
        "id.orig_p": pl.lit(9, pl.UInt16),
        "id.resp_h": pl.lit("192.0.2.9"),
        "id.resp_p": pl.lit(9, pl.UInt16),
    }
    rows = connections(("a", 0, 0, "10.0.0.1"))
    copy = rows.with_columns(pl.lit("b").alias("capture_id"), other[column].alias(column))
    assert groups(shared_connections(pl.concat([rows, copy]))) == list("abcd")


def test_a_host_at_one_time_links() -> None:
    """The same host within an hour of itself is one event; two hours later it is another."""
    assert by_hosts(("a", 0, 5, "10.0.0.1"), ("b", 3, 9, "10.0.0.1"), ("c", 132.1, 1, "10.0.0.1")) == [
        "ab",
        "c",
        "d",
    ]
    assert by_hosts(("a", 0, 5, "10.0.0.1"), ("b", 64.9, 1, "10.0.0.1")) == ["ab", "c", "d"]
    assert by_hosts(("a", 0, 5, "10.0.0.1"), ("b", 65.1, 1, "10.0.0.1")) == list("abcd")


def test_a_long_connection_spans_what_comes_after_it() -> None:
    """A host that is busy for hours meets itself then, although a short connection came between."""
    assert by_hosts(("a", 0, 300, "10.0.0.1"), ("a", 10, 1, "10.0.0.1"), ("b", 240, 1, "10.0.0.1")) == [
        "ab",
        "c",
        "d",
    ]


def test_a_capture_with_holes_is_not_there_in_between() -> None:
    """A file merged from two days does not meet what the host did between them."""
    day = 24 * 60
    rows = [("a", 0.0, 1.0, "10.0.0.1"), ("a", 2.0 * day, 1.0, "10.0.0.1"), ("b", 1.0 * day, 1.0, "10.0.0.1")]
    assert by_hosts(*rows) == list("abcd")


def test_a_private_address_names_a_machine_within_a_source_only() -> None:
    """Two sources' 10.0.0.1 are two machines; a public address is one machine everywhere."""
    sources = {"a": "one", "b": "two"}
    private = connections(("a", 0, 5, "10.0.0.1"), ("b", 3, 9, "10.0.0.1"))
    public = connections(("a", 0, 5, "8.8.8.8"), ("b", 3, 9, "8.8.8.8"))
    assert groups(shared_hosts(private, sources)) == list("abcd")
    assert groups(shared_hosts(public, sources)) == ["ab", "c", "d"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "nonsense", ""])
def test_addresses_of_no_machine_link_nothing(host: str) -> None:
    """Loopback, unset and group addresses, and what is no address, name no machine."""
    assert by_hosts(("a", 0, 5, host), ("b", 3, 9, host)) == list("abcd")


def test_a_passer_by_does_not_link() -> None:
    """A host that opened a twentieth of the connections of both links nothing; a tenth of one is enough."""
    crowd = [("a", 1.0, 0.0, f"10.0.1.{i}") for i in range(19)]
    other = [("b", 1.0, 0.0, f"10.0.2.{i}") for i in range(19)]
    scanner = [("a", 1.0, 0.0, "8.8.8.8"), ("b", 1.0, 0.0, "8.8.8.8")]
    assert by_hosts(*crowd, *other, *scanner) == list("abcd")
    assert by_hosts(*crowd, *other[:9], *scanner) == ["ab", "c", "d"]


def test_many_hosts_that_are_little_each_add_up() -> None:
    """Two captures of one network share all their hosts, though each opened a fiftieth."""
    rows = [(name, 1.0, 0.0, f"10.0.0.{i}") for name in "ab" for i in range(50)]
    assert by_hosts(*rows) == ["ab", "c", "d"]


def test_hours_of_a_sensor_stay_apart() -> None:
    """Captures cut from a stream are not linked by host and time, with each other or with others."""
    rows = [("a", 0.0, 90.0, "10.0.0.1"), ("b", 60.0, 90.0, "10.0.0.1"), ("c", 70.0, 1.0, "10.0.0.1")]
    assert by_hosts(*rows, streams="ab") == list("abcd")
    assert by_hosts(*rows) == ["abc", "d"]


def test_clocks_that_are_not_believed_link_nobody() -> None:
    """Everybody is at 1970-01-01 at the same time: that links nothing but the same connections."""
    rows = connections(("a", 0, 5, "10.0.0.1"), ("b", 3, 9, "10.0.0.1"), origin=EPOCH)
    assert groups(shared_hosts(rows, dict.fromkeys("abcd", "lab"))) == list("abcd")


minutes = st.floats(0, 1000).map(round)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), minutes, minutes, st.sampled_from(["10.0.0.1", "10.0.0.2"])),
        max_size=25,
    )
)
def test_hosts_and_times_against_every_pair_of_connections(rows: list[tuple[str, int, int, str]]) -> None:
    """With any share enough, groups are those that comparing every connection with every other gives.

    Episodes are of one machine: connections of it that lie at most an hour apart, directly or by others.
    """
    near = [
        (i, j)
        for i, (_, start, length, host) in enumerate(rows)
        for j, (_, other_start, other_length, other_host) in enumerate(rows)
        if host == other_host
        and start <= other_start + other_length + 60
        and other_start <= start + length + 60
    ]
    episode = merged_groups(
        [f"{i:02d}" for i in range(len(rows))],
        [Link(f"{one:02d}", "near", f"{i} {j}") for i, j in near for one in (i, j)],
    )
    opened = {name: sum(row[0] == name for row in rows) for name in "abcd"}
    links = []
    for one in "abcd":
        for other in "abcd":
            seen = [
                {episode[f"{i:02d}"] for i, row in enumerate(rows) if row[0] == name} for name in (one, other)
            ]
            both = seen[0] & seen[1]
            share = [
                sum(row[0] == name and episode[f"{i:02d}"] in both for i, row in enumerate(rows))
                / max(opened[name], 1)
                for name in (one, other)
            ]
            if one < other and max(share) >= 0.1:
                links += [Link(name, "pair", one + other) for name in (one, other)]
    exact: list[Row] = [(name, float(start), float(length), host) for name, start, length, host in rows]
    assert by_hosts(*exact) == groups(links)


def test_captures_know_what_links_them(tmp_path: Path) -> None:
    """Through a workspace: the same PCAP, and the same host at the same time, are one group, with reasons."""
    made = [
        Made("a", "malicious", sha256="5" * 64),
        Made("b", sha256="5" * 64),
        Made("c", start=NOON, host="10.0.0.7"),
        Made("d", "malicious", start=NOON + timedelta(minutes=5), host="10.0.0.7"),
        Made("e"),
        Made("not parsed", source="elsewhere", unit="sensor-hour"),
    ]
    workspace = build_workspace(tmp_path, made, without=["not parsed"])
    label_connections(workspace, engine=LocalEngine(1))
    found = {one.capture_id: one for one in labelled_captures(workspace, "connection")}
    a, b, c, d, e, _ = (found[one.capture_id] for one in made)
    assert a.group == b.group
    assert c.group == d.group
    assert len({a.group, c.group, e.group}) == 3
    assert [one.linked for one in (a, b, c, d, e)] == [("pcap",)] * 2 + [("host and time",)] * 2 + [()]
    data = load_dataset(workspace, "connection", ModelSpec(name="x", estimator="logistic-regression"))
    assert len(set(data.groups.tolist())) == 3
