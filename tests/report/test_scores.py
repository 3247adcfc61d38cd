"""Claims about the page of scores."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ptml.report.scores import ScoresPage, Totals, render_scores
from tests.report.reader import LOADING, Reader

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e\"'><img src=x onerror=alert(2)>"


def row(**changes: object) -> dict[str, Any]:
    """Make a row of the table of captures."""
    return {
        "name": "monday",
        "path": "zeek/monday",
        "verdict": "malicious",
        "probability": 0.9,
        "threshold": 0.5,
        "connections": 1200,
        "alerts": 7,
        "top_probability": 0.99,
        "family": HOSTILE,
        "family_probability": 0.75,
        "mean_probability": 0.02,
        "in_training": False,
        **changes,
    }


def alert(**changes: object) -> dict[str, Any]:
    """Make a row of alerts."""
    return {
        "name": "monday",
        "uid": "CHhAvV",
        "ts": datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC),
        "id.orig_h": "10.0.0.1",
        "id.orig_p": 50000,
        "id.resp_h": "203.0.113.7",
        "id.resp_p": 443,
        "probability": 0.99,
        "threshold": 0.4,
        "reasons": None,
        **changes,
    }


PAGE = ScoresPage(
    captures=[row()],
    hosts=[
        {
            "host": "10.0.0.1",
            "name": "monday",
            "verdict": "malicious",
            "probability": 0.99,
            "alerts": 7,
            "connections": 9,
        }
    ],
    alerts=[alert()],
    reading=[
        {
            "name": "monday",
            "rows_read": 5,
            "rows_quarantined": 1,
            "rows_left_out": 0,
            "connections": 4,
            "notes": [],
        }
    ],
    skipped=[{"path": "zeek/empty", "reason": "no conn.log"}],
    totals=Totals(1, 1, 1200, 7, 1, 5, 1),
    model_facts=[("Name", "baseline")],
    connection_threshold=0.4,
)


def test_the_headline_counts_malicious_captures_and_names_the_first() -> None:
    """The page opens with how many captures were called malicious and which to look at first."""
    html = render_scores(PAGE)
    assert "<h1>1 of 1 capture called malicious</h1>" in html
    assert (
        "Look first at monday: probability 0.900, 7 alerts among 1\N{NARROW NO-BREAK SPACE}200 connections."
        in html
    )


def test_without_verdicts_the_headline_counts_alerts() -> None:
    """A model without a part for captures gives no count of malicious captures, but of alerts."""
    assert replace(PAGE, captures=[row(verdict=None, probability=None)]).headline == "7 alerts in 1 capture"


def test_a_capture_without_connections_is_shown_as_not_scored() -> None:
    """Null is not benign: an empty capture's verdict reads "not scored"."""
    empty = row(
        verdict=None, probability=None, top_probability=None, mean_probability=None, connections=0, alerts=0
    )
    html = render_scores(
        replace(PAGE, captures=[empty], hosts=[], alerts=[], totals=Totals(1, 0, 0, 0, 0, 0, 0))
    )
    assert '<span class="badge unknown">not scored</span>' in html
    assert '<span class="badge benign">' not in html
    assert "nothing is known" in html


def test_captures_that_the_model_was_trained_on_are_named_and_marked() -> None:
    """A notice above the tables counts them, and only their rows bear the mark."""
    seen, new = row(name="seen", in_training=True), row(name="new")
    html = render_scores(replace(PAGE, captures=[seen, new], totals=Totals(2, 2, 9, 7, 1, 5, 1, 1)))
    assert html.index("<strong>1 of 2 captures was in training.</strong>") < html.index("<main")
    assert re.findall(r'<th scope="row">(\w+) <span class="badge unknown">in training</span>', html) == [
        "seen"
    ]


def test_without_captures_from_training_the_page_is_silent_about_it() -> None:
    """The mark and the notice stand only where they are due."""
    assert "in training" not in render_scores(PAGE)


