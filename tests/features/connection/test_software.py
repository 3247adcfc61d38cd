"""Claims about software.log: what was known of a host's programs when a connection of it ended."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features.build import capture_features, connection_features, iter_connection_features
from ptml.features.connection.software import SOFTWARE
from ptml.features.software import TOOL
from tests.features.frames import conn, conn_row, log

NAMES = [feature.name for family in SOFTWARE for feature in family.features]
HOST, SERVER = "10.0.0.5", "203.0.113.9"
NOTHING: dict[str, object] = dict.fromkeys(NAMES)


def seen(ts: float, name: str = "Firefox", major: int | None = 90, **changes: object) -> dict[str, Any]:
    """Make a row of software.log: a browser of the originator."""
    row: dict[str, Any] = {
        "ts": ts,
        "host": HOST,
        "host_p": None,
        "software_type": "HTTP::BROWSER",
        "name": name,
        "version.major": major,
        "version.minor": None,
        "unparsed_version": f"{name}/{major}",
    }
    return row | {field.replace("__", "."): value for field, value in changes.items()}


def described(*rows: dict[str, Any], ts: float = 100.0, **changes: object) -> dict[str, object]:
    """Describe one connection, two seconds long, beside these rows of software.log."""
    logs = {"conn": conn(conn_row("C1", ts, **changes)), "software": log("software", list(rows))}
    return connection_features(logs).select(NAMES).collect().row(0, named=True)


def test_counts_what_is_known_at_the_end_of_the_connection() -> None:
    """Two programs, three agents, two versions of one, one 45 behind; what comes later is not known."""
    found = described(
        seen(1),
        seen(2, "curl", 8),
        seen(3, major=45),
        seen(102),
        seen(102.000_001, "Nmap", None),
    )
    assert found == NOTHING | {
        "src_software": 2,
        "src_user_agents": 3,
        "src_software_versions": 2,
        "src_software_behind": 45,
        "src_software_tool": True,
    }


def test_nothing_known_by_then_is_null() -> None:
    """A row after the end, of another host, or without name or time, tells nothing of the originator."""
    rows = (seen(102.5), seen(1, host="10.0.0.6"), seen(1, name=None), seen(None))  # type: ignore[arg-type]
    assert described(*rows) == NOTHING
    assert (
        connection_features({"conn": conn(conn_row("C1"))}).select(NAMES).collect().row(0, named=True)
        == NOTHING
    )


def test_the_newest_version_is_that_of_any_host_by_then() -> None:
    """Another host's newer version counts once it is seen, at the same instant too, and not the other way."""
    other = {"host": "10.0.0.6"}
    assert described(seen(1, major=70), seen(1, major=90, **other))["src_software_behind"] == 20
    assert described(seen(1, major=70), seen(2, major=90, **other))["src_software_behind"] == 0
    assert (
        described(seen(1, major=70), seen(2, major=90, **other), seen(3, major=71))["src_software_behind"]
        == 19
    )
    assert described(seen(1, major=90), seen(1, "curl", 8, **other))["src_software_behind"] == 0


@pytest.mark.parametrize(("port", "known"), [(443, True), (8443, False)])
def test_server_software_is_of_its_port(port: int, known: bool) -> None:
    """A server's program is known of its host, and of the port where it was seen."""
    row = seen(1, "nginx", 1, host=SERVER, host_p=port, software_type="HTTP::SERVER")
    assert described(row) == NOTHING | {"dst_software": 1, "dst_software_on_port": known}


def test_software_of_a_server_that_comes_later_is_not_known_yet() -> None:
    """Something is known of the responder, and that a server listens is seen only after the end."""
    rows = (seen(1, host=SERVER), seen(103, "nginx", host=SERVER, host_p=443, software_type="HTTP::SERVER"))
    assert described(*rows)["dst_software_on_port"] is False


@pytest.mark.parametrize("lacking", ["software_type", "host_p", "version.major", "unparsed_version"])
def test_a_log_without_a_column_is_no_error(lacking: str) -> None:
    """Whatever optional column a log lacks, the programs are counted."""
    row = seen(1)
    del row[lacking]
    assert described(row)["src_software"] == 1


def test_a_log_without_hosts_or_names_tells_nothing() -> None:
    """Without host, name or time there is nothing to join."""
    for lacking in ("host", "name", "ts"):
        row = seen(1)
        del row[lacking]
        assert described(row) == NOTHING


