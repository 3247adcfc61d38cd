"""Labelled captures that the user already has: folders of Zeek logs, with a CSV that says what they are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ptml.catalog import read_catalog, read_provenance, upsert
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, PtmlError
from ptml.identity import capture_id_of_logs
from ptml.manifest import read_manifest_or_none
from ptml.sources.manifest_csv import Listed, read_manifest_csv
from ptml.sources.raw import STAGE, publish_raw
from ptml.stage import StageReport
from ptml.types import silent
from ptml.zeektypes import looks_like_log

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from ptml.engine import Engine
    from ptml.settings import AddSettings
    from ptml.types import Progress
    from ptml.workspace import Workspace

SOURCE = "own"


@dataclass(frozen=True, slots=True)
class _AddTask:
    workspace: Workspace
    listed: Listed
    force: bool


@dataclass(frozen=True, slots=True)
class _Added:
    capture_id: str
    size_bytes: int
    copied: bool
    left_out: int


@dataclass(slots=True)
class _Tally:
    """What has been added so far, and what could not be."""

    done: dict[str, Listed] = field(default_factory=dict)
    unchanged: dict[str, Listed] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def of(self, capture_id: str) -> Listed | None:
        return self.done.get(capture_id) or self.unchanged.get(capture_id)

    def note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1


def add(
    workspace: Workspace,
    settings: AddSettings,
    *,
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> StageReport:
    """Copy the user's captures into ``raw/own/`` and list them, with their labels, in the catalog.

    A capture is known by its content: adding it again changes nothing but what is said of it. Two that have
    the same content are one; where their labels differ, the second is refused.

    Raises:
        MissingInput: The manifest or a folder is not there, or nothing could be added.
        BadData: The manifest lacks columns, has a label that is none of the four, or lists a capture twice.
        WorkspaceBusy: Another run holds the workspace.
    """
    started = time.perf_counter()
    listed, missing = plan(settings)
    tally = _Tally(failed=missing)
    with workspace.locked():
        tasks = [_AddTask(workspace, one, force) for one in listed]
        results = {}
        for task, result in (engine or LocalEngine()).map(_add_one, tasks):
            results[task.listed.name] = result
            progress("add", len(results), len(tasks))
        for one in listed:
            _count(tally, one, results[one.name])
        _publish(workspace, tally)
    report = StageReport(
        stage="add",
        done=tuple(sorted(tally.done)),
        unchanged=tuple(sorted(tally.unchanged)),
        failed=tally.failed,
        counts={"bytes": sum(tally.sizes.values())},
        notes=tally.notes,
        seconds=round(time.perf_counter() - started, 3),
    )
    return report.require_output()


def plan(settings: AddSettings) -> tuple[list[Listed], dict[str, str]]:
    """Tell which captures would be added, and which listed ones are not there and why."""
    listed, missing = (
        read_manifest_csv(settings.manifest, settings.folders) if settings.manifest else ([], {})
    )
    for path in settings.paths:
        if not path.exists():
            raise MissingInput(f"{path} does not exist", hint="give a folder of Zeek logs, or one log")
        label = settings.label or "unknown"
        listed.append(Listed(name=path.name, path=path, label=label, family=settings.family, method="option"))
    names = [one.name for one in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadData(f"{twice[0]!r} is listed twice", hint="name each capture once")
    return listed, missing


def logs_of(path: Path) -> tuple[dict[str, Path], int]:
    """Find a capture's logs: name within it → file; and how many files are left out, as no logs.

    Raises:
        MissingInput: It holds no log.
    """
    if path.is_file():
        return {path.name: path}, 0
    files = sorted(file for file in path.rglob("*") if file.is_file())
    logs = {file.relative_to(path).as_posix(): file for file in files if looks_like_log(file)}
    if not logs:
        raise MissingInput(
            f"{path} holds no Zeek log (of {len(files)} files)",
            hint="they end in .log, .json, .log.gz or .log.zst; for a PCAP, run `zeek -C -r` on it first",
        )
    return logs, len(files) - len(logs)


def _add_one(task: _AddTask) -> _Added:
    logs, left_out = logs_of(task.listed.path)
    capture_id = capture_id_of_logs(logs.values())
    old = read_manifest_or_none(task.workspace, STAGE, capture_id)
    if old is not None and old.parameters.get("source") != SOURCE:
        return _Added(capture_id, sum(file.bytes for file in old.files), copied=False, left_out=left_out)
    manifest, copied = publish_raw(
        task.workspace, SOURCE, capture_id, logs, parameters={"source": SOURCE}, force=task.force
    )
    return _Added(capture_id, sum(file.bytes for file in manifest.files), copied, left_out)


def _count(tally: _Tally, one: Listed, result: _Added | PtmlError) -> None:
    if isinstance(result, PtmlError):
        tally.failed[one.name] = str(result)
        return
    twin = tally.of(result.capture_id)
    if twin is not None and twin.label != one.label:
        tally.failed[one.name] = (
            f"same content as {twin.name!r}, which is labelled {twin.label}, not {one.label}"
        )
        return
    if twin is not None:
        tally.note(f"{one.name} has the same content as {twin.name}: one capture")
        return
    (tally.done if result.copied else tally.unchanged)[result.capture_id] = one
    tally.sizes[result.capture_id] = result.size_bytes
    if result.left_out:
        tally.note("files that are no logs were left out")


def _publish(workspace: Workspace, tally: _Tally) -> None:
    now = datetime.now(UTC)
    added = {**tally.done, **tally.unchanged}
    since = dict(read_provenance(workspace).select("capture_id", "fetched_at").iter_rows())
    known = read_catalog(workspace)
    captures = [_row(one, capture_id, tally.sizes[capture_id]) for capture_id, one in added.items()]
    origins = [_origin(one, capture_id, since.get(capture_id) or now) for capture_id, one in added.items()]
    _note_changed_labels(tally, known, captures)
    upsert(workspace, captures, origins)


def _note_changed_labels(tally: _Tally, known: pl.DataFrame, captures: list[dict[str, object]]) -> None:
    before = dict(known.select("capture_id", "label").iter_rows())
    for row in captures:
        old = before.get(str(row["capture_id"]))
        if old is not None and old != row["label"]:
            tally.note(f"{row['name']}: label was {old}, is now {row['label']}")


def _row(one: Listed, capture_id: str, size_bytes: int) -> dict[str, object]:
    return {
        "capture_id": capture_id,
        "name": one.name,
        "label": one.label,
        "label_level": "capture",
        "label_method": one.method,
        "family": one.family,
        "tags": sorted(one.tags),
        "unit": "file",
        "md5": one.md5,
        "sha256": one.sha256,
        "size_bytes": size_bytes,
        "notes": one.notes,
    }


def _origin(one: Listed, capture_id: str, fetched_at: datetime) -> dict[str, object]:
    return {
        "capture_id": capture_id,
        "source": one.source or SOURCE,
        "url": one.url,
        "source_id": one.name,
        "licence": one.licence,
        "citation": one.citation,
        "fetched_at": fetched_at,
    }
