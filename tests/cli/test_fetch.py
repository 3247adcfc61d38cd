"""Claims about `ptml sources`, `search`, `info` and `fetch`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from ptml.cli import app
from ptml.sources.registry import SOURCES
from tests.builders import PCAP
from tests.webserver import WebServer, web_fixture

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["web_fixture"]


def ptml(*words: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, words)


@pytest.fixture(name="listed")
def listed_fixture(web: WebServer) -> str:
    """Serve a capture and a list of it, whose name for it wants to move the cursor; give the list's URL."""
    url = web.add("/a.pcap", PCAP)
    row = {"url": url, "name": "a\x1b[2J.pcap", "label": "benign", "size": len(PCAP)}
    return web.add("/list.jsonl", json.dumps(row))


def test_sources_are_listed_with_needs_and_terms() -> None:
    """Each source has its line, and its object for machines."""
    told = json.loads(ptml("sources", "--json").stdout)["sources"]
    assert [one["name"] for one in told] == sorted(SOURCES)
    assert all(one["needs"] and one["terms"] and one["citation"] for one in told)
    assert all(name in ptml("sources").stdout for name in SOURCES)


def test_a_capture_is_fetched_and_told(listed: str, tmp_path: Path) -> None:
    """The plan first, then the fetch, then that nothing is left to do; what is hostile stays harmless."""
    where = ("manifest", listed, "--data", str(tmp_path), "--allow-private")
    planned = ptml("fetch", *where, "--dry-run")
    assert f"would fetch 1 files, {len(PCAP)} bytes as far as is said" in planned.stdout
    assert "\x1b" not in planned.stdout
    done = json.loads(ptml("fetch", *where, "--json").stdout)
    assert done["done"] == ["c" + hashlib.sha256(PCAP).hexdigest()[:16]]
    again = ptml("fetch", *where)
    assert (again.exit_code, again.stdout.startswith("fetch: 0 captures done, 1 unchanged, 0 failed")) == (
        0,
        True,
    )
    plan = json.loads(ptml("fetch", *where, "--dry-run", "--json").stdout)
    assert (plan["would_fetch"], plan["there_already"]) == ([], [listed.replace("list.jsonl", "a.pcap")])


def test_info_and_search_tell_what_a_source_says(
    listed: str, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a table, and for machines."""
    assert json.loads(ptml("info", "manifest", listed, "--allow-private", "--json").stdout)["benign"] == 1
    monkeypatch.setenv("PTML_STRATOSPHERE_URL", web.url)
    web.add("/datasets.json", json.dumps([{"Capture_Name": "CTU-1", "Malware": "Neris\x1b[2J"}]))
    found = ptml("search", "stratosphere", "neris", "--allow-private")
    assert found.stdout.startswith("1 hits")
    assert ("CTU-1" in found.stdout, "\x1b" in found.stdout) == (True, False)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("fetch", "manifest"), 2, "nothing to fetch: give ids, or a query"),
        (("fetch", "manifst", "x"), 2, "did you mean 'manifest'"),
        (("fetch", "manifest", "none.csv"), 3, "none.csv cannot be read"),
        (("fetch", "manifest", "http://127.0.0.1:1/x.csv"), 5, "--allow-private permits it"),
        (("fetch", "manifest", "http://169.254.169.254/x", "--allow-private"), 5, "never connected to"),
        (("fetch", "manifest", "file:///etc/passwd"), 2, "cannot be read"),
        (("info", "zenodo", "x"), 2, "is no record of Zenodo"),
        (("search", "manifest", "x"), 2, "cannot be searched"),
        (("fetch", "manifest", "x.csv", "--ca", "none.pem"), 3, "none.pem does not exist"),
    ],
)
def test_what_goes_wrong_has_its_exit_code(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """Usage is 2, missing input 3, the network 5; each says what to try."""
    done = ptml(*words, "--data", str(tmp_path))
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
