from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ptml.engine import LocalEngine
from ptml.labels import label_connections
from ptml.manifest import published
from ptml.train.dataset import load_dataset
from ptml.train.spans import Span, believable, is_believable, scan_connections, spans_of
from ptml.train.spec import ModelSpec
from tests.train.builders import Made, build_workspace, captures

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2021, 5, 4, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPEC = ModelSpec(name="x", estimator="logistic-regression")


def connections(*rows: tuple[str, datetime, float]) -> pl.LazyFrame:
    """Make connections: capture, start, seconds."""
    table = [(capture, ts + timedelta(seconds=seconds), ts) for capture, ts, seconds in rows]
    time = pl.Datetime("us", "UTC")
    return pl.LazyFrame(table, {"capture_id": pl.String, "end": time, "ts": time}, orient="row")


def test_a_capture_lasts_from_its_first_start_to_its_last_end() -> None:
    """The connection that starts first need not end last."""
    found = spans_of(connections(("a", NOON, 100), ("a", NOON + timedelta(seconds=30), 5), ("b", NOON, 0)))
    assert found == {
        "a": Span(NOON, NOON + timedelta(seconds=100), 2, 0),
        "b": Span(NOON, NOON, 1, 0),
    }


def test_times_of_no_clock_are_not_believed() -> None:
    """Connections of 1970 are counted and do not stretch a span; with nothing else there is no span."""
    found = spans_of(connections(("a", EPOCH, 9), ("a", NOON, 1), ("b", EPOCH, 1e9)))
    assert found == {"a": Span(NOON, NOON + timedelta(seconds=1), 2, 1), "b": Span(None, None, 1, 1)}


@given(st.integers(-(70 * 365), 230 * 365).map(lambda days: EPOCH + timedelta(days=days)))
def test_table_and_single_moment_agree(moment: datetime) -> None:
    """A moment in a table is believed exactly where it is believed alone: from 1990 to 2099."""
    frame = pl.DataFrame({"ts": [moment]}, schema={"ts": pl.Datetime("us", "UTC")})
    [found] = frame.select(believable(pl.col("ts")))["ts"]
    assert (found is not None) == is_believable(moment) == (1990 <= moment.year < 2100)


def test_published_features_tell_the_span(tmp_path: Path) -> None:
    """The published table gives each connection's end; an unset duration counts as nothing."""
    made = Made("a", rows=50, start=NOON)
    workspace = build_workspace(tmp_path, [made])
    files = {
        m.capture_id: m.paths(workspace, "features/connection") for m in published(workspace, "features")
    }
    table = pl.read_parquet(files[made.capture_id])
    assert table["duration"].null_count() > 0
    expected = max(
        ts + timedelta(microseconds=int(1e6 * (duration or 0)))
        for ts, duration in table.select("ts", "duration").iter_rows()
    )
    assert spans_of(scan_connections(files)) == {made.capture_id: Span(NOON, expected, 50, 0)}
    assert spans_of(scan_connections({})) == {}


def test_datasets_tell_when_captures_were(tmp_path: Path) -> None:
    """A capture's ts is its first connection's; where that cannot be believed it is null, and counted."""
    made = [Made("a", "malicious", start=NOON), Made("b", start=EPOCH), *captures(1, 1)]
    workspace = build_workspace(tmp_path, made)
    label_connections(workspace, engine=LocalEngine(1))
    data = load_dataset(workspace, "capture", SPEC)
    ts = dict(data.keys.select("capture_id", "ts").iter_rows())
    assert ts == {one.capture_id: one.began if one.name != "b" else None for one in made}
    assert data.counts()["untimed"] == 1
    rows = load_dataset(workspace, "connection", SPEC)
    assert rows.keys.filter(pl.col("ts").is_null())["capture_id"].unique().to_list() == [made[1].capture_id]
    assert rows.counts()["untimed"] == made[1].rows
