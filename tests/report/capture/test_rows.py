"""Claims about the table of connections that a page holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ptml.report.capture.rows import MOST_BYTES, Table, connection_table
from ptml.report.capture.shapes import COLUMNS, shaped
from ptml.text import plain_text

START = datetime(2026, 11, 23, tzinfo=UTC)


def table(columns: dict[str, list[Any]], most_bytes: int = MOST_BYTES) -> Table:
    """Make the table of connections a second apart."""
    height = len(next(iter(columns.values())))
    given_ = {
        "uid": [f"C{i:06}" for i in range(height)],
        "ts": [START + timedelta(seconds=i) for i in range(height)],
    }
    schema = {name: dtype for name, dtype in COLUMNS["conn"].items() if name in {**given_, **columns}}
    extra = {name: pl.DataFrame({name: columns[name]})[name].dtype for name in columns.keys() - schema.keys()}
    frame = pl.LazyFrame(given_ | columns, schema={**schema, **extra})
    conn = shaped({"conn": frame}, "conn")
    assert conn is not None
    judged = [pl.Series(name, columns[name]) for name in ("probability", "verdict") if name in columns]
    return connection_table(
        conn.with_columns(judged),
        {"conn": frame},
        total=height,
        scored=bool(judged),
        names={},
        most_bytes=most_bytes,
    )


def column(found: Table, title: str) -> list[Any]:
    """Read a column of the JSON back, as a script would show it."""
    columns = {one["title"]: one for one in json.loads(str(found.data))["columns"]}
    one = columns[title]
    words = one.get("words")
    return [words[value] if words and value is not None else value for value in one["values"]]


@given(st.lists(st.none() | st.text(max_size=30).filter(lambda text: "\x00" not in text), max_size=8))
def test_any_text_comes_back_as_plain_text(services: list[str | None]) -> None:
    """The JSON gives each text back, in its row, and no character of it can end the element it is in."""
    found = table({"service": list(services)})
    assert column(found, "Service") == [None if one is None else plain_text(one) for one in services]
    assert not set("<>&") & set(str(found.data))


def test_a_script_element_cannot_be_ended() -> None:
    """`</script>` in a name is there when the JSON is read, and not in its text."""
    found = table({"service": ["</script><script>alert(1)</script>"]})
    assert "script>" not in str(found.data)
    assert column(found, "Service") == ["</script><script>alert(1)</script>"]


def test_words_stand_in_the_order_that_they_sort_in() -> None:
    """Addresses by their numbers, IPv4 before IPv6, what is no address last: a script compares numbers."""
    hosts = ["10.0.0.10", "10.0.0.9", "2001:db8::1", "host", "9.9.9.9"]
    found = table({"id.orig_h": list(hosts)})
    (words,) = [
        one["words"] for one in json.loads(str(found.data))["columns"] if one["title"] == "Originator"
    ]
    assert words == ["9.9.9.9", "10.0.0.9", "10.0.0.10", "2001:db8::1", "host"]
    assert column(found, "Originator") == hosts


def test_a_page_stays_small_and_says_what_it_leaves_out() -> None:
    """Where all rows would take too much, the first are kept: within the limit, and counted."""
    names = [f"{i:04}" + "x" * 150 for i in range(1000)]
    found = table({"service": list(names)}, most_bytes=50_000)
    assert len(str(found.data).encode()) <= 50_000
    assert 100 < found.rows < 1000
    assert found.total == 1000
    assert column(found, "Service") == names[: found.rows]


def test_long_texts_are_cut_and_counted() -> None:
    """A service of 10 kB keeps 200 characters, the last of them a mark; the page says how many were cut."""
    found = table({"service": ["y" * 10_000, "z"]})
    assert column(found, "Service") == ["y" * 199 + "…", "z"]
    assert found.clipped == 1


def test_the_riskiest_come_first_where_connections_are_scored() -> None:
    """By probability, those without one last; else by time."""
    found = table({"probability": [0.25, None, 0.75], "verdict": ["benign", None, "malicious"]})
    assert column(found, "Probability") == [0.75, 0.25, None]
    assert column(found, "uid") == ["C000002", "C000000", "C000001"]
    assert column(table({"proto": ["tcp", "udp", "icmp"]}), "Protocol") == ["tcp", "udp", "icmp"]


def test_without_scripts_the_first_rows_are_there() -> None:
    """Fifty rows as text, the same as in the JSON."""
    found = table({"service": [str(i) for i in range(80)]})
    service = [title for title, _ in found.titles].index("Service")
    assert [row[service] for row in found.plain] == [str(i) for i in range(50)]
