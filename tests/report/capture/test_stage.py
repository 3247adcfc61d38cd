"""Claims about the page on a capture, as text."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from ptml.errors import CannotWrite, MissingInput, SettingsError
from ptml.report.capture import report
from ptml.report.capture.places import Enrichment
from ptml.sources.ipinfo import Told
from tests.builders import conn_log, conn_row, many_rows
from tests.report.capture.samples import hostile, ordinary, scored
from tests.report.reader import LOADING, Reader

if TYPE_CHECKING:
    from pathlib import Path


def sections(html: str) -> dict[str, str]:
    """Read the text of each section of a page, by id."""
    found = re.findall(r'<section id="([a-z]+)".*?</section>', html, flags=re.DOTALL)
    parts = re.findall(r'<section id="[a-z]+".*?</section>', html, flags=re.DOTALL)
    texts = (re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part)) for part in parts)
    return dict(zip(found, texts, strict=True))


def page(path: Path, out: Path, **how: object) -> str:
    """Make the page and read it."""
    done = report(path, out=out / "page.html", **how)  # type: ignore[arg-type]  # options by name
    text = done.page.read_text("utf-8")
    assert done.bytes == len(text.encode())
    return text


def test_the_page_tells_what_the_logs_hold(tmp_path: Path) -> None:
    """Figures of a small capture, worked by hand: 25 connections of 40 bytes, names, a file, a beacon."""
    html = page(ordinary(tmp_path / "monday"), tmp_path)
    told = sections(html)
    assert "25 connections" in html
    assert "2025-11-24 16:00:00 to 2025-11-24 16:23:00 UTC (23 min), 1.0 kB of payload" in html
    assert "tcp 24" in told["mix"]
    assert "960 B" in told["mix"]
    assert "10.0.0.5 203.0.113.9 443 tcp 24 960 B 720 B 240 B" in told["talkers"]
    assert "example.org 1 1 1" in told["names"]
    assert "update.example 1 1" in told["names"]
    assert "application/x-dosexec 1 1.5 kB" in told["files"]
    assert "a.exe HTTP 1 1.5 kB" in told["files"]
    assert "No notice.log" in told["events"]
    assert "No weird.log" in told["events"]
    assert "1.00 10.0.0.5 203.0.113.9:443 24 60.0 100" in told["beacons"]
    assert "25 of 25, the earliest first" in told["connections"]
    assert "alerts" not in told
    assert "places" not in told


def test_a_scored_capture_has_its_alerts_with_reasons(tmp_path: Path) -> None:
    """Three alerts of 25, each with why; the table has the riskiest first, with their probabilities."""
    folder = scored(tmp_path, {"monday": ordinary(tmp_path / "monday")}, reasons=["too regular", "no name"])
    done = report(folder)
    assert done.page == folder / "capture.html"
    assert (done.connections, done.embedded, done.alerts) == (25, 25, 3)
    html = done.page.read_text("utf-8")
    told = sections(html)
    assert "3 alerts among 25 connections" in html
    assert told["alerts"].count("too regular no name") == 3
    assert "the riskiest first" in told["connections"]


def test_reasons_may_be_missing(tmp_path: Path) -> None:
    """A model that cannot tell why leaves them null, and there is no column for them."""
    folder = scored(tmp_path, {"monday": ordinary(tmp_path / "monday")})
    assert "Why" not in sections(page(folder, tmp_path))["alerts"]


@pytest.mark.parametrize("content", [conn_log([]), b""], ids=["header", "nothing"])
def test_a_capture_without_connections_has_a_page(tmp_path: Path, content: bytes) -> None:
    """It says that there is nothing, and why."""
    (tmp_path / "conn.log").write_bytes(content)
    html = page(tmp_path, tmp_path)
    assert "0 connections" in html
    assert "there is no conn.log, or none with a connection in it" in html
    assert all(f"No {log}.log" in html for log in ("dns", "ssl", "files", "notice", "weird"))
    assert "There is none." in sections(html)["connections"]


def test_logs_without_connections_are_shown(tmp_path: Path) -> None:
    """A capture of dns.log alone has its names, and a note that no traffic is known."""
    html = page(ordinary(tmp_path / "monday") / "dns.log", tmp_path)
    assert "example.org 1 1 1" in sections(html)["names"]
    assert "so no traffic is shown" in html


def test_columns_may_be_missing(tmp_path: Path) -> None:
    """A conn.log with nothing but uids: counted, and said to have no times."""
    (tmp_path / "conn.log").write_text("#separator \\x09\n#fields\tuid\n#types\tstring\nC1\nC2\n")
    html = page(tmp_path, tmp_path)
    assert "2 connections" in html
    assert "No connection has a time that a calendar knows" in html
    assert "Pairs could not be scored" in html


def test_what_no_calendar_and_no_integer_holds_is_shown(tmp_path: Path) -> None:
    """Counts near the largest, times of 1970 and 2105, a wrong line: each has its place or its note."""
    most = str(2**64 - 1)
    rows = [*many_rows(5), conn_row(uid="X1", ts="1.0", orig_bytes=most, resp_bytes=most)]
    log = conn_log([*rows, conn_row(uid="X2", ts="4260000000.0")])
    (tmp_path / "conn.log").write_bytes(log.replace(b"#close", b"no row at all\n#close"))
    html = page(tmp_path, tmp_path)
    assert "36.9 EB" in html
    assert "2 connections began weeks or years apart" in html
    assert "1 line could not be read" in html


def test_attacks_are_text_and_nothing_else(tmp_path: Path) -> None:
    """Every string of every log attacks: the page has no element, handler or address of theirs."""
    html = page(hostile(tmp_path / "bad"), tmp_path)
    reader = Reader(html)
    assert not {tag for tag, _ in reader.tags} & LOADING
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    assert "onerror=alert(2)&gt;" in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "{{7*7}}" in html
    assert len(html) < 400_000
    assert " 10 000 1 1 " in sections(html)["names"]
    assert "bücher.example" in html


def test_the_same_capture_gives_the_same_page(tmp_path: Path) -> None:
    """Made twice, the pages are the same bytes."""
    folder = ordinary(tmp_path / "monday")
    assert page(folder, tmp_path / "a") == page(folder, tmp_path / "b")


def test_ipinfo_that_fails_is_a_note(tmp_path: Path) -> None:
    """The page is made all the same."""

    def ask(*_: object) -> Told:
        return Told({}, 0, "status 500")

    html = page(ordinary(tmp_path / "m"), tmp_path, enrichment=Enrichment("key", tmp_path, ask))
    assert "ipinfo was not asked further: status 500" in html
    assert "Of 1 public destinations a place is known for 0" in sections(html)["places"]


def test_a_place_that_cannot_be_written_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder, one below a file, one that refuses, a database that is not there: no work is done."""
    folder = ordinary(tmp_path / "monday")
    with pytest.raises(SettingsError, match="is a folder, and a page is a file"):
        report(folder, out=tmp_path)
    with pytest.raises(CannotWrite, match="cannot make the folder"):
        report(folder, out=folder / "conn.log" / "page.html")
    with pytest.raises(MissingInput, match="a database of addresses was expected"):
        report(folder, geo=[tmp_path / "none.mmdb"])
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, whom nothing refuses
    with pytest.raises(CannotWrite, match="may not be written to"):
        report(folder)
    assert not list(tmp_path.rglob("*.html"))
