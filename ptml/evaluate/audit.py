"""Auditing: is the dataset of a workspace fit to learn from? Writes `reports/audit/`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ptml.io import write_bytes, write_json
from ptml.labels import label_connections
from ptml.report import render_audit
from ptml.train.audit import REPORT, RESULT, Audit, LevelAudit, audited, published_audit
from ptml.train.dataset import load_dataset
from ptml.train.spec import load_spec
from ptml.types import LIGHTS, silent

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.settings import AuditSettings, LabelsSettings
    from ptml.train.audit import Finding
    from ptml.types import JsonObject, Level, Light, Progress
    from ptml.workspace import Workspace

PAGE = "audit.html"


@dataclass(frozen=True, slots=True)
class AuditResult:
    """An audit, and whether it had to be made.

    Attributes:
        folder: Where its files are.
        unchanged: It was there already, of the same datasets.
        audit: What it found.
        seconds: Wall time of this call.
    """

    folder: Path
    unchanged: bool
    audit: Audit
    seconds: float

    @property
    def page(self) -> Path:
        """The HTML page."""
        return self.folder / PAGE

    def hits(self, fail_on: Literal["amber", "red"]) -> bool:
        """Tell whether the light is this one or worse."""
        return LIGHTS.index(self.audit.light) >= LIGHTS.index(fail_on)

    def findings(self) -> list[tuple[Level, Finding]]:
        """List each level's findings, the worst first, those that could not be checked last."""

        def order(pair: tuple[Level, Finding]) -> int:
            light: Light | None = pair[1].light
            return len(LIGHTS) if light is None else -LIGHTS.index(light)

        pairs = [(level, one) for level, found in self.audit.levels.items() for one in found.findings]
        return sorted(pairs, key=order)

    def to_dict(self) -> JsonObject:
        """Give the result as plain JSON values."""
        return {
            "folder": str(self.folder),
            "unchanged": self.unchanged,
            "seconds": self.seconds,
            **self.audit.model_dump(mode="json"),
        }


def audit(
    workspace: Workspace,
    settings: AuditSettings,
    *,
    labels: LabelsSettings | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> AuditResult:
    """Look for what would let a model look better than it is, and write `reports/audit/`.

    The dataset is the one that a model of the spec would learn from. An audit that is there already, of the
    same dataset, is kept.

    Args:
        workspace: Where features and labels are, and where the report goes.
        settings: Levels, the captures to learn from, and the spec that chooses features and rows.
        labels: How connections get their labels.
        seed: Seed of everything random, unless the settings have their own.
        engine: Where labelling runs.
        force: Look again even if nothing changed.
        progress: Called as the work goes on.

    Raises:
        MissingInput: There is no workspace, no feature, or no such spec.
        BadData: Only one class is labelled.
        SettingsError: The spec asks for something impossible.
        CannotWrite: The operating system refused; an earlier report stays as it was.
    """
    started = time.perf_counter()
    seed = seed if settings.seed is None else settings.seed
    spec = load_spec(settings.spec)
    with workspace.require().locked():
        label_connections(workspace, labels, engine=engine, progress=progress)
        old = None if force else published_audit(workspace)
        folder = workspace.report(REPORT)
        levels: dict[Level, LevelAudit] = {}
        for level in settings.levels:
            data = load_dataset(
                workspace, level, spec, dataset=settings.dataset, seed=seed, progress=progress
            ).to_learn_from()
            levels[level] = audited(data, old, seed=seed, progress=progress)
        found = Audit.of(levels)
        unchanged = found == old and (folder / PAGE).is_file()
        if not unchanged:
            _write(workspace, folder, found)
    return AuditResult(folder, unchanged, found, round(time.perf_counter() - started, 3))


def _write(workspace: Workspace, folder: Path, found: Audit) -> None:
    content = found.model_dump(mode="json")
    with workspace.scratch_folder() as scratch:
        write_bytes(folder / PAGE, render_audit(content).encode(), scratch)
        write_json(folder / RESULT, content, scratch)
