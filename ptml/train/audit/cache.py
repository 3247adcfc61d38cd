"""The audit that a workspace already has, so that training need not look at the same dataset again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.errors import BadData, MissingInput, SettingsError
from ptml.io import read_json
from ptml.settings import checked
from ptml.train.audit.examine import audit_dataset, fingerprint_of
from ptml.train.audit.results import Audit
from ptml.types import silent

if TYPE_CHECKING:
    from ptml.train.audit.results import LevelAudit
    from ptml.train.dataset import Dataset
    from ptml.types import Progress
    from ptml.workspace import Workspace

REPORT = "audit"
RESULT = "audit.json"


def published_audit(workspace: Workspace) -> Audit | None:
    """Read the audit that `ptml audit` wrote; a broken one, or one of another version, counts as none."""
    path = workspace.report(REPORT) / RESULT
    try:
        return checked(Audit, read_json(path), str(path))
    except (MissingInput, BadData, SettingsError):
        return None


def audited(data: Dataset, old: Audit | None, *, seed: int = 0, progress: Progress = silent) -> LevelAudit:
    """Give the audit of a dataset: what is in an old one, if it is of this very dataset, else a new one.

    Args:
        data: The dataset of one level.
        old: An earlier audit, if there is one.
        seed: Seed of everything random.
        progress: Called before each check.
    """
    known = old.levels.get(data.level) if old else None
    if known is not None and known.fingerprint == fingerprint_of(data, seed=seed):
        return known
    return audit_dataset(data, seed=seed, progress=progress)
