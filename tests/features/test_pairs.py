"""Claims about the description of pairs of hosts."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.features.pairs import SCHEMA, pair_columns
from tests.features.frames import conn, conn_row

connection = st.fixed_dictionaries(
    {
        "host": st.sampled_from(["10.0.0.1", "10.0.0.2", None]),
        "server": st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        "port": st.sampled_from([53, 443]),
        "ts": st.integers(0, 50),
        "size": st.none() | st.integers(0, 100),
        "capture": st.sampled_from(["c1", "c2"]),
    }
)


def describe(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Describe the pairs of these connections."""
    frames = [
        conn(
            conn_row(
                f"C{number}",
                row["ts"],
                id__orig_h=row["host"],
                id__resp_h=row["server"],
                id__resp_p=row["port"],
                orig_bytes=row["size"],
            ),
            capture_id=row["capture"],
        )
        for number, row in enumerate(rows)
    ]
    return pair_columns({"conn": pl.concat(frames)}).collect()


def mad(values: list[int]) -> float | None:
    """Compute the median absolute deviation."""
    return median(abs(value - median(values)) for value in values) if values else None


def expected(rows: list[dict[str, Any]], row: dict[str, Any]) -> dict[str, Any]:
    """Describe one connection's pair by looking through all others."""
    if row["host"] is None:
        return dict.fromkeys(("pair_count", "gap_median", "gap_mad", "orig_bytes_median", "orig_bytes_mad"))
    key = ("capture", "host", "server", "port")
    same = [other for other in rows if all(other[part] == row[part] for part in key)]
    times = sorted(other["ts"] for other in same)
    gaps = [after - before for before, after in pairwise(times)]
    sizes = [other["size"] for other in same if other["size"] is not None]
    return {
        "pair_count": len(same),
        "gap_median": median(gaps) if gaps else None,
        "gap_mad": mad(gaps),
        "orig_bytes_median": median(sizes) if sizes else None,
        "orig_bytes_mad": mad(sizes),
    }


@given(st.lists(connection, min_size=1, max_size=25))
def test_pairs_are_described_as_one_by_one(rows: list[dict[str, Any]]) -> None:
    """The sorted arrays give what looking through all connections for each one gives."""
    found = describe(rows).select(
        "pair_count", "gap_median", "gap_mad", "orig_bytes_median", "orig_bytes_mad"
    )
    assert found.to_dicts() == [expected(rows, row) for row in rows]


@given(st.lists(connection, min_size=1, max_size=25))
def test_one_connection_stands_for_each_pair(rows: list[dict[str, Any]]) -> None:
    """As many connections are marked as there are distinct pairs."""
    keys = {(row["capture"], row["host"], row["server"], row["port"]) for row in rows if row["host"]}
    assert describe(rows)["pair_first"].sum() == len(keys)


def test_no_connections_give_an_empty_typed_table() -> None:
    """Without rows the columns and types are the same."""
    frame = pair_columns({"conn": conn(conn_row("C1")).head(0)}).collect()
    assert frame.schema == SCHEMA


def test_wild_byte_counts_do_not_overflow() -> None:
    """After a sequence-number gap counts can be near 2**64: the median stays finite."""
    frame = conn(conn_row("C1", orig_bytes=2**64 - 1), conn_row("C2", 1.0, orig_bytes=2**64 - 1))
    row = pair_columns({"conn": frame}).collect().row(0, named=True)
    assert row["orig_bytes_median"] == pytest.approx(2.0**64)
    assert row["orig_bytes_mad"] == 0.0


def test_same_instant_gives_gaps_of_zero() -> None:
    """Connections that start at once have a gap of 0, not none."""
    frame = conn(conn_row("C1", 5.0), conn_row("C2", 5.0))
    assert pair_columns({"conn": frame}).collect()["gap_median"].to_list() == [0.0, 0.0]
