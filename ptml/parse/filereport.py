"""What became of files that were converted: lines by log, read and set aside, and what is to be said."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from ptml.io import path_text, read_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.manifest import Manifest
    from ptml.parse.finding import LogFile
    from ptml.types import JsonObject
    from ptml.workspace import Workspace

State = Literal["done", "unchanged"]


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
    """

    path: Path
    capture_id: str
    state: State
    bytes: int
    logs: dict[str, LogCount]
    notes: tuple[str, ...] = ()


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
            "files": [
                {
                    "path": path_text(file.path),
                    "capture_id": file.capture_id,
                    "state": file.state,
                    "rows": sum(count.rows for count in file.logs.values()),
                    "quarantined": sum(count.quarantined for count in file.logs.values()),
                }
                for file in self.files
            ],
            "failed": dict(self.failed),
            "notes": dict(self.notes),
            "seconds": self.seconds,
        }


def report_file(workspace: Workspace, file: LogFile, manifest: Manifest, state: State) -> FileReport:
    """Count a file's lines by log, as its manifest and its quarantine have them."""
    logs = {
        name.removeprefix("rows_"): LogCount(rows)
        for name, rows in manifest.counts.items()
        if name.startswith("rows_")
    }
    for part in manifest.paths(workspace, "quarantine"):
        by_log = read_parquet(part).group_by("log").len()
        for log, count in by_log.sort("log").iter_rows():
            logs[log] = logs.get(log, LogCount()) + LogCount(0, count)
    return FileReport(file.path, manifest.capture_id, state, file.bytes, logs, manifest.notes)
