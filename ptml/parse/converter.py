"""Converting files into one folder, each once.

A file that was converted is known again by its path, size and time, or else by its content. Where it has
grown since, what was made of its beginning gives way.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.errors import BadData, PtmlError
from ptml.identity import DataLines, capture_id_of_hashes, capture_id_of_logs, capture_id_of_pcap
from ptml.io import chunks, path_text
from ptml.manifest import is_fresh, published, read_manifest_or_none
from ptml.meter import metered, read_meters
from ptml.parse.filereport import FileReport, FilesReport, report_file
from ptml.parse.opening import is_stream
from ptml.parse.stage import STAGE, How, ParseTask, parse_capture, read_capture
from ptml.parse.zeek import find_zeek
from ptml.types import unseen
from ptml.zeektypes import log_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ptml.engine import Engine
    from ptml.manifest import Manifest
    from ptml.parse.filereport import State
    from ptml.parse.finding import LogFile
    from ptml.types import JsonObject, ReadProgress
    from ptml.workspace import Workspace

HEAD_BYTES = 1 << 16
METERS = "meters"
POLL_SECONDS = 0.25
SAME_CONTENT = "{} has the same lines as {}: read once"


@dataclass(frozen=True, slots=True)
class _Beginning:
    """How a file at this path began when it was converted, and what its rows go by."""

    capture_id: str
    head_bytes: int
    head: str


@dataclass(frozen=True, slots=True)
class _FileTask:
    workspace: Workspace
    file: LogFile
    how: How
    force: bool
    before: tuple[_Beginning, ...]

    @property
    def meter(self) -> Path:
        name = hashlib.sha256(os.fsencode(self.file.path)).hexdigest()[:16]
        return self.workspace.scratch / METERS / name


class Converter:
    """Converts files into one folder, and knows what it has converted; the folder must be locked.

    Args:
        desk: The folder.
        how: How they are read.
        engine: Where the work runs.
        force: Read again what has been read.
    """

    def __init__(self, desk: Workspace, how: How, engine: Engine, *, force: bool = False) -> None:
        self.desk, self.how, self.engine, self.force = desk, how, engine, force
        self.files: dict[str, FileReport] = {}
        self.failed: dict[str, str] = {}
        self.notes: Counter[str] = Counter()
        self.known: dict[str, list[Manifest]] = {}
        for manifest in published(desk, STAGE):
            self._learn(manifest)
        for manifest in [one for manifests in self.known.values() for one in manifests]:
            self._retract(manifest)

    def convert(self, found: Iterable[LogFile], *, progress: ReadProgress = unseen) -> None:
        """Convert those of the files that have not been converted; each is published by itself.

        Args:
            found: The files.
            progress: Told of bytes and rows while the work goes on.

        Raises:
            MissingTool: There is a packet capture to convert, and no Zeek.
        """
        todo: list[_FileTask] = []
        for file in found:
            earlier = None if self.force else self._earlier(file)
            if earlier is None:
                todo.append(_FileTask(self.desk, file, self.how, self.force, self._beginnings(file)))
            else:
                self._keep(report_file(self.desk, file, earlier, "unchanged"))
        if any(task.file.pcap for task in todo):
            find_zeek()  # or say now that it is missing, before the others are begun
        with _watched(self.desk, todo, progress) as advance:
            for task, result in self.engine.map(_convert, todo):
                if isinstance(result, PtmlError):
                    self.failed[path_text(task.file.path)] = str(result)
                else:
                    self._take(result)
                advance(task.file, result)

    def report(self, left_out: dict[str, int], seconds: float) -> FilesReport:
        """Sum up what has become of all files."""
        notes = self.notes + Counter(note for file in self.files.values() for note in file.notes)
        return FilesReport(
            out=self.desk.root,
            files=tuple(sorted(self.files.values(), key=lambda file: file.path)),
            failed=dict(sorted(self.failed.items())),
            notes=dict(sorted((notes + Counter(left_out)).items())),
            seconds=round(seconds, 3),
        )

    def _take(self, result: FileReport) -> None:
        self._keep(result)
        manifest = read_manifest_or_none(self.desk, STAGE, result.capture_id)
        assert manifest is not None
        if result.state == "done":
            self._learn(manifest)
            self._retract(manifest)

    def _keep(self, result: FileReport) -> None:
        self.failed.pop(path_text(result.path), None)
        twin = self.files.get(result.capture_id)
        if twin is not None and twin.path != result.path:
            self.notes[SAME_CONTENT.format(path_text(result.path), path_text(twin.path))] += 1
            return
        self.files[result.capture_id] = result

    def _learn(self, manifest: Manifest) -> None:
        path = manifest.parameters.get("path")
        if isinstance(path, str):
            self.known.setdefault(path, []).append(manifest)

    def _earlier(self, file: LogFile) -> Manifest | None:
        for manifest in self.known.get(path_text(file.path), ()):
            stamp = (manifest.parameters.get("bytes"), manifest.parameters.get("mtime_ns"))
            if stamp == (file.bytes, file.mtime_ns) and is_fresh(self.desk, manifest, manifest.fingerprint):
                return manifest
        return None

    def _beginnings(self, file: LogFile) -> tuple[_Beginning, ...]:
        recorded = ((one.capture_id, one.parameters) for one in self.known.get(path_text(file.path), ()))
        return tuple(
            _Beginning(capture_id, size, head)
            for capture_id, said in recorded
            if isinstance(size := said.get("head_bytes"), int) and isinstance(head := said.get("head"), str)
        )

    def _retract(self, newer: Manifest) -> None:
        """Take back what was made of a file's beginning, once the whole file has been published."""
        capture_id = newer.parameters.get("supersedes")
        older = read_manifest_or_none(self.desk, STAGE, capture_id) if isinstance(capture_id, str) else None
        if older is None or older.parameters.get("path") != newer.parameters["path"]:
            return
        for file in older.files:
            (self.desk.root / file.path).unlink(missing_ok=True)
        self.desk.manifest(STAGE, older.capture_id).unlink()  # last: until then the next run tries again
        self.files.pop(older.capture_id, None)
        known = self.known[path_text(Path(str(newer.parameters["path"])))]
        known[:] = [one for one in known if one.capture_id != older.capture_id]


