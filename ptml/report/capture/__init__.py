"""The page on a capture, scored or not: what was talked about, by whom, when, and each connection."""

from __future__ import annotations

from ptml.report.capture.stage import Reported, report

__all__ = ["Reported", "report"]
