"""Files anywhere become Parquet datasets, each file once, however often it is asked for."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.errors import MissingInput, SettingsError
from ptml.manifest import published
from ptml.parse.files import FilesReport, parse_files
from ptml.workspace import Workspace
from tests.builders import capture_folder, conn_log, conn_row, many_rows, zeek_log
from tests.parse.reading import written
from tests.shutting import shut

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.parse.files import LogCount


def converted(*paths: Path, out: Path, force: bool = False) -> FilesReport:
    """Convert in this process."""
    return parse_files(paths, out, engine=LocalEngine(1), force=force)


def uids(out: Path, log: str = "conn") -> list[str]:
    """Read the uids of a dataset as any reader would: by globbing it."""
    return sorted(pl.read_parquet(out / "logs" / log)["uid"].to_list())


def parquet_files(out: Path) -> dict[str, bytes]:
    """Give the Parquet files below a folder, by their place in it."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.parquet")}


def sizes(logs: dict[str, LogCount]) -> dict[str, tuple[int, int]]:
    """Give rows and quarantined lines by log."""
    return {log: (count.rows, count.quarantined) for log, count in logs.items()}


def ptml(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own, in a pipe."""
    command = [sys.executable, "-m", "ptml", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """Give a day's folder as zeekctl leaves it: two hours of conn.log, one of dns.log with a bad line."""
    folder = tmp_path / "2026-11-23"
    folder.mkdir()
    (folder / "conn.00:00:00-01:00:00.log.gz").write_bytes(gzip.compress(conn_log(many_rows(2))))
    (folder / "conn.01:00:00-02:00:00.log.gz").write_bytes(gzip.compress(conn_log(many_rows(3, start=2))))
    lines = [["1.0", "D1"], ["x", "D2"], ["3.0", "D3"]]
    written(folder / "dns.00:00:00-01:00:00.log", zeek_log("dns", {"ts": "time", "uid": "string"}, lines))
    written(folder / "readme.txt", "not a log")
    return folder


def test_folder_of_rotated_logs_becomes_a_dataset_a_log(day: Path, tmp_path: Path) -> None:
    """Rows and quarantined lines of each log are all lines of its files; what is no log is counted."""
    report = converted(day, out=tmp_path / "out")
    assert sizes(report.logs) == {"conn": (5, 0), "dns": (2, 1)}
    assert (report.total.rows, report.total.quarantined) == (7, 1)
    assert report.notes == {"files that are neither logs nor PCAPs were left out": 1}
    assert uids(tmp_path / "out") == ["C0", "C1", "C2", "C3", "C4"]
    [quarantined] = pl.read_parquet(tmp_path / "out/quarantine").to_dicts()
    assert quarantined["path"] == str(day / "dns.00:00:00-01:00:00.log")
    assert (quarantined["line"], quarantined["reason"]) == (10, "ts: 'x' is no time")


@pytest.mark.parametrize(
    ("name", "log"),
    [("été 2026.log", "t_2026"), ("a;b.log", "a_b"), ("-x.log", "x"), ("y" * 120 + ".log", "y" * 100)],
)
def test_file_whose_name_can_name_no_dataset_is_read(tmp_path: Path, name: str, log: str) -> None:
    """A log that does not tell its name goes by its file's, with underscores where signs are not allowed."""
    written(tmp_path / name, b"#separator \\x09\n#fields\tuid\n#types\tstring\nC1\nC2\n")
    assert sizes(converted(tmp_path / name, out=tmp_path / "out").logs) == {log: (2, 0)}


def test_path_line_that_can_name_no_dataset_is_told_of_each_line(tmp_path: Path) -> None:
    """Below a `#path` of other letters than a dataset's name may have, each line is set aside by itself."""
    data = "#separator \\x09\n#path\tconné\n#fields\tuid\n#types\tstring\nC1\nC2\n"
    report = converted(written(tmp_path / "x.log", data), out=tmp_path / "out")
    assert sizes(report.logs) == {"x": (0, 2)}


def test_files_of_the_same_lines_are_published_one_after_the_other(tmp_path: Path) -> None:
    """Several files of the same lines under other headers, read at once, are one capture, and it is whole."""
    (tmp_path / "in").mkdir()
    for k in range(9):
        data = zeek_log("conn", {"uid": "string"}, [[f"C{i}"] for i in range(2000)]).replace(
            b"#open", b"#open%d" % k
        )
        written(tmp_path / "in" / f"conn.0{k}:00:00-0{k + 1}:00:00.log", data)
    parse_files([tmp_path / "in"], tmp_path / "out", engine=LocalEngine(4))
    [manifest] = published(Workspace(tmp_path / "out"), "parse")
    assert set(parquet_files(tmp_path / "out")) == {file.path for file in manifest.files}


def test_counts_stand_in_the_manifest_of_each_file(day: Path, tmp_path: Path) -> None:
    """A manifest says which file it is of, and accounts for its lines."""
    converted(day, out=tmp_path / "out")
    manifests = {one.parameters["path"]: one for one in published(Workspace(tmp_path / "out"), "parse")}
    counts = {path: (one.rows_in, one.rows_out) for path, one in manifests.items()}
    assert counts == {
        str(day / "conn.00:00:00-01:00:00.log.gz"): (2, 2),
        str(day / "conn.01:00:00-02:00:00.log.gz"): (3, 3),
        str(day / "dns.00:00:00-01:00:00.log"): (3, 2),
    }


def test_second_call_reads_only_what_is_new(day: Path, tmp_path: Path) -> None:
    """The report counts all files the same way, whether they were read now or before."""
    out = tmp_path / "out"
    first = converted(day, out=out)
    written(day / "conn.02:00:00-03:00:00.log", conn_log([conn_row(uid="C5")]))
    second = converted(day, out=out)
    assert (first.count("done"), first.count("unchanged")) == (3, 0)
    assert (second.count("done"), second.count("unchanged")) == (1, 3)
    assert sizes(second.logs) == {"conn": (6, 0), "dns": (2, 1)}
    assert converted(day, out=out, force=True).count("done") == 4
    assert uids(out) == [f"C{n}" for n in range(6)]


def test_renamed_and_compressed_file_is_not_read_twice(day: Path, tmp_path: Path) -> None:
    """A log is known by its lines: rotated on, or compressed, it is still the same."""
    out = tmp_path / "out"
    old, new = day / "dns.00:00:00-01:00:00.log", day / "dns.log.1.gz"
    converted(day, out=out)
    new.write_bytes(gzip.compress(old.read_bytes()))
    old.unlink()
    assert converted(day, out=out).count("done") == 0
    assert uids(out, "dns") == ["D1", "D3"]


def test_numbered_parts_that_move_on_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    """conn.log.1 of today is not a grown conn.log.1 of yesterday, even if that one has been deleted."""
    part, out = tmp_path / "conn.log.1", tmp_path / "out"
    written(part, conn_log([conn_row(uid="C1")]))
    converted(part, out=out)
    written(part, conn_log([conn_row(uid="C2"), conn_row(uid="C3")]))
    converted(part, out=out)
    assert uids(out) == ["C1", "C2", "C3"]


@pytest.mark.parametrize("lines", [3, 2000])
def test_file_that_has_grown_gives_way_to_its_longer_self(tmp_path: Path, lines: int) -> None:
    """A live log that is converted twice has its rows once: those of its beginning are taken back."""
    live, out = tmp_path / "conn.log", tmp_path / "out"
    whole = conn_log(many_rows(lines))
    written(live, whole[: -len(whole) // 4])
    before = converted(live, out=out).total.rows
    written(live, whole)
    after = converted(live, out=out)
    assert 0 < before < after.total.rows == lines
    assert uids(out) == sorted(f"C{n}" for n in range(lines))
    assert not list(out.glob("quarantine/*/*"))
    assert converted(live, out=out).count("unchanged") == 1


def test_taking_back_is_finished_after_a_kill(tmp_path: Path) -> None:
    """Had the process been killed just before it, the next one would take the beginning back."""
    live, out = tmp_path / "conn.log", tmp_path / "out"
    whole = conn_log(many_rows(4))
    written(live, whole[: whole.index(b"\n", -500) + 1])
    converted(live, out=out)
    kept = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != ".lock"}
    written(live, whole)
    converted(live, out=out)
    for path, data in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    converted(live, out=out)
    assert uids(out) == ["C0", "C1", "C2", "C3"]


def test_header_that_was_mended_is_read_again(tmp_path: Path) -> None:
    """The same data lines under another header are another table; the earlier one is replaced."""
    path, out = tmp_path / "x.log", tmp_path / "out"
    written(path, zeek_log("x", {"uid": "string", "n": "count"}, [["C1", "-1"]]))
    assert sizes(converted(path, out=out).logs) == {"x": (0, 1)}
    written(path, zeek_log("x", {"uid": "string", "n": "int"}, [["C1", "-1"]]))
    assert sizes(converted(path, out=out).logs) == {"x": (1, 0)}
    assert pl.read_parquet(out / "logs/x")["n"].to_list() == [-1]
    assert not list(out.glob("quarantine/*/*"))


def test_two_files_of_the_same_lines_are_read_once(tmp_path: Path) -> None:
    """A copy is counted once, and said."""
    for name in "ab":
        capture_folder(tmp_path, name, many_rows(2))
    report = converted(tmp_path / "a", tmp_path / "b", out=tmp_path / "out")
    assert report.total.rows == 2
    assert report.notes == {
        f"{tmp_path}/b/conn.log has the same lines as {tmp_path}/a/conn.log: read once": 1
    }


def test_results_within_the_folder_are_not_read_as_logs(day: Path) -> None:
    """The Parquet files in DIR/parquet look like Spark's, but are the results of the last call."""
    converted(day, out=day / "parquet")
    assert converted(day, out=day / "parquet").count("unchanged") == 3


def test_links_are_no_trap(day: Path, tmp_path: Path) -> None:
    """A folder that links to itself is searched once; a file given twice is read once."""
    (day / "loop").symlink_to(day)
    report = converted(day, day / "dns.00:00:00-01:00:00.log", out=tmp_path / "out")
    assert report.total.rows == 7
    assert report.notes["files that were given twice were read once"] == 1


def test_folder_that_cannot_be_listed_is_told(
    day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The logs beside it are read, and the report counts it."""
    (day / "secret").mkdir()
    shut(day / "secret", monkeypatch)
    report = converted(day, out=tmp_path / "out")
    assert report.total.rows == 7
    assert report.notes["folders that cannot be listed were left out"] == 1


def test_file_that_is_no_log_is_set_aside_and_the_others_are_read(day: Path, tmp_path: Path) -> None:
    """A binary file named like a log is one quarantined file."""
    written(day / "ssl.log", bytes(range(256)))
    assert sizes(converted(day, out=tmp_path / "out").logs) == {"conn": (5, 0), "dns": (2, 1), "ssl": (0, 1)}


def test_bad_places_are_refused_before_anything_is_written(day: Path, tmp_path: Path) -> None:
    """Missing paths, empty folders, a file as --out, and a workspace, as its catalog would not know of it."""
    out, empty, file = tmp_path / "out", tmp_path / "empty", written(tmp_path / "file", "")
    empty.mkdir()
    place = Workspace(tmp_path / "ws")
    place.root.mkdir()
    place.catalog.write_bytes(b"")
    with pytest.raises(MissingInput, match=r"no\.log does not exist; nothing was done"):
        converted(tmp_path / "no.log", out=out)
    with pytest.raises(MissingInput, match="there is no log and no PCAP at these paths"):
        converted(empty, out=out)
    with pytest.raises(SettingsError, match="file is a file, and the datasets need a folder"):
        converted(day, out=file)
    with pytest.raises(SettingsError, match="ws is a workspace"):
        converted(day, out=place.root)
    assert not out.exists()


def test_name_that_is_no_unicode_is_no_obstacle(tmp_path: Path) -> None:
    """Bytes of a file's name that are not UTF-8 are spelled out, in manifest and quarantine."""
    folder = tmp_path / "a"
    folder.mkdir()
    path = folder / "conn.\udcff.log"
    written(path, conn_log([conn_row(), conn_row(id__resp_p="x")]))
    report = converted(folder, out=tmp_path / "out")
    assert sizes(report.logs) == {"conn": (1, 1)}
    assert pl.read_parquet(tmp_path / "out/quarantine")["path"].to_list() == [f"{folder}/conn.\\xff.log"]
    assert converted(folder, out=tmp_path / "out").count("unchanged") == 1


def test_log_that_leads_elsewhere_writes_nothing_outside(tmp_path: Path) -> None:
    """A #path that would be a path is refused, and where nothing else is there, that is the error."""
    folder = tmp_path / "a"
    folder.mkdir()
    written(folder / "x.log", zeek_log("../../evil", {"uid": "string"}, [["C1"]]))
    assert converted(folder, out=tmp_path / "out").total.quarantined == 1
    assert not list(tmp_path.rglob("evil*"))


def test_progress_tells_bytes_and_rows(day: Path, tmp_path: Path) -> None:
    """It begins with nothing and ends with all bytes on disk and all rows."""
    told: list[tuple[int, int, int]] = []
    parse_files([day], tmp_path / "out", engine=LocalEngine(1), progress=lambda *now: told.append(now))
    total = sum(path.stat().st_size for path in day.glob("*.log*"))
    assert (told[0], told[-1]) == ((0, total, 0), (total, total, 7))
    assert told == sorted(told)


def test_workers_give_what_one_process_gives(day: Path, tmp_path: Path) -> None:
    """Two processes write the same files, byte for byte."""
    converted(day, out=tmp_path / "one")
    parse_files([day], tmp_path / "two", engine=LocalEngine(2))
    one, two = (
        {p.relative_to(o): p.read_bytes() for p in o.rglob("*.parquet")}
        for o in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two


def test_command_prints_the_table_and_json(day: Path, tmp_path: Path) -> None:
    """The table and the JSON of a command line in a pipe have the counts; no progress bar is among it."""
    shown = ptml("parse", str(day), "--out", str(tmp_path / "out"), "--jobs", "1")
    assert shown.returncode == 0
    lines = [line.split() for line in shown.stdout.decode().splitlines()]
    assert ["conn", "5", "5", "0"] in lines
    assert ["dns", "3", "2", "1"] in lines
    assert ["all", "8", "7", "1"] in lines
    assert shown.stderr.decode().splitlines() == [
        "  note: files that are neither logs nor PCAPs were left out"
    ]
    result = json.loads(ptml("parse", str(day), "--out", str(tmp_path / "out"), "--json").stdout)
    assert result["logs"] == {"conn": {"quarantined": 0, "rows": 5}, "dns": {"quarantined": 1, "rows": 2}}
    assert (result["rows_in"], result["rows_out"], result["quarantined"], result["unchanged"]) == (8, 7, 1, 3)


@pytest.mark.parametrize("end", [b"\n", b"\x00"])
def test_list_of_paths_comes_from_stdin(day: Path, tmp_path: Path, end: bytes) -> None:
    """A dash stands for the paths on stdin, by line or as `find -print0` gives them."""
    listed = end.join(str(path).encode() for path in sorted(day.glob("*.log.gz"))) + end
    done = ptml("parse", "-", "--out", str(tmp_path / "out"), "--json", "--jobs", "1", stdin=listed)
    assert json.loads(done.stdout)["logs"] == {"conn": {"quarantined": 0, "rows": 5}}


def test_list_may_have_blank_lines_and_blanks_in_names(day: Path, tmp_path: Path) -> None:
    """A path is a whole line; it stands among those of the command line, and may be a folder."""
    (tmp_path / "my logs").mkdir()
    more = written(tmp_path / "my logs/conn.log", conn_log(many_rows(1, start=9)))
    listed = f"\n{more.parent}\r\n\n".encode()
    done = ptml("parse", str(day), "-", "--out", str(tmp_path / "out"), "--json", "--jobs", "1", stdin=listed)
    assert json.loads(done.stdout)["logs"]["conn"] == {"quarantined": 0, "rows": 6}


def test_list_of_nothing_is_missing_input(tmp_path: Path) -> None:
    """Exit code 3: a search that found nothing is no success."""
    done = ptml("parse", "-", "--out", str(tmp_path / "out"))
    assert (done.returncode, (tmp_path / "out").exists()) == (3, False)
    assert "there is no log and no PCAP at these paths" in done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x.log"], "nothing says where to"),
        (["--out", "x"], "--out says where PATHS go, and there are none"),
        (["x.log", "--out", "x", "--capture", "a"], "are outside of any"),
    ],
)
def test_options_that_do_not_fit_are_bad_usage(arguments: list[str], says: str) -> None:
    """Exit code 2, and what is wrong."""
    done = ptml("parse", *arguments)
    assert done.returncode == 2
    assert says in done.stderr.decode()


@pytest.mark.real
def test_day_of_real_rotated_logs_is_converted_whole(real_data: Path, tmp_path: Path) -> None:
    """Every data line of 329 files is a row or set aside, counted here line by line."""
    folder = real_data / "sensors/rotated-day-2024-04-20"
    report = parse_files([folder], tmp_path / "out")
    lines = 0
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            lines += sum(1 for line in data.splitlines() if line and not line.startswith(b"#"))
    assert report.total.rows + report.total.quarantined == lines
    assert report.count("done") == 329
    parts = sorted((tmp_path / "out/logs").rglob("*.parquet"))
    assert sum(pl.scan_parquet(part).select(pl.len()).collect().item() for part in parts) == report.total.rows
