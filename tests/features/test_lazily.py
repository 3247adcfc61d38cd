"""Claims about queries that select some features: the same values, and nothing else is computed."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ptml.features.build import capture_features, connection_features
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from tests.features.frames import conn, conn_row, log

LOGS = {
    "conn": conn(*(conn_row(f"C{number}", float(number)) for number in range(5))),
    "dns": log("dns", [{"uid": "C1", "ts": 0.0, "query": "a.example"}]),
}
SOME = ["dns_query_length", "src_connections_60s", "orig_bytes", "uid"]


def refused(_frame: pl.DataFrame) -> pl.DataFrame:
    """Fail where anything is read."""
    raise AssertionError("this log was read")


def test_a_selection_has_the_values_of_the_whole() -> None:
    """In any order of columns, with a filter and a limit, the values are those of the whole table."""
    whole = connection_features(LOGS).collect()
    assert_frame_equal(connection_features(LOGS).select(SOME).collect(), whole.select(SOME))
    late = pl.col("src_connections_60s") > 1
    assert_frame_equal(
        connection_features(LOGS).filter(late).select("uid").collect(), whole.filter(late).select("uid")
    )
    assert_frame_equal(connection_features(LOGS).head(2).select(SOME).collect(), whole.head(2).select(SOME))


def test_what_is_not_selected_is_not_read() -> None:
    """A selection of conn's own features reads no other log; one of a dns feature does."""
    unread = LOGS["dns"].map_batches(refused, schema=LOGS["dns"].collect_schema())
    logs = {**LOGS, "dns": unread}
    assert connection_features(logs).select("orig_bytes").collect()["orig_bytes"].to_list() == [30.0] * 5
    with pytest.raises(Exception, match="this log was read"):
        connection_features(logs).select("dns_query_length").collect()


def test_the_schema_is_known_before_anything_is_computed() -> None:
    """All columns are there with their types, though no row was read."""
    unread = LOGS["conn"].map_batches(refused, schema=LOGS["conn"].collect_schema())
    connection = connection_features({"conn": unread}).collect_schema()
    assert {one.name: one.dtype for one in CONNECTION_FEATURES}.items() <= dict(connection).items()
    capture = capture_features({"conn": unread}).collect_schema()
    assert {one.name: one.dtype for one in CAPTURE_FEATURES}.items() <= dict(capture).items()