def hostile_page() -> str:
    """Make a page with a hostile string wherever text can stand."""
    return render_scores(
        replace(
            PAGE,
            captures=[
                row(
                    name=HOSTILE, path=HOSTILE, reasons=[HOSTILE], nearest=[HOSTILE], out_of_distribution=True
                )
            ],
            hosts=[
                {
                    "host": HOSTILE,
                    "name": HOSTILE,
                    "verdict": "benign",
                    "probability": 0.1,
                    "alerts": 0,
                    "connections": 1,
                }
            ],
            alerts=[
                alert(
                    name=HOSTILE,
                    uid=HOSTILE,
                    reasons=[HOSTILE],
                    evidence=[HOSTILE, HOSTILE],
                    **{"id.orig_h": HOSTILE},
                )
            ],
            reading=[
                {
                    "name": HOSTILE,
                    "rows_read": 1,
                    "rows_quarantined": 0,
                    "rows_left_out": 0,
                    "connections": 1,
                    "notes": [HOSTILE],
                }
            ],
            skipped=[{"path": HOSTILE, "reason": HOSTILE}],
            model_facts=[("Name", HOSTILE)],
            evaluation=HOSTILE,
            warnings=[HOSTILE],
        )
    )


def test_reasons_evidence_and_distance_are_shown() -> None:
    """An alert says why, resting on what, and that it is unlike training; a capture likewise."""
    html = render_scores(
        replace(
            PAGE,
            captures=[row(reasons=["sent 7 packets"], nearest=["c1", "c2"], out_of_distribution=True)],
            alerts=[alert(reasons=["lasted 6 h"], evidence=["CHhAvV", "C2"], out_of_distribution=True)],
            warnings=["no capture has dns.log"],
        )
    )
    text = "".join(Reader(html).text)
    for said in (
        "Why: sent 7 packets",
        "Most like c1, c2",
        "lasted 6 h",
        "See also C2",
        "no capture has dns.log",
    ):
        assert said in text
    assert text.count("unlike training") == 2


def test_hostile_strings_are_text_only() -> None:
    """A string from a capture adds no element or attribute to the page, wherever it stands."""
    reader = Reader(hostile_page())
    assert not {tag for tag, _ in reader.tags} & LOADING
    assert not [attrs for _, attrs in reader.tags if any(name.startswith("on") for name in attrs)]
    assert "".join(reader.text).count("<script>alert(1)</script>�[2J�") >= 15


def test_the_page_holds_no_control_characters() -> None:
    """Neither escape sequences nor direction marks reach the page."""
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", hostile_page())


def test_the_page_loads_nothing() -> None:
    """No address, no import, no script but the page's own, and a content policy that would refuse them."""
    html = render_scores(PAGE)
    reader = Reader(html)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", html)
    assert not {tag for tag, _ in reader.tags} & LOADING
    assert not [attrs for _, attrs in reader.tags if "style" in attrs or "src" in attrs]
    policies = [
        attrs["content"] or ""
        for _, attrs in reader.tags
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    assert re.fullmatch(
        "default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; "
        "base-uri 'none'; form-action 'none'",
        policies[0],
    )
    assert reader.scripts == 1
    assert "unsafe" not in policies[0]


def test_every_link_leads_to_a_place_on_the_page() -> None:
    """Links are to anchors that exist, so that a keyboard reaches each section."""
    tags = Reader(render_scores(PAGE)).tags
    places = {attrs["id"] for _, attrs in tags if "id" in attrs}
    links = [attrs["href"] or "" for tag, attrs in tags if tag == "a"]
    assert links
    assert {link.removeprefix("#") for link in links} <= places
    labels = [label for _, attrs in tags for label in (attrs.get("aria-labelledby") or "").split()]
    assert set(labels) <= places


@pytest.mark.parametrize(("evaluation", "words"), [("ROC-AUC 0.8", "ROC-AUC 0.8"), (None, "is not known")])
def test_the_page_says_how_far_the_model_was_measured(evaluation: str | None, words: str) -> None:
    """With an evaluation its sentence stands there, without one the page says that nobody measured."""
    assert words in render_scores(replace(PAGE, evaluation=evaluation))


def test_rows_left_away_are_counted() -> None:
    """Where more rows exist than are shown, the page says how many and where they are."""
    html = render_scores(replace(PAGE, totals=Totals(1, 1, 1200, 900, 1, 5, 1)))
    assert "The first 1 of 900 are shown; all are in <code>alerts.jsonl</code>." in html


@pytest.mark.parametrize(("light", "warned"), [("red", True), ("amber", False), (None, False)])
def test_a_model_from_red_data_is_warned_of(light: str | None, *, warned: bool) -> None:
    """Where the audit of the training data is red, the page says so before any score."""
    audit = {"light": light, "reasons": [HOSTILE]} if light else None
    html = render_scores(replace(PAGE, audit=audit))
    assert ("The model learned from a dataset whose audit is red" in html.partition("<main")[0]) is warned
    assert html.count("<script") == 1  # that of sorting tables
