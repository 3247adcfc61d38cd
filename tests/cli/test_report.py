"""Claims about `ptml report`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from ptml.cli import app
from tests.report.capture.samples import ordinary

if TYPE_CHECKING:
    from pathlib import Path


def ptml(*words: object) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, ["report", *map(str, words)])


def test_the_page_is_named_and_lies_in_the_folder(tmp_path: Path) -> None:
    """Its path on stdout and nothing else; the notes on stderr, or with --quiet nowhere."""
    folder = ordinary(tmp_path / "monday")
    (folder / "conn.log").unlink()
    done = ptml(folder)
    assert (done.exit_code, done.stdout) == (0, f"{folder / 'report.html'}\n")
    assert "note: there is no conn.log" in done.stderr
    assert ptml(folder, "--quiet").stderr == ""
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_the_result_is_given_to_machines(tmp_path: Path) -> None:
    """Counts and the page's size, as JSON."""
    page = tmp_path / "new" / "page.html"
    told = json.loads(ptml(ordinary(tmp_path / "monday"), "--out", page, "--json").stdout)
    assert (told["page"], told["connections"], told["embedded"], told["alerts"]) == (str(page), 25, 25, None)
    assert told["bytes"] == page.stat().st_size


def test_a_single_log_has_its_page_beside_it(tmp_path: Path) -> None:
    """Nothing is written over."""
    folder = ordinary(tmp_path / "monday")
    assert ptml(folder / "conn.log").stdout == f"{folder / 'report.html'}\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere"], 3, "does not exist"),
        (["monday", "--out", "monday"], 2, "is a folder, and a page is a file"),
        (["monday", "--out", "monday/conn.log/page.html"], 9, "cannot make the folder"),
        (["monday", "--geo", "none.mmdb"], 3, "a database of addresses was expected"),
        (["monday", "--enrich", "ipinfo"], 2, "IPINFO_TOKEN is not set"),
        (["monday", "--enrich", "whois"], 2, "ipinfo"),
    ],
)
def test_what_cannot_be_done_has_its_code_and_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    """Each error says what was expected and what came, and nothing is written."""
    monkeypatch.delenv("IPINFO_TOKEN", raising=False)
    ordinary(tmp_path / "monday")
    monkeypatch.chdir(tmp_path)
    done = ptml(*words)
    assert done.exit_code == code
    assert said in done.stderr
    assert not list(tmp_path.rglob("*.html"))
