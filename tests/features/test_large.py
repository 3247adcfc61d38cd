"""Claims about features of large captures."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features.build import capture_features
from ptml.features.large import collect_capture_features
from tests.features.frames import conn, conn_row
from tests.features.test_build import all_logs, frames


@settings(max_examples=8)
@given(all_logs, st.integers(0, 5))
def test_cut_up_or_whole_it_is_the_same(rows: dict[str, list[dict[str, Any]]], batch_rows: int) -> None:
    """However small the shares, the values are those that ``capture_features`` gives."""
    logs = frames(rows)
    assert_frame_equal(
        collect_capture_features(logs, batch_rows=max(batch_rows, 1)),
        capture_features(logs).collect(),
        check_exact=True,
    )


def test_a_beacon_is_found_in_shares() -> None:
    """Of two pairs, dealt to different shares, the one with ten connections a minute apart is regular."""
    beacon = [conn_row(f"B{n}", 60.0 * n) for n in range(10)]
    other = [conn_row(f"O{n}", 7.0 * n * n, id__resp_h="198.51.100.7") for n in range(10)]
    table = collect_capture_features({"conn": conn(*beacon, *other)}, batch_rows=2)
    names = ["host_pairs", "regular_pairs", "least_gap_dispersion", "regular_connection_share"]
    assert table.select(names).row(0) == (2, 1, 0.0, 0.5)
