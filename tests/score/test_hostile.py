"""Claims about bad and hostile input: it is told, and it stays text."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.errors import MissingInput
from ptml.score import score
from tests.score.captures import FIELDS, conn, make_model, write_capture
from tests.score.test_stage import HERE, scored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser import Browser

LOUD = [conn(f"D{n}", n) for n in range(8)]


def test_an_archive_has_the_scores_of_its_logs(tmp_path: Path) -> None:
    """A zip and a compressed tar of a folder give what the folder gives."""
    folder = write_capture(tmp_path / "logs", LOUD)
    with zipfile.ZipFile(tmp_path / "logs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "conn.log", "logs/conn.log")
    with tarfile.open(tmp_path / "logs.tar.gz", "w:gz") as tar:
        tar.add(folder / "conn.log", "logs/conn.log")
    model = make_model(tmp_path / "tiny")
    tables = []
    for name in ("logs", "logs.zip", "logs.tar.gz"):
        score([tmp_path / name], model=model, out=tmp_path / "out", engine=HERE)
        frame = pl.read_parquet(tmp_path / "out" / "connections.parquet").drop("capture_id")
        tables.append(frame.rows())
    assert tables[0] == tables[1] == tables[2]
    assert len(tables[0]) == 8


def test_of_a_truncated_archive_what_came_before_is_scored_and_the_rest_is_told(tmp_path: Path) -> None:
    """The rows that can be read have scores; the break is in the record with its reason."""
    rows = [conn(f"D{n}", n % 9, ts=n) for n in range(4000)]
    folder = write_capture(tmp_path / "logs", rows)
    whole = tmp_path / "whole.tar.gz"
    with tarfile.open(whole, "w:gz") as tar:
        tar.add(folder / "conn.log", "logs/conn.log")
    (tmp_path / "in").mkdir()
    data = whole.read_bytes()
    (tmp_path / "in" / "cut.tar.gz").write_bytes(data[: len(data) * 2 // 3])
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    [record] = json.loads((tmp_path / "out" / "run.json").read_text())["captures"]
    assert 0 < record["connections"] < 4000
    assert record["rows_quarantined"] >= 1
    assert any("cut.tar.gz" in why or "rest of the file" in why for why in record["quarantine_reasons"])
    assert result.totals["connections"] == record["connections"]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A log of a gigabyte of zeros in a small zip is skipped, with the limit that it exceeds."""
    (tmp_path / "in").mkdir()
    bomb = tmp_path / "in" / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("conn.log", "w") as member,
    ):
        for _ in range(1024):
            member.write(bytes(1 << 20))
    with pytest.raises(MissingInput, match=r"bomb\.zip"):
        scored(tmp_path, make_model(tmp_path / "tiny"))
    assert not (tmp_path / "out" / "connections.parquet").exists()


def test_of_a_file_that_is_still_written_the_whole_lines_are_scored(tmp_path: Path) -> None:
    """The last line, of which half is there, is set aside; once it is whole, the next run scores it."""
    folder = write_capture(tmp_path / "in" / "live", LOUD)
    path = folder / "conn.log"
    text = path.read_text()
    path.write_text(text[:-20])
    model = make_model(tmp_path / "tiny")
    first = scored(tmp_path, model)
    assert (first.totals["connections"], first.totals["rows_quarantined"]) == (7, 1)
    path.write_text(text)
    second = scored(tmp_path, model)
    assert (second.totals["connections"], second.totals["rows_quarantined"]) == (8, 0)
    assert second.unchanged == ()


def test_an_added_hour_is_the_same_capture_scored_anew(tmp_path: Path) -> None:
    """A growing day keeps its id; days that did not change are not scored again."""
    for day, hour in (("2026-11-22", "05"), ("2026-11-23", "05"), ("2026-11-23", "06")):
        rows = write_capture(tmp_path / "making", [conn(f"{day}-{hour}", 9)])
        path = tmp_path / "in" / "zeek" / day / f"conn.{hour}:00:00-{int(hour) + 1:02}:00:00.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        (rows / "conn.log").rename(path)
    late = path.rename(tmp_path / "late.log")
    model = make_model(tmp_path / "tiny")
    first = scored(tmp_path, model, by="day")
    late.rename(path)
    second = scored(tmp_path, model, by="day")
    assert second.unchanged == ("zeek 2026-11-22",)
    ids = [{row["name"]: row["capture_id"] for row in result.captures} for result in (first, second)]
    assert ids[0] == ids[1]
    assert [row["connections"] for row in sorted(second.captures, key=lambda row: row["name"])] == [1, 2]


ATTACKS = [
    "<script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    '"><svg onload=document.title="ran">',
    "javascript:document.title='ran'",
    '=HYPERLINK("http://203.0.113.9","x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\\x1b[2J\\x1b]0;ran\\x07",
    "\x1b[31m\x9b2J",
    "../../../../etc/passwd",
    "{{7*7}}${7*7}",
    "\u202egnp.exe",
]


def hostile(folder: Path) -> Path:
    """Write a capture in which every text is an attack, under a name that is one."""
    rows = []
    for number, attack in enumerate(ATTACKS):
        row = conn(f"{attack}{number}", 9, host=attack)
        row[4] = attack
        row[6] = attack
        rows.append(row)
    assert list(FIELDS).index("id.resp_h") == 4
    return write_capture(folder, rows)


def test_attacks_stay_text_in_every_table(tmp_path: Path) -> None:
    """No CSV cell is a formula or holds a control byte; JSON Lines are sound, in both spellings."""
    hostile(tmp_path / "in" / "=1+1\x1b[2J<b>")
    model = make_model(tmp_path / "tiny")
    for form in ("plain", "ecs"):
        scored(tmp_path, model, also=("csv", "jsonl"), alert_format=form, force=True)
        files = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
        for name, data in files.items():
            if name.endswith((".csv", ".jsonl", ".html", "run.json")):
                assert not {byte for byte in data if byte < 32} - {10}, name
            if name.endswith((".csv", ".html", "run.json", "alerts.jsonl")):
                assert "\x9b" not in data.decode(), name
        for name in ("connections.csv", "hosts.csv", "captures.csv", "pairs.csv"):
            for row in csv.reader(io.StringIO(files[name].decode())):
                assert not [cell for cell in row if cell.startswith(("=", "+", "@", "-", "\t"))]
        lines = files["alerts.jsonl"].decode().splitlines()
        assert len([json.loads(line) for line in lines]) == len(ATTACKS)
        assert [path.name for path in (tmp_path).iterdir()].count("etc") == 0


def test_a_browser_runs_nothing_of_a_hostile_capture(tmp_path: Path, browser: Browser) -> None:
    """The page shows attacks as text: no script runs, nothing is loaded, nothing is complained of."""
    hostile(tmp_path / "in" / "<script>document.title='ran'<")
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    browser.show(result.report.read_text("utf-8"))
    assert browser.run("return document.title") != "ran"
    assert browser.run("return document.body.textContent.includes(arguments[0])", ATTACKS[0])
    assert browser.elements("img, svg[onload], iframe, object, embed") == []
    assert browser.requests() == []
    assert browser.complaints() == []
