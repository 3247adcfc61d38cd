"""Every command of the command line as a typed function of the same name.

The functions live here because ``ptml.train``, ``ptml.score`` and others are packages of the same names.

>>> from ptml import api
>>> from pathlib import Path
>>> from ptml.workspace import Workspace
>>> api.doctor(Workspace(Path("data"))).findings[0].what
'python'
"""

from __future__ import annotations

from ptml.doctor import doctor
from ptml.evaluate.audit import audit
from ptml.evaluate.stage import evaluate
from ptml.features.similar import similar_captures
from ptml.features.stage import features, pairs
from ptml.inventory import catalog, catalog_export, catalog_verify
from ptml.parse.describe import schema
from ptml.parse.files import parse_files
from ptml.parse.stage import parse
from ptml.parse.watch import watch_files
from ptml.pipeline import run
from ptml.report.capture import report
from ptml.score.stage import score
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, search
from ptml.sources.own import add
from ptml.sources.packettotal.functions import (
    packettotal_analysis,
    packettotal_analyze,
    packettotal_random,
    packettotal_usage,
    similar,
)
from ptml.sources.registry import sources
from ptml.sources.simulate import simulate
from ptml.train.reproduce import reproduce
from ptml.train.stage import train

__all__ = [
    "add",
    "audit",
    "catalog",
    "catalog_export",
    "catalog_verify",
    "doctor",
    "evaluate",
    "features",
    "fetch",
    "info",
    "packettotal_analysis",
    "packettotal_analyze",
    "packettotal_random",
    "packettotal_usage",
    "pairs",
    "parse",
    "parse_files",
    "report",
    "reproduce",
    "run",
    "schema",
    "score",
    "search",
    "similar",
    "similar_captures",
    "simulate",
    "sources",
    "train",
    "watch_files",
]
