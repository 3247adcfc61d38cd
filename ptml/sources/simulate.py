"""Simulated captures into the workspace, or into plain folders."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ptml.catalog import upsert
from ptml.engine import LocalEngine
from ptml.errors import PtmlError
from ptml.identity import capture_id_of_logs
from ptml.io import sha256_json, writing
from ptml.manifest import is_fresh, published
from ptml.sources.raw import STAGE, publish_raw
from ptml.sources.simulator import CapturePlan, plan_captures, write_capture
from ptml.stage import StageReport
from ptml.types import LogFormat, silent
from ptml.zeektypes import looks_like_log

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.manifest import Manifest
    from ptml.settings import SimulateSettings
    from ptml.sources.simulator import WrittenCapture
    from ptml.types import JsonObject, Progress
    from ptml.workspace import Workspace

SOURCE = "simulator"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class _SimulateTask:
    workspace: Workspace
    plan: CapturePlan
    log_format: LogFormat
    compress: bool
    force: bool

    @property
    def plan_hash(self) -> str:
        plan = {**asdict(self.plan), "started_at": self.plan.started_at.isoformat()}
        return sha256_json([VERSION, plan, self.log_format, self.compress])


def simulate(
    workspace: Workspace,
    settings: SimulateSettings,
    *,
    seed: int = 0,
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> StageReport:
    """Write labelled synthetic captures into ``raw/simulator/`` and list them in the catalog.

    The same settings and seed give the same captures, byte for byte; those that are there are left alone.

    Raises:
        SettingsError: A family is not known, or a number is out of range.
        WorkspaceBusy: Another run holds the workspace.
        CannotWrite: The operating system refused.
    """
    started = time.perf_counter()
    with workspace.locked():
        tasks = [
            _SimulateTask(workspace, plan, settings.format, settings.compress, force)
            for plan in plans(settings, seed)
        ]
        there = {str(m.parameters.get("plan")): m for m in published(workspace, STAGE)}
        fresh = [m for task in tasks if (m := _already(workspace, task, there)) is not None]
        known = {str(manifest.parameters["plan"]) for manifest in fresh}
        todo = [task for task in tasks if task.plan_hash not in known]
        done: list[Manifest] = []
        for _, result in (engine or LocalEngine()).map(_simulate_one, todo):
            if isinstance(result, PtmlError):
                raise result
            done.append(result)
            progress("simulate", len(done), len(todo))
        both = [*done, *fresh]
        upsert(workspace, [_row(manifest) for manifest in both], [_origin(manifest) for manifest in both])
    return StageReport(
        stage="simulate",
        done=tuple(sorted(manifest.capture_id for manifest in done)),
        unchanged=tuple(sorted(manifest.capture_id for manifest in fresh)),
        rows_out=sum(manifest.rows_out for manifest in both),
        counts={"malicious": sum(manifest.counts["malicious"] for manifest in both)},
        seconds=round(time.perf_counter() - started, 3),
    )


def simulate_folders(
    out: Path, settings: SimulateSettings, *, seed: int = 0, progress: Progress = silent
) -> list[WrittenCapture]:
    """Write simulated captures into plain folders, one each, outside any workspace.

    Raises:
        SettingsError: A family is not known, or a number is out of range.
        CannotWrite: The operating system refused.
    """
    written = []
    todo = plans(settings, seed)
    for plan in todo:
        folder = out / plan.name
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            written.append(
                write_capture(plan, folder, log_format=settings.format, compress=settings.compress)
            )
        progress("simulate", len(written), len(todo))
    return written


def plans(settings: SimulateSettings, seed: int) -> list[CapturePlan]:
    """Plan the captures that the settings ask for; their own seed counts before the run's."""
    return plan_captures(
        captures=settings.captures,
        hours=settings.hours,
        hosts=settings.hosts,
        connections=settings.connections,
        seed=seed if settings.seed is None else settings.seed,
        malicious_share=settings.malicious_share,
        families=settings.families,
        exclude_families=settings.exclude_families,
    )


def _already(workspace: Workspace, task: _SimulateTask, there: dict[str, Manifest]) -> Manifest | None:
    manifest = there.get(task.plan_hash)
    if manifest is None or task.force or not is_fresh(workspace, manifest, manifest.fingerprint):
        return None
    return manifest


def _simulate_one(task: _SimulateTask) -> Manifest:
    with task.workspace.scratch_folder() as folder, writing(folder):
        written = write_capture(task.plan, folder, log_format=task.log_format, compress=task.compress)
        files = {path.name: path for path in sorted(folder.iterdir())}
        capture_id = capture_id_of_logs(path for path in files.values() if looks_like_log(path))
        parameters: JsonObject = {
            "source": SOURCE,
            "plan": task.plan_hash,
            "name": written.name,
            "label": written.label,
            "family": written.family,
            "started_at": written.started_at.isoformat(),
            "ended_at": written.ended_at.isoformat(),
        }
        manifest, _ = publish_raw(
            task.workspace,
            SOURCE,
            capture_id,
            files,
            parameters=parameters,
            rows=written.connections,
            counts={"malicious": written.malicious},
            force=task.force,
        )
        return manifest


def _row(manifest: Manifest) -> dict[str, object]:
    facts = manifest.parameters
    return {
        "capture_id": manifest.capture_id,
        "name": facts["name"],
        "label": facts["label"],
        "label_level": "connection",
        "label_method": "simulator",
        "label_confidence": 1.0,
        "family": facts["family"],
        "tags": ["simulated"],
        "unit": "file",
        "size_bytes": sum(file.bytes for file in manifest.files),
        "started_at": datetime.fromisoformat(str(facts["started_at"])),
        "ended_at": datetime.fromisoformat(str(facts["ended_at"])),
    }


def _origin(manifest: Manifest) -> dict[str, object]:
    return {
        "capture_id": manifest.capture_id,
        "source": SOURCE,
        "source_id": manifest.parameters["name"],
        "licence": "made here",
        "fetched_at": datetime.fromisoformat(str(manifest.parameters["started_at"])),
    }
