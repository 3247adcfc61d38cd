"""Which files below a folder can no longer grow, as far as their last lines and their stillness tell."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.errors import MissingInput
from ptml.identity import is_readable_pcap
from ptml.parse.finding import LogFile, walk
from ptml.parse.seen import TAIL_BYTES, has_end
from ptml.zeektypes import looks_like_archive, looks_like_log, rotation_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    Stamp = tuple[int, int, int, int]


@dataclass(slots=True)
class _Sighting:
    """A file as it lies there.

    Attributes:
        stamp: Its size, times of change and number on disk; another stamp is another file.
        since: Since when it has been so, by the clock that runs evenly.
        pcap: Whether it is a packet capture.
        given: Whether it has been called ready as it is.
    """

    stamp: Stamp
    since: float
    pcap: bool
    given: bool = False


class ReadyFiles:
    """Looks at a folder again and again, and gives each file once it can no longer grow.

    A file is ready when its last line is Zeek's ``#close``, or when it has lain unchanged for `settle`
    seconds; never while it is empty. When it changes later it becomes ready again. Which files count is as
    for :func:`ptml.parse.finding.find_files`, except that a packet capture counts while there is no log.

    Args:
        folder: The folder; searched at any depth.
        settle: Seconds.
        beside: Folders that are never searched.

    Attributes:
        gone: How many files had gone at the last look.
    """

    def __init__(self, folder: Path, settle: float, beside: Sequence[Path] = ()) -> None:
        self.folder, self.settle, self.beside = folder.absolute(), settle, beside
        self._sightings: dict[Path, _Sighting] = {}
        self.gone = 0

    def look(self) -> list[LogFile]:
        """Give the files that have become ready, the oldest first.

        Raises:
            MissingInput: The folder cannot be listed, now.
        """
        now = time.monotonic()
        stamps = {path: stamp for path in self._candidates() if (stamp := _stamp(path)) is not None}
        gone = self._sightings.keys() - stamps
        for path in gone:
            del self._sightings[path]
        self.gone = len(gone)
        ready = []
        for path, stamp in stamps.items():
            seen = self._sightings.get(path)
            if seen is None or seen.stamp != stamp:
                pcap = not looks_like_log(path) and is_readable_pcap(path)
                seen = self._sightings[path] = _Sighting(stamp, now, pcap)
                is_ready = stamp[0] > 0 and (not self.settle or (not pcap and _has_end(path)))
            else:
                is_ready = not seen.given and stamp[0] > 0 and now - seen.since >= self.settle
            if is_ready and (seen.pcap or looks_like_log(path)):
                ready.append(path)
        return self._chosen(ready, stamps) if ready else []

    def paths(self) -> Iterable[Path]:
        """Give the files that were there at the last look."""
        return self._sightings.keys()

    def growing(self) -> Iterable[Path]:
        """Give the files that were there at the last look and may still grow."""
        return (path for path, seen in self._sightings.items() if not seen.given)

    def _candidates(self) -> list[Path]:
        try:
            os.scandir(self.folder).close()
        except OSError as error:
            raise MissingInput(f"{self.folder} cannot be read: {error.strerror}") from error
        return [self.folder / name for name in walk(self.folder, self.beside)]

    def _chosen(self, ready: list[Path], stamps: dict[Path, Stamp]) -> list[LogFile]:
        """Leave archives out where there are logs, and packet captures where there is either."""
        logs = [path for path in stamps if looks_like_log(path)]
        plain = any(not looks_like_archive(path) for path in logs)
        chosen = []
        for path in sorted(ready, key=rotation_key):
            seen = self._sightings[path]
            if (seen.pcap and logs) or (plain and looks_like_archive(path)):
                continue
            seen.given = True
            chosen.append(LogFile(path, seen.stamp[0], seen.stamp[1], seen.pcap))
        return chosen


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:  # gone since the folder was listed
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _has_end(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            return has_end(file.read())
    except OSError:  # it will be tried, and reported, once it has settled
        return False
