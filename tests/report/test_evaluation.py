"""Claims about the page of an evaluation."""

from __future__ import annotations

import copy
import re

import pytest

from ptml.evaluate.results import Evaluation
from ptml.report.evaluation import evaluation_sentence, render_evaluation
from ptml.report.levels import level_pages
from ptml.report.naming import MEASURES, PROTOCOLS
from tests.report.reader import LOADING, Reader
from tests.report.samples import EVALUATION, HOSTILE, SHOWN, bare, only

HTML = render_evaluation(EVALUATION)


def words(html: str) -> str:
    """Give what a reader sees, blanks made one."""
    return re.sub(r"\s+", " ", "".join(Reader(html).text))


@pytest.mark.parametrize("data", [EVALUATION, bare()], ids=["full", "bare"])
def test_the_samples_are_what_an_evaluation_is(data: dict[str, object]) -> None:
    """What these tests show the page is of the form that evaluating writes."""
    assert Evaluation.model_validate(data).model == "forest"


def test_the_headline_is_the_gap() -> None:
    """Honest figures and the flattering one stand side by side in the first line, the widest gap below."""
    assert (
        "<h1>ROC-AUC 0.750 on captures and 0.550 on sources it had not seen; "
        "a random split would claim 0.950</h1>" in HTML
    )
    assert '<dd class="big">+0.400</dd>' in HTML


def test_the_sentence_gives_figure_and_interval() -> None:
    """The page of scores quotes the honest figure with its interval."""
    assert (
        evaluation_sentence(EVALUATION)
        == "On captures held out whole: connections ROC-AUC 0.750 (0.650 to 0.850)."
    )


def test_without_held_out_captures_the_page_claims_nothing() -> None:
    """A random split alone gives no figure for captures not seen."""
    html = render_evaluation(only("random"))
    assert "<h1>How good it is on captures it has not seen</h1>" in html
    assert "unknown (not measured)" in html


def test_what_is_missing_is_said_or_left_out() -> None:
    """A page of the least that an evaluation has is whole, and says why a protocol was not possible."""
    html = render_evaluation(bare())
    assert "Later captures held out" in words(html)
    assert SHOWN in words(html)
    assert not {"connection-why", "audit", "comparisons"} & {
        attrs.get("id") for _, attrs in Reader(html).tags
    }
    assert "No random split was run" in html


def test_every_protocol_is_named() -> None:
    """The page has a name, a look and a meaning for each protocol that evaluating knows."""
    from ptml.evaluate.protocols import DESCRIPTIONS  # noqa: PLC0415 - the one thing here that brings scikit-learn

    assert {protocol.key for protocol in PROTOCOLS} >= set(DESCRIPTIONS)
    assert len({protocol.look for protocol in PROTOCOLS}) == len(PROTOCOLS)


def test_a_figure_that_could_not_be_measured_gives_its_reason() -> None:
    """Null is not zero: the table says why there is no number."""
    assert "277 benign rows are too few" in HTML


def test_every_measure_has_a_row_and_every_protocol_a_column() -> None:
    """The table holds what the charts show, in numbers; a measure that nobody named comes by its own name."""
    data = copy.deepcopy(EVALUATION)
    data["levels"]["connection"]["protocols"]["grouped"]["metrics"]["new_metric"] = {
        "value": 0.5,
        "low": None,
        "high": None,
        "reason": None,
    }
    (level,) = level_pages(data)
    assert [name for name, _, _ in level.measures] == [*(name for name, _ in MEASURES.values()), "new_metric"]
    assert {len(figures) for _, _, figures in level.measures} == {len(level.columns)} == {6}
    assert level.columns[-1] == "Rows at random (unsafe)"


def test_sources_and_families_are_shown_with_and_without_having_been_seen() -> None:
    """Beside each verdict stands that of a model that had learned from nothing of the kind."""
    (level,) = level_pages(EVALUATION)
    seen, unseen = level.parts("source")[1]
    assert (seen["source"], unseen["source"] if unseen else None) == ("lab", "lab")
    assert "Found, source never seen" in HTML
    assert "Found, family never seen" in HTML
    assert "never seen" not in render_evaluation(only("grouped")).replace("sources never seen", "")


