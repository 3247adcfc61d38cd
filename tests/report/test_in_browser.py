"""Claims about the pages as a real browser shows them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

import pytest

from ptml.report.capture import report
from ptml.report.evaluation import render_evaluation
from tests.browser import DESKTOP, PHONE
from tests.report.capture.samples import hostile, scored
from tests.report.samples import EVALUATION
from tests.report.test_scores import HOSTILE, hostile_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser import Browser

    Page: TypeAlias = Callable[[], str]


def hostile_capture() -> str:
    """Make the page of a scored capture in which every string attacks."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        scores = scored(root, {HOSTILE: hostile(root / "capture")}, reasons=[HOSTILE])
        return report(scores).page.read_text("utf-8")


PAGES: dict[str, Page] = {
    "capture": cache(hostile_capture),
    "evaluation": cache(lambda: render_evaluation(EVALUATION)),
    "scores": cache(hostile_page),
}
every_page = pytest.mark.parametrize("page", [pytest.param(make, id=name) for name, make in PAGES.items()])
LEAKY = """<!doctype html><html lang="en"><title>t</title><body style="color:#999;background:#fff">
<p>pale</p><pre>%s</pre><img src="http://192.0.2.1/a.png" alt="x"><script>nothing.at.all()</script>"""
HANDLERS = """
return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
  .filter(a => a.name.startsWith('on') || /^\\s*javascript:/i.test(a.value)).map(a => a.name);
"""
COLUMN = """
const [table, column] = [arguments[0], arguments[1]];
return [...table.tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[column].textContent.trim());
"""
SOURCES = "#connection-sources table"


def test_the_browser_sees_what_it_is_asked_to_see(browser: Browser) -> None:
    """A page that loads, fails, runs over and is pale is found out: elsewhere, silence means something."""
    browser.show(LEAKY % ("w" * 400), width=PHONE)
    assert browser.requests() == ["http://192.0.2.1/a.png"]
    assert any("nothing is not defined" in said for said in browser.complaints())
    assert [found.split(".")[0] for found in browser.overflowing()] == ["PRE"]
    assert any("color-contrast" in wrong for wrong in browser.accessibility())


@every_page
def test_a_page_loads_nothing_and_the_console_is_silent(browser: Browser, page: Page) -> None:
    """No request leaves the page and the browser has nothing to complain of, hostile names and all."""
    browser.show(page())
    assert browser.requests() == []
    assert browser.complaints() == []


@every_page
def test_hostile_names_run_nothing(browser: Browser, page: Page) -> None:
    """No element, handler or address of an attacker's making is in the page as the browser built it."""
    browser.show(page())
    assert not browser.run("return document.querySelector('img, iframe, object, embed, form, base')")
    assert len(browser.run("return [...document.scripts].filter(s => s.type !== 'application/json')")) == 1
    assert browser.run(HANDLERS) == []
    assert not browser.run(
        "return [...document.links].filter(a => !a.getAttribute('href').startsWith('#')).length"
    )
    assert "<script>" in browser.run("return document.querySelector('main').innerText")


@every_page
def test_a_script_of_an_attacker_would_not_run(browser: Browser, page: Page) -> None:
    """Even if a string became markup, the page's policy stops it: scripts are admitted by hash."""
    planted = '<script>document.title="owned"</script><svg onload="document.title=\'owned\'"></svg></main>'
    browser.show(page().replace("</main>", planted))
    assert browser.run("return document.title") != "owned"
    assert any("Content Security Policy" in said for said in browser.complaints())


@every_page
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_is_readable_and_the_page_accessible(browser: Browser, page: Page, dark: bool) -> None:
    """By axe-core's rules for WCAG 2 A and AA nothing is wrong: contrast, names, heads of tables, roles."""
    browser.show(page(), dark=dark)
    assert browser.accessibility() == []


@every_page
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_nothing_runs_over_the_edge(browser: Browser, page: Page, width: int) -> None:
    """On a phone as on a desk the page is as wide as the window, long names and all."""
    browser.show(page(), width=width)
    assert browser.overflowing() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width


@every_page
def test_tables_sort_by_a_click(browser: Browser, page: Page) -> None:
    """Each head of a sortable table is a button, and no click loses a row."""
    browser.show(page())
    tables = browser.elements("table.sortable")
    assert tables
    for table in tables:
        for column in range(len(browser.elements("thead th", within=table))):
            before = browser.run(COLUMN, table, column)
            browser.click(f"thead th:nth-child({column + 1}) button", within=table)
            assert sorted(browser.run(COLUMN, table, column)) == sorted(before)


