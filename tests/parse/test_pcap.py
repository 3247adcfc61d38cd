"""Zeek runs on packet captures, within limits, and what it says of its own work is kept.

A stand-in for Zeek is used where what Zeek would do is known; the last test uses Zeek itself if it is found.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.doctor import doctor
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingTool, SettingsError
from ptml.identity import capture_id_of_pcap, is_pcap
from ptml.inventory import catalog
from ptml.manifest import published, read_manifest
from ptml.parse.files import parse_files
from ptml.parse.stage import parse
from ptml.settings import AddSettings, ParseSettings
from ptml.sources.own import add
from ptml.workspace import Workspace
from tests.builders import EMPTY_PCAP, PCAP, capture_folder, many_rows, zeek_log
from tests.parse.reading import read_whole
from tests.standin_zeek import VERSION, stand_in

if TYPE_CHECKING:
    from ptml.parse.files import FilesReport


@pytest.fixture
def pcap(tmp_path: Path) -> Path:
    """Give a capture of one packet."""
    path = tmp_path / "night.pcap"
    path.write_bytes(PCAP)
    return path


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Give the logs that the stand-in makes of any capture: three connections and one weird thing."""
    folder = capture_folder(tmp_path, "replayed", many_rows(3))
    weird = zeek_log("weird", {"ts": "time", "name": "string"}, [["1.0", "bad_TCP_checksum"]])
    (folder / "weird.log").write_bytes(weird)
    return folder


def use(monkeypatch: pytest.MonkeyPatch, program: Path) -> None:
    """Let the environment name a program as Zeek."""
    monkeypatch.setenv("PTML_ZEEK", str(program))


def converted(path: Path, out: Path, **limits: float) -> FilesReport:
    """Convert in this process."""
    return parse_files([path], out, settings=ParseSettings(**limits), engine=LocalEngine(1))


@pytest.mark.parametrize(
    ("magic", "expected"),
    [
        ("d4c3b2a1", True),
        ("a1b2c3d4", True),
        ("4d3cb2a1", True),
        ("a1b23c4d", True),
        ("0a0d0d0a", True),
        ("23736570", False),
        ("", False),
    ],
)
def test_packet_captures_are_told_by_their_first_bytes(tmp_path: Path, magic: str, *, expected: bool) -> None:
    """Pcap in either byte order and resolution, and pcapng; plain and gz, whatever the name."""
    data = bytes.fromhex(magic) + bytes(20)
    plain, packed = tmp_path / "conn.log", tmp_path / "x.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data))
    assert (is_pcap(plain), is_pcap(packed)) == (expected, expected)


