"""Claims about following a sensor."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.errors import MissingInput
from ptml.score import score
from ptml.score.found import Found
from ptml.score.watch import place_name, watch_scores
from tests.score.captures import conn, make_model, write_capture
from tests.score.test_stage import HERE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.artifact import Model
    from ptml.score import ScoreResult
    from ptml.score.watch import Told

PATIENCE = 60


def put_hour(sensor: Path, hour: int, rows: Sequence[Sequence[object]], log: str = "conn") -> Path:
    """Put a rotated log where zeekctl would, whole at once."""
    text = (write_capture(sensor.parent / "making", rows, log=log) / f"{log}.log").read_bytes()
    path = sensor / "2026-11-23" / f"{log}.{hour:02}:00:00-{hour + 1:02}:00:00.log.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    part.write_bytes(gzip.compress(text + b"#close\t2026-11-23-06-00-00\n"))
    part.rename(path)
    return path


class Following:
    """Watches a sensor, does something each time a capture is told, and stops when there is nothing to do."""

    def __init__(self, tmp_path: Path, model: Model, then: list[object]) -> None:
        self.sensor, self.out, self.then = tmp_path / "zeek", tmp_path / "out", then
        self.told: list[Told] = []
        self.until = time.monotonic() + PATIENCE
        self.scored = partial(score, (), model=model, engine=HERE)

    def scorer(self, found: Sequence[Found], out: Path) -> ScoreResult:
        """Score."""
        return self.scored(found=found, out=out)

    def tell(self, told: Told) -> None:
        """Take note, and do the next thing."""
        self.told.append(told)
        step = self.then.pop(0) if self.then else None
        if callable(step):
            step()

    def run(self, captures: int) -> None:
        """Watch until so many captures have been told."""
        report = watch_scores(
            self.sensor,
            self.out,
            self.scorer,
            settle=0.3,
            stopped=lambda: len(self.told) >= captures or time.monotonic() > self.until,
            tell=self.tell,
        )
        assert report.captures.total() - report.captures["alerts"] == captures


def test_each_hour_is_scored_once_it_is_complete_and_again_when_it_grows(tmp_path: Path) -> None:
    """The second hour comes while the first is told; then the first gets another log, and is scored anew."""
    sensor = tmp_path / "zeek"
    put_hour(sensor, 5, [conn("C1", 9)])
    steps: list[object] = [
        lambda: put_hour(sensor, 6, [conn("C2", 1), conn("C3", 9)]),
        lambda: put_hour(sensor, 5, [conn("C1", 1)], log="dns"),
    ]
    following = Following(tmp_path, make_model(tmp_path / "tiny"), steps)
    following.run(3)
    names = [told.found.name for told in following.told]
    assert names == ["zeek 2026-11-23T05", "zeek 2026-11-23T06", "zeek 2026-11-23T05"]
    assert following.told[0].out == following.told[2].out
    assert [told.result.alerts for told in following.told if told.result] == [1, 1, 1]
    run = json.loads((following.told[2].out / "run.json").read_text())
    assert "no dns.log" not in str(run["captures"][0]["notes"])
    assert pl.read_parquet(following.told[1].out / "connections.parquet")["uid"].to_list() == ["C2", "C3"]


def test_a_file_that_is_being_written_waits_until_it_is_whole(tmp_path: Path) -> None:
    """While lines come, its hour is not scored; once they stop, all of them are."""
    sensor = tmp_path / "zeek"
    folder = write_capture(sensor / "current", [conn("C0", 9)])
    size: list[int] = []

    def growing(found: Sequence[Found], out: Path) -> ScoreResult:
        size.append((folder / "conn.log").stat().st_size)
        return following.scored(found=found, out=out)

    following = Following(tmp_path, make_model(tmp_path / "tiny"), [])
    begun = time.monotonic()

    def stopped() -> bool:
        if time.monotonic() - begun < 1.5:
            with (folder / "conn.log").open("a") as file:
                file.write("\t".join(map(str, conn(f"D{time.monotonic_ns()}", 9))) + "\n")
        return bool(following.told) or time.monotonic() > following.until

    watch_scores(sensor, following.out, growing, settle=1.0, stopped=stopped, tell=following.tell)
    [told] = following.told
    lines = (folder / "conn.log").read_text().count("\n") - 7
    assert size == [(folder / "conn.log").stat().st_size]
    assert told.result is not None
    assert told.result.totals["connections"] == lines > 2


def test_an_hour_that_cannot_be_scored_stops_nothing(tmp_path: Path) -> None:
    """It is told with the reason, and the next hour is scored."""
    sensor = tmp_path / "zeek"
    put_hour(sensor, 5, [conn("C1", 1)], log="dns")
    steps: list[object] = [lambda: put_hour(sensor, 6, [conn("C2", 9)])]
    following = Following(tmp_path, make_model(tmp_path / "tiny"), steps)
    following.run(2)
    failed, scored = following.told
    assert failed.result is None
    assert "no conn.log" in failed.why
    assert scored.result is not None


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A mistyped folder is told at once, not waited for."""
    with pytest.raises(MissingInput, match="is no folder"):
        Following(tmp_path, make_model(tmp_path / "tiny"), []).run(1)


def test_a_signal_ends_the_watch_cleanly(tmp_path: Path) -> None:
    """SIGTERM lets the command end with its sum and exit code 0, or 10 if asked and something was found."""
    make_model(tmp_path / "tiny")
    put_hour(tmp_path / "zeek", 5, [conn("C1", 9)])
    command = [sys.executable, "-m", "ptml", "score", "--watch", "zeek", "--model", "tiny", "--out", "out"]
    process = subprocess.Popen(
        [*command, "--json", "--fail-on", "malicious"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        total = json.loads(process.stdout.readline())["sum"]
        assert process.wait(PATIENCE) == 10
    finally:
        process.kill()
        process.stdout.close()
    assert (told["name"], told["alerts"]) == ("zeek 2026-11-23T05", 1)
    assert (total["scored"], total["failed"], total["alerts"]) == (1, 0, 1)


def test_names_of_folders_are_harmless(tmp_path: Path) -> None:
    """Whatever a sensor's folder is called, its scores stay within the results' folder."""
    for name in ("../../etc", "a/b", "--force", "x" * 500, "\x1b[2J", ""):
        made = place_name(Found(tmp_path, name, "p"))
        assert (tmp_path / made).parent == tmp_path
        assert made.isascii()
        assert made.isprintable()
        assert len(made) < 100
        assert made[0].isalnum()