@pytest.mark.parametrize(
    "text", ["", "x" * 10_240, "ümlaut 界 \u202e", "\x00\x1b[31m", ") { _; } >_[$($())] {", "-"]
)
def test_hostile_names_are_counted_like_any(text: str) -> None:
    """Whatever a client calls itself, it is one more program and one more agent, and versions may be any."""
    rows = (seen(1), seen(2, text, 2**63), seen(3, text, 0))
    found = described(*rows)
    assert (found["src_software"], found["src_user_agents"], found["src_software_versions"]) == (2, 3, 2)
    assert found["src_software_behind"] == 255


def test_capture_features_by_hand() -> None:
    """Three hosts, of which one runs a tool: counts, extremes and shares over them."""
    rows = [
        seen(1),
        seen(2, major=91),
        seen(3, "curl", None),
        seen(4, host="10.0.0.6"),
        seen(5, "nginx", 1, host=SERVER, host_p=443, software_type="HTTP::SERVER"),
    ]
    found = capture_features({"conn": conn(conn_row("C1")), "software": log("software", rows)}).collect()
    expected = {
        "software_hosts": 3,
        "most_user_agents_of_a_host": 3,
        "most_versions_of_a_program": 2,
        "software_tool_share": pytest.approx(1 / 3),
        "software_names": 3,
        "software_without_version_share": pytest.approx(1 / 5),
    }
    assert found.select(*expected).row(0, named=True) == expected


def slowly(host: str, port: int, end: float, rows: list[dict[str, Any]]) -> dict[str, object]:
    """Tell of a host by looking at every row of software.log: what is obviously right."""
    then = [row for row in rows if row["ts"] <= end]
    own = [row for row in then if row["host"] == host]
    if not own:
        return {}
    agents = {row["unparsed_version"] for row in own if row["software_type"] == "HTTP::BROWSER"}
    programs = {row["name"] for row in own}
    majors = {
        name: {row["version.major"] for row in own if row["name"] == name} - {None} for name in programs
    }
    behind = [0]
    for row in own:
        newest = [
            other["version.major"]
            for other in then
            if other["name"] == row["name"]
            and other["ts"] <= row["ts"]
            and other["version.major"] is not None
        ]
        if row["version.major"] is not None:
            behind.append(max(newest) - row["version.major"])
    servers = [row for row in own if row["software_type"] == "HTTP::SERVER" and row["host_p"] == port]
    return {
        "names": len(programs),
        "agents": len(agents - {None}),
        "versions": max(len(found) for found in majors.values()),
        "behind": max(behind),
        "tool": any(re.search(TOOL, name) for name in programs),
        "on_port": bool(servers),
    }


PLACES = st.sampled_from([HOST, SERVER, "10.0.0.6"])
ROWS = st.lists(
    st.builds(
        lambda ts, host, kind, name, major: seen(
            ts, name, major, host=host, software_type=kind, host_p=443 if kind == "HTTP::SERVER" else None
        ),
        st.integers(0, 9),
        PLACES,
        st.sampled_from(["HTTP::BROWSER", "HTTP::SERVER"]),
        st.sampled_from(["curl", "Firefox"]),
        st.sampled_from([None, 7, 8, 90]),
    ),
    min_size=1,
    max_size=14,
)
FLOWS = st.lists(
    st.tuples(st.integers(0, 9), PLACES, PLACES, st.sampled_from([443, 80])), min_size=1, max_size=6
)


@settings(max_examples=60)
@given(ROWS, FLOWS)
def test_features_equal_a_quadratic_computation(
    rows: list[dict[str, Any]], flows: list[tuple[int, str, str, int]]
) -> None:
    """Whatever the order of rows and the ties in time, each feature is what a look at every row gives."""
    made = [
        conn_row(f"C{number}", float(ts), id__orig_h=one, id__resp_h=other, id__resp_p=port, duration=0.0)
        for number, (ts, one, other, port) in enumerate(flows)
    ]
    logs = {"conn": conn(*made), "software": log("software", rows)}
    table = connection_features(logs).select(NAMES).collect()
    for number, (ts, one, other, port) in enumerate(flows):
        source, destination = slowly(one, port, ts, rows), slowly(other, port, ts, rows)
        assert table.row(number, named=True) == {
            "src_software": source.get("names"),
            "src_user_agents": source.get("agents"),
            "src_software_versions": source.get("versions"),
            "src_software_behind": source.get("behind"),
            "src_software_tool": source.get("tool"),
            "dst_software": destination.get("names"),
            "dst_software_on_port": destination.get("on_port"),
        }
    shuffled = {**logs, "software": log("software", rows[::-1])}
    assert_frame_equal(connection_features(shuffled).select(NAMES).collect(), table)
    batches = pl.concat(iter_connection_features(logs, batch_rows=2)).select(NAMES)
    assert_frame_equal(batches, table)
