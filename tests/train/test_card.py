from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from markdown_it import MarkdownIt

from ptml.artifact import read_model_manifest
from ptml.engine import LocalEngine
from ptml.settings import TrainSettings
from ptml.train.card import code, escaped, render_card
from ptml.train.record import read_record
from ptml.train.stage import train
from tests.train.builders import Made, build_workspace, captures

if TYPE_CHECKING:
    from pathlib import Path

    from markdown_it.token import Token

QUICK = TrainSettings(spec="logistic-regression", folds=3, levels=("capture",))
EVIL = [
    "[click](http://evil.example)",
    "<script>alert(1)</script>",
    "a`b`<img src=x>",
    "x | y | z",
    "# heading\n\n<b>",
    "\x1b[2J\u202e",
    "![](http://evil.example/pixel.png)",
    "http://evil.example",
    "``` fence",
    "{{ model }}",
]
SECTIONS = [
    "Details",
    "Intended use",
    "Data",
    "Figures on captures held out",
    "Evaluation",
    "Limits",
    "Ethical notes",
    "How to reproduce",
]


def tokens(card: str) -> list[Token]:
    """Take a card apart as a Markdown reader that allows HTML and makes links of addresses would."""
    reader = MarkdownIt("commonmark").enable("table")
    found = reader.parse(card)
    return [*found, *(child for token in found for child in token.children or ())]


def titles(card: str) -> list[str]:
    """Name a card's sections."""
    return [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]


@pytest.mark.parametrize("evil", EVIL)
def test_names_from_captures_are_only_text(tmp_path: Path, evil: str) -> None:
    """A family that looks like a link, HTML, a table or an order to the terminal makes none of these."""
    named = [Made(f"bad{i}", "malicious", family=evil) for i in range(6)]
    folder = train(build_workspace(tmp_path, [*named, *captures(0, 6)]), QUICK, engine=LocalEngine(1)).folder
    card = (folder / "card.md").read_text("utf-8")
    kinds = {token.type for token in tokens(card)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image"}
    assert titles(card) == SECTIONS
    assert "\x1b" not in card
    assert "\u202e" not in card
    [family] = [line for line in card.splitlines() if line.endswith("| 6 | 1 |")]
    assert family.count("|") == 4
    assert code(evil) in family


@pytest.mark.parametrize("evil", EVIL)
def test_whatever_is_put_into_the_card_is_escaped(evil: str) -> None:
    """Text that is put into the template becomes the same text, without links, HTML or emphasis."""
    found = tokens(f"Text {escaped(evil)} text")
    kinds = {token.type for token in found if token.type not in ("inline", "text", "text_special")}
    assert kinds == {"paragraph_open", "paragraph_close"}


def test_the_card_says_what_the_model_is(tmp_path: Path) -> None:
    """Every section is there, with the figures of the record and how to make the model again."""
    result = train(build_workspace(tmp_path), QUICK, engine=LocalEngine(1))
    card = (result.folder / "card.md").read_text("utf-8")
    assert titles(card) == SECTIONS
    figures = read_record(result.folder, result.manifest).metrics["capture"]
    assert f"| {figures['roc_auc']:.3f} |" in card
    assert "| capture | 12 | 6 | 12 | 6 | nothing |" in card
    assert "| `trap` | 6 | 3 | 0 | `not stated` |" in card
    assert "$ ptml reproduce logistic-regression --data DIR" in card
    assert "Not evaluated when this was written" in card


def card_of(tmp_path: Path, made: list[Made], **values: Any) -> str:  # noqa: ANN401 - whatever a card takes
    """Write the card of a model of these captures."""
    folder = train(build_workspace(tmp_path, made), QUICK, engine=LocalEngine(1)).folder
    manifest = read_model_manifest(folder)
    return render_card(manifest, read_record(folder, manifest), {}, **values)


def test_limits_come_from_the_captures(tmp_path: Path) -> None:
    """One-sided sources, simulated captures, rare and unnamed families are told, each with its count."""
    made = [
        *(
            Made(f"bad{i}", "malicious", source="trap", family="emotet" if i < 3 else "rare")
            for i in range(5)
        ),
        Made("bad5", "malicious", source="trap"),
        *(Made(f"good{i}", source="simulator") for i in range(6)),
    ]
    card = card_of(tmp_path, made)
    assert "2 of 2 sources have captures of one class only" in card
    assert "Simulated captures are among the data" in card
    assert "1 families have fewer than 3 captures" in card
    assert "1 malicious captures name no family" in card
    assert "one source" not in card


def test_one_source_is_a_limit(tmp_path: Path) -> None:
    """Where all captures come from one source, the card says that nothing is known of others."""
    made = [*(Made(f"b{i}", "malicious") for i in range(4)), *(Made(f"g{i}") for i in range(4))]
    assert "All captures come from one source" in card_of(tmp_path, made)


def test_many_families_are_cut(tmp_path: Path) -> None:
    """Forty families are listed, the rest counted."""
    made = [*(Made(f"b{i}", "malicious", 2, family=f"f{i:02}") for i in range(43)), *captures(0, 4)]
    card = card_of(tmp_path, made)
    assert "| `f39` | 1 | 1 |" in card
    assert "`f40`" not in card
    assert "And 3 more families" in card


def test_an_evaluation_is_shown(tmp_path: Path) -> None:
    """Each protocol's figures are shown with their intervals, and which of them is only a control."""
    estimate = {"value": 0.9, "low": 0.8, "high": 0.95}
    unknown = {"value": None, "low": None, "high": None}
    metrics = {"roc_auc": estimate, "pr_auc": estimate, "recall": unknown, "false_positive_rate": estimate}
    protocols = {"grouped": {"safe": True, "metrics": metrics}, "random": {"safe": False, "metrics": metrics}}
    evaluation = {
        "headline": ["random flatters by 0.1"],
        "notes": ["captures changed"],
        "levels": {"capture": {"protocols": protocols}},
    }
    card = card_of(tmp_path, captures(), evaluation=evaluation)
    shown = "0.900 \\(0.800 to 0.950\\)"
    assert f"| capture | grouped | yes | {shown} | {shown} | - | {shown} |" in card
    assert "| capture | random | no, a control |" in card
    assert "- random flatters by 0.1" in card
    assert "Not evaluated" not in card


def test_long_names_are_cut() -> None:
    """A name of a thousand letters takes 200 of the card."""
    assert len(code("x" * 1000)) == 202


def test_the_card_counts_captures_used_only(tmp_path: Path) -> None:
    """A capture that was not learned from is in no table of the card."""
    card = card_of(tmp_path, [*captures(), Made("odd", "unknown", source="elsewhere")])
    assert "elsewhere" not in card
    assert pl.Series(card.split("\n")).str.contains("captures of unknown label").any()
