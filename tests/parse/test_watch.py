"""A watched folder is converted whole: each line once, whatever comes when, and whatever kills the watch."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.errors import MissingInput, SettingsError
from ptml.manifest import published
from ptml.parse.filereport import Failure, FileReport, LogCount
from ptml.parse.files import parse_files
from ptml.parse.ready import ReadyFiles
from ptml.parse.watch import watch_files
from ptml.workspace import Workspace
from tests.builders import CONN, PCAP, conn_log, many_rows, zeek_log
from tests.parse.reading import written
from tests.standin_zeek import stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 40.0
HOUR = "conn.{:02d}:00:00-{:02d}:00:00.log"


class Watching:
    """A watch in a process of its own."""

    def __init__(self, folder: Path, out: Path, *options: str) -> None:
        self.lines = out.with_name(f"{out.name}.lines")
        command = [sys.executable, "-m", "ptml", "parse", "--watch", str(folder), "--out", str(out), "--json"]
        with self.lines.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, *options], stdout=file, stderr=subprocess.PIPE, process_group=0
            )

    def said(self) -> list[dict[str, Any]]:
        """Give the lines of its output that are whole."""
        return [
            json.loads(line) for line in self.lines.read_text().splitlines(keepends=True) if line[-1] == "\n"
        ]

    def wait_for(self, files: int) -> list[dict[str, Any]]:
        """Wait until it has told of so many files."""
        until(lambda: len(self.said()) >= files or self.process.poll() is not None)
        return self.said()

    def stop(self, number: int = signal.SIGTERM) -> dict[str, Any]:
        """Stop it as a service manager does, and give its sum; it has nothing to complain of."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, b"Traceback" in errors) == (0, False), errors
        sum_: dict[str, Any] = self.said()[-1]["sum"]
        return sum_

    def kill(self) -> None:
        """Kill it and its workers as the system does that has no memory left."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


Start = Callable[..., Watching]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Start]:
    """Give what starts a watch of a folder into ``out``, and ends it after the test."""
    started: list[Watching] = []

    def start(folder: Path, *options: str) -> Watching:
        started.append(Watching(folder, tmp_path / "out", *options))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def until(done: Callable[[], object]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def has_manifest(out: Path) -> bool:
    """Tell whether a file has been published."""
    return any(out.glob("manifests/parse/*.json"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty folder to watch."""
    path = tmp_path / "logs"
    path.mkdir()
    return path


def uids(out: Path) -> list[str]:
    """Read the uids of conn as any reader would: by globbing it."""
    return sorted(pl.read_parquet(out / "logs/conn")["uid"].to_list())


def numbered(*numbers: int) -> list[str]:
    """Give the uids of rows by number."""
    return sorted(f"C{number}" for number in numbers)


def unclosed(data: bytes) -> bytes:
    """Give a log as it is while Zeek writes it."""
    return data[: data.rindex(b"#close")]


def table(out: Path) -> dict[str, object]:
    """Give all that was published: each Parquet file, and each manifest but for how long it took."""
    files: dict[str, object] = {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.parquet")
    }
    for path in out.rglob("manifests/*/*.json"):
        files[str(path.relative_to(out))] = json.loads(path.read_text()) | {"seconds": 0}
    return files


def watched(folder: Path, out: Path, *, files: int, settle: float = 0) -> list[FileReport | Failure]:
    """Watch in this process until so many files have been told of."""
    told: list[FileReport | Failure] = []
    deadline = time.monotonic() + PATIENCE
    watch_files(
        folder,
        out,
        settle=settle,
        engine=LocalEngine(1),
        stopped=lambda: len(told) >= files or time.monotonic() > deadline,
        tell=told.append,
    )
    return told


