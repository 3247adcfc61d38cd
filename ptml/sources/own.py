"""Labelled captures that the user already has: folders of Zeek logs and PCAPs, and what is said of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ptml.catalog import read_catalog, read_provenance, upsert
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, PtmlError
from ptml.identity import capture_id_of_logs, capture_id_of_sha256, is_pcap, pcap_sha256
from ptml.io import sha256_file
from ptml.labelfile import FILE, INDICATORS
from ptml.manifest import read_manifest_or_none
from ptml.sources.listing import files_below, plan
from ptml.sources.raw import STAGE, publish_raw
from ptml.stage import StageReport
from ptml.types import LABEL_POLICIES, silent
from ptml.zeektypes import logs_among

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from ptml.engine import Engine
    from ptml.manifest import Manifest
    from ptml.settings import AddSettings
    from ptml.sources.manifest_csv import Listed
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
    sha256: str | None
    """Of the packet capture, decompressed; None for logs."""


@dataclass(slots=True)
class _Tally:
    """What has been added so far, and what could not be."""

    done: dict[str, Listed] = field(default_factory=dict)
    unchanged: dict[str, Listed] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    hashes: dict[str, str | None] = field(default_factory=dict)

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
    the same content are one; where their labels differ, the second is refused. A folder with a
    ``labels.parquet`` keeps the label of each connection.

    Raises:
        MissingInput: The manifest or a folder is not there, or nothing could be added.
        BadData: The manifest lacks columns, has a label that is none of the four, or lists a capture twice.
        SettingsError: The label or family of the paths is not what a folder's own labels say.
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
        _restore_labels(workspace, tally)
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


def logs_of(path: Path) -> tuple[dict[str, Path], int]:
    """Find a capture's logs: name within it → file; and how many files are left out, as no logs.

    Raises:
        MissingInput: It holds no log, or has a folder that may not be listed.
        BadData: It holds captures with labels of their own.
    """
    if path.is_file():
        return {path.name: path}, 0
    files, shut = files_below(path)
    if shut:
        folder, why = next(iter(shut.items()))
        raise MissingInput(
            f"{folder} cannot be listed ({why}); without its logs this would be another capture, "
            "so it was not added",
            hint="check its permissions, or move it away",
        )
    logs = {name.as_posix(): path / name for name in logs_among(file.relative_to(path) for file in files)}
    if not logs:
        raise MissingInput(
            f"{path} holds no Zeek log (of {len(files)} files)",
            hint="they end in .log, .json, .log.gz, .log.zst, …; a PCAP is a capture of its own",
        )
    below = [file.parent for file in files if file.name == FILE and file.parent != path]
    if below:
        raise BadData(
            f"{path} holds captures with labels of their own, such as {below[0].relative_to(path)}; "
            "as one capture they would lose them, so it was not added",
            hint="add each of these folders",
        )
    beside = sum((path / name).is_file() for name in (FILE, *INDICATORS))
    return logs, len(files) - len(logs) - beside


def _add_one(task: _AddTask) -> _Added:
    logs, left_out = logs_of(task.listed.path)
    pcap = task.listed.path if task.listed.path.is_file() and is_pcap(task.listed.path) else None
    sha256 = None if pcap is None else pcap_sha256(pcap)
    capture_id = capture_id_of_logs(logs.values()) if sha256 is None else capture_id_of_sha256(sha256)
    old = read_manifest_or_none(task.workspace, STAGE, capture_id)
    labels = _labels_beside(task.listed)
    if old is not None and old.parameters.get("source") != SOURCE and _has_these(old, labels):
        size = sum(file.bytes for file in old.files)
        return _Added(capture_id, size, copied=False, left_out=left_out, sha256=sha256)
    manifest, copied = publish_raw(
        task.workspace, SOURCE, capture_id, logs | labels, parameters={"source": SOURCE}, force=task.force
    )
    return _Added(capture_id, sum(file.bytes for file in manifest.files), copied, left_out, sha256)


def _labels_beside(listed: Listed) -> dict[str, Path]:
    """Find what lies beside a capture's logs and says which connections are malicious."""
    names = (*INDICATORS, *((FILE,) if listed.level == "connection" else ()))
    return {name: listed.path / name for name in names if (listed.path / name).is_file()}


def _has_these(old: Manifest, labels: dict[str, Path]) -> bool:
    """Tell whether a capture that another source brought came with these labels."""
    return all(old.inputs.get(name) == sha256_file(path) for name, path in labels.items())


def _count(tally: _Tally, one: Listed, result: _Added | PtmlError) -> None:
    if isinstance(result, PtmlError):
        tally.failed[one.name] = str(result)
        return
    twin = tally.of(result.capture_id)
    if twin is not None and (reason := _contradiction(twin, one)):
        tally.failed[one.name] = f"same content as {twin.name!r}, {reason}"
        return
    if twin is not None:
        tally.note(f"{one.name} has the same content as {twin.name}: one capture")
        return
    (tally.done if result.copied else tally.unchanged)[result.capture_id] = one
    tally.sizes[result.capture_id] = result.size_bytes
    tally.hashes[result.capture_id] = result.sha256
    if result.left_out:
        tally.note("files that are no logs were left out")


def _contradiction(twin: Listed, one: Listed) -> str | None:
    before, now = _labelled(twin.label, twin.level), _labelled(one.label, one.level)
    if before != now:
        return f"which is labelled {before}, not {now}"
    if one.level == "connection" and sha256_file(twin.path / FILE) != sha256_file(one.path / FILE):
        return f"which has another {FILE}"
    return None


def _restore_labels(workspace: Workspace, tally: _Tally) -> None:
    """Bring back the labels of captures whose twin, refused only afterwards, was copied over them."""
    for capture_id, one in {**tally.done, **tally.unchanged}.items():
        old = read_manifest_or_none(workspace, STAGE, capture_id)
        if one.level == "connection" and old is not None and not _has_these(old, _labels_beside(one)):
            _add_one(_AddTask(workspace, one, force=False))


def _publish(workspace: Workspace, tally: _Tally) -> None:
    now = datetime.now(UTC)
    added = {**tally.done, **tally.unchanged}
    since = dict(read_provenance(workspace).select("capture_id", "fetched_at").iter_rows())
    known = read_catalog(workspace)
    captures = [_row(tally, one, capture_id) for capture_id, one in added.items()]
    origins = [_origin(one, capture_id, since.get(capture_id) or now) for capture_id, one in added.items()]
    _note_changed_labels(tally, known, captures)
    upsert(workspace, captures, origins)


def _note_changed_labels(tally: _Tally, known: pl.DataFrame, captures: list[dict[str, object]]) -> None:
    before = {row["capture_id"]: (row["label"], row["label_level"]) for row in known.iter_rows(named=True)}
    for row in captures:
        new = (str(row["label"]), str(row["label_level"]))
        old = before.get(str(row["capture_id"]), new)
        if old != new:
            tally.note(f"{row['name']}: label was {_labelled(*old)}, is now {_labelled(*new)}")


def _labelled(label: str, level: str) -> str:
    return f"{label} by connection" if level == "connection" else label


def _row(tally: _Tally, one: Listed, capture_id: str) -> dict[str, object]:
    return {
        "capture_id": capture_id,
        "name": one.name,
        "label": one.label,
        "label_level": one.level,
        "label_method": "file"
        if one.level == "connection" and one.method not in LABEL_POLICIES
        else one.method,
        "family": one.family,
        "tags": sorted(one.tags),
        "unit": "file",
        "md5": one.md5,
        "sha256": one.sha256 or tally.hashes[capture_id],
        "size_bytes": tally.sizes[capture_id],
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
