"""Claims about features in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features.build import connection_features, iter_connection_features
from ptml.features.catalog import CONNECTION_FEATURES
from ptml.features.inputs import KEYS
from tests.features.frames import conn, conn_row, log
from tests.features.test_build import all_logs, frames

if TYPE_CHECKING:
    from pathlib import Path


@settings(max_examples=8)
@given(all_logs, st.integers(1, 5))
def test_batches_are_the_table(rows: dict[str, list[dict[str, Any]]], batch_rows: int) -> None:
    """Batches of any size together are the table that ``connection_features`` gives."""
    logs = frames(rows)
    batches = list(iter_connection_features(logs, batch_rows=batch_rows))
    assert max(batch.height for batch in batches) <= batch_rows
    assert_frame_equal(pl.concat(batches), connection_features(logs).collect(), check_exact=True)


def test_a_pair_is_described_whole_wherever_the_batches_cut() -> None:
    """Ten connections of one pair a minute apart, between others, are ten for each of them."""
    rows = []
    for number in range(10):
        rows += [
            conn_row(f"B{number}", 60.0 * number),
            conn_row(f"O{number}", 60.0 * number + 7, id__resp_h=f"198.51.100.{number}"),
        ]
    table = pl.concat(iter_connection_features({"conn": conn(*rows)}, batch_rows=3))
    assert table["pair_connections"].to_list() == [10, 1] * 10
    assert table["pair_gap_median"].to_list() == [60.0, None] * 10


def test_order_is_that_of_the_log() -> None:
    """Connections come as conn.log has them, whatever the order of their uids, times or other logs."""
    order = [7, 3, 9, 1, 8, 2, 6, 0, 5, 4]
    logs = {
        "conn": conn(*(conn_row(f"C{number}", number) for number in order)),
        "dns": log("dns", [{"uid": f"C{number}", "query": "a" * number} for number in sorted(order)]),
    }
    table = pl.concat(iter_connection_features(logs, batch_rows=3))
    assert table["uid"].to_list() == [f"C{number}" for number in order]
    assert table["dns_query_length"].to_list() == order


@pytest.mark.parametrize("batch_rows", [1, 2, 6])
def test_left_out_of_any_batch(batch_rows: int) -> None:
    """Connections without uid, and all but the first of one uid, are left out wherever the batches cut."""
    rows = [conn_row(uid, ts) for ts, uid in enumerate(("C1", None, "C1", "C2", None, "C1"))]
    table = pl.concat(iter_connection_features({"conn": conn(*rows)}, batch_rows=batch_rows))
    assert table["uid"].to_list() == ["C1", "C2"]
    assert table["ts"].dt.epoch("s").to_list() == [1_764_000_000, 1_764_000_003]


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    """Several batches use the folder given, and leave nothing in it, also when the reader stops early."""
    logs = {"conn": conn(*(conn_row(f"C{number}") for number in range(9)))}
    batches = iter(iter_connection_features(logs, batch_rows=2, folder=tmp_path))
    next(batches)
    assert any(path.is_file() for path in tmp_path.rglob("*"))
    batches.close()  # type: ignore[attr-defined]  # a generator, which the protocol does not tell
    assert list(tmp_path.iterdir()) == []


def test_batches_can_be_read_twice() -> None:
    """Reading again gives the same rows."""
    batches = iter_connection_features({"conn": conn(conn_row("C1"), conn_row("C2"))}, batch_rows=1)
    assert_frame_equal(pl.concat(batches), pl.concat(batches), check_exact=True)


@pytest.mark.parametrize("uid", [None, "C1"])
def test_no_connection_gives_one_empty_batch(uid: str | None) -> None:
    """A log without usable rows gives one batch, empty and typed, so that a table can still be written."""
    frame = conn(conn_row(uid))
    frame = frame if uid is None else frame.head(0)
    (batch,) = iter_connection_features({"conn": frame})
    assert (batch.height, batch.width) == (0, len(KEYS) + len(CONNECTION_FEATURES))


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.sampled_from(["C1", "C2", "C3"]))),
    st.integers(1, 4),
)
def test_repetitions_are_all_but_the_first(keys: list[tuple[str, str | None]], batch_rows: int) -> None:
    """A row repeats if an earlier row of its capture has its uid; rows without uid are left out too."""
    frames_ = [conn(conn_row(uid, ts), capture_id=capture) for ts, (capture, uid) in enumerate(keys)]
    frame = pl.concat([conn(conn_row("C1")).head(0), *frames_])
    expected = [i for i, key in enumerate(keys) if key[1] is not None and key not in keys[:i]]
    table = pl.concat(iter_connection_features({"conn": frame}, batch_rows=batch_rows))
    assert (table["ts"].dt.epoch("s") - 1_764_000_000).to_list() == expected
