"""Publishing captures many at a time: one wait for the disk serves them all.

The order is that of `Publication.publish`, each step for all: files are made durable, then get their
names, then manifests are made durable, then get theirs. Whoever looks in between sees a capture whole or not
at all.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.io import fsync_file, fsync_folder, sha256_json, writing
from ptml.manifest import FileRecord, Manifest
from ptml.sources.downloading import write_whole
from ptml.sources.raw import STAGE
from ptml.sources.receipt import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.types import JsonObject
    from ptml.workspace import Workspace

FEW = 4


@dataclass(frozen=True, slots=True)
class Staged:
    """A capture whose files lie in the workspace's ``.tmp``, to be published.

    Attributes:
        source: Whose folder it goes to.
        capture_id: Which capture.
        files: Name within the capture → where it lies now.
        hashes: SHA-256 of each.
        parameters: What to remember of how it came to be.
    """

    source: str
    capture_id: str
    files: dict[str, Path]
    hashes: dict[str, str]
    parameters: JsonObject


def publish_together(workspace: Workspace, staged: Sequence[Staged], scratch: Path) -> dict[str, Manifest]:
    """Publish captures that are not there yet, or that are to be replaced.

    Args:
        workspace: Where to.
        staged: The captures, no two of them the same.
        scratch: A folder under the workspace's ``.tmp``.

    Returns:
        The manifest of each, by capture id.

    Raises:
        CannotWrite: The operating system refused; captures without a manifest do not exist.
    """
    started = time.perf_counter()
    with writing(workspace.root):
        sync_all(scratch, [path for one in staged for path in one.files.values()])
        records = {one.capture_id: _place(workspace, one) for one in staged}
        seconds = round((time.perf_counter() - started) / max(len(staged), 1), 3)
        manifests = {one.capture_id: _manifest(one, records[one.capture_id], seconds) for one in staged}
        files = (workspace.root / file.path for records_of in records.values() for file in records_of)
        _publish(workspace, manifests, {file.parent for file in files}, scratch)
    return manifests


def _place(workspace: Workspace, one: Staged) -> tuple[FileRecord, ...]:
    folder = workspace.raw(one.source, one.capture_id)
    records = []
    for name, path in sorted(one.files.items()):
        final = folder / name
        final.parent.mkdir(parents=True, exist_ok=True)
        path.replace(final)
        place = final.relative_to(workspace.root).as_posix()
        records.append(FileRecord(place, STAGE, final.stat().st_size, one.hashes[name]))
    return tuple(records)


def _manifest(one: Staged, records: tuple[FileRecord, ...], seconds: float) -> Manifest:
    return Manifest(
        stage=STAGE,
        capture_id=one.capture_id,
        fingerprint=sha256_json([STAGE, one.source, dict(one.hashes), one.parameters]),
        inputs=dict(one.hashes),
        parameters=one.parameters,
        files=records,
        rows_in=0,
        rows_out=0,
        seconds=seconds,
    )


def _publish(workspace: Workspace, manifests: dict[str, Manifest], folders: set[Path], scratch: Path) -> None:
    """Publish manifests, once they and the names of what they name are durable."""
    written: dict[Path, Path] = {}
    for capture_id, manifest in manifests.items():
        temporary, final = scratch / f"{capture_id}.json", workspace.manifest(STAGE, capture_id)
        value = plain(manifest) | {"files": [plain(file) for file in manifest.files]}
        with temporary.open("wb", buffering=0) as file:
            write_whole(file, (json.dumps(value, sort_keys=True) + "\n").encode())
        written[temporary] = final
    sync_all(scratch, [*folders, *written])
    parents = {final.parent for final in written.values()}
    for folder in parents:
        folder.mkdir(parents=True, exist_ok=True)
    for temporary, final in written.items():
        temporary.replace(final)
    for folder in parents:
        fsync_folder(folder)


def sync_all(place: Path, paths: Sequence[Path]) -> None:
    """Make files and folders of one file system durable.

    A disk takes about as long to sync one file as to sync all, so many are synced at once, where the system
    can: Linux has a call for it that Python has no name for.

    Args:
        place: A folder on the file system.
        paths: The files and folders.
    """
    if len(paths) > FEW and sys.platform == "linux" and _sync_file_system(place):
        return
    for path in paths:
        (fsync_folder if path.is_dir() else fsync_file)(path)


def _sync_file_system(place: Path) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(place, os.O_RDONLY)
    try:
        return hasattr(libc, "syncfs") and libc.syncfs(descriptor) == 0
    finally:
        os.close(descriptor)
