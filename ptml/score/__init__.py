"""Scoring new captures: from raw logs to ranked tables, alerts and a page."""

from __future__ import annotations

from ptml.score.stage import ScoreResult, score

__all__ = ["ScoreResult", "score"]
