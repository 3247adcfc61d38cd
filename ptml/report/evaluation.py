"""The page on an evaluation, from the content of `evaluation.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptml.report.auditing import audit_page
from ptml.report.environment import count, decimal, render
from ptml.report.figures import curves, importances, overview
from ptml.report.levels import level_pages
from ptml.report.naming import BY_KEY, GROUPED, MEASURES, RANDOM, SOURCES
from ptml.report.pitfalls import pitfalls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ptml.report.levels import LevelPage

NAMING = (
    ("top_1", "The family came first"),
    ("top_3", "The family came among the first three"),
    ("macro_f1", "Macro F1 of the names given, unknown being a miss"),
    ("named", "Of families that can be named, got a name"),
    ("right", "Of all names given, right"),
    ("rare_unknown", "Of families too rare to be named, came out unknown"),
    ("unseen_unknown", "Of families that can be named, left out of what was learned from, came out unknown"),
)
COMPARED = ("roc_auc", "pr_auc", "tpr_at_fpr_1e-2", "recall", "false_positive_rate", "brier")


def evaluation_sentence(data: Mapping[str, Any]) -> str:
    """Say in a sentence how a model did on captures that it had not seen.

    >>> area = {"value": 0.8, "low": 0.7, "high": 0.9, "reason": None}
    >>> grouped = {"metrics": {"roc_auc": area}}
    >>> evaluation_sentence({"levels": {"capture": {"data": {}, "protocols": {"grouped": grouped}}}})
    'On captures held out whole: captures ROC-AUC 0.800 (0.700 to 0.900).'
    """
    parts = [f"{page.level}s ROC-AUC {_with_interval(page.metric(GROUPED))}" for page in level_pages(data)]
    return f"On captures held out whole: {', '.join(parts)}."


def render_evaluation(data: Mapping[str, Any]) -> str:
    """Make one self-contained HTML page of an evaluation.

    Args:
        data: The content of `evaluation.json`.
    """
    levels = level_pages(data)
    audit = audit_page(data["audit"])
    return render(
        "evaluation.html",
        model=data["model"],
        headline=_headline(levels),
        lead=_lead(data, levels),
        levels=[(level, overview(level), curves(level), importances(level)) for level in levels],
        notes=data["notes"],
        audit=audit,
        comparisons=_comparisons(data["comparisons"]),
        naming_measures=NAMING,
        comparison_measures=[(key, MEASURES[key][0]) for key in COMPARED],
        pitfalls=pitfalls(data, levels, audit),
        facts=_facts(data),
    )


def _headline(levels: Sequence[LevelPage]) -> str:
    for level in levels:
        grouped, sources, random = (level.metric(key)["value"] for key in (GROUPED, SOURCES, RANDOM))
        if grouped is not None and random is not None:
            unseen = "" if sources is None else f" and {decimal(sources)} on sources"
            seen = f"ROC-AUC {decimal(grouped)} on captures{unseen} it had not seen"
            claim = "would claim" if random > grouped else "says no more:"
            return f"{seen}; a random split {claim} {decimal(random)}"
    return "How good it is on captures it has not seen"


def _lead(data: Mapping[str, Any], levels: Sequence[LevelPage]) -> str:
    sentence = evaluation_sentence(data)
    unseen = [
        f"{level.level}s {_with_interval(level.metric(SOURCES))}"
        for level in levels
        if SOURCES in level.protocols
    ]
    return f"{sentence} On sources held out whole: {', '.join(unseen)}." if unseen else sentence


def _with_interval(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return f"unknown ({figure['reason'] or 'not measured'})"
    if figure["low"] is None or figure["high"] is None:
        return decimal(figure["value"])
    return f"{decimal(figure['value'])} ({decimal(figure['low'])} to {decimal(figure['high'])})"


def _comparisons(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "title": BY_KEY[one["protocol"]].title} for one in found]


def _facts(data: Mapping[str, Any]) -> list[tuple[str, object]]:
    seeds = data["seeds"] or (data["seed"],)
    return [
        ("Model", data["model"]),
        ("Estimator", data["spec"].get("estimator")),
        ("Seeds" if len(seeds) > 1 else "Seed", ", ".join(map(str, seeds))),
        ("Bootstrap", f"{count(data['draws'])} draws of whole captures"),
        ("Feature version", data["feature_version"]),
        ("Fingerprint of the model", data["model_fingerprint"]),
        ("Fingerprint of this evaluation", data["fingerprint"]),
    ]
