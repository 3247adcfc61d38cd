"""Is a dataset fit to learn from? Leakage, duplicates, shortcuts, confounded sources, floods."""

from __future__ import annotations

from ptml.train.audit.cache import REPORT, RESULT, audited, published_audit
from ptml.train.audit.checks import CHECKS
from ptml.train.audit.examine import AUDIT_VERSION, audit_dataset, fingerprint_of
from ptml.train.audit.results import Audit, Finding, LevelAudit, Table, mark_of, worst

__all__ = [
    "AUDIT_VERSION",
    "CHECKS",
    "REPORT",
    "RESULT",
    "Audit",
    "Finding",
    "LevelAudit",
    "Table",
    "audit_dataset",
    "audited",
    "fingerprint_of",
    "mark_of",
    "published_audit",
    "worst",
]
