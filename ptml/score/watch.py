"""A folder that a sensor rotates its logs into, scored capture by capture for as long as one lets it."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ptml.errors import BadData, MissingInput, SettingsError
from ptml.io import path_text
from ptml.parse.ready import ReadyFiles
from ptml.parse.watch import LOOK_SECONDS, LOOK_SHARE, rest
from ptml.score.sensors import find_by
from ptml.types import never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ptml.score.found import Found
    from ptml.score.sensors import By
    from ptml.score.stage import ScoreResult
    from ptml.types import JsonObject

_NAME_CHARS = 80


class Scorer(Protocol):
    """Scores captures into a folder, as `ptml.score` does with everything else settled."""

    def __call__(self, found: Sequence[Found], out: Path) -> ScoreResult:
        """Score."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one capture: its scores, or why there are none."""

    found: Found
    out: Path
    result: ScoreResult | None = None
    why: str = ""

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        about: dict[str, Any] = {"name": self.found.name, "out": path_text(self.out)}
        if self.result is None:
            return about | {"failed": self.why}
        return about | {"captures": [dict(row) for row in self.result.chosen], "alerts": self.result.alerts}


@dataclass(slots=True)
class ScoreWatchReport:
    """What became of the captures while a folder was watched; each time that one was scored counts."""

    out: Path
    captures: Counter[str] = field(default_factory=Counter)
    found_malicious: bool = False
    seconds: float = 0.0

    def add(self, told: Told) -> None:
        """Take what became of a capture."""
        if told.result is None:
            self.captures["failed"] += 1
            return
        self.captures["unchanged" if told.result.unchanged else "scored"] += 1
        self.captures["alerts"] += told.result.alerts
        self.found_malicious |= told.result.found_malicious

    def to_dict(self) -> JsonObject:
        """Give the report as plain JSON values."""
        counts = {name: self.captures[name] for name in ("scored", "unchanged", "failed", "alerts")}
        return {"out": path_text(self.out), **counts, "seconds": self.seconds}


def watch_scores(
    folder: Path,
    out: Path,
    scorer: Scorer,
    *,
    by: By = "hour",
    settle: float,
    stopped: Callable[[], bool] = never,
    tell: Callable[[Told], None] | None = None,
) -> ScoreWatchReport:
    """Score each capture of a sensor once all its files are finished, until one is told to stop.

    A file is finished when its last line is Zeek's ``#close``, or when it has not changed for `settle`
    seconds. A capture that gets another file, or whose file grows, is scored again, in place of what was.

    Args:
        folder: Where a sensor puts its logs; searched at any depth.
        out: Each capture's scores go to a folder of their own in it.
        scorer: Scores captures.
        by: What a capture is.
        settle: Seconds without change after which a file counts as finished.
        stopped: Asked before each capture and several times a second whether to stop.
        tell: Told what became of each capture.

    Returns:
        The sum, once `stopped` says so.

    Raises:
        MissingInput: There is no such folder.
        SettingsError: `settle` is below 0.
        CannotWrite: The operating system refused.
    """
    if settle < 0:
        raise SettingsError(f"to settle, a file needs 0 seconds or more, not {settle:g}")
    if not folder.is_dir():
        raise MissingInput(f"{folder} is no folder; nothing was done", hint="name the one that logs come to")
    started = time.perf_counter()
    report = ScoreWatchReport(out)
    watch = _Watch(ReadyFiles(folder, settle, beside=[out]), folder, out, scorer, by)
    while not stopped():
        began = time.monotonic()
        complete = watch.complete()
        looked = time.monotonic() - began
        for found in complete:
            if stopped():
                break
            told = watch.score(found)
            report.add(told)
            if tell is not None:
                tell(told)
        rest(max(LOOK_SECONDS, looked / LOOK_SHARE), stopped)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


@dataclass(slots=True)
class _Watch:
    """Knows which captures are due: those with files that have become ready since they were scored."""

    files: ReadyFiles
    folder: Path
    out: Path
    scorer: Scorer
    by: By
    due: set[Path] = field(default_factory=set)

    def complete(self) -> list[Found]:
        """Give the captures that are due and have no file that may still grow."""
        try:
            self.due |= {file.path for file in self.files.look()}
        except MissingInput:  # unmounted, or being replaced: it may come back
            return []
        if not self.due:
            return []
        growing = set(self.files.growing())
        found, _ = find_by(self.by, [self.folder], beside=[self.out])
        of_captures = [(one, set(one.chosen or (one.source.absolute(),))) for one in found]
        complete = [(one, paths) for one, paths in of_captures if paths & self.due and not paths & growing]
        waiting = set().union(*(paths for one in of_captures if one not in complete for paths in one[1:]))
        self.due &= waiting
        return [one for one, _ in complete]

    def score(self, found: Found) -> Told:
        """Score one capture; one that cannot be used stops nothing."""
        place = self.out / place_name(found)
        try:
            return Told(found, place, self.scorer([found], place))
        except (BadData, MissingInput) as error:
            return Told(found, place, why=error.message)


def place_name(found: Found) -> str:
    """Name the folder of a capture's scores: what is harmless of its name, and a hash of all of it.

    >>> from pathlib import Path
    >>> from ptml.score.found import Found
    >>> place_name(Found(Path("/logs/zeek"), "zeek 2026-11-23T05", "/logs/zeek"))[:19]
    'zeek_2026-11-23T05-'
    """
    digest = hashlib.sha256(f"{found.path}\t{found.name}".encode("utf-8", "surrogateescape")).hexdigest()[:8]
    harmless = re.sub(r"[^A-Za-z0-9._-]", "_", found.name).lstrip("._-")[:_NAME_CHARS]
    return f"{harmless or 'capture'}-{digest}"