def _convert(task: _FileTask) -> FileReport:
    """Convert one file, unless what it holds has been converted under another name.

    Raises:
        MissingInput: It has gone.
        BadData: It cannot be used.
    """
    path = task.file.path
    with metered(task.meter):
        if not task.file.pcap and is_stream(path):
            return _convert_stream(task)
        parse = _parse_task(task, capture_id_of_pcap(path) if task.file.pcap else capture_id_of_logs([path]))
        done = _done_before(task, parse)
        return report_file(task.workspace, task.file, done or parse_capture(parse), _state(done))


def _convert_stream(task: _FileTask) -> FileReport:
    """Convert a log whose content is known once it has been read: it is read only once."""
    lines = DataLines()
    with task.workspace.scratch_folder() as folder:
        reading = read_capture(_parse_task(task, ""), folder, lines.update)
        path = task.file.path
        named = capture_id_of_hashes([(log_name(path), lines.hexdigest())]) if reading.whole else None
        parse = _parse_task(task, named or capture_id_of_logs([path]))
        done = _done_before(task, parse)
        return report_file(task.workspace, task.file, done or reading.publish(parse), _state(done))


def _done_before(task: _FileTask, parse: ParseTask) -> Manifest | None:
    old = None if task.force else read_manifest_or_none(task.workspace, STAGE, parse.capture_id)
    return old if is_fresh(task.workspace, old, parse.fingerprint) else None


def _state(done_before: Manifest | None) -> State:
    return "done" if done_before is None else "unchanged"


def _parse_task(task: _FileTask, capture_id: str) -> ParseTask:
    path = task.file.path
    begins = _head(path)
    parameters: JsonObject = {
        "path": path_text(path),
        "bytes": task.file.bytes,
        "mtime_ns": task.file.mtime_ns,
        "head": hashlib.sha256(begins).hexdigest(),
        "head_bytes": len(begins),
    }
    outgrown = [
        one.capture_id for one in task.before if _began_so(begins, one) and one.capture_id != capture_id
    ]
    if outgrown:
        parameters["supersedes"] = outgrown[0]
    return ParseTask(
        task.workspace,
        capture_id,
        ((path_text(path), path),),
        f"{capture_id} {parameters['head']}",
        task.how,
        wanted=(),
        parameters=parameters,
    )


def _began_so(begins: bytes, before: _Beginning) -> bool:
    return hashlib.sha256(begins[: before.head_bytes]).hexdigest() == before.head


def _head(path: Path) -> bytes:
    """Read a file's first bytes, decompressed: they tell a file that grew from another one."""
    begins = b""
    with contextlib.suppress(BadData):
        for piece in chunks(path):
            begins += piece[: HEAD_BYTES - len(begins)]
            if len(begins) == HEAD_BYTES:
                break
    return begins


@contextlib.contextmanager
def _watched(
    desk: Workspace, todo: list[_FileTask], progress: ReadProgress
) -> Iterator[Callable[[LogFile, FileReport | PtmlError], None]]:
    """Tell of bytes and rows while files are worked on, by what their meters show."""
    total = sum(task.file.bytes for task in todo)
    folder = desk.scratch / METERS
    folder.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    done = Counter[str]()

    def look() -> None:
        while not ended.wait(POLL_SECONDS):
            read, rows = read_meters(folder)
            progress(min(done["bytes"] + read, total), total, done["rows"] + rows)

    def advance(file: LogFile, result: FileReport | PtmlError) -> None:
        done["bytes"] += file.bytes
        if isinstance(result, FileReport):
            done["rows"] += sum(count.rows for count in result.logs.values())
        progress(done["bytes"], total, done["rows"])

    progress(0, total, 0)
    looking = threading.Thread(target=look, daemon=True)
    if progress is not unseen:
        looking.start()
    try:
        yield advance
    finally:
        ended.set()
        if looking.ident is not None:
            looking.join()
