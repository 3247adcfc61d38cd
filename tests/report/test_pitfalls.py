"""Claims about the ten pitfalls."""

from __future__ import annotations

from typing import Any

import pytest

from ptml.report.auditing import audit_page
from ptml.report.levels import level_pages
from ptml.report.pitfalls import Pitfall, pitfalls
from tests.report.samples import EVALUATION, bare, only

NAMES = [
    "Sampling bias",
    "Label inaccuracy",
    "Data snooping",
    "Spurious correlations",
    "Biased parameter selection",
    "Inappropriate baseline",
    "Inappropriate performance measures",
    "Base rate fallacy",
    "Lab-only evaluation",
    "Inappropriate threat model",
]


def answered(data: dict[str, Any]) -> dict[str, Pitfall]:
    """Answer all pitfalls from an evaluation."""
    return {one.key: one for one in pitfalls(data, level_pages(data), audit_page(data["audit"]))}


@pytest.mark.parametrize("data", [EVALUATION, bare(), only("random")], ids=["full", "bare", "random"])
def test_all_ten_are_there_by_name_and_answered(data: dict[str, Any]) -> None:
    """Whatever an evaluation measured, each pitfall of the paper has its name, its question and an answer."""
    found = answered(data)
    assert [(key, one.name) for key, one in found.items()] == [
        (f"P{n}", name) for n, name in enumerate(NAMES, 1)
    ]
    assert all(one.question.endswith("?") and one.facts for one in found.values())


@pytest.mark.parametrize(
    ("key", "full", "least"),
    [
        ("P1", "measured", "in part"),
        ("P2", "in part", "open"),
        ("P3", "measured", "in part"),
        ("P4", "measured", "in part"),
        ("P6", "measured", "open"),
        ("P8", "measured", "measured"),
        ("P9", "open", "open"),
        ("P10", "open", "open"),
    ],
)
def test_an_answer_is_as_good_as_what_was_measured(key: str, full: str, least: str) -> None:
    """What was not run is not claimed: without sources, times, importances, models the answer is lesser."""
    assert (answered(EVALUATION)[key].answer, answered(bare())[key].answer) == (full, least)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("P1", "Connections: 1 of 3 sources (40 of 1\N{NARROW NO-BREAK SPACE}300 rows) have one label only"),
        ("P1", "the largest source gives 92% of the rows"),
        ("P1", "20 of 20 families have fewer than 30 captures"),
        ("P1", "sources held out: ROC-AUC 0.550 (0.450 to 0.650)"),
        ("P2", "policy inherit"),
        ("P2", "2 confident errors are listed"),
        ("P3", "with rows drawn at random the ROC-AUC changes by +0.200"),
        ("P3", "Audit, connections: Exact duplicates"),
        ("P4", "+0.400 ROC-AUC over sources never seen"),
        ("P4", "owes most to dns (+0.125 ROC-AUC"),
        ("P5", "from 0.600 to 0.800"),
        ("P5", "2 seeds"),
        ("P6", "(connections, captures held out): +0.050 (-0.050 to +0.150) ROC-AUC"),
        ("P7", "Found at 0.1 % is not given or has no interval: 277 benign rows are too few"),
        ("P8", "1 in 10\N{NARROW NO-BREAK SPACE}000: 8.7%"),
        ("P10", "owes most to dns: whoever can change these"),
    ],
)
def test_answers_are_computed_from_the_figures(key: str, sentence: str) -> None:
    """The sample's figures, counted by hand: 0.95 and 0.001 give 8.7 % at 1 in 10 000, and so on."""
    assert sentence in " ".join(answered(EVALUATION)[key].facts)


def test_simulated_captures_are_named_as_such() -> None:
    """Figures on simulated traffic say nothing about real networks, and the page says so."""
    data = only("grouped")
    data["levels"]["connection"]["protocols"]["grouped"]["per_source"][1]["source"] = "simulator"
    assert "3 of 9 captures are simulated" in " ".join(answered(data)["P9"].facts)
