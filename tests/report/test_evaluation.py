"""Claims about the page of an evaluation."""

from __future__ import annotations

import copy
import re
from typing import Any

from ptml.evaluate.results import Evaluation
from ptml.report.evaluation import MEASURES, evaluation_sentence, level_pages, render_evaluation
from tests.report.reader import LOADING, Reader

HOSTILE = "<script>alert(1)</script>\x1b[2J"


def figure(value: float | None, reason: str | None = None) -> dict[str, Any]:
    """Make a figure with an interval of a tenth each way, or the reason why there is none."""
    low, high = (None, None) if value is None else (round(value - 0.1, 3), round(value + 0.1, 3))
    return {"value": value, "low": low, "high": high, "reason": reason}


def protocol(name: str, area: float) -> dict[str, Any]:
    """Make a protocol's result."""
    metrics = {key: figure(0.5) for key in MEASURES} | {"roc_auc": figure(area)}
    metrics["tpr_at_fpr_1e-3"] = figure(None, "277 benign rows are too few")
    return {
        "protocol": name,
        "safe": name == "grouped",
        "description": f"{name} folds",
        "folds": 5,
        "thresholds": [0.6, 0.8],
        "metrics": metrics | {"recall": figure(0.95), "false_positive_rate": figure(0.001)},
        "metrics_by_capture": metrics,
        "per_source": [
            {"source": HOSTILE, "captures": 3, "rows": 40, "malicious": 40, "recall": 0.25}
            | {"false_positive_rate": None, "roc_auc": None},
            {"source": "lab", "captures": 5, "rows": 60, "malicious": 10, "recall": 0.5}
            | {"false_positive_rate": 0.02, "roc_auc": 0.9},
        ],
        "per_family": [
            {"family": HOSTILE, "captures": 4, "captures_detected": 3, "rows": 50, "recall": 0.125}
        ],
        "roc": {"x": [0.0, 0.0, 1.0], "y": [0.0, 0.5, 1.0]},
        "precision_recall": {"x": [0.5, 1.0], "y": [1.0, 0.5]},
        "calibration": [
            {"low": 0.0, "high": 0.1, "rows": 90, "mean_probability": 0.05, "malicious_share": 0.0625}
        ],
    }


DATA: dict[str, Any] = {
    "model": "forest",
    "fingerprint": "f",
    "model_fingerprint": "m",
    "spec": {"estimator": "random-forest"},
    "seed": 7,
    "draws": 1000,
    "feature_version": "1",
    "headline": [],
    "notes": ["captures changed since the model was trained"],
    "levels": {
        "connection": {
            "data": {"rows": 100, "malicious": 50, "captures": 8, "excluded": {HOSTILE: 12}},
            "protocols": {"random": protocol("random", 0.95), "grouped": protocol("grouped", 0.75)},
            "gap": {},
        }
    },
}


def only(name: str) -> dict[str, Any]:
    """Keep one protocol."""
    data = copy.deepcopy(DATA)
    protocols = data["levels"]["connection"]["protocols"]
    data["levels"]["connection"]["protocols"] = {name: protocols[name]}
    return data


def test_the_sample_is_what_an_evaluation_is() -> None:
    """What these tests show the page is of the form that evaluating writes."""
    assert Evaluation.model_validate(DATA).model == "forest"


def test_the_headline_is_the_gap() -> None:
    """Honest figure and flattering one stand side by side in the first line, their difference below."""
    html = render_evaluation(DATA)
    assert "<h1>ROC-AUC 0.750 on captures it had not seen; a random split would claim 0.950</h1>" in html
    assert '<dd class="big">+0.200</dd>' in html


def test_the_sentence_gives_figure_and_interval() -> None:
    """The page of scores quotes the honest figure with its interval."""
    assert (
        evaluation_sentence(DATA) == "On captures held out whole: connections ROC-AUC 0.750 (0.650 to 0.850)."
    )


def test_without_held_out_captures_the_page_claims_nothing() -> None:
    """A random split alone gives no figure for captures not seen."""
    html = render_evaluation(only("random"))
    assert "<h1>How good it is on captures it has not seen</h1>" in html
    assert "unknown (not measured)" in html


def test_without_the_control_the_page_says_what_is_missing() -> None:
    """Grouped folds alone give no gap, and the page says so."""
    assert "Only one protocol was run" in render_evaluation(only("grouped"))


def test_a_figure_that_could_not_be_measured_gives_its_reason() -> None:
    """Null is not zero: the table says why there is no number."""
    assert "277 benign rows are too few" in render_evaluation(DATA)


def test_every_measure_has_a_row_and_every_protocol_a_column() -> None:
    """The table holds what the charts show, in numbers."""
    (level,) = level_pages(DATA)
    assert [name for name, _, _ in level.measures] == [name for name, _ in MEASURES.values()]
    assert {len(figures) for _, _, figures in level.measures} == {len(level.columns)} == {3}
    assert level.columns[2] == "Rows at random (unsafe)"


def test_pitfalls_are_computed_from_the_figures() -> None:
    """Sources of one label, and precision at rare malice: 0.95 and 0.001 give 8.7 % at 1 in 10 000."""
    html = render_evaluation(DATA)
    assert "1 of 2 sources (40 of 100 rows) have one label only" in html
    assert "1 in 10\N{NARROW NO-BREAK SPACE}000: 8.7%" in html
    assert "1 of 1 families have fewer than 30" in html
    assert "from 0.600 to 0.800" in html


def test_rows_left_out_are_counted() -> None:
    """What was excluded stands there with the reason."""
    assert '<dt class="n">12</dt><dd>&lt;script&gt;alert(1)&lt;/script&gt;�[2J</dd>' in render_evaluation(
        DATA
    )


def test_hostile_names_are_text_only() -> None:
    """Names of sources and families come from files of others; none becomes markup."""
    reader = Reader(render_evaluation(DATA))
    assert not {tag for tag, _ in reader.tags} & LOADING
    assert "\x1b" not in "".join(reader.text)


def test_the_page_loads_nothing_and_its_links_stay_on_it() -> None:
    """No address, and every link leads to a place on the page."""
    html = render_evaluation(DATA)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", html)
    tags = Reader(html).tags
    places = {attrs["id"] for _, attrs in tags if "id" in attrs}
    links = {(attrs["href"] or "").removeprefix("#") for tag, attrs in tags if tag == "a"}
    assert "connection" in links
    assert links <= places


def test_each_chart_has_a_name() -> None:
    """Three charts a level, each with a title for those who cannot see it."""
    charts = [attrs for tag, attrs in Reader(render_evaluation(DATA)).tags if attrs.get("class") == "chart"]
    assert [attrs["aria-label"] for attrs in charts] == [
        "ROC curve, connections",
        "Precision-recall curve, connections",
        "Calibration, connections",
    ]
