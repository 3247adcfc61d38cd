from __future__ import annotations

import copy
import re
from typing import Any

from ptml.report import render_audit
from ptml.train.audit import Audit
from tests.report.reader import LOADING, Reader

HOSTILE = '<script>alert(1)</script>"onmouseover=alert(1)\x1b[2J'


def finding(check: str, light: str | None, **more: object) -> dict[str, Any]:
    """Make a finding."""
    texts = {
        "title": f"Title of {check}",
        "says": f"{check} says",
        "meaning": "M",
        "advice": "A",
        "bounds": "B",
    }
    return {"check": check, "light": light, **texts, "figures": {}, "table": None, **more}


LEVEL = {
    "fingerprint": "f" * 64,
    "light": "red",
    "data": {"rows": 1200, "malicious": 500, "captures": 8},
    "findings": [
        finding("fine", "green", figures={"share": 0.25, "rows": 1234, "unknown": None}),
        finding("blind", None),
        finding("bad", "red", says=HOSTILE, table={"columns": ["source"], "rows": [[HOSTILE], [0.5]]}),
        finding("odd", "amber"),
    ],
}
DATA: dict[str, Any] = {"ptml_version": "1", "light": "red", "levels": {"connection": LEVEL}}


def test_the_sample_is_what_an_audit_is() -> None:
    """What these tests show the page is of the form that auditing writes."""
    assert Audit.model_validate(DATA).light == "red"


def test_the_light_comes_first() -> None:
    """The first heading has the light, the tile of the level counts its findings."""
    html = render_audit(DATA)
    assert '<h1><span class="badge red">red</span> Is this dataset fit to learn from?</h1>' in html
    assert "1 red, 1 amber, 1 green, 1 not checked" in html


def test_findings_are_ranked_and_only_red_ones_are_open() -> None:
    """Worst first, what could not be checked last; a red one is unfolded without a click or a script."""
    html = render_audit(DATA)
    places = [html.index(f"Title of {name}") for name in ("bad", "odd", "fine", "blind")]
    assert places == sorted(places)
    details = [attrs for tag, attrs in Reader(html).tags if tag == "details"]
    assert ["open" in attrs for attrs in details] == [True, False, False, False]


def test_figures_are_shown_and_null_is_a_dash() -> None:
    """Whole numbers have gaps, others four places at most, null is not zero."""
    text = "".join(Reader(render_audit(DATA)).text)
    assert "1\N{NARROW NO-BREAK SPACE}234" in text
    assert "0.25" in text
    assert "\N{EN DASH}" in text


def test_hostile_text_is_text_only() -> None:
    """Names of sources, families and features come from others; none becomes markup or acts."""
    reader = Reader(render_audit(DATA))
    assert not {tag for tag, _ in reader.tags} & LOADING
    assert not [name for _, attrs in reader.tags for name in attrs if name.startswith("on")]
    assert "\x1b" not in "".join(reader.text)


def test_the_page_loads_nothing_and_its_links_stay_on_it() -> None:
    """No address, and every link leads to a place on the page."""
    html = render_audit(DATA)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", html)
    tags = Reader(html).tags
    places = {attrs["id"] for _, attrs in tags if "id" in attrs}
    assert {(attrs["href"] or "").removeprefix("#") for tag, attrs in tags if tag == "a"} <= places


def test_green_is_said_with_care() -> None:
    """A green page says that nothing was found, and that this proves nothing."""
    data = copy.deepcopy(DATA)
    data["light"] = "green"
    html = render_audit(data)
    assert "No check found anything" in html
    assert "not that nothing is there" in html