def test_capture_becomes_the_logs_that_zeek_makes_of_it(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, version, scripts, exit code, weird.log: all in the manifest; logs of the run itself are not."""
    monkeypatch.setenv("SECRET_KEY", "hidden from Zeek, the stand-in checks")
    use(monkeypatch, stand_in(tmp_path / "bin", logs))
    report = converted(pcap, tmp_path / "out")
    assert {log: count.rows for log, count in report.logs.items()} == {"conn": 3, "weird": 1}
    assert report.notes == {"Zeek's weird.log: bad_TCP_checksum 1": 1}
    [manifest] = published(Workspace(tmp_path / "out"), "parse")
    assert manifest.capture_id == capture_id_of_pcap(pcap)
    said = manifest.parameters["zeek"]
    assert isinstance(said, dict)
    assert said.pop("scripts_sha256")
    assert said == {
        "version": VERSION,
        "arguments": ["-C", "-D", "-r", "LogAscii::use_json=F", "misc/loaded-scripts"],
        "exit_code": 0,
        "reporter": {},
        "weird": {"bad_TCP_checksum": 1},
        "scripts": 3,
        "scripts_beyond_base": ["/opt/zeek/share/zeek/policy/misc/loaded-scripts.zeek"],
    }
    assert not list((tmp_path / "out/.tmp").glob("*/*"))
    assert converted(pcap, tmp_path / "out").count("unchanged") == 1


def test_gz_of_a_capture_is_the_same_capture(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeek gets it decompressed; its id is that of the plain one."""
    use(monkeypatch, stand_in(tmp_path / "bin", logs))
    packed = tmp_path / "night.pcap.gz"
    packed.write_bytes(gzip.compress(PCAP))
    assert converted(packed, tmp_path / "out").total.rows == 4
    assert [one.capture_id for one in published(Workspace(tmp_path / "out"), "parse")] == [
        capture_id_of_pcap(pcap)
    ]


def test_gz_that_breaks_off_is_read_as_far_as_it_goes(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report says so."""
    use(monkeypatch, stand_in(tmp_path / "bin", logs))
    packed = tmp_path / "night.pcap.gz"
    packed.write_bytes(gzip.compress(PCAP * 1000)[:-20])
    report = converted(packed, tmp_path / "out")
    assert report.total.rows == 4
    assert any("breaks off" in note and "Zeek read what was before" in note for note in report.notes)


def test_in_a_folder_of_both_the_logs_count(pcap: Path, logs: Path, tmp_path: Path) -> None:
    """A PCAP beside logs is left out and counted: with both, each connection would come twice."""
    shutil.move(pcap, logs / "night.pcap")
    report = converted(logs, tmp_path / "out")
    assert report.total.rows == 4
    assert report.notes == {"PCAPs beside logs were left out": 1}


def test_without_zeek_it_is_said_what_to_install(
    pcap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 7, before anything is done; also where the environment names what is no program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match=r"no Zeek on the PATH(.|\n)*install Zeek") as caught:
        converted(pcap, tmp_path / "out")
    assert caught.value.exit_code == 7
    use(monkeypatch, pcap)
    with pytest.raises(MissingTool, match=r"PTML_ZEEK names .*night\.pcap, which is no program"):
        converted(pcap, tmp_path / "out")
    assert [one.state for one in doctor(Workspace(tmp_path)).findings if one.what == "zeek"] == ["warning"]


def test_doctor_names_the_zeek_that_would_run(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the PATH, by its variable, and by a command line, which is not run."""
    program = stand_in(tmp_path / "bin", logs)
    monkeypatch.setenv("PATH", str(program.parent))
    [found] = [one.detail for one in doctor(Workspace(tmp_path)).findings if one.what == "zeek"]
    assert found == f"{VERSION} at {program}"
    monkeypatch.setenv("PTML_ZEEK_COMMAND", "zeek {folder} --no-such")
    [found] = [one.detail for one in doctor(Workspace(tmp_path)).findings if one.what == "zeek"]
    assert found == f"by PTML_ZEEK_COMMAND, which begins with {program}"


def test_command_line_of_a_container_gets_the_paths(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are filled in one by one, without a shell; the capture has a name of ours there."""
    program = stand_in(tmp_path / "bin", logs)
    seen = tmp_path / "seen"
    wrapper = tmp_path / "run container"
    wrapper.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {seen}\n'
        f'while [ "$1" != zeek ]; do shift; done; shift\nexec {program} "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv(
        "PTML_ZEEK_COMMAND", f"'{wrapper}' -v {{folder}}:{{folder}} -v {{pcap}}:{{pcap}}:ro zeek"
    )
    hostile = tmp_path / "a:b $(touch x);.pcap"
    shutil.move(pcap, hostile)
    report = converted(hostile, tmp_path / "out")
    assert report.total.rows == 4
    words = seen.read_text().splitlines()[6:]
    assert words[0:4:2] == ["-v", "-v"]
    assert words[1].startswith(f"{tmp_path}/out/.tmp/")
    assert words[3].endswith("/capture.pcap:ro")
    assert not any("touch" in word for word in words)


@pytest.mark.parametrize("template", ["zeek 'unclosed", "no-such-program {pcap}"])
def test_command_line_that_is_none_is_refused(
    pcap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    """An open quote, and a program that is not there."""
    monkeypatch.setenv("PTML_ZEEK_COMMAND", template)
    with pytest.raises((SettingsError, MissingTool), match="PTML_ZEEK_COMMAND"):
        converted(pcap, tmp_path / "out")


@pytest.mark.parametrize(
    "case",
    [
        ("hang", "zeek_seconds", 1.0, "took more than 1 seconds"),
        ("fill", "zeek_output_gb", 1 / 1024, "wrote 1048576 bytes or more"),
        ("one_large", "zeek_output_gb", 1 / 1024, "wrote (a file that was too large|1048576 bytes or more)"),
        ("grow", "zeek_memory_gb", 0.25, "ran out of memory"),
    ],
)
def test_limit_stops_zeek_and_nothing_is_kept(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, float, str]
) -> None:
    """Time, output and memory; the next run tries again, as nothing was published."""
    does, limit, value, says = case
    use(monkeypatch, stand_in(tmp_path / "bin", logs, does))
    monkeypatch.setattr("ptml.parse.limited.GRACE_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(BadData, match=rf"{says}(.|\n)*nothing of the capture was kept(.|\n)*editcap"):
        converted(pcap, tmp_path / "out", **{limit: value})
    assert time.monotonic() - started < 20
    assert not list(published(Workspace(tmp_path / "out"), "parse"))
    assert not list((tmp_path / "out").rglob("*.parquet"))
    assert not [path for path in Path("/proc").glob("[0-9]*") if is_of(path, tmp_path / "bin")]


def is_of(process: Path, folder: Path) -> bool:
    """Tell whether a process runs a program of a folder."""
    try:
        return str(folder).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize(
    "case",
    [
        ("crash", "Zeek crashed (signal 11)", 2),
        ("fail", "Zeek ended with exit code 1: 1764000000.0 error: failed to read a packet", 1),
    ],
)
def test_logs_before_a_crash_are_kept_and_it_is_said(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, int]
) -> None:
    """Whole lines are rows; a cut line and the rest of the capture are quarantined, with the reason."""
    does, says, quarantined = case
    use(monkeypatch, stand_in(tmp_path / "bin", logs, does))
    report = converted(pcap, tmp_path / "out")
    assert (report.logs["conn"].rows, report.total.quarantined) == (3, quarantined)
    assert any(note.startswith(says) and note.endswith("before is kept") for note in report.notes)
    reasons = pl.read_parquet(tmp_path / "out/quarantine").filter(pl.col("log") == "pcap")["reason"]
    [reason] = reasons.to_list()
    assert reason.startswith(f"the rest of the file: {says}")


def test_capture_that_zeek_makes_nothing_of_is_bad_data(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeek's own words say why."""
    use(monkeypatch, stand_in(tmp_path / "bin", logs, "useless"))
    with pytest.raises(BadData, match="problem with trace file; it logged nothing of the capture"):
        converted(pcap, tmp_path / "out")


def test_links_and_folders_among_the_logs_are_not_read(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that leads out of Zeek's folder is no log of the capture."""
    use(monkeypatch, stand_in(tmp_path / "bin", logs, "stray"))
    assert sorted(converted(pcap, tmp_path / "out").logs) == ["conn", "weird"]


def test_captures_are_added_and_parsed_in_a_workspace(
    workspace: Workspace, pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The raw file is kept as it came; the id is of its hash, which stands in the catalog."""
    use(monkeypatch, stand_in(tmp_path / "bin", logs))
    settings = AddSettings(paths=(pcap,), label="malicious", family="emotet")
    [capture_id] = add(workspace, settings, engine=LocalEngine(1)).done
    [row] = catalog(workspace)
    assert capture_id == capture_id_of_pcap(pcap) == f"c{row['sha256'][:16]}"
    assert (row["name"], row["label"], row["size_bytes"]) == ("night.pcap", "malicious", len(PCAP))
    assert (workspace.raw("own", capture_id) / "night.pcap").read_bytes() == PCAP
    report = parse(workspace, engine=LocalEngine(1))
    assert (report.rows_out, report.counts["rows_conn"], report.counts["quarantined"]) == (4, 3, 0)
    manifest = read_manifest(workspace, "parse", capture_id)
    assert manifest is not None
    assert isinstance(manifest.parameters["zeek"], dict)
    assert parse(workspace, engine=LocalEngine(1)).unchanged == (capture_id,)


def test_each_capture_of_a_folder_is_added(workspace: Workspace, pcap: Path, tmp_path: Path) -> None:
    """A folder of PCAPs without any log is as many captures, named by their way down from it."""
    folder = tmp_path / "captures"
    (folder / "may").mkdir(parents=True)
    shutil.copy(pcap, folder / "may/a.pcap")
    (folder / "b.pcapng.gz").write_bytes(gzip.compress(bytes.fromhex("0a0d0d0a") + bytes(24)))
    (folder / "readme.txt").write_text("x")
    add(workspace, AddSettings(paths=(folder,), label="benign"), engine=LocalEngine(1))
    assert sorted(row["name"] for row in catalog(workspace)) == ["b.pcapng.gz", "may/a.pcap"]


def test_command_line_ends_with_the_code_of_a_missing_tool(pcap: Path, tmp_path: Path) -> None:
    """`ptml parse x.pcap` without Zeek exits with 7."""
    command = [sys.executable, "-m", "ptml", "parse", str(pcap), "--out", str(tmp_path / "out")]
    environment = os.environ | {"PATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 7
    assert "install Zeek (zeek.org)" in done.stderr


def test_command_line_sets_limits(
    pcap: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that is reached is bad data, and the message says which option raises it."""
    use(monkeypatch, stand_in(tmp_path / "bin", logs, "fill"))
    command = [sys.executable, "-m", "ptml", "parse", str(pcap), "--out", str(tmp_path / "out")]
    limit = ["--set", "parse.zeek_output_gb=0.0009765625", "--set", "parse.zeek_seconds=60"]
    done = subprocess.run([*command, *limit], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 4
    assert "wrote 1048576 bytes or more" in done.stderr
    assert "--set parse.zeek_seconds=…" in done.stderr


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("parse.zeek_secs=9", "did you mean 'zeek_seconds' for 'zeek_secs'?"),
        ("parse.zeek_seconds=0", "zeek_seconds: Input should be greater than 0"),
        ("train.folds=3", "--set takes parse.KEY=VALUE here, and got 'train'"),
    ],
)
@pytest.mark.parametrize("command", ["parse", "score"])
def test_settings_that_there_are_not_are_bad_usage(
    pcap: Path, override: str, says: str, command: str
) -> None:
    """Exit code 2, before anything is read, and what there is."""
    words = [sys.executable, "-m", "ptml", command, str(pcap), "--out", "x", "--set", override]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.real
def test_logs_that_zeek_wrote_come_out_as_they_are_read_directly(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of nine real captures, each log has the rows that reading it directly gives."""
    use(monkeypatch, stand_in(tmp_path / "bin", real_data / "zeek"))
    report = parse_files([real_data / "pcap"], tmp_path / "out", engine=LocalEngine(2))
    rows = {file.path.stem: {log: n.rows for log, n in file.logs.items()} for file in report.files}
    direct = {
        name: {
            log: frame.height
            for path in (real_data / "zeek" / name).iterdir()
            for log, frame in read_whole(path).logs.items()
        }
        for name in rows
    }
    assert len(rows) == 9
    assert rows == direct
    assert report.total.quarantined == 0
    reported = next(
        one for one in published(Workspace(tmp_path / "out"), "parse") if "1a3892d87a" in str(one)
    )
    assert '"reporter": {"Reporter::WARNING": 1}' in json.dumps(reported.parameters)


@pytest.mark.skipif(shutil.which("zeek") is None, reason="Zeek is not installed; the stand-in did its part")
def test_zeek_itself_reads_an_empty_capture(tmp_path: Path) -> None:
    """A capture without packets is one without connections, and no error."""
    path = tmp_path / "empty.pcap"
    path.write_bytes(EMPTY_PCAP)
    report = converted(path, tmp_path / "out")
    assert (report.total.rows, report.total.quarantined, report.failed) == (0, 0, {})
