"""Claims about small captures that are described at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.engine import LocalEngine
from ptml.features.build import capture_features, connection_features, pair_features
from ptml.features.featureset import STANDARD
from ptml.features.own import OwnFile
from ptml.features.small import SMALL_ROWS
from ptml.features.stage import BUNDLE_ROWS, FeaturesTask, bundled, features
from ptml.features.together import describe_together
from ptml.manifest import FileRecord, Manifest
from ptml.parse.stage import parse
from ptml.settings import AddSettings
from ptml.sources.own import add
from ptml.workspace import Workspace
from tests.builders import capture_folder, many_rows, zeek_log
from tests.features.frames import conn, conn_row
from tests.features.test_build import OTHER_LOGS, all_logs, frames

NAMES = ("a", "b", "c")
captures = st.tuples(*[all_logs] * len(NAMES))
absent = st.tuples(*[st.sets(st.sampled_from(OTHER_LOGS), max_size=1)] * len(NAMES))


@settings(max_examples=15)
@given(captures, absent)
def test_together_is_as_alone(drawn: tuple[dict[str, Any], ...], absent: tuple[set[str], ...]) -> None:
    """Captures with and without some log, of whatever rows, have the values that each has by itself."""
    logs = {
        name: {log: frame for log, frame in frames(rows, name).items() if log not in missing}
        for name, rows, missing in zip(NAMES, drawn, absent, strict=True)
    }
    found = dict(describe_together(logs, STANDARD))
    assert found.keys() == logs.keys()
    for name, its in logs.items():
        alone = (
            connection_features(its).collect(),
            capture_features(its).collect(),
            pair_features(its).collect(),
        )
        together = (found[name].connections, found[name].capture, found[name].pairs)
        for one, other in zip(together, alone, strict=True):
            assert_frame_equal(one, other, check_exact=True)


def test_what_a_log_lacks_is_null_whatever_others_have() -> None:
    """A capture whose conn.log has no history stands beside one that has, and its features of it are null."""
    whole = conn(conn_row("C1"), capture_id="a")
    logs = {"a": {"conn": whole}, "b": {"conn": conn(conn_row("C1"), capture_id="b").drop("history")}}
    found = dict(describe_together(logs, STANDARD))
    lengths = {name: one.connections["history_length"].to_list() for name, one in found.items()}
    assert lengths == {"a": [len("ShADadFf")], "b": [None]}


def test_a_capture_without_usable_rows_has_empty_tables() -> None:
    """Beside one with connections, a capture whose only row has no uid has typed tables without rows."""
    logs = {name: {"conn": conn(conn_row(uid), capture_id=name)} for name, uid in (("a", "C1"), ("b", None))}
    found = dict(describe_together(logs, STANDARD))
    assert [found[name].connections.height for name in "ab"] == [1, 0]
    assert found["a"].connections.schema == found["b"].connections.schema
    assert [found[name].capture["connections"].to_list() for name in "ab"] == [[1], [1]]


def task(number: int, logs: tuple[str, ...], rows: int) -> FeaturesTask:
    """Make a task of a capture with so many rows in these logs."""
    files = tuple(FileRecord(f"{log}.parquet", f"logs/{log}", 1, "0", rows) for log in logs)
    parsed = Manifest("parse", f"c{number:016x}", "f", {}, {}, files, rows, rows, 0.1)
    return FeaturesTask(Workspace(Path("nowhere")), parsed, 250_000)


LOGS = st.sampled_from([("conn",), ("conn", "dns"), ("conn", "http")])
SIZES = st.sampled_from([0, 1, 1000, SMALL_ROWS - 1, SMALL_ROWS, SMALL_ROWS + 1, BUNDLE_ROWS])


@given(st.lists(st.tuples(LOGS, SIZES), max_size=40))
def test_bundles_hold_every_capture_once(kinds: list[tuple[tuple[str, ...], int]]) -> None:
    """Each capture is in one bundle, of captures with the same logs and few rows; large ones are alone."""
    tasks = [task(number, logs, rows) for number, (logs, rows) in enumerate(kinds)]
    bundles = bundled(tasks)
    assert sorted(one.capture_id for bundle in bundles for one in bundle) == [one.capture_id for one in tasks]
    for bundle in bundles:
        rows = [one.parsed.rows_out for one in bundle]
        assert len({tuple(one.parsed.datasets()) for one in bundle}) == 1
        assert len(bundle) == 1 or (max(rows) <= SMALL_ROWS and sum(rows) <= BUNDLE_ROWS)


def test_a_users_own_features_see_one_capture_at_a_time() -> None:
    """A user's code need not keep captures apart, so that with it no two are in one bundle."""
    own = OwnFile(Path("mine.py"), "0" * 64)
    tasks = [replace(task(number, ("conn",), 10), own=own) for number in range(5)]
    assert [len(bundle) for bundle in bundled(tasks)] == [1] * 5


def test_bundles_are_few() -> None:
    """A thousand captures of a thousand rows with the same logs are four bundles."""
    assert len(bundled([task(number, ("conn",), 1000) for number in range(1000)])) == 1_000_000 // BUNDLE_ROWS


def test_a_bad_capture_does_not_stop_those_beside_it(workspace: Workspace, tmp_path: Path) -> None:
    """Of three captures with the same logs, one without uids is reported, and the others have features."""
    folders = [capture_folder(tmp_path, name, many_rows(2 + number)) for number, name in enumerate(NAMES)]
    (folders[1] / "conn.log").write_bytes(zeek_log("conn", {"ts": "time"}, [["1764000000.0"]]))
    add(workspace, AddSettings(paths=tuple(folders), label="benign"), engine=LocalEngine(1))
    parse(workspace, engine=LocalEngine(1))
    report = features(workspace, engine=LocalEngine(1))
    assert len(report.done) == len(NAMES) - 1
    [reason] = report.failed.values()
    assert "uid" in reason
