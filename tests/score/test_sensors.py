"""Claims about cutting the logs of a sensor into captures."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import MissingInput
from ptml.score.sensors import find_by, period_of, rotation_notes, sensor_capture_id, sensor_of
from tests.builders import zeek_log


def rotated(root: Path, day: str, hours: list[int], log: str = "conn") -> list[Path]:
    """Make empty rotated logs as zeekctl names them."""
    paths = [root / day / f"{log}.{hour:02}:00:00-{hour + 1:02}:00:00.log.gz" for hour in hours]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b""))
    return paths


def test_hours_of_a_sensor_are_captures_with_all_their_logs(tmp_path: Path) -> None:
    """Logs of one hour are together, whatever they are called; each hour is one capture of the sensor."""
    conn = rotated(tmp_path / "zeek", "2026-11-23", [0, 1])
    [dns] = rotated(tmp_path / "zeek", "2026-11-23", [1], "dns")
    found, skipped = find_by("hour", [tmp_path])
    assert [(one.name, one.unit) for one in found] == [
        ("zeek 2026-11-23T00", "sensor-hour"),
        ("zeek 2026-11-23T01", "sensor-hour"),
    ]
    assert [set(one.files) for one in found] == [{conn[0]}, {conn[1], dns}]
    assert skipped == []


def test_a_growing_day_stays_the_same_capture(tmp_path: Path) -> None:
    """Another hour makes the day longer and does not give it another id; nor does a shorter path."""
    rotated(tmp_path / "zeek", "2026-11-23", [0, 1])
    [before], _ = find_by("day", [tmp_path / "zeek"])
    rotated(tmp_path / "zeek", "2026-11-23", [2])
    [after], _ = find_by("day", [tmp_path / "zeek" / "2026-11-23"])
    assert (before.capture_id, before.name) == (after.capture_id, after.name)
    assert (len(before.files), len(after.files), after.unit) == (2, 3, "sensor-day")


def test_sensors_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    """The same hour of two sensors is two captures."""
    for sensor in ("north", "south"):
        rotated(tmp_path / sensor, "2026-11-23", [0])
    found, _ = find_by("sensor", [tmp_path])
    assert [(one.name, one.unit) for one in found] == [("north", "sensor"), ("south", "sensor")]
    assert found[0].capture_id != found[1].capture_id


def test_a_log_without_a_time_in_its_name_belongs_where_it_begins(tmp_path: Path) -> None:
    """The first line tells the hour; a file that tells nothing is left out, with the reason."""
    row = [["1764000000.5", "C1"]]  # 2025-11-24 16:00:00.5 UTC
    (tmp_path / "conn.log").write_bytes(zeek_log("conn", {"ts": "time", "uid": "string"}, row))
    (tmp_path / "broken.log").write_bytes(b"\x00\x01")
    found, skipped = find_by("hour", [tmp_path])
    assert [one.name for one in found] == [f"{tmp_path.name} 2025-11-24T16"]
    assert [Path(one.path).name for one in skipped] == ["broken.log"]


def test_file_by_file_only_what_holds_connections_is_scored(tmp_path: Path) -> None:
    """Of a day, its conn logs are captures of the unit file; that others are left out is said."""
    conn = rotated(tmp_path, "2026-11-23", [0, 1])
    rotated(tmp_path, "2026-11-23", [0], "dns")
    found, skipped = find_by("file", [tmp_path])
    assert [(one.source, one.unit, one.capture_id) for one in found] == [
        (path, "file", None) for path in conn
    ]
    assert ["1 logs were left out" in one.reason for one in skipped] == [True]


def test_a_missing_path_stops_the_run(tmp_path: Path) -> None:
    """A mistyped path is an error for sensors, too."""
    with pytest.raises(MissingInput, match="does not exist"):
        find_by("day", [tmp_path / "zeke"])


def test_the_rotations_that_are_missing_are_named(tmp_path: Path) -> None:
    """Half of a rotation is missing: those between the first and the last are counted and named."""
    [note] = rotation_notes(rotated(tmp_path, "2026-11-23", [0, 1, 4, 5, 6]))
    assert note.startswith("no conn.log for 2 of 7 rotations between 2026-11-23T00:00 and 2026-11-23T06:00")
    assert "(2026-11-23T02:00, 2026-11-23T03:00)" in note
    assert rotation_notes(rotated(tmp_path, "2026-11-24", list(range(12)))) == ()


def test_names_that_are_no_times_are_only_names(tmp_path: Path) -> None:
    """A day that is none is not believed."""
    path = tmp_path / "2026-13-45" / "conn.25:61:00-26:00:00.log"
    assert period_of(path, "hour") is None
    assert rotation_notes([path] * 5) == ()


@given(hour=st.integers(0, 22), other=st.integers(0, 22))
def test_ids_differ_exactly_where_the_hours_do(hour: int, other: int) -> None:
    """An id is a function of sensor and hour, and of nothing else."""
    periods = [
        period_of(Path(f"/z/2026-11-23/{log}.{h:02}:00:00-{h + 1:02}:00:00.log"), "hour")
        for log, h in (("conn", hour), ("dns", other))
    ]
    ids = [sensor_capture_id(sensor_of(Path("/z/2026-11-23/conn.log")), str(period)) for period in periods]
    assert (ids[0] == ids[1]) == (hour == other)
