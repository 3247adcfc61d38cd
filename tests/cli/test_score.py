"""Claims about `ptml score` as it is typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ptml.cli import app
from tests.score.captures import HALF, conn, make_model, write_capture
from tests.score.test_hostile import hostile

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a model `data/models/tiny` and the captures `in/loud` and `in/quiet`."""
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path / "data" / "models" / "tiny")
    write_capture(tmp_path / "in" / "loud", [conn(f"D{n}", n, ts=n) for n in range(8)])
    write_capture(tmp_path / "in" / "quiet", [conn("C1", 1, ts=90_000), conn("C2", 5, ts=90_000)])
    return tmp_path


def run(*words: str, given: str | None = None) -> Result:
    """Run `ptml score` with the model, in this process."""
    return CliRunner().invoke(app, ["score", "--model", "tiny", "--jobs", "1", *words], input=given)


def exit_of(*words: str) -> tuple[int, str]:
    """Run ptml as a command; its exit code and what it says on stderr."""
    done = subprocess.run([sys.executable, "-m", "ptml", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_a_mistyped_model_is_answered_with_the_nearest(place: Path) -> None:
    """Exit code 3, and the name that was meant."""
    code, said = exit_of("score", "in", "--model", "tinny")
    assert code == 3
    assert "'tiny'" in said
    assert not (place / "data" / "scores" / "latest" / "run.json").exists()


def test_an_empty_folder_is_missing_input(place: Path) -> None:
    """Exit code 3, and what was looked for."""
    (place / "empty").mkdir()
    code, said = exit_of("score", "empty", "--model", "tiny")
    assert (code, "no Zeek logs in it" in said) == (3, True)


def test_a_model_of_another_unit_does_not_fit(place: Path) -> None:
    """Exit code 6; the message names both units."""
    make_model(place / "data" / "models" / "whole", half={**HALF, "connection": ("pair_connections", 5.0)})
    code, said = exit_of("score", "in", "--model", "whole", "--capture-by", "day")
    assert code == 6
    assert "'file'" in said
    assert "'sensor-day'" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to score"),
        (("in", "--watch", "in"), "not for use with PATHS"),
        (("in", "--settle", "3"), "--settle is about --watch"),
        (("in", "--since", "tomorrow"), "is no time"),
    ],
)
def test_what_goes_wrong_in_usage_is_said(place: Path, words: tuple[str, ...], message: str) -> None:
    """Exit code 2, before anything is read."""
    code, said = exit_of("score", "--model", "tiny", *words)
    assert (code, message in said) == (2, True)
    assert not (place / "data" / "scores").exists()


@pytest.mark.usefixtures("place")
def test_paths_come_from_stdin_by_line_or_by_nul() -> None:
    """A dash stands for the list, beside other paths."""
    for given in ("in/loud\nin/quiet\n", "in/loud\0in/quiet\0"):
        result = run("-", "--json", "--quiet", given=given)
        assert result.exit_code == 0, result.output
        assert {row["name"] for row in json.loads(result.stdout)["captures"]} == {"loud", "quiet"}
    assert run("in/quiet", "-", "--quiet", given="in/loud\n").stdout.count("quiet") == 1


def test_a_path_named_like_an_option_is_given_after_two_dashes(place: Path) -> None:
    """As everywhere: what follows ``--`` is a path."""
    write_capture(place / "--force", [conn("E1", 9)])
    result = run("--json", "--quiet", "--", "--force")
    assert [row["name"] for row in json.loads(result.stdout)["captures"]] == ["--force"]


@pytest.mark.usefixtures("place")
def test_fail_on_looks_at_what_was_chosen() -> None:
    """Ten if a shown capture is malicious, nought if the choice leaves it out; --top changes nothing."""
    assert run("in", "--fail-on", "malicious").exit_code == 10
    assert run("in", "--fail-on", "malicious", "--top", "1").exit_code == 10
    assert run("in", "--fail-on", "malicious", "--min-probability", "0.999").exit_code == 0
    assert run("in", "--fail-on", "malicious", "--since", "1970-01-02").exit_code == 0


def test_a_choice_says_which_alerts_are_written(place: Path) -> None:
    """Of four alerts (5, 6, 7 and 5 packets) one has the sigmoid of 2, and one began on the second day."""
    out = place / "data" / "scores" / "latest"
    for words, uids in (
        ((), ["C2", "D5", "D6", "D7"]),
        (("--min-probability", "0.85"), ["D7"]),
        (("--since", "1970-01-02"), ["C2"]),
    ):
        result = run("in", "--json", "--quiet", *words)
        alerts = [json.loads(line) for line in (out / "alerts.jsonl").read_text().splitlines()]
        assert sorted(alert["uid"] for alert in alerts) == uids
        assert json.loads(result.stdout)["alerts"] == len(uids)
        choice = json.loads((out / "run.json").read_text())["choice"]
        assert choice["min_probability"] == (0.85 if "0.85" in words else 0.0)


def test_tables_come_in_other_forms_and_go_when_they_are_not_asked_for(place: Path) -> None:
    """CSV and JSON Lines of all four tables; a later run without them leaves no stale ones."""
    out = place / "data" / "scores" / "latest"
    run("in", "--also", "both")
    for table, rows in (("connections", 10), ("hosts", 2), ("captures", 2), ("pairs", 2)):
        lines = (out / f"{table}.jsonl").read_text().splitlines()
        assert len([json.loads(line) for line in lines]) == rows
        assert len((out / f"{table}.csv").read_text().splitlines()) == rows + 1
    (out / "mine.txt").write_text("kept")
    run("in")
    assert not list(out.glob("*s.jsonl"))[1:]
    assert {path.name for path in out.glob("*.csv")} == {"captures.csv", "hosts.csv"}
    assert (out / "mine.txt").exists()


def test_the_terminal_gets_no_control_byte(place: Path) -> None:
    """Names, reasons and errors of hostile captures are shown with marks in the place of what acts."""
    hostile(place / "bad" / "=1+1\x1b[2J")
    write_capture(place / "bad" / "no\x1b]0;conn\x07", [conn("C1", 1)], log="dns")
    done = subprocess.run(
        [sys.executable, "-m", "ptml", "score", "bad", "--model", "tiny", "--out", "o\x1b[31m"],
        capture_output=True,
        check=True,
        env={**os.environ, "FORCE_COLOR": "0", "NO_COLOR": "1", "TERM": "dumb"},
    )
    shown = done.stdout + done.stderr
    assert not {byte for byte in shown if byte < 32} - {10}
    assert "no�]0;conn�" in shown.decode()