def test_files_are_converted_as_they_come(folder: Path, tmp_path: Path, watch: Start) -> None:
    """Written slowly in pieces, moved in, or a gz that is half there for a while: each line is a row once."""
    watching = watch(folder, "--settle", "0.5", "--jobs", "1")
    slow, moved, packed = (folder / HOUR.format(hour, hour + 1) for hour in range(3))
    packed = packed.with_name(f"{packed.name}.gz")
    data = conn_log(many_rows(40))
    with slow.open("wb") as file:
        for begin in range(0, len(data), 1000):
            file.write(data[begin : begin + 1000])
            file.flush()
            time.sleep(0.05)
    assert [line["logs"] for line in watching.wait_for(1)] == [{"conn": {"rows": 40, "quarantined": 0}}]
    written(tmp_path / "conn.log", conn_log(many_rows(3, start=40))).rename(moved)
    watching.wait_for(2)
    whole = gzip.compress(conn_log(many_rows(2000, start=43)))
    written(packed, whole[: len(whole) // 2])
    half = watching.wait_for(3)[2]
    assert (0 < half["rows"] < 2000, half["quarantined"]) == (True, 1)
    written(packed, whole)
    last = watching.wait_for(4)[3]
    assert (last["rows"], last["quarantined"], last["taken_back"]) == (2000, 0, [half["capture_id"]])
    total = watching.stop()
    assert uids(tmp_path / "out") == numbered(*range(2043))
    assert total["taken_back"] == {"rows": half["rows"], "quarantined": 1}
    assert total["rows_in"] - half["rows"] - 1 == total["rows_out"] - half["rows"] == 2043
    assert (total["done"], total["failed"]) == (4, 0)
    assert not list((tmp_path / "out").glob("quarantine/*/*"))


def test_live_log_is_left_until_it_is_rotated(folder: Path, tmp_path: Path, watch: Start) -> None:
    """While Zeek writes to it nothing is read; rotated, in a folder of its day, it is read once."""
    watching = watch(folder, "--settle", "60", "--jobs", "1")
    live, day = folder / "current/conn.log", folder / "2026-11-23"
    live.parent.mkdir()
    day.mkdir()
    live.write_bytes(unclosed(conn_log(many_rows(5))))
    until((tmp_path / "out/.lock-owner").exists)
    time.sleep(1.5)
    assert watching.said() == []
    live.write_bytes(conn_log(many_rows(6)))
    live.rename(day / HOUR.format(10, 11))
    live.write_bytes(unclosed(conn_log(many_rows(2, start=6))))
    [line] = watching.wait_for(1)
    assert line["path"] == str(day / HOUR.format(10, 11))
    watching.stop()
    assert uids(tmp_path / "out") == numbered(*range(6))


@pytest.mark.parametrize("dialect", ["tsv", "json"])
def test_live_log_that_settled_gives_way_to_what_it_is_rotated_into(
    folder: Path, tmp_path: Path, dialect: str
) -> None:
    """A quiet sensor's log is converted, goes on, and is rotated elsewhere as gz: each line is a row once."""
    rows = [json.dumps({"_path": "conn", "uid": f"C{n}", "ts": n}).encode() + b"\n" for n in range(9)]
    data = b"".join(rows) if dialect == "json" else conn_log(many_rows(9))
    live, rotated, out = folder / "conn.log", folder / f"{HOUR.format(10, 11)}.gz", tmp_path / "out"
    live.write_bytes(b"".join(rows[:4]) if dialect == "json" else data[: data.index(b"C4")])
    [begun] = watched(folder, out, files=1)
    written(rotated, gzip.compress(data))
    live.write_bytes(
        rows[8].replace(b"C8", b"C9") if dialect == "json" else unclosed(conn_log(many_rows(1, start=9)))
    )
    both = watched(folder, out, files=2)
    assert isinstance(begun, FileReport)
    assert [list(one.taken_back) for one in both if isinstance(one, FileReport)] == [[begun.capture_id], []]
    assert uids(out) == numbered(*range(10))
    assert {one.state for one in parse_files([folder], out, engine=LocalEngine(1)).files} == {"unchanged"}


def test_log_that_begins_otherwise_takes_nothing_back(folder: Path, tmp_path: Path) -> None:
    """A rotated log of the same name that lacks a line of the live one is another log."""
    live, rotated, out = folder / "conn.log", folder / HOUR.format(10, 11), tmp_path / "out"
    live.write_bytes(unclosed(conn_log(many_rows(3))))
    watched(folder, out, files=1)
    live.unlink()
    rotated.write_bytes(conn_log([*many_rows(2), *many_rows(1, start=3)]))
    watched(folder, out, files=1)
    assert uids(out) == ["C0", "C0", "C1", "C1", "C2", "C3"]


def test_renamed_file_is_known_by_its_new_name(folder: Path, tmp_path: Path) -> None:
    """Read once more to see what it is, it is not read a third time."""
    old, new, out = folder / "conn.log", folder / HOUR.format(10, 11), tmp_path / "out"
    old.write_bytes(conn_log(many_rows(3)))
    watched(folder, out, files=1)
    old.rename(new)
    [again] = watched(folder, out, files=1)
    assert isinstance(again, FileReport)
    assert again.state == "unchanged"
    [manifest] = published(Workspace(out), "parse")
    assert (manifest.parameters["path"], manifest.rows_out) == (str(new), 3)
    assert uids(out) == numbered(0, 1, 2)


def test_file_that_cannot_be_used_is_told_once_until_it_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture that Zeek makes nothing of does not keep the next one from being converted."""
    logs = tmp_path / "replayed"
    logs.mkdir()
    (logs / "conn.log").write_bytes(conn_log(many_rows(2)))
    monkeypatch.setenv("PTML_ZEEK", str(stand_in(tmp_path / "bin", logs, "useless")))
    bad, out = written(folder / "bad.pcap", PCAP), tmp_path / "out"
    told: list[FileReport | Failure] = []
    began = time.monotonic()

    def stopped() -> bool:
        if time.monotonic() - began > 3 and len(told) == 1:
            monkeypatch.setenv("PTML_ZEEK", str(stand_in(tmp_path / "bin", logs)))
            bad.write_bytes(PCAP + PCAP[24:])
        return len(told) > 1

    report = watch_files(folder, out, settle=0, engine=LocalEngine(1), stopped=stopped, tell=told.append)
    failure, converted = told
    assert isinstance(failure, Failure)
    assert "problem with trace file" in failure.why
    assert isinstance(converted, FileReport)
    assert converted.total == LogCount(2)
    assert (report.files["failed"], report.files["done"]) == (1, 1)


def test_file_that_vanishes_stops_nothing(folder: Path, tmp_path: Path) -> None:
    """It is told of; the others are converted."""
    first, second, third = (
        written(folder / HOUR.format(n, n + 1), conn_log(many_rows(1, start=n))) for n in range(3)
    )
    told: list[FileReport | Failure] = []

    def tell(outcome: FileReport | Failure) -> None:
        told.append(outcome)
        second.unlink(missing_ok=True)

    watch_files(folder, tmp_path / "out", engine=LocalEngine(1), stopped=lambda: len(told) == 3, tell=tell)
    assert [(type(one), one.path) for one in told] == [
        (FileReport, first),
        (Failure, second),
        (FileReport, third),
    ]
    assert uids(tmp_path / "out") == numbered(0, 2)


def test_folder_may_go_and_come_back(folder: Path, tmp_path: Path) -> None:
    """As where it is mounted from elsewhere; what it holds then is known still."""
    (folder / HOUR.format(0, 1)).write_bytes(conn_log(many_rows(1)))
    told: list[FileReport | Failure] = []

    def tell(outcome: FileReport | Failure) -> None:
        told.append(outcome)
        if len(told) == 1:
            folder.rename(tmp_path / "away")
        elif len(told) == 2:
            (tmp_path / "away").rename(folder)
            (folder / HOUR.format(1, 2)).write_bytes(conn_log(many_rows(1, start=1)))

    watch_files(folder, tmp_path / "out", engine=LocalEngine(1), stopped=lambda: len(told) == 3, tell=tell)
    assert [type(one) for one in told] == [FileReport, Failure, FileReport]
    assert "cannot be read: No such file" in str(told[1])
    assert uids(tmp_path / "out") == numbered(0, 1)


def test_what_counts_as_ready(folder: Path) -> None:
    """A closed log at once; any other, once still; never what is empty, hidden or no log."""
    closed = written(folder / HOUR.format(1, 2), conn_log(many_rows(1)))
    still = written(folder / HOUR.format(0, 1), unclosed(conn_log(many_rows(1))))
    packed = written(folder / "dns.01:00:00-02:00:00.log.gz", gzip.compress(conn_log(many_rows(1))))
    for name in ("http.log", ".conn.log", "notes.txt"):
        written(folder / name, b"" if name == "http.log" else b"x\n")
    ready = ReadyFiles(folder, settle=0.3)
    assert [file.path for file in ready.look()] == [closed]
    assert ready.look() == []
    time.sleep(0.4)
    assert [file.path for file in ready.look()] == [still, packed]
    assert ready.look() == []
    with still.open("ab") as file:
        file.write(b"#close\t2026-11-24-01-00-00\n")
    assert [file.path for file in ready.look()] == [still]


def test_archives_and_captures_count_while_there_is_no_log(folder: Path) -> None:
    """Beside logs they are copies of these as likely as not."""
    pcap = written(folder / "night.pcap", PCAP)
    assert [(file.path, file.pcap) for file in ReadyFiles(folder, 0).look()] == [(pcap, True)]
    archive = written(folder / "day.zip", b"PK")
    assert [file.path for file in ReadyFiles(folder, 0).look()] == [archive]
    log = written(folder / "conn.log", b"x")
    assert [file.path for file in ReadyFiles(folder, 0).look()] == [log]


def test_bad_places_are_refused(folder: Path, tmp_path: Path) -> None:
    """A file or nothing where the folder should be, and less than no time to settle."""
    with pytest.raises(MissingInput, match=r"no is no folder; nothing was done"):
        watch_files(tmp_path / "no", tmp_path / "out")
    with pytest.raises(SettingsError, match="0 seconds or more, not -1"):
        watch_files(folder, tmp_path / "out", settle=-1)
    assert not (tmp_path / "out").exists()


def small_ports(count: int, start: int = 0) -> list[dict[str, str]]:
    """Give rows by number, however large that is."""
    return [row | {"id.orig_p": "50000"} for row in many_rows(count, start=start)]


def day_of_logs(folder: Path) -> None:
    """Write hours of logs in several dialects, one of them large, with bad lines, a broken gz and a twin."""
    for hour in range(4):
        rows = [[row[name] for name in CONN] for row in small_ports(300, start=hour * 1000)]
        rows[7][5] = "70000"
        (folder / HOUR.format(hour, hour + 1)).write_bytes(zeek_log("conn", CONN, rows))
    large = conn_log(small_ports(120_000, start=10_000))
    (folder / HOUR.format(4, 5)).write_bytes(large)
    packed = gzip.compress(conn_log(small_ports(3000, start=500_000)))
    (folder / f"{HOUR.format(5, 6)}.gz").write_bytes(packed[:-300])
    (folder / f"{HOUR.format(6, 7)}.gz").write_bytes(gzip.compress(conn_log(small_ports(9, start=600_000))))
    shutil.copy(folder / HOUR.format(0, 1), folder / "conn.log.1")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """Give a folder of logs, and what a watch makes of it that nobody disturbs."""
    root = tmp_path_factory.mktemp("undisturbed")
    (root / "logs").mkdir()
    day_of_logs(root / "logs")
    watched(root / "logs", root / "out", files=8)
    expected = table(root / "out")
    counts = list(published(Workspace(root / "out"), "parse"))
    assert (sum(one.rows_in for one in counts), sum(one.rows_out for one in counts)) == lines_of(
        root / "logs"
    )
    return root / "logs", expected


def lines_of(folder: Path) -> tuple[int, int]:
    """Count data lines and rows of `day_of_logs`; of the broken gz what zlib gives, one set aside."""
    packed = (folder / f"{HOUR.format(5, 6)}.gz").read_bytes()
    whole = zlib.decompressobj(31).decompress(packed).count(b"\n") - 8
    return 4 * 300 + 120_000 + whole + 1 + 9, 4 * 299 + 120_000 + whole + 9


def test_log_that_is_rotated_while_it_is_read_is_not_taken_for_the_next(
    folder: Path, tmp_path: Path, watch: Start
) -> None:
    """What was read goes on counting, whatever lies at its path by then, and however that grows."""
    live, out = folder / "conn.log", tmp_path / "out"
    live.write_bytes(conn_log(small_ports(150_000)))
    watching = watch(folder, "--settle", "0.3", "--jobs", "1")
    until(lambda: list(out.glob(".tmp/*/0/part.parquet")))
    live.rename(folder / HOUR.format(0, 1))
    live.write_bytes(unclosed(conn_log(small_ports(2, start=200_000))))
    assert [line["rows"] for line in watching.wait_for(2)] == [150_000, 2]
    live.write_bytes(conn_log(small_ports(3, start=200_000)))
    assert [len(line["taken_back"]) for line in watching.wait_for(3)] == [0, 0, 1]
    watching.stop()
    assert uids(out) == numbered(*range(150_000), 200_000, 200_001, 200_002)


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_in_the_middle_of_a_file_loses_nothing(
    undisturbed: tuple[Path, dict[str, object]],
    tmp_path: Path,
    watch: Start,
    jobs: str,
    number: int,
) -> None:
    """The file in work is finished, the exit code is 0, and the next watch ends with the same result."""
    folder, expected = undisturbed
    out = tmp_path / "out"
    for _ in range(5):  # on a busy machine the signal may come when the last file is done
        shutil.rmtree(out, ignore_errors=True)
        watching = watch(folder, "--settle", "0", "--jobs", jobs)
        until(lambda: list(out.glob(".tmp/*/0/part.parquet")))
        stopped = watching.stop(number)
        if stopped["done"] < 7:
            break
    assert stopped["done"] == len(list(out.glob("manifests/parse/*.json"))) < 7
    assert not list(out.glob(".tmp/*/*"))
    again = watch(folder, "--settle", "0", "--jobs", jobs)
    again.wait_for(7 - stopped["done"])
    total = again.stop()
    assert stopped["done"] + total["done"] == 7
    assert table(out) == expected


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_kill_at_any_moment_loses_nothing(
    undisturbed: tuple[Path, dict[str, object]], tmp_path: Path, watch: Start, jobs: str
) -> None:
    """Killed again and again, a little later each time, the next one goes on, and the result is the same."""
    folder, expected = undisturbed
    out = tmp_path / "out"
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3):
        watching = watch(folder, "--settle", "0", "--jobs", jobs)
        until((out / ".lock-owner").exists)
        until(lambda: list(out.glob(".tmp/*/0/*")) or len(list(out.glob("manifests/parse/*.json"))) == 7)
        time.sleep(delay)
        watching.kill()
        (out / ".lock-owner").unlink(missing_ok=True)
    last = watch(folder, "--settle", "0", "--jobs", jobs)
    until((out / ".lock-owner").exists)
    until(lambda: len(list(out.glob("manifests/parse/*.json"))) == 7)
    assert last.stop()["failed"] == 0
    assert table(out) == expected


def test_lines_for_people_and_a_sum(folder: Path, tmp_path: Path) -> None:
    """A line a file on stderr, the table on stdout; --quiet leaves the lines out."""
    (folder / HOUR.format(0, 1)).write_bytes(
        conn_log([*small_ports(2), {**small_ports(1)[0], "id.resp_p": "x"}])
    )
    for options, said in (([], True), (["--quiet"], False)):
        out = tmp_path / f"out{len(options)}"
        command = [sys.executable, "-m", "ptml", "parse", "--watch", str(folder), "--out", str(out), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            until(partial(has_manifest, out))
            process.send_signal(signal.SIGINT)
            shown, errors = (text.decode() for text in process.communicate(timeout=PATIENCE))
        assert process.returncode == 0
        assert ["conn", "3", "2", "1"] in [line.split() for line in shown.splitlines()]
        line = f"{folder / HOUR.format(0, 1)}: conn 2; quarantined 1"
        assert (line in errors.splitlines()) == said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--watch", "x"], "nothing says where the datasets go"),
        (["--watch", "x", "--out", "y", "z.log"], "--watch DIR is not for use with PATHS"),
        (["z.log", "--out", "y", "--settle", "3"], "--settle is about --watch"),
    ],
)
def test_options_that_do_not_fit_are_bad_usage(arguments: list[str], says: str) -> None:
    """Exit code 2, and what is wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "ptml", "parse", *arguments], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert says in done.stderr.decode()
