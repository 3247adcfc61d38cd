"""What a folder holds of which file: known again by path, size and time, or by how it began.

A log that was converted while a sensor still wrote to it is the beginning of a longer one, which may turn up
in its place or, rotated and compressed, under another name. The longer one takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.io import path_text
from ptml.manifest import amend, is_fresh, published, read_manifest_or_none
from ptml.parse.stage import STAGE
from ptml.zeektypes import log_name, may_be_live

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ptml.manifest import Manifest
    from ptml.parse.finding import LogFile
    from ptml.types import JsonValue
    from ptml.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Origin:
    """A file as it was when it was converted.

    Attributes:
        capture_id: What its rows go by.
        path: Where it was, as text.
        stamp: Its size and time of change.
        head_bytes: Bytes of its beginning, decompressed, that `head` is the hash of.
        head: That hash.
        open_bytes: Bytes of its data lines, where it was a log that a sensor may go on writing; else None.
    """

    capture_id: str
    path: str
    stamp: tuple[int, int]
    head_bytes: int
    head: str
    open_bytes: int | None = None


class Converted:
    """Which files have been converted into a folder.

    Args:
        desk: The folder; it must be locked.
    """

    def __init__(self, desk: Workspace) -> None:
        self.desk = desk
        self._by_path: dict[str, list[Origin]] = {}
        superseding = []
        for manifest in published(desk, STAGE):
            self.learn(manifest)
            if manifest.parameters.get("supersedes"):
                superseding.append(manifest)
        for manifest in superseding:  # what a killed run did not come to
            self.take_back(manifest)

    def learn(self, manifest: Manifest) -> None:
        """Take note of what was converted."""
        origin = _origin(manifest)
        if origin is not None:
            self._forget(origin.path, manifest.capture_id)
            self._by_path.setdefault(origin.path, []).append(origin)

    def earlier(self, file: LogFile) -> Manifest | None:
        """Give what was made of a file, where it has not changed since."""
        for origin in self._by_path.get(path_text(file.path), ()):
            if origin.stamp == (file.bytes, file.mtime_ns):
                manifest = read_manifest_or_none(self.desk, STAGE, origin.capture_id)
                if manifest is not None and _is_whole(self.desk, manifest):
                    return manifest
        return None

    def beginnings(self, file: LogFile, left: Iterable[Origin]) -> tuple[Origin, ...]:
        """Give what may be the beginning of a file: what was at its path, and logs that left theirs."""
        path = path_text(file.path)
        elsewhere = (one for one in left if one.path != path)
        same_log = (one for one in elsewhere if log_name(Path(one.path)) == log_name(file.path))
        return (*self._by_path.get(path, ()), *same_log)

    def left(self) -> list[Origin]:
        """List the logs that had not ended when they were converted and are not as they were."""
        origins = (one for known in self._by_path.values() for one in known)
        return [one for one in origins if one.open_bytes is not None and _has_changed(one)]

    def take_back(self, newer: Manifest) -> list[Manifest]:
        """Take back what was made of a file's beginning, once the whole file has been published."""
        gone = []
        superseded = newer.parameters.get("supersedes")
        for one in superseded if isinstance(superseded, list) else ():
            assert isinstance(one, dict)
            older = read_manifest_or_none(self.desk, STAGE, str(one["capture_id"]))
            if older is None or older.parameters.get("path") != one["path"]:
                continue  # done before; or another file of the same lines has come since
            for file in older.files:
                (self.desk.root / file.path).unlink(missing_ok=True)
            self.desk.manifest(STAGE, older.capture_id).unlink()  # last: until then the next run tries again
            self._forget(str(one["path"]), older.capture_id)
            gone.append(older)
        return gone

    def move(self, manifest: Manifest, file: LogFile) -> None:
        """Take note that what was converted lies elsewhere now, under another name or compressed.

        Raises:
            CannotWrite: The operating system refused.
        """
        origin, path = _origin(manifest), path_text(file.path)
        if origin is None or not (origin.path == path or _has_changed(origin)):
            return
        parameters = manifest.parameters | {
            "path": path,
            "bytes": file.bytes,
            "mtime_ns": file.mtime_ns,
            "open_bytes": origin.open_bytes if may_be_live(file.path) else None,
        }
        moved = replace(manifest, parameters=parameters)
        amend(self.desk, moved)
        self._forget(origin.path, origin.capture_id)
        self.learn(moved)

    def keep_only(self, paths: Collection[str]) -> None:
        """Forget files that are at none of these paths, except logs that had not ended."""
        for path in self._by_path.keys() - paths:
            kept = [one for one in self._by_path.pop(path) if one.open_bytes is not None]
            if kept:
                self._by_path[path] = kept

    def _forget(self, path: str, capture_id: str) -> None:
        others = [one for one in self._by_path.pop(path, ()) if one.capture_id != capture_id]
        if others:
            self._by_path[path] = others


def _is_whole(desk: Workspace, manifest: Manifest) -> bool:
    """Tell whether all that was made of a file is there; earlier versions did not count its lines."""
    return "lines" in manifest.parameters and is_fresh(desk, manifest, manifest.fingerprint)


def _origin(manifest: Manifest) -> Origin | None:
    said = manifest.parameters
    path, head, open_bytes = said.get("path"), said.get("head"), said.get("open_bytes")
    if not isinstance(path, str) or not isinstance(head, str):
        return None
    return Origin(
        manifest.capture_id,
        path,
        (_whole(said.get("bytes")), _whole(said.get("mtime_ns"))),
        _whole(said.get("head_bytes")),
        head,
        open_bytes if isinstance(open_bytes, int) else None,
    )


def _whole(value: JsonValue) -> int:
    return value if isinstance(value, int) else -1


def _has_changed(origin: Origin) -> bool:
    """Tell whether a file is gone, or another one; where it cannot be looked at, it is not."""
    try:
        status = Path(origin.path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) != origin.stamp
