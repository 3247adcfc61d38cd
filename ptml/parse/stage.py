"""Captures' logs → typed Parquet datasets, one capture at a time, nothing lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from ptml.catalog import require_captures, select_captures
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput
from ptml.identity import is_pcap, is_readable_pcap
from ptml.io import open_raw
from ptml.manifest import Publication, fingerprint, read_manifest
from ptml.parse.ahead import one_ahead
from ptml.parse.blocks import Reject
from ptml.parse.limited import Limits
from ptml.parse.pcap import run_zeek
from ptml.parse.reader import BLOCK_BYTES, read_log
from ptml.parse.writer import CaptureWriter
from ptml.stage import StageReport, each, run_stage
from ptml.types import silent
from ptml.zeektypes import log_name, logs_among

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.manifest import Manifest
    from ptml.settings import ParseSettings
    from ptml.types import JsonObject, Progress
    from ptml.workspace import Workspace

STAGE = "parse"
VERSION = "3"
WHOLE_FILE_BYTES = 4096
GIGABYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class How:
    """How captures are read.

    Attributes:
        block_bytes: Bytes of text handled at a time.
        zeek: What Zeek may use where a file is a packet capture.
    """

    block_bytes: int = BLOCK_BYTES
    zeek: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, settings: ParseSettings | None) -> How:
        """Take it from settings; without any, it is as theirs are by default."""
        if settings is None:
            return cls()
        memory, output = (int(gb * GIGABYTE) for gb in (settings.zeek_memory_gb, settings.zeek_output_gb))
        return cls(settings.block_bytes, Limits(settings.zeek_seconds, memory, output))


@dataclass(frozen=True, slots=True)
class ParseTask:
    """One capture to parse: the files of it that may be logs, with the names they had in the capture.

    Attributes:
        workspace: Where its logs go.
        capture_id: Which capture.
        files: Name in the capture and place of each file.
        raw_fingerprint: Stands for the content of the files.
        how: How it is read.
        wanted: Logs whose absence is worth a note.
        parameters: What the manifest should say of how the files came to be.
        notes: Likewise, for people.
        broken: Files that could be read in part only, by other means than ours, and why.
    """

    workspace: Workspace
    capture_id: str
    files: tuple[tuple[str, Path], ...]
    raw_fingerprint: str
    how: How = field(default_factory=How)
    wanted: tuple[str, ...] = ("conn",)
    parameters: JsonObject = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hash all that determines the output; the block size does not."""
        return fingerprint(STAGE, VERSION, {}, {"raw": self.raw_fingerprint})


