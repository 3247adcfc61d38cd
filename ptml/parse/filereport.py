"""What became of files that were converted: lines by log, read and set aside, and what is to be said."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from ptml.io import path_text

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.manifest import Manifest
    from ptml.parse.finding import LogFile
    from ptml.types import JsonObject

State = Literal["done", "unchanged"]
SAME_CONTENT = "{} has the same lines as {}: read once"


@dataclass(frozen=True, slots=True)
class LogCount:
    """Lines of one log: read into rows, and set aside."""

    rows: int = 0
    quarantined: int = 0

    def __add__(self, other: LogCount) -> LogCount:
        return LogCount(self.rows + other.rows, self.quarantined + other.quarantined)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes:
        path: The file.
        capture_id: What its rows go by.
        state: Whether it was read now or before.
        bytes: Its size as it lies on disk.
        logs: Lines by log; together they are all data lines of the file.
        notes: What should be said of it.
        taken_back: Captures that were but its beginning and gave way to it, and their lines.
    """

    path: Path
    capture_id: str
    state: State
    bytes: int
    logs: dict[str, LogCount]
    notes: tuple[str, ...] = ()
    taken_back: dict[str, LogCount] = field(default_factory=dict)

    @property
    def total(self) -> LogCount:
        """Give the lines of all its logs."""
        return sum(self.logs.values(), LogCount())

    def to_dict(self) -> JsonObject:
        """Give the report as plain JSON values."""
        return {
            "path": path_text(self.path),
            "capture_id": self.capture_id,
            "state": self.state,
            "logs": {log: asdict(count) for log, count in sorted(self.logs.items())},
            "notes": list(self.notes),
            "taken_back": list(self.taken_back),
            **asdict(self.total),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A file of which nothing was made, and why."""

    path: Path
    why: str

    def to_dict(self) -> JsonObject:
        """Give the report as plain JSON values."""
        return {"path": path_text(self.path), "state": "failed", "why": self.why}


@dataclass(frozen=True, slots=True)
class FilesReport:
    """What was made of some files."""

    out: Path
    files: tuple[FileReport, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def logs(self) -> dict[str, LogCount]:
        """Give the lines by log, over all files."""
        logs: dict[str, LogCount] = {}
        for file in self.files:
            for log, count in file.logs.items():
                logs[log] = logs.get(log, LogCount()) + count
        return dict(sorted(logs.items()))

    @property
    def total(self) -> LogCount:
        """Give the lines of all logs."""
        return sum(self.logs.values(), LogCount())

    def count(self, state: State) -> int:
        """Count the files of one state."""
        return sum(file.state == state for file in self.files)

    def to_dict(self) -> JsonObject:
        """Give the report as plain JSON values."""
        total = self.total
        return {
            "out": path_text(self.out),
            "logs": {log: asdict(count) for log, count in self.logs.items()},
            "rows_in": total.rows + total.quarantined,
            "rows_out": total.rows,
            "quarantined": total.quarantined,
            "bytes": sum(file.bytes for file in self.files),
            "done": self.count("done"),
            "unchanged": self.count("unchanged"),
            "files": [file.to_dict() for file in self.files],
            "failed": dict(self.failed),
            "notes": dict(self.notes),
            "seconds": self.seconds,
        }


class Tally:
    """Sums up what becomes of some files, of which each may be met more than once."""

    def __init__(self) -> None:
        self._files: dict[str, FileReport] = {}
        self._failed: dict[str, str] = {}
        self._notes: Counter[str] = Counter()

    def add(self, outcome: FileReport | Failure) -> None:
        """Take what became of a file."""
        if isinstance(outcome, Failure):
            self._failed[path_text(outcome.path)] = outcome.why
            return
        for capture_id in outcome.taken_back:
            self._files.pop(capture_id, None)
        twin = self._files.get(outcome.capture_id)
        if twin is not None and twin.path != outcome.path:
            self._notes[SAME_CONTENT.format(path_text(outcome.path), path_text(twin.path))] += 1
            return
        self._files[outcome.capture_id] = outcome

    def report(self, out: Path, left_out: dict[str, int], seconds: float) -> FilesReport:
        """Give the sum."""
        notes = self._notes + Counter(note for file in self._files.values() for note in file.notes)
        return FilesReport(
            out=out,
            files=tuple(sorted(self._files.values(), key=lambda file: file.path)),
            failed=dict(sorted(self._failed.items())),
            notes=dict(sorted((notes + Counter(left_out)).items())),
            seconds=round(seconds, 3),
        )


def total_of(manifest: Manifest) -> LogCount:
    """Count all lines that a manifest accounts for."""
    return LogCount(manifest.rows_out, manifest.rows_in - manifest.rows_out)


def report_file(file: LogFile, manifest: Manifest, state: State) -> FileReport:
    """Count a file's lines by log, as its manifest has them."""
    return FileReport(
        file.path, manifest.capture_id, state, file.bytes, lines_by_log(manifest), manifest.notes
    )


def lines_by_log(manifest: Manifest) -> dict[str, LogCount]:
    """Count the lines that a manifest accounts for by log, over all files of its capture."""
    logs: dict[str, LogCount] = {}
    lines = manifest.parameters["lines"]
    assert isinstance(lines, dict)
    for by_log in lines.values():
        assert isinstance(by_log, dict)
        for log, count in by_log.items():
            assert isinstance(count, dict)
            rows, quarantined = count["rows"], count["quarantined"]
            assert isinstance(rows, int)
            assert isinstance(quarantined, int)
            logs[log] = logs.get(log, LogCount()) + LogCount(rows, quarantined)
    return dict(sorted(logs.items()))
