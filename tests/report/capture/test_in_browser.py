"""Claims about the table of connections as a real browser shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.report.capture.opening import Opened
from ptml.report.capture.page import render_capture
from ptml.report.capture.stage import page_of
from tests.browser import PHONE

if TYPE_CHECKING:
    from tests.browser import Browser

MANY = 100_000
START = datetime(2026, 11, 23, tzinfo=UTC)
GAP = "\N{NARROW NO-BREAK SPACE}"
FIELD = "#connections input[type=search]"
STATUS = "return document.querySelector('#connections [role=status]').textContent"
SHOWN = """
const [column] = arguments, box = document.querySelector('.scroll.rows').getBoundingClientRect();
const head = document.querySelector('table.rows th').getBoundingClientRect().bottom;
return [...document.querySelector('table.rows').tBodies[0].rows]
  .filter(r => r.getBoundingClientRect().bottom > head + 1 && r.getBoundingClientRect().top < box.bottom)
  .map(r => r.cells[column].textContent);
"""
SCROLL = "document.querySelector('.scroll.rows').scrollTop = arguments[0]"
FRAME = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"
TIMED = """
const field = document.querySelector('#connections input'), taken = [];
for (const text of arguments[0]) {
  const start = performance.now();
  field.value = text;
  field.dispatchEvent(new Event('input'));
  document.querySelector('table.rows').getBoundingClientRect();
  taken.push(performance.now() - start);
}
return taken;
"""
SORTED = """
return [...document.querySelectorAll('table.rows button')].map(button => {
  const start = performance.now();
  button.click();
  document.querySelector('table.rows').getBoundingClientRect();
  return performance.now() - start;
});
"""
UID, BYTES, HOST = 12, 9, 1
ROW_HEIGHT = 30


@cache
def many() -> str:
    """Make the page of 100 000 connections: the n-th sends n * 7919 mod 100 003 bytes, each value once."""
    number = pl.int_range(MANY)
    conn = pl.select(
        pl.format("C{}", number).alias("uid"),
        (pl.lit(START) + number * timedelta(seconds=1)).alias("ts"),
        pl.format("10.0.{}.{}", number // 250 % 200, number % 250).alias("id.orig_h"),
        pl.lit("203.0.113.9").alias("id.resp_h"),
        pl.lit(443, pl.UInt16).alias("id.resp_p"),
        (number * 7919 % 100_003).cast(pl.UInt64).alias("orig_bytes"),
        pl.when(number % 2 == 0).then(number / 3).alias("duration"),
    )
    return render_capture(page_of(Opened("many", {"conn": conn.lazy()})))


@pytest.fixture(name="shown")
def shown_fixture(browser: Browser) -> Browser:
    """Show the page of 100 000 connections."""
    browser.show(many())
    return browser


def test_a_page_of_many_connections_is_small_and_holds_few_rows(shown: Browser) -> None:
    """At most 15 MB, and of 100 000 rows the browser holds some dozens, wherever it is scrolled to."""
    assert len(many().encode()) <= 15_000_000
    held = "return document.querySelector('table.rows').tBodies[0].rows.length"
    assert 20 <= shown.run(held) < 60
    shown.run(SCROLL + ";" + FRAME, MANY * ROW_HEIGHT)
    assert 20 <= shown.run(held) < 60
    assert shown.complaints() == []


def test_every_row_can_be_scrolled_to(shown: Browser) -> None:
    """The last row is at the end, and one from the middle where it belongs, with its number for readers."""
    shown.run(SCROLL + ";" + FRAME, MANY * ROW_HEIGHT * 2)
    assert shown.run(SHOWN, UID)[-1] == "C99999"
    shown.run(SCROLL + ";" + FRAME, 50_000 * ROW_HEIGHT)
    (first, *_) = (uid for uid in shown.run(SHOWN, UID))
    assert abs(int(first[1:]) - 50_000) <= 2
    numbered = """return [...document.querySelector('table.rows').tBodies[0].rows]
        .every(r => +r.getAttribute('aria-rowindex') === +r.cells[12].textContent.slice(1) + 2)"""
    assert shown.run(numbered)
    assert shown.run("return document.querySelector('table.rows').getAttribute('aria-rowcount')") == "100001"


def test_search_finds_parts_of_any_column(shown: Browser) -> None:
    """A uid, an address and a count, typed; two words must both be there; emptied, all are back."""
    (field,) = shown.elements(FIELD)
    shown.type(field, "c77777")
    assert (shown.run(SHOWN, UID), shown.run(STATUS)) == (["C77777"], f"1 of 100{GAP}000")
    shown.clear(field)
    shown.type(field, "10.0.7.13 C18")
    # Rows 1763 and 51763 have that host, and ten rows from 1880 and from 51880 one that begins like it.
    assert shown.run(SHOWN, UID) == [f"C{row}" for row in range(1880, 1890)]
    shown.clear(field)
    shown.type(field, "10.0.7.13 C17")
    assert shown.run(SHOWN, UID) == ["C1763"]
    shown.clear(field)
    assert shown.run(STATUS) == ""
    assert shown.run(SHOWN, UID)[0] == "C0"
    shown.type(field, "nothing of the kind")
    assert shown.run(SHOWN, UID) == []


def test_columns_sort_both_ways_and_what_is_unknown_comes_last(shown: Browser) -> None:
    """Numbers as numbers, the greatest first; addresses by their numbers; unknown durations at the end."""
    shown.click(f"table.rows th:nth-child({BYTES + 1}) button")
    assert shown.run(SHOWN, BYTES)[0] == f"100{GAP}002"
    shown.click(f"table.rows th:nth-child({BYTES + 1}) button")
    assert shown.run(SHOWN, BYTES)[:2] == ["0", "1"]
    shown.click(f"table.rows th:nth-child({HOST + 1}) button")
    assert shown.run(SHOWN, HOST)[:2] == ["10.0.0.0", "10.0.0.0"]
    shown.click(f"table.rows th:nth-child({HOST + 1}) button")
    assert shown.run(SHOWN, HOST)[0] == "10.0.199.249"
    for _ in range(2):
        shown.click("table.rows th:nth-child(9) button")
        shown.run(SCROLL + ";" + FRAME, MANY * ROW_HEIGHT * 2)
        assert shown.run(SHOWN, 8)[-1] == "\N{EN DASH}"


def test_the_table_is_used_by_the_keyboard(shown: Browser) -> None:
    """Tab goes from the field through the box to the heads; keys scroll the box, and Enter sorts."""
    shown.run("document.querySelector(arguments[0]).focus()", FIELD)
    shown.press("Tab")
    assert shown.run("return document.activeElement.matches('.scroll.rows')")
    shown.press("End")
    wait = "const until = Date.now() + 3000; while (Date.now() < until) { " + FRAME
    shown.run(wait + " if (document.querySelector('.scroll.rows').scrollTop > 1000) return; }")
    assert shown.run("return document.querySelector('.scroll.rows').scrollTop") > 1000
    shown.press("Tab", "Tab", "Enter")
    assert shown.run("return document.activeElement.closest('th').getAttribute('aria-sort')") == "ascending"


def test_searching_and_sorting_many_rows_takes_no_time(shown: Browser) -> None:
    """A keystroke and a click take less than 200 ms in the median, and none a second, not even the first."""
    taken = shown.run(TIMED, ["1", "10", "10.", "10.0", "10.0.7", "10.0.7 c", "4", "44", "443", "c9", ""])
    assert sorted(taken)[len(taken) // 2] < 200
    assert max(taken) < 1000
    clicks = shown.run(SORTED)
    assert len(clicks) == 13
    assert sorted(clicks)[6] < 200
    assert max(clicks) < 1000


def test_without_scripts_the_first_connections_are_there(browser: Browser) -> None:
    """Fifty rows, no field and no buttons, and a word on why there are no more."""
    browser.show(many(), scripts=False)
    assert len(browser.elements("table.rows tbody tr")) == 50
    assert browser.elements("button, input") == []
    assert "Without scripts" in browser.run("return document.querySelector('#connections').innerText")


def test_a_phone_scrolls_the_table_and_not_the_page(browser: Browser) -> None:
    """The page is as wide as the phone, whatever the table's columns need."""
    browser.show(many(), width=PHONE)
    assert browser.overflowing() == []
    assert browser.run("return document.documentElement.scrollWidth") <= PHONE