def parse(
    workspace: Workspace,
    settings: ParseSettings | None = None,
    *,
    captures: Collection[str] = (),
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> StageReport:
    """Turn the raw logs of the workspace's captures into typed Parquet datasets under ``logs/``.

    Lines that cannot be read go to ``quarantine/``; rows read and rows set aside are together all data lines.

    Args:
        workspace: Where the catalog and the raw captures are.
        settings: How.
        captures: Ids or names; all if empty.
        engine: Where the work runs.
        force: Parse again what has been parsed.
        progress: Told after each capture.

    Raises:
        MissingInput: No workspace, no captures, or one named that is not there.
        WorkspaceBusy: Another run holds the workspace.
        BadData: No capture could be read at all.
    """
    how = How.of(settings)
    catalog = select_captures(require_captures(workspace), captures)
    with workspace.locked():
        tasks = [_task(workspace, capture_id, how) for capture_id in catalog["capture_id"]]
        report = run_stage(
            workspace,
            STAGE,
            tasks,
            each(parse_capture),
            engine=engine or LocalEngine(),
            force=force,
            progress=progress,
        )
    return report.require_output()


def _task(workspace: Workspace, capture_id: str, how: How) -> ParseTask:
    manifest = read_manifest(workspace, "raw", capture_id)
    if manifest is None:
        raise MissingInput(
            f"capture {capture_id} is in the catalog but its raw files are not published",
            hint="add or simulate it again",
        )
    files = {PurePath(*PurePath(file.path).parts[3:]): workspace.root / file.path for file in manifest.files}
    names = logs_among(files) or [name for name, path in files.items() if is_readable_pcap(path)]
    found = tuple((name.as_posix(), files[name]) for name in names)
    return ParseTask(workspace, capture_id, found, manifest.fingerprint, how)


def parse_capture(task: ParseTask) -> Manifest:
    """Parse one capture and publish its logs; those of a packet capture are Zeek's to make.

    Raises:
        BadData: It has no file that looks like a log, or Zeek makes nothing of it.
        MissingTool: It is a packet capture, and there is no Zeek.
        CannotWrite: The operating system refused.
    """
    if not task.files:
        raise BadData(
            "no file in the capture looks like a Zeek log", hint="Zeek's logs end in .log, .log.gz, .json, …"
        )
    if len(task.files) != 1 or not is_pcap(task.files[0][1]):
        return _parse_logs(task)
    [(name, path)] = task.files
    with task.workspace.scratch_folder() as folder:
        ran = run_zeek(name, path, folder, task.how.zeek)
        return _parse_logs(
            replace(
                task,
                files=ran.files,
                wanted=("conn",),
                parameters=task.parameters | ran.parameters,
                notes=(*task.notes, *ran.notes),
                broken=() if ran.broken is None else ((name, ran.broken),),
            )
        )


def _parse_logs(task: ParseTask) -> Manifest:
    with task.workspace.scratch_folder() as folder:
        return read_capture(task, folder).publish(task)


@dataclass(frozen=True, slots=True)
class CaptureReading:
    """A capture's logs as they were read: whole, and published once it is clear whose they are."""

    publication: Publication
    written: CaptureWriter
    whole: bool

    def publish(self, task: ParseTask) -> Manifest:
        """Publish the logs.

        Raises:
            CannotWrite: The operating system refused.
        """
        rows, quarantined = self.written.rows, self.written.quarantine.count
        missing = [f"no {log}.log" for log in task.wanted if not rows[log]]
        self.publication.capture_id = task.capture_id
        self.publication.fingerprint = task.fingerprint
        return self.publication.publish(
            inputs={"raw": task.raw_fingerprint},
            parameters={**task.parameters, "lines": self.written.by_file()},
            rows_in=rows.total() + quarantined,
            rows_out=rows.total(),
            notes=[*task.notes, *self.written.notes, *missing],
            counts={"files": len(task.files), "quarantined": quarantined, **self.written.by_log()},
        )


def read_capture(
    task: ParseTask, folder: Path, see: Callable[[bytes], object] | None = None
) -> CaptureReading:
    """Read a capture's logs into a scratch folder; nothing is published yet.

    Args:
        task: The capture; its id does not matter.
        folder: Where the files collect.
        see: Shown the plain bytes of each log as they are read, archives and Parquet excepted.

    Returns:
        What to publish; `whole` unless some file could not be read to its end.

    Raises:
        CannotWrite: The operating system refused.
    """
    publication = Publication(task.workspace, STAGE, task.capture_id, task.fingerprint, folder)
    writer = CaptureWriter(publication)
    try:
        whole = [_read_file(writer, name, path, task.how.block_bytes, see) for name, path in task.files]
        for name, why in task.broken:
            writer.set_aside(name, "pcap", Reject(None, 0, f"the rest of the file: {why}", b""))
    finally:
        writer.close()
    return CaptureReading(publication, writer, all(whole))


def _read_file(
    writer: CaptureWriter, name: str, path: Path, block_bytes: int, see: Callable[[bytes], object] | None
) -> bool:
    writer.begin(name)
    try:
        for batch in one_ahead(read_log(path, block_bytes=block_bytes, see=see)):
            writer.add(name, batch)
    except BadData as error:
        with open_raw(path) as file:
            raw = file.read(WHOLE_FILE_BYTES)
        reject = Reject(None, 0, f"the rest of the file: {error.message}", raw)
        writer.set_aside(name, log_name(path), reject)
        return False
    return True
