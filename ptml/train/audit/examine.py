"""A dataset under all checks, and the fingerprint by which an audit is known again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.io import sha256_json
from ptml.train.audit.checks import CHECKS
from ptml.train.audit.results import LevelAudit, worst
from ptml.train.audit.subject import SAMPLE_ROWS, Subject
from ptml.types import silent

if TYPE_CHECKING:
    from ptml.train.dataset import Dataset
    from ptml.types import Progress

AUDIT_VERSION = "2"


def fingerprint_of(data: Dataset, *, seed: int = 0) -> str:
    """Hash a dataset as far as an audit looks at it, the seed, and the version of the checks."""
    names = [contract.name for contract in data.contracts]
    about = data.keys.with_columns(y=pl.Series(data.y), group=pl.Series(data.groups))
    rows = [int(frame.hash_rows(seed=1).hash(seed=2).sum()) for frame in (data.inputs, about)]
    return sha256_json(
        [AUDIT_VERSION, pl.__version__, SAMPLE_ROWS, seed, data.level, *names, *map(str, rows)]
    )


def audit_dataset(data: Dataset, *, seed: int = 0, progress: Progress = silent) -> LevelAudit:
    """Look at a dataset with every check.

    Args:
        data: The dataset of one level.
        seed: Seed of everything random.
        progress: Called before each check.
    """
    subject = Subject(data, seed)
    findings = []
    for number, check in enumerate(CHECKS):
        progress(f"{data.level}: audit", number, len(CHECKS))
        findings.append(check.finding(subject))
    progress(f"{data.level}: audit", len(CHECKS), len(CHECKS))
    return LevelAudit(
        fingerprint=fingerprint_of(data, seed=seed),
        light=worst(finding.light for finding in findings),
        data=data.counts(),
        findings=tuple(findings),
    )
