"""Captures' logs become Parquet datasets that any reader can use."""

from __future__ import annotations

import csv
import gzip
import zipfile
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput
from ptml.manifest import read_manifest
from ptml.parse.filereport import LogCount, lines_by_log
from ptml.parse.published import published_logs
from ptml.parse.stage import How, parse
from ptml.schema import QUARANTINE
from ptml.settings import AddSettings, ParseSettings
from ptml.sources.own import add
from tests.builders import capture_folder, conn_log, conn_row, many_rows, zeek_log

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.stage import StageReport
    from ptml.workspace import Workspace


def added(workspace: Workspace, *folders: Path) -> tuple[str, ...]:
    """Add folders as benign captures."""
    report = add(workspace, AddSettings(paths=folders, label="benign"), engine=LocalEngine(1))
    return (*report.done, *report.unchanged)


def parsed(workspace: Workspace, *, force: bool = False) -> StageReport:
    """Parse in this process."""
    return parse(workspace, engine=LocalEngine(1), force=force)


def test_datasets_are_read_unchanged_by_polars_duckdb_and_pandas(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Four readers that share no code see the same rows of two captures."""
    ids = added(
        workspace, *(capture_folder(tmp_path, n, many_rows(3, start=10 * i)) for i, n in enumerate("ab"))
    )
    parsed(workspace)
    glob = f"{workspace.root}/logs/conn/**/*.parquet"
    expected = sorted((capture, f"C{10 * i + n}", 443) for i, capture in enumerate(ids) for n in range(3))
    if ids != tuple(sorted(ids)):
        expected = sorted((ids[1 - i], f"C{10 * i + n}", 443) for i in range(2) for n in range(3))
    columns = ["capture_id", "uid", "id.resp_p"]
    with_polars = pl.read_parquet(workspace.root / "logs/conn").select(columns).sort("uid").rows()
    quoted = ", ".join(f'"{name}"' for name in columns)
    with_duckdb = duckdb.execute(f"select {quoted} from '{glob}' order by uid").fetchall()
    with_pandas = pd.read_parquet(workspace.root / "logs/conn")[columns].astype({"capture_id": str})
    assert sorted(with_duckdb) == sorted(with_polars)
    assert sorted(with_pandas.itertuples(index=False, name=None)) == sorted(with_polars)
    assert {row[1:] for row in with_polars} == {row[1:] for row in expected}


def test_zeek_types_stand_in_the_metadata(workspace: Workspace, tmp_path: Path) -> None:
    """The Parquet schema says what Zeek's type was, and nulls are nulls."""
    [capture_id] = added(workspace, capture_folder(tmp_path, "a", [conn_row(orig_bytes="-")]))
    parsed(workspace)
    manifest = read_manifest(workspace, "parse", capture_id)
    assert manifest is not None
    [path] = manifest.paths(workspace, "logs/conn")
    schema = pq.read_schema(path)
    assert schema.field("id.orig_h").metadata == {b"zeek.type": b"addr"}
    assert schema.metadata[b"zeek.path"] == b"conn"
    assert pq.read_table(path)["orig_bytes"].null_count == 1


def test_rows_and_quarantined_lines_are_all_lines(workspace: Workspace, tmp_path: Path) -> None:
    """Bad lines lie in quarantine with their bytes; the counts add up in manifest and report."""
    folder = capture_folder(tmp_path, "a", [])
    data = (
        conn_log([conn_row(uid="C1"), conn_row(uid="C2", id__resp_p="x"), conn_row(uid="C3")]) + b"cut\toff"
    )
    (folder / "conn.log").write_bytes(data)
    [capture_id] = added(workspace, folder)
    report = parsed(workspace)
    assert (report.rows_in, report.rows_out, report.counts["quarantined"]) == (4, 2, 2)
    quarantine = QUARANTINE.check(pl.read_parquet(workspace.root / "quarantine"))
    assert quarantine["capture_id"].to_list() == [capture_id] * 2
    assert quarantine["line"].to_list() == [10, 13]
    assert quarantine["reason"].to_list() == [
        "id.resp_p: 'x' is no port",
        "2 fields where the header names 18",
    ]
    assert quarantine["raw"].to_list()[1] == b"cut\toff"


def test_manifest_accounts_for_the_lines_of_each_file(workspace: Workspace, tmp_path: Path) -> None:
    """By file and log: of rotated parts, of a file of several logs, of an archive, and of an empty file."""
    folder = capture_folder(tmp_path, "a", [conn_row(uid="C3"), conn_row(id__resp_p="x")])
    (folder / "conn.log.1.gz").write_bytes(gzip.compress(conn_log(many_rows(2)))[:-9])
    (folder / "all.json").write_bytes(b'{"_path":"conn","uid":"C4"}\n{"_path":"dns","uid":"D1"}\n{"x\n')
    (folder / "empty.log").write_bytes(b"")
    [capture_id] = added(workspace, folder)
    parsed(workspace)
    manifest = read_manifest(workspace, "parse", capture_id)
    assert manifest is not None
    one_of_each = {"rows": 1, "quarantined": 1}  # a bad line of JSON counts for the log of the first one
    assert manifest.parameters["lines"] == {
        "all.json": {"conn": one_of_each, "dns": {"rows": 1, "quarantined": 0}},
        "conn.log": {"conn": one_of_each},
        "conn.log.1.gz": {"conn": {"rows": 2, "quarantined": 1}},
        "empty.log": {},
    }
    assert lines_by_log(manifest) == {"conn": LogCount(4, 3), "dns": LogCount(1)}


def test_file_that_is_no_log_is_quarantined_and_the_others_are_read(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A binary file named like a log, and a capture's other logs beside it."""
    folder = capture_folder(tmp_path, "a", many_rows(2))
    (folder / "dns.log").write_bytes(bytes(range(256)))
    added(workspace, folder)
    report = parsed(workspace)
    assert (report.rows_out, report.counts["quarantined"]) == (2, 1)
    [reason] = pl.read_parquet(f"{workspace.root}/quarantine/**/*.parquet")["reason"]
    assert "a binary file" in reason


def test_second_run_does_nothing_and_force_redoes(workspace: Workspace, tmp_path: Path) -> None:
    """Only what is new is parsed; the files of a forced run are the same, byte for byte."""
    folders = [capture_folder(tmp_path, name, many_rows(2, start=5 * i)) for i, name in enumerate("ab")]
    added(workspace, folders[0])
    assert len(parsed(workspace).done) == 1
    added(workspace, folders[1])
    second = parsed(workspace)
    assert (len(second.done), len(second.unchanged)) == (1, 1)
    before = {path: path.read_bytes() for path in workspace.root.glob("logs/**/*.parquet")}
    assert len(parsed(workspace, force=True).done) == 2
    assert {path: path.read_bytes() for path in workspace.root.glob("logs/**/*.parquet")} == before


def test_rotated_parts_and_versions_of_a_log_unite(workspace: Workspace, tmp_path: Path) -> None:
    """Parts with other columns are further Parquet parts of one log, in the order of their names."""
    folder = capture_folder(tmp_path, "a", [])
    (folder / "conn.log").unlink()
    older = zeek_log("conn", {"ts": "time", "uid": "string"}, [["1.0", "C1"]])
    newer = zeek_log("conn", {"ts": "time", "uid": "string", "ip_proto": "count"}, [["2.0", "C2", "6"]])
    (folder / "conn.00:00:00-01:00:00.log.gz").write_bytes(gzip.compress(older))
    (folder / "conn.01:00:00-02:00:00.log.gz").write_bytes(gzip.compress(newer))
    [capture_id] = added(workspace, folder)
    parsed(workspace)
    manifest = read_manifest(workspace, "parse", capture_id)
    assert manifest is not None
    conn = published_logs(workspace, manifest)["conn"].collect()
    assert conn.select("uid", "ip_proto").rows() == [("C1", None), ("C2", 6)]


def test_capture_without_conn_log_is_noted(workspace: Workspace, tmp_path: Path) -> None:
    """Other logs are kept; the report says that conn.log is missing."""
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "dns.log").write_bytes(zeek_log("dns", {"ts": "time", "uid": "string"}, [["1.0", "C1"]]))
    added(workspace, folder)
    assert parsed(workspace).notes == {"no conn.log": 1}


def test_nothing_to_parse_is_missing_input(workspace: Workspace) -> None:
    """An empty workspace says what fills it."""
    with pytest.raises(MissingInput, match=r"has no captures(.|\n)*`ptml simulate` or `ptml add"):
        parsed(workspace)


def test_log_name_from_a_hostile_header_never_becomes_a_path(workspace: Workspace, tmp_path: Path) -> None:
    """A #path that leads elsewhere is refused, and nothing is written outside."""
    folder = capture_folder(tmp_path, "a", [])
    (folder / "conn.log").write_bytes(zeek_log("../../evil", {"uid": "string"}, [["C1"]]))
    added(workspace, folder)
    report = parsed(workspace)
    assert (report.rows_out, report.counts["quarantined"]) == (0, 1)
    assert not list(tmp_path.rglob("evil*"))


def test_archive_of_logs_is_a_capture(workspace: Workspace, tmp_path: Path) -> None:
    """A zip is parsed member by member; quarantine and notes name the member and what was left out."""
    path = tmp_path / "day.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("z/conn.log", conn_log([conn_row(uid="C1"), conn_row(uid="C2", id__resp_p="x")]))
        archive.writestr("z/dns.json", '{"uid":"D1"}\n')
        archive.writestr("z/readme.txt", "hello")
    added(workspace, path)
    report = parsed(workspace)
    assert (report.rows_in, report.rows_out, report.counts["quarantined"]) == (3, 2, 1)
    assert (report.counts["rows_conn"], report.counts["rows_dns"]) == (1, 1)
    assert report.notes == {"day.zip: members that are no logs were left out": 1}
    assert pl.read_parquet(workspace.root / "quarantine")["path"].to_list() == ["day.zip/z/conn.log"]


def test_notes_of_the_reader_reach_the_report(workspace: Workspace, tmp_path: Path) -> None:
    """That a log had no header of its own is said in the report."""
    folder = capture_folder(tmp_path, "a", many_rows(2))
    (folder / "dns.log").write_text("ts\tuid\tquery\n1.0\tC1\ta.example\n")
    added(workspace, folder)
    assert parsed(workspace).notes == {
        "dns: a header of names alone; types are those of Zeek's own dns.log": 1
    }


def test_parts_of_a_log_lie_in_the_order_of_time(workspace: Workspace, tmp_path: Path) -> None:
    """Rotated parts become one dataset, the oldest first, though their names sort otherwise."""
    folder = capture_folder(tmp_path, "a", [conn_row(uid="C3")])
    (folder / "conn.log.1").write_bytes(conn_log([conn_row(uid="C2")]))
    (folder / "conn.log.10.gz").write_bytes(gzip.compress(conn_log([conn_row(uid="C1")])))
    [capture_id] = added(workspace, folder)
    parsed(workspace)
    manifest = read_manifest(workspace, "parse", capture_id)
    assert manifest is not None
    assert published_logs(workspace, manifest)["conn"].collect()["uid"].to_list() == ["C1", "C2", "C3"]


def test_every_real_capture_is_parsed_whole(real_data: Path, workspace: Workspace) -> None:
    """The connections read equal the number that the corpus' own list states, for a spread of captures."""
    with (real_data / "captures.csv").open() as file:
        rows = list(csv.DictReader(file))[::40]
    add(
        workspace, AddSettings(paths=tuple(real_data / "zeek" / row["name"] for row in rows), label="unknown")
    )
    report = parse(workspace)
    assert report.counts["rows_conn"] == sum(int(row["connections"]) for row in rows)
    assert report.counts["quarantined"] == 0
    assert not report.failed


@pytest.mark.parametrize(
    "capture", ["sensors/proxy", "sensors/trickbot-week", "sensors/port-scan-json", "dialects/truncated"]
)
def test_every_line_of_a_real_file_is_counted(real_data: Path, workspace: Workspace, capture: str) -> None:
    """Of each file, rows and lines set aside are the data lines that are counted here."""
    [capture_id] = added(workspace, real_data / capture)
    parsed(workspace)
    manifest = read_manifest(workspace, "parse", capture_id)
    assert manifest is not None
    counted: dict[str, dict[str, dict[str, int]]] = cast("Any", manifest.parameters["lines"])
    total = 0
    for name, logs in counted.items():
        data = (real_data / capture / name).read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        lines = sum(1 for line in data.split(b"\n") if line.strip() and not line.startswith(b"#"))
        assert (name, sum(sum(count.values()) for count in logs.values())) == (name, lines)
        total += lines
    assert total == manifest.rows_in > 0
    parts = [workspace.root / file.path for file in manifest.files if file.dataset.startswith("logs/")]
    assert sum(pl.read_parquet(part).height for part in parts) == manifest.rows_out


def test_capture_of_no_logs_is_bad_data(workspace: Workspace, tmp_path: Path) -> None:
    """A capture whose raw files were all taken away does not pass for an empty one."""
    added(workspace, capture_folder(tmp_path, "a", many_rows(1)))
    for path in workspace.root.glob("manifests/raw/*.json"):
        path.write_text(path.read_text().replace("conn.log", "conn.txt"))
    with pytest.raises(BadData, match="no file in the capture looks like a Zeek log"):
        parsed(workspace)


def test_reading_without_settings_is_reading_with_the_default_ones() -> None:
    """What stands in the code for want of settings is what the settings say by themselves."""
    assert How.of(None) == How.of(ParseSettings())
    assert How.of(ParseSettings(block_bytes=1 << 20, zeek_memory_gb=0.5)).zeek.memory_bytes == 1 << 29
