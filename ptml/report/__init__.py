"""HTML pages and charts that evaluating and scoring share: self-contained, offline, without script."""

from __future__ import annotations

from ptml.report.scores import ScoresPage, Totals, render_scores
from ptml.report.text import path_text, plain_text

__all__ = ["ScoresPage", "Totals", "path_text", "plain_text", "render_scores"]
