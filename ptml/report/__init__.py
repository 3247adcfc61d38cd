"""HTML pages and charts that evaluating and scoring share: self-contained, offline, without script."""

from __future__ import annotations

from ptml.report.audit import render_audit
from ptml.report.evaluation import evaluation_sentence, render_evaluation
from ptml.report.scores import ScoresPage, Totals, render_scores

__all__ = [
    "ScoresPage",
    "Totals",
    "evaluation_sentence",
    "render_audit",
    "render_evaluation",
    "render_scores",
]