def test_the_matrix_has_a_text_in_each_cell() -> None:
    """An area with its interval, else the share found or the false alarms, else a dash."""
    matrix = HTML.partition('aria-labelledby="connection-matrix"')[2].partition("</table>")[0]
    cells = re.findall(r'<td class="(h\d+|none)( same)?">(.*?)</td>', matrix)
    assert [(shade, bool(same), re.sub("<.*?>", " ", text).strip()) for shade, same, text in cells] == [
        ("h10", True, "1.00 0.25&#8211;0.75"),
        ("h5", False, "0.50 0.25&#8211;0.75"),
        ("none", False, "F 0.88"),
        ("none", False, "A 0.12"),
        ("h0", False, "0.00 0.25&#8211;0.75"),
        ("none", True, "&#8211;"),
    ]


def test_the_audit_comes_first_and_the_worst_of_it_before_the_rest() -> None:
    """The light stands above the figures, and the checks run from red to those that could not be made."""
    assert HTML.index('class="badge red"') < HTML.index("<main")
    lights = re.findall(r'<tr><td><span class="badge (\w+)">', HTML)
    assert lights == ["red", "green", "unchecked"]


def test_detection_and_alerts_are_told_by_protocol() -> None:
    """Half of 3 of 4 captures within 3.2 s, 30 alerts on 20 host-days, 5 false ones on 10 benign ones."""
    seen = words(HTML)
    assert "4 3 3.2 s 10 min 20 1.50 0.50".replace(" ", "") in seen.replace(" ", "")


def test_importances_and_errors_are_listed() -> None:
    """Each family of features with its loss and interval, each error with why."""
    assert '<td class="n">+0.125</td><td class="n">+0.100 to +0.150</td>' in HTML
    assert '<td class="n">-0.010</td><td class="n">&#8211;</td>' in HTML
    assert "Benign, called malicious" in HTML
    assert "dns: 0.31 instead of 0.99 if usual" in HTML


def test_rows_left_out_are_counted() -> None:
    """What was excluded stands there with the reason."""
    assert '<dt class="n">12</dt><dd>&lt;script&gt;' in HTML


def test_hostile_names_are_text_only() -> None:
    """Names come from files of others; none becomes markup, wherever it stands, and none hides."""
    reader = Reader(HTML)
    assert not {tag for tag, _ in reader.tags} & LOADING
    assert not [attrs for _, attrs in reader.tags if any(name.startswith("on") for name in attrs)]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", HTML)
    assert "".join(reader.text).count(SHOWN) >= 20
    assert HOSTILE not in HTML


def test_the_page_loads_nothing_and_its_links_stay_on_it() -> None:
    """No address, and every link leads to a place on the page."""
    assert not re.search(r"https?:|//[a-z]|url\(|@import", HTML.replace("http://www.w3.org/", ""))
    tags = Reader(HTML).tags
    places = [attrs["id"] for _, attrs in tags if "id" in attrs]
    links = {(attrs["href"] or "").removeprefix("#") for tag, attrs in tags if tag == "a"}
    labels = {label for _, attrs in tags for label in (attrs.get("aria-labelledby") or "").split()}
    assert "connection" in links
    assert links | labels <= set(places)
    assert len(places) == len(set(places))


def test_each_chart_has_a_name() -> None:
    """Six charts a level, each with a title for those who cannot see it; two of them once more for phones."""
    charts = [attrs for tag, attrs in Reader(HTML).tags if attrs.get("class") == "chart"]
    assert [attrs["aria-label"] for attrs in charts] == [
        "ROC-AUC by what was held out, connections",
        "ROC-AUC by what was held out, connections",
        "ROC curve, connections",
        "ROC curve with false positive rates from 0.0001, connections",
        "Precision-recall curve, connections",
        "Calibration, connections",
        "Importance of features, connections",
        "Importance of features, connections",
    ]


def test_the_same_evaluation_gives_the_same_page() -> None:
    """Rendered again, not a byte differs."""
    assert render_evaluation(EVALUATION) == HTML


def test_the_confusion_of_families_is_a_table_of_counts() -> None:
    """Each row has its family and a cell an answer; the last row is of the rare families together."""
    table = HTML.partition('aria-labelledby="connection-confusion"')[2].partition("</table>")[0]
    body = [
        re.sub(r"<[^>]+>", " ", row).split()[-3:] for row in table.partition("<tbody>")[2].split("</tr>")[:-1]
    ]
    assert body == [["5", "1", "1"], ["0", "5", "2"], ["0", "0", "3"]]
    assert "families too rare to be named" in table
    assert "Came first" in HTML
