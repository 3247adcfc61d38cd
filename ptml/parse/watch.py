"""A folder that a sensor rotates its logs into → Parquet, file by file, for as long as one lets it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ptml.engine import LocalEngine
from ptml.errors import MissingInput, SettingsError
from ptml.io import path_text
from ptml.parse.converter import Converter
from ptml.parse.filereport import Failure, FileReport, LogCount
from ptml.parse.files import open_desk
from ptml.parse.ready import ReadyFiles
from ptml.parse.stage import How
from ptml.types import never

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.settings import ParseSettings
    from ptml.types import JsonObject

SETTLE_SECONDS = 10.0
LOOK_SECONDS = 1.0
LOOK_SHARE = 0.1
"""At most this share of the time is spent on looking, however large the folder."""
NAP_SECONDS = 0.1


@dataclass(slots=True)
class WatchReport:
    """What became of the files below a folder while it was watched.

    Attributes:
        out: Folder of the datasets.
        files: How many were read, had been read before, and could not be used; each time that one was met.
        logs: Lines by log of the files that were read.
        taken_back: Lines that had been read earlier, of files that have grown since, and are read anew.
        seconds: For how long.
    """

    out: Path
    files: Counter[str] = field(default_factory=Counter)
    logs: dict[str, LogCount] = field(default_factory=dict)
    taken_back: LogCount = field(default_factory=LogCount)
    seconds: float = 0.0

    @property
    def total(self) -> LogCount:
        """Give the lines of all logs."""
        return sum(self.logs.values(), LogCount())

    def add(self, outcome: FileReport | Failure) -> None:
        """Take what became of a file."""
        if isinstance(outcome, Failure):
            self.files["failed"] += 1
            return
        self.files[outcome.state] += 1
        if outcome.state == "done":
            for log, count in outcome.logs.items():
                self.logs[log] = self.logs.get(log, LogCount()) + count
        self.taken_back = sum(outcome.taken_back.values(), self.taken_back)

    def to_dict(self) -> JsonObject:
        """Give the report as plain JSON values."""
        total = self.total
        return {
            "out": path_text(self.out),
            "logs": {log: asdict(count) for log, count in sorted(self.logs.items())},
            "rows_in": total.rows + total.quarantined,
            "rows_out": total.rows,
            "quarantined": total.quarantined,
            "taken_back": asdict(self.taken_back),
            **{state: self.files[state] for state in ("done", "unchanged", "failed")},
            "seconds": self.seconds,
        }


def watch_files(
    folder: Path,
    out: Path,
    *,
    settle: float = SETTLE_SECONDS,
    settings: ParseSettings | None = None,
    engine: Engine | None = None,
    stopped: Callable[[], bool] = never,
    tell: Callable[[FileReport | Failure], None] | None = None,
) -> WatchReport:
    r"""Convert what is in a folder, and what comes, like :func:`parse_files`, until one is told to stop.

    A file is read once it can no longer grow: its last line is Zeek's ``#close``, or it has not changed for
    `settle` seconds. One that changes later is read again and takes the place of its beginning. A file that
    cannot be used stops nothing: it is told, and tried again when it has changed.

    Args:
        folder: Where a sensor puts its logs; searched at any depth.
        out: Folder for the datasets.
        settle: Seconds without change after which a file counts as finished.
        settings: How.
        engine: Where the work runs.
        stopped: Asked before each file and several times a second whether to stop.
        tell: Told what became of each file.

    Returns:
        The sum, once `stopped` says so. Killed at any other moment, nothing is lost either: the next run
        goes on where this one was.

    Raises:
        MissingInput: There is no such folder.
        SettingsError: `out` is a file or a workspace, or `settle` is below 0.
        WorkspaceBusy: Another run writes to `out`.
        MissingTool: A packet capture has come, and there is no Zeek.
        CannotWrite: The operating system refused.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> text = "#separator \\x09\n#fields\tuid\n#types\tstring\nC1\n#close\t1\n"
    >>> _ = (folder / "conn.log").write_text(text)
    >>> seen = []
    >>> report = watch_files(folder, folder / "parquet", stopped=lambda: bool(seen), tell=seen.append)
    >>> seen[0].path.name, report.logs
    ('conn.log', {'conn': LogCount(rows=1, quarantined=0)})
    """
    if settle < 0:
        raise SettingsError(f"to settle, a file needs 0 seconds or more, not {settle:g}")
    if not folder.is_dir():
        raise MissingInput(f"{folder} is no folder; nothing was done", hint="name the one that logs come to")
    started = time.perf_counter()
    report = WatchReport(out)
    desk = open_desk(out)
    with desk.locked():
        converter = Converter(desk, How.of(settings), engine or LocalEngine())
        watch = _Watch(ReadyFiles(folder, settle, beside=[out]), converter, report, stopped, tell)
        while not stopped():
            began = time.monotonic()
            watch.look()
            looked = time.monotonic() - began
            rest(max(LOOK_SECONDS, looked / LOOK_SHARE if not watch.worked else 0.0), stopped)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


@dataclass(slots=True)
class _Watch:
    """Looks at the folder, and converts what is ready."""

    files: ReadyFiles
    converter: Converter
    report: WatchReport
    stopped: Callable[[], bool]
    tell: Callable[[FileReport | Failure], None] | None
    begun: bool = False
    away: bool = False
    worked: bool = False

    def look(self) -> None:
        """Look once."""
        self.worked = False
        try:
            ready = self.files.look()
        except MissingInput as error:  # unmounted, or being replaced: it may come back
            if not self.away:
                self._told(Failure(self.files.folder, str(error)))
            self.away = True
            return
        self.away = False
        if ready:
            self.worked = True
            for outcome in self.converter.convert(ready, stopped=self.stopped):
                self._told(outcome)
        self._forget()

    def _told(self, outcome: FileReport | Failure) -> None:
        self.report.add(outcome)
        if self.tell is not None:
            self.tell(outcome)

    def _forget(self) -> None:
        """Let go of files that have gone: a watch may run for years."""
        if self.files.gone or not self.begun:
            self.begun = True
            self.converter.converted.keep_only({path_text(path) for path in self.files.paths()})


def rest(seconds: float, stopped: Callable[[], bool]) -> None:
    """Wait, but not when one is told to stop."""
    until = time.monotonic() + seconds
    while not stopped() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, NAP_SECONDS))
