"""Claims about features in batches."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features.batches import repeated_rows
from ptml.features.build import connection_features, iter_connection_features
from ptml.features.catalog import CONNECTION_FEATURES
from ptml.features.inputs import KEYS
from tests.features.frames import conn, conn_row, log
from tests.features.test_build import all_logs, frames


@settings(max_examples=8)
@given(all_logs, st.integers(1, 5))
def test_batches_are_the_table(rows: dict[str, list[dict[str, Any]]], batch_rows: int) -> None:
    """Batches of any size together are the table that ``connection_features`` gives."""
    logs = frames(rows)
    batches = list(iter_connection_features(logs, batch_rows=batch_rows))
    assert [batch.height for batch in batches[:-1]] == [batch_rows] * (len(batches) - 1)
    assert_frame_equal(pl.concat(batches), connection_features(logs).collect(), check_exact=True)


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


def test_what_is_left_out_is_counted() -> None:
    """Connections without uid and repetitions of one are counted, each by itself."""
    rows = [conn_row(uid) for uid in ("C1", None, "C1", "C2", None, "C1")]
    batches = iter_connection_features({"conn": conn(*rows)})
    assert (batches.without_uid, batches.repeated_uid) == (2, 2)
    assert pl.concat(batches)["uid"].to_list() == ["C1", "C2"]


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


@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.sampled_from(["C1", "C2", "C3"]))))
def test_repetitions_are_all_but_the_first(keys: list[tuple[str, str | None]]) -> None:
    """A row repeats if an earlier row of its capture has its uid; rows without uid repeat nothing."""
    frame = pl.LazyFrame(keys, schema={"capture_id": pl.String, "uid": pl.String}, orient="row")
    expected = [i for i, key in enumerate(keys) if key[1] is not None and key in keys[:i]]
    assert repeated_rows(frame).to_list() == expected
