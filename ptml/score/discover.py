"""Which captures lie at the paths that were given."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.errors import MissingInput
from ptml.identity import is_readable_pcap
from ptml.io import path_text
from ptml.zeektypes import looks_like_archive, looks_like_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_LOGS = "no Zeek logs in it (*.log, *.json, also .gz and .zst), and no PCAPs"
PCAPS_BESIDE_LOGS = "{} PCAPs beside Zeek logs were left out: connections would come twice"
SHUT = "cannot be listed ({}); what lies in it was left out"
GIVEN_TWICE = "given twice; it is scored once"


@dataclass(frozen=True, slots=True)
class Found:
    """A capture to score: a folder of logs, a log or a PCAP; its name, and the path as it was given."""

    source: Path
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was left out, and why."""

    path: str
    reason: str


def find_captures(
    paths: Sequence[Path], *, beside: Sequence[Path] = (), names: Mapping[Path, str] | None = None
) -> tuple[list[Found], list[Skipped]]:
    """Find the captures at some paths: a folder of Zeek logs is one, so is a single log file.

    A folder that holds no logs itself is searched for folders that do, at any depth; links to folders and
    hidden folders are not followed. PCAPs are captures too, in a folder only if it has no logs.

    Args:
        paths: Folders and files.
        beside: Folders that are never searched, such as the one that results go to.
        names: What to call captures whose folder does not tell.

    Raises:
        MissingInput: A path does not exist.

    >>> find_captures([])
    ([], [])
    """
    found: list[Found] = []
    skipped: list[Skipped] = []
    seen: set[Path] = set()
    shut = {folder.resolve() for folder in beside}
    for path in paths:
        if not path.exists():
            raise MissingInput(
                f"{path_text(path)} does not exist, so nothing was scored",
                hint="check the path; give a folder of Zeek logs, a single log, or a folder of such folders",
            )
        captures, pcaps = ([path], []) if path.is_file() else _search(path, shut, skipped)
        if captures and pcaps:
            skipped.append(Skipped(path_text(path), PCAPS_BESIDE_LOGS.format(len(pcaps))))
        captures = captures or pcaps
        if not captures:
            skipped.append(Skipped(path_text(path), NO_LOGS))
        for source in captures:
            if source.resolve() in seen:
                skipped.append(Skipped(path_text(source), GIVEN_TWICE))
                continue
            seen.add(source.resolve())
            given = path if len(captures) == 1 else source
            name = (names or {}).get(given) or path_text(_name(source, path))
            found.append(Found(source, name, path_text(source)))
    return found, skipped


def _name(source: Path, given: Path) -> Path:
    """Name a capture by its own folder, or by its way down from the folder that was searched."""
    return Path(source.resolve().name) if source == given else source.relative_to(given)


def _search(root: Path, shut: set[Path], skipped: list[Skipped]) -> tuple[list[Path], list[Path]]:
    """Find the folders of logs below a folder, and the packet captures that lie in none of them."""
    captures: list[Path] = []
    pcaps: list[Path] = []

    def note(error: OSError) -> None:
        skipped.append(Skipped(path_text(Path(error.filename)), SHUT.format(error.strerror)))

    for place, folders, files in os.walk(root, onerror=note):
        folder = Path(place)
        if any(looks_like_log(Path(name)) and not looks_like_archive(Path(name)) for name in files):
            folders.clear()  # what lies below belongs to this capture
            captures.append(folder)
        else:
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and (folder / name).resolve() not in shut
            )
            pcaps += [
                folder / name
                for name in sorted(files)
                if not name.startswith(".") and is_readable_pcap(folder / name)
            ]
    return captures, pcaps
