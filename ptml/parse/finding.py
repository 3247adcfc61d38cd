"""Which files are meant by the paths that were given: each log, archive of logs or packet capture."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.errors import MissingInput
from ptml.identity import is_pcap, is_readable_pcap
from ptml.zeektypes import logs_among

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HINT = "give Zeek logs, PCAPs, or folders of them"
PCAPS_BESIDE_LOGS = "PCAPs beside logs were left out"
NO_LOGS = "files that are neither logs nor PCAPs were left out"
SHUT = "folders that cannot be listed were left out"
GIVEN_TWICE = "files that were given twice were read once"


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file to read, as it was when it was found; `path` leads there from wherever ptml is started."""

    path: Path
    bytes: int
    mtime_ns: int
    pcap: bool = False


def find_files(paths: Iterable[Path], *, beside: Sequence[Path] = ()) -> tuple[list[LogFile], dict[str, int]]:
    """Find the files at some paths: a file is taken as it is, a folder is searched at any depth.

    Of a folder, files that may be logs by their names are taken, the oldest first; only of one that has none
    the packet captures, told by content, since with the logs of both each connection would come twice.
    Links to folders and hidden files are not followed.

    Args:
        paths: Files and folders.
        beside: Folders that are never searched, such as the one that results go to.

    Returns:
        The files, and what was left out with how often.

    Raises:
        MissingInput: A path does not exist, or is neither a file nor a folder.
    """
    found: dict[Path, LogFile] = {}
    left_out: Counter[str] = Counter()
    for path in paths:
        if path.is_dir():
            files = _of_folder(path, beside, left_out)
        elif path.is_file():
            files = [_log_file(path, pcap=is_pcap(path))]
        else:
            reason = "is neither a file nor a folder" if path.exists() else "does not exist"
            raise MissingInput(f"{path} {reason}; nothing was done", hint=HINT)
        for file in files:
            place = file.path.resolve()
            if place in found:
                left_out[GIVEN_TWICE] += 1
            found.setdefault(place, file)
    return list(found.values()), dict(left_out)


def _of_folder(folder: Path, beside: Sequence[Path], left_out: Counter[str]) -> list[LogFile]:
    names = list(walk(folder, beside, left_out))
    logs = logs_among(names)
    rest = sorted(set(names) - set(logs))
    pcaps = [name for name in rest if is_readable_pcap(folder / name)]
    left_out[NO_LOGS] += len(rest) - len(pcaps)
    if logs:
        left_out[PCAPS_BESIDE_LOGS] += len(pcaps)
        return [_log_file(folder / name) for name in logs]
    return [_log_file(folder / name, pcap=True) for name in pcaps]


def walk(folder: Path, beside: Sequence[Path] = (), left_out: Counter[str] | None = None) -> Iterator[Path]:
    """Yield a folder's files, as paths within it; links to folders and hidden names are passed over.

    Args:
        folder: The folder.
        beside: Folders in it that are not searched.
        left_out: Counts folders that cannot be listed.
    """
    shut = {one.resolve() for one in beside}

    def note(_error: OSError) -> None:
        if left_out is not None:
            left_out[SHUT] += 1

    for place, folders, files in os.walk(folder, onerror=note):
        here = Path(place)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (here / name).resolve() not in shut
        )
        for name in files:
            if not name.startswith(".") and (here / name).is_file():
                yield (here / name).relative_to(folder)


def _log_file(path: Path, *, pcap: bool = False) -> LogFile:
    status = path.stat()
    return LogFile(path.absolute(), status.st_size, status.st_mtime_ns, pcap)
