from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ptml.sources.simulator.writer import LogFormat, LogWriter, escape, seconds
from tests.sources.simulator.reading import Row, read_json, read_log

if TYPE_CHECKING:
    from pathlib import Path

OPENED = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def written(folder: Path, frame: pl.DataFrame, log_format: LogFormat, log: str = "files") -> Path:
    """Write rows of a log."""
    writer = LogWriter(folder, log, log_format=log_format, compress=False, opened_at=OPENED)
    writer.write(frame)
    writer.close(OPENED)
    return writer.path


def files_row(**values: object) -> pl.DataFrame:
    """One row of files.log."""
    row: Row = {"ts": 1_772_616_600_000_001, "fuid": "F1", "analyzers": [], "size": 3, **values}
    return pl.DataFrame([row], schema_overrides={"analyzers": pl.List(pl.String)})


def test_awkward_text_survives_both_formats(tmp_path: Path) -> None:
    """Backslashes, tabs, quotes and lone markers come back as they were."""
    for place, name in enumerate(["shared\\a.txt", "-", "(empty)", "tab\there", 'say "hi"', "\\x2d", "ünï"]):
        frame = files_row(filename=name)
        folder = tmp_path / str(place)
        folder.mkdir()
        assert read_log(written(folder, frame, "tsv"))[0]["filename"] == name
        from_json = json.loads(written(folder, frame, "json").read_text(encoding="utf-8"))["filename"]
        assert from_json == name.replace("\t", "\\x09")


def test_unset_and_empty_differ(tmp_path: Path) -> None:
    """An empty set is (empty) in TSV and [] in JSON; an unset field is - and absent."""
    frame = files_row(filename=None)
    line = written(tmp_path, frame, "tsv").read_text(encoding="utf-8").splitlines()[8].split("\t")
    assert (line[9], line[11]) == ("(empty)", "-")
    row = read_json(written(tmp_path, frame, "json"))[0]
    assert row == {"ts": 1_772_616_600.000001, "fuid": "F1", "analyzers": []}


def test_json_times_have_six_decimals(tmp_path: Path) -> None:
    """A time is a bare number with six decimals."""
    text = written(tmp_path, files_row(ts=1_772_616_600_000_000), "json").read_text(encoding="utf-8")
    assert text.startswith('{"ts":1772616600.000000,')


@given(st.lists(st.one_of(st.none(), st.integers(0, 2 * 10**15)), min_size=1))
def test_seconds_are_correctly_rounded(values: list[int | None]) -> None:
    """Microseconds become the double that is nearest to the exact quotient, as Python divides."""
    expected = [None if value is None else value / 1_000_000 for value in values]
    assert seconds(pl.Series("x", values, dtype=pl.Int64)).to_list() == expected


@given(st.lists(st.text(st.characters(max_codepoint=127)), min_size=1))
def test_escaped_text_has_no_separator(values: list[str]) -> None:
    """No control byte and no lone marker is left, and the text can be recovered."""
    for before, after in zip(values, escape(pl.Series("x", values)).to_list(), strict=True):
        assert after not in {"-", "(empty)"}
        assert all(32 <= ord(letter) < 127 for letter in after)
        recovered = after.replace("\\\\", "\x00").encode().decode("latin-1")
        parts = recovered.split("\\x")
        text = parts[0] + "".join(chr(int(part[:2], 16)) + part[2:] for part in parts[1:])
        assert text.replace("\x00", "\\") == before or "\x00" in before
