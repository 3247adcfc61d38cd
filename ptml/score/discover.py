"""Which captures lie at the paths that were given."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.errors import MissingInput
from ptml.identity import is_readable_pcap
from ptml.io import path_text
from ptml.score.found import Found, Skipped, at
from ptml.score.parsed import parsed_captures, parsed_root
from ptml.zeektypes import log_name, looks_like_archive, looks_like_log, rotation_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Found", "Skipped", "find_captures", "require_paths"]

NO_LOGS = "no Zeek logs in it (*.log, *.json, also .gz and .zst), and no PCAPs"
ARCHIVES_BESIDE_LOGS = "{} archives beside Zeek logs were left out: they are copies as likely as not"
PCAPS_BESIDE_LOGS = "{} PCAPs beside Zeek logs were left out: connections would come twice"
SHUT = "cannot be listed ({}); what lies in it was left out"
GIVEN_TWICE = "given twice; it is scored once"
CONN = "conn"


def find_captures(
    paths: Sequence[Path], *, beside: Sequence[Path] = (), names: Mapping[Path, str] | None = None
) -> tuple[list[Found], list[Skipped]]:
    """Find the captures at some paths: a folder of Zeek logs is one, so is a single log file.

    A folder that holds no logs itself is searched for folders that do, at any depth; links to folders and
    hidden folders are not followed. Only where there are no logs, archives are captures, and only where there
    are none either, PCAPs are. Single logs are a capture each, unless conn and other logs of one folder are
    given: then they are one, as that folder would be. Of a folder that `ptml parse` wrote to,
    the captures are those that it parsed.

    Args:
        paths: Folders and files.
        beside: Folders that are never searched, such as the one that results go to.
        names: What to call captures whose folder does not tell.

    Raises:
        MissingInput: A path does not exist.

    >>> find_captures([])
    ([], [])
    """
    require_paths(paths)
    found: list[Found] = []
    skipped: list[Skipped] = []
    seen: set[object] = set()
    shut = {folder.resolve() for folder in beside}
    for given in _given(paths):
        captures = [given] if given.chosen or given.source.is_file() else _search(given.source, shut, skipped)
        if not captures:
            skipped.append(Skipped(given.path, NO_LOGS))
        for one in captures:
            if one.place in seen:
                skipped.append(Skipped(one.path, GIVEN_TWICE))
                continue
            seen.add(one.place)
            known = (names or {}).get(given.source if len(captures) == 1 else one.source)
            found.append(replace(one, name=known or one.name))
    return found, skipped


def require_paths(paths: Sequence[Path]) -> None:
    """Insist that paths are there.

    Raises:
        MissingInput: One is not.
    """
    for path in paths:
        if not path.exists():
            raise MissingInput(
                f"{path_text(path)} does not exist, so nothing was scored",
                hint="check the path; give a folder of Zeek logs, a single log, or a folder of such folders",
            )


def _given(paths: Sequence[Path]) -> Iterator[Found]:
    """Give each path as a capture, and single logs of one folder together if they are conn and others."""
    beside: dict[Path, list[Path]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        if looks_like_log(path) and not looks_like_archive(path) and path.is_file():
            beside[path.parent].append(path)
    for path in paths:
        logs = beside.get(path.parent, [])
        names = {log_name(log) for log in logs}
        if path not in logs or names == {CONN} or CONN not in names:
            yield at(path, path)
        elif path == logs[0]:
            yield replace(at(path.parent, path.parent), chosen=tuple(sorted(logs, key=rotation_key)))


def _search(root: Path, shut: set[Path], skipped: list[Skipped]) -> list[Found]:
    """Find the captures below a folder."""
    captures: list[Found] = []
    archives: list[Found] = []
    pcaps: list[Found] = []

    def note(error: OSError) -> None:
        skipped.append(Skipped(path_text(Path(error.filename)), SHUT.format(error.strerror)))

    for place, folders, files in os.walk(root, onerror=note):
        folder = Path(place)
        within = _captures_of(folder, files, root)
        captures += within
        if within:
            folders.clear()  # what lies below belongs to this capture
            continue
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (folder / name).resolve() not in shut
        )
        seen = sorted(folder / name for name in files if not name.startswith("."))
        archives += [at(path, root) for path in seen if looks_like_archive(path)]
        pcaps += [at(path, root) for path in seen if not looks_like_archive(path) and is_readable_pcap(path)]
    if captures and archives:
        skipped.append(Skipped(path_text(root), ARCHIVES_BESIDE_LOGS.format(len(archives))))
    if (captures or archives) and pcaps:
        skipped.append(Skipped(path_text(root), PCAPS_BESIDE_LOGS.format(len(pcaps))))
    return captures or archives or pcaps


def _captures_of(folder: Path, files: Sequence[str], root: Path) -> list[Found]:
    """Give a folder's captures: those that `ptml parse` put there, or the folder itself if it has logs."""
    home = parsed_root(folder)
    if home is not None:
        return parsed_captures(home, folder)
    logs = any(looks_like_log(Path(name)) and not looks_like_archive(Path(name)) for name in files)
    return [at(folder, root)] if logs else []
