"""A capture to score: where its data is, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ptml.io import path_text
from ptml.parse.scan import log_files

Unit = Literal["file", "sensor-hour", "sensor-day", "sensor"]


@dataclass(frozen=True, slots=True)
class Found:
    """A capture to score.

    Attributes:
        source: A folder of logs, a log, an archive or a PCAP; or the folder that `ptml parse` wrote to.
        name: What to call it.
        path: The path as it was given.
        chosen: Its files, the oldest first; all logs of the source if empty.
        parsed: What `ptml parse` calls its parts in the source; empty if it is still to be parsed.
        capture_id: Its id, where that does not follow from its content: a growing sensor's is fixed.
        unit: What a capture is.
        parsed_bytes: About how many bytes of logs it was parsed from.
    """

    source: Path
    name: str
    path: str
    chosen: tuple[Path, ...] = ()
    parsed: tuple[str, ...] = ()
    capture_id: str | None = None
    unit: str = "file"
    parsed_bytes: int = 0

    @property
    def bytes(self) -> int:
        """Tell how large its logs are, as they lie there."""
        return self.parsed_bytes if self.parsed else sum(path.stat().st_size for path in self.files)

    @property
    def files(self) -> list[Path]:
        """List its files that are still to be parsed, the oldest first."""
        if self.parsed:
            return []
        return list(self.chosen) or log_files(self.source)

    @property
    def place(self) -> tuple[object, ...]:
        """Tell where its data is: of two captures with the same place, one is too many."""
        if self.parsed:
            return (self.source.resolve(), self.parsed)
        return tuple(path.resolve() for path in self.chosen) or (self.source.resolve(),)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was left out, and why."""

    path: str
    reason: str


def at(source: Path, given: Path) -> Found:
    """Name a capture by its own folder, or by its way down from the folder that was searched."""
    name = Path(source.resolve().name) if source == given else source.relative_to(given)
    return Found(source, path_text(name), path_text(source))
