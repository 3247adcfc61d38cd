"""Claims about small captures."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from ptml.errors import BadData
from ptml.features.build import capture_features, connection_features
from ptml.features.featureset import STANDARD
from ptml.features.small import SMALL_ROWS, held_if_small
from tests.features.frames import conn, conn_row
from tests.features.test_build import all_logs, frames


@settings(max_examples=8)
@given(all_logs)
def test_held_or_not_it_is_the_same(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Features of logs that are held in memory are those of the logs themselves."""
    logs = frames(rows)
    held = held_if_small(logs, 0, STANDARD)
    for features in (connection_features, capture_features):
        assert_frame_equal(features(held).collect(), features(logs).collect(), check_exact=True)


def test_a_small_capture_is_read_once() -> None:
    """However often its logs are asked for, what is there is read a single time; a large one's each time."""
    reads = []

    def look(frame: pl.DataFrame) -> pl.DataFrame:
        reads.append(frame.height)
        return frame

    log = conn(conn_row("C1", 0.0))
    logs = {"conn": log.map_batches(look, schema=log.collect_schema())}
    for rows, times in ((SMALL_ROWS, 1), (SMALL_ROWS + 1, 3)):
        held = held_if_small(logs, rows, STANDARD)
        for _ in range(3):
            held["conn"].collect()
        assert reads == [1] * times
        reads.clear()


def test_without_connections_nothing_is_held() -> None:
    """Logs without conn are given back as they are, for whoever needs conn to say so."""
    logs = {"dns": pl.LazyFrame({"uid": ["C1"]})}
    assert held_if_small(logs, 1, STANDARD) is logs


def test_wrong_types_are_told() -> None:
    """A column that cannot be what Zeek calls it is told of as without holding."""
    log = conn(conn_row("C1", 0.0)).with_columns(duration=pl.lit("long"))
    with pytest.raises(BadData, match="duration"):
        held_if_small({"conn": log}, 1, STANDARD)
