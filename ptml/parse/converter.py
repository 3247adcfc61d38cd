"""Converting files into one folder, each once.

A file that was converted is known again by its path, size and time, or else by its content. Where it has
grown since, what was made of its beginning gives way.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from ptml.errors import BadData, PtmlError
from ptml.identity import capture_id_of_hashes, capture_id_of_logs, capture_id_of_pcap
from ptml.io import path_text
from ptml.manifest import is_fresh, read_manifest_or_none
from ptml.meter import metered
from ptml.parse.converted import Converted
from ptml.parse.filereport import Failure, FileReport, report_file, total_of
from ptml.parse.opening import is_stream
from ptml.parse.progress import METERS, measured
from ptml.parse.seen import Seen, head_of
from ptml.parse.stage import STAGE, How, ParseTask, parse_capture, read_capture
from ptml.parse.zeek import find_zeek
from ptml.types import never, unseen
from ptml.zeektypes import log_name, may_be_live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.manifest import Manifest
    from ptml.parse.converted import Origin
    from ptml.parse.filereport import State
    from ptml.parse.finding import LogFile
    from ptml.types import JsonObject, ReadProgress
    from ptml.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _FileTask:
    workspace: Workspace
    file: LogFile
    how: How
    force: bool
    before: tuple[Origin, ...]

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
        self.converted = Converted(desk)

    def convert(
        self,
        found: Iterable[LogFile],
        *,
        progress: ReadProgress = unseen,
        stopped: Callable[[], bool] = never,
    ) -> Iterator[FileReport | Failure]:
        """Convert those of the files that have not been converted; each is published by itself.

        Args:
            found: The files.
            progress: Told of bytes and rows while the work goes on.
            stopped: Asked before each file whether to begin it.

        Yields:
            What became of each file.

        Raises:
            MissingTool: There is a packet capture to convert, and no Zeek.
        """
        todo: list[_FileTask] = []
        left = self.converted.left()
        for file in found:
            earlier = None if self.force else self.converted.earlier(file)
            if earlier is None:
                before = self.converted.beginnings(file, left)
                todo.append(_FileTask(self.desk, file, self.how, self.force, before))
            else:
                yield report_file(file, earlier, "unchanged")
        if any(task.file.pcap for task in todo):
            find_zeek()  # or say now that it is missing, before the others are begun
        with measured(self.desk, sum(task.file.bytes for task in todo), progress) as advance:
            for task, result in self.engine.map(_convert, takewhile(lambda _: not stopped(), todo)):
                advance(task.file.bytes, 0 if isinstance(result, PtmlError) else result.total.rows)
                if isinstance(result, PtmlError):
                    yield Failure(task.file.path, str(result))
                else:
                    yield self._take(task.file, result)

    def _take(self, file: LogFile, result: FileReport) -> FileReport:
        manifest = read_manifest_or_none(self.desk, STAGE, result.capture_id)
        assert manifest is not None
        if result.state == "unchanged":
            self.converted.move(manifest, file)
            return result
        self.converted.learn(manifest)
        gone = self.converted.take_back(manifest)
        return replace(result, taken_back={older.capture_id: total_of(older) for older in gone})


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
        capture_id = capture_id_of_pcap(path) if task.file.pcap else capture_id_of_logs([path])
        parse = _parse_task(task, capture_id, head_of(path))
        done = _done_before(task, parse)
        return report_file(task.file, done or parse_capture(parse), _state(done))


def _convert_stream(task: _FileTask) -> FileReport:
    """Convert a log whose content is known once it has been read: it is read only once.

    A sensor may put another log in its place meanwhile; what is published tells of the one that was read.
    """
    path, name = task.file.path, log_name(task.file.path)
    seen = Seen(one.open_bytes for one in task.before if one.open_bytes is not None)
    with task.workspace.scratch_folder() as folder:
        unnamed = ParseTask(task.workspace, "", ((path_text(path), path),), "", task.how, wanted=())
        reading = read_capture(unnamed, folder, seen.update)
        if not reading.whole and _has_changed(task.file):
            raise BadData(
                f"{path} could not be read to its end, and changed meanwhile; nothing of it was kept",
                hint="try again",
            )
        if reading.whole:
            capture_id = capture_id_of_hashes([(name, seen.lines.hexdigest())])
        else:
            capture_id = capture_id_of_logs([path])
        parse = _parse_task(task, capture_id, seen.head, seen)
        if reading.whole and may_be_live(path) and not seen.has_end:
            parse.parameters["open_bytes"] = seen.lines.size
        done = _done_before(task, parse)
        return report_file(task.file, done or reading.publish(parse), _state(done))


def _has_changed(file: LogFile) -> bool:
    try:
        status = file.path.stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (file.bytes, file.mtime_ns)


def _done_before(task: _FileTask, parse: ParseTask) -> Manifest | None:
    old = None if task.force else read_manifest_or_none(task.workspace, STAGE, parse.capture_id)
    return old if is_fresh(task.workspace, old, parse.fingerprint) else None


def _state(done_before: Manifest | None) -> State:
    return "done" if done_before is None else "unchanged"


def _parse_task(task: _FileTask, capture_id: str, head: bytes, seen: Seen | None = None) -> ParseTask:
    path = task.file.path
    parameters: JsonObject = {
        "path": path_text(path),
        "bytes": task.file.bytes,
        "mtime_ns": task.file.mtime_ns,
        "head": hashlib.sha256(head).hexdigest(),
        "head_bytes": len(head),
    }
    outgrown = [
        one for one in task.before if one.capture_id != capture_id and _begins_with(one, path, head, seen)
    ]
    if outgrown:
        parameters["supersedes"] = [{"capture_id": one.capture_id, "path": one.path} for one in outgrown]
    return ParseTask(
        task.workspace,
        capture_id,
        ((path_text(path), path),),
        f"{capture_id} {parameters['head']}",
        task.how,
        wanted=(),
        parameters=parameters,
    )


def _begins_with(before: Origin, path: Path, head: bytes, seen: Seen | None) -> bool:
    """Tell whether a file is what another one, or itself, has grown into.

    At the same path it is where it begins the same. Elsewhere it has to begin with all of its data lines.
    """
    if before.path == path_text(path):
        return hashlib.sha256(head[: before.head_bytes]).hexdigest() == before.head
    if seen is None or before.open_bytes is None:
        return False
    digest = seen.lines.hexdigest_after(before.open_bytes)
    return digest is not None and capture_id_of_hashes([(log_name(path), digest)]) == before.capture_id