def test_numbers_sort_as_numbers_and_unknown_ones_come_last(browser: Browser) -> None:
    """The first click puts the greatest first, the second the least; a dash stays at the end."""
    browser.show(PAGES["evaluation"]())
    (table, *_) = browser.elements(SOURCES)
    head = "thead th:nth-child(3) button"
    browser.click(head, within=table)
    assert browser.run(COLUMN, table, 2) == ["1\N{NARROW NO-BREAK SPACE}200", "60", "40"]
    browser.click(head, within=table)
    assert browser.run(COLUMN, table, 2) == ["40", "60", "1\N{NARROW NO-BREAK SPACE}200"]
    assert (
        browser.run("return arguments[0].tHead.rows[0].cells[2].getAttribute('aria-sort')", table)
        == "ascending"
    )
    area = len(browser.elements("thead th", within=table))
    browser.click(f"thead th:nth-child({area}) button", within=table)
    assert browser.run(COLUMN, table, area - 1) == ["0.900", "0.700", "\N{EN DASH}"]


def test_tables_sort_by_the_keyboard(browser: Browser) -> None:
    """Tab reaches the heads of tables, and Enter sorts."""
    browser.show(PAGES["evaluation"]())
    (table, *_) = browser.elements(SOURCES)
    browser.run("arguments[0].querySelector('th button').focus()", table)
    browser.press("Tab", "Tab", "Enter")
    assert browser.run(COLUMN, table, 2)[0] == "1\N{NARROW NO-BREAK SPACE}200"


def test_long_tables_can_be_searched(browser: Browser) -> None:
    """Typing leaves the rows that hold every word, and says how many; emptied, all are back."""
    browser.show(PAGES["evaluation"]())
    (field, *_) = browser.elements("#connection-sources input[type=search]")
    table = browser.run(
        "return arguments[0].closest('.search').nextElementSibling.querySelector('table')", field
    )
    browser.type(field, "family1 7")
    assert browser.run(COLUMN, table, 0) == ["family17"]
    assert browser.run("return arguments[0].closest('.search').textContent", field).endswith("1 of 20")
    browser.clear(field)
    assert len(browser.run(COLUMN, table, 0)) == 20


def test_without_scripts_all_numbers_are_there(browser: Browser) -> None:
    """With scripts off the page says the same, but for the buttons and fields that would do nothing."""
    words = (
        "return document.querySelector('main').textContent.replace(/\\s+/g, ' ').replaceAll('Search ', '')"
    )
    browser.show(PAGES["evaluation"]())
    with_scripts = browser.run(words)
    browser.show(PAGES["evaluation"](), scripts=False)
    assert browser.elements("button, input") == []
    assert browser.run(words) == with_scripts


def test_intervals_fit_a_phone_without_scrolling(browser: Browser) -> None:
    """On a phone the charts of intervals are as wide as their boxes, their texts large enough to read."""
    browser.show(PAGES["evaluation"](), width=PHONE)
    beyond = (
        "return [...document.querySelectorAll('.scroll.wide')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    )
    assert browser.run(beyond) == []
    texts = """return [...document.querySelectorAll('.scroll.wide svg.chart text')]
        .filter(e => e.getClientRects().length).map(e => e.getBoundingClientRect().height)"""
    assert min(browser.run(texts)) > 9


def test_charts_follow_light_and_dark(browser: Browser) -> None:
    """The same drawing has other colours in the dark: they are the page's own."""
    script = "return getComputedStyle(document.querySelector('svg.chart text')).fill"
    browser.show(PAGES["evaluation"]())
    light = browser.run(script)
    browser.media(dark=True)
    assert browser.run(script) != light


@every_page
def test_a_page_prints_whole(browser: Browser, page: Page) -> None:
    """On paper nothing scrolls and nothing is there to click: boxes are as long as what is in them."""
    browser.show(page())
    browser.media(kind="print")
    cut = "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollHeight > e.clientHeight + 1)"
    assert browser.run(cut) == []
    hidden = "return [...document.querySelectorAll('nav, .search')].filter(e => e.offsetParent).length"
    assert browser.run(hidden) == 0
    assert browser.print_pages().startswith(b"%PDF")
