"""A packet capture → the logs that Zeek makes of it, with what Zeek said of its own work."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from ptml.errors import BadData, PtmlError
from ptml.identity import PCAP_MAGICS
from ptml.io import chunks, open_raw, writing
from ptml.parse.limited import Limits, run_limited
from ptml.parse.reader import read_log
from ptml.parse.zeek import OPTIONS, SCRIPTS, find_zeek
from ptml.zeektypes import log_name, rotation_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.parse.limited import Ended
    from ptml.types import JsonObject, JsonValue

ABOUT_THE_RUN = {"loaded_scripts", "packet_filter"}
"""Logs of Zeek's own doings, stamped with the time at which it ran: no part of the capture."""
QUOTED = 200
LISTED = 50
TOLD = 3


@dataclass(frozen=True, slots=True)
class ZeekRun:
    """What Zeek made of a capture.

    Attributes:
        files: Name and place of each log.
        parameters: Zeek's version, scripts, exit code and reports, for the manifest.
        notes: What a reader of the report should know.
        broken: Why what Zeek had logged may not be all; None if it ended well.
    """

    files: tuple[tuple[str, Path], ...]
    parameters: JsonObject
    notes: tuple[str, ...]
    broken: str | None


def run_zeek(name: str, path: Path, folder: Path, limits: Limits) -> ZeekRun:
    """Run Zeek on a capture.

    Where Zeek ends with an error or crashes, what it had logged until then is kept: a capture that was cut
    off is common, and its beginning is as good as any. Where a limit was reached nothing is kept, as it would
    depend on the machine how much that is.

    Args:
        name: The capture's name.
        path: The capture.
        folder: An empty folder to work in.
        limits: What Zeek may use.

    Raises:
        MissingTool: There is no Zeek.
        BadData: Zeek made nothing of it, or reached a limit.
    """
    zeek = find_zeek()
    version = zeek.version()
    logs, scratch = (folder / part for part in ("logs", "scratch"))
    with writing(folder):
        logs.mkdir()
        scratch.mkdir()
    pcap, notes = _plain(path.absolute(), scratch, own_name=zeek.template)
    ended = run_limited(zeek.command(logs.absolute(), pcap), logs, scratch, limits)
    found = sorted((file for file in logs.glob("*.log") if _is_file(file)), key=rotation_key)
    kept = [file for file in found if log_name(file) not in ABOUT_THE_RUN]
    broken = _how_it_ended(ended)
    if broken and not kept:
        raise BadData(f"{broken}; it logged nothing of the capture", hint="is it a whole packet capture?")
    reporter = _counted(logs / "reporter.log", "level")
    weird = _counted(logs / "weird.log", "name")
    notes += [
        *_last_words(ended),
        *_told("reporter.log", reporter),
        *_told("weird.log", weird),
    ]
    said: JsonObject = {
        "version": version,
        "arguments": [*OPTIONS, *SCRIPTS],
        "exit_code": ended.code,
        "reporter": dict(reporter),
        "weird": dict(weird.most_common(LISTED)),
        **_scripts(logs / "loaded_scripts.log"),
    }
    files = tuple((f"{name}/{file.name}", file) for file in kept)
    return ZeekRun(files, {"zeek": said}, tuple(notes), broken)


def _plain(path: Path, scratch: Path, *, own_name: bool) -> tuple[Path, list[str]]:
    """Give the capture decompressed; for a container also under a name that is no part of its options."""
    with open_raw(path) as file:
        plain = file.read(4) in PCAP_MAGICS
    if plain and not own_name:
        return path, []
    copy = scratch / "capture.pcap"
    if plain:
        with writing(copy):
            _link_or_copy(path, copy)
        return copy, []
    with writing(copy), copy.open("wb") as file:
        try:
            for piece in chunks(path):
                file.write(piece)
        except BadData as error:
            return copy, [f"{error.message}; Zeek read what was before"]
    return copy, []


def _link_or_copy(path: Path, copy: Path) -> None:
    try:
        os.link(path, copy)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, copy)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _how_it_ended(ended: Ended) -> str | None:
    if not ended.code:
        return None
    how = f"crashed (signal {-ended.code})" if ended.code < 0 else f"ended with exit code {ended.code}"
    last = f": {ended.said.splitlines()[-1][:QUOTED]}" if ended.said else ""
    return f"Zeek {how}{last}"


def _last_words(ended: Ended) -> Iterator[str]:
    if ended.code:
        yield f"{_how_it_ended(ended)}; what it had logged before is kept"
    elif ended.said:
        yield f"Zeek said: {ended.said.splitlines()[-1][:QUOTED]}"


def _counted(path: Path, column: str) -> Counter[str]:
    """Count the values of a log's column; of what cannot be read, nothing: the parse stage sets it aside."""
    counts: Counter[str] = Counter()
    try:
        for batch in read_log(path):
            if column in batch.frame.columns:
                counts.update(str(value)[:QUOTED] for value in batch.frame[column].drop_nulls())
    except PtmlError:
        return counts
    return counts


def _told(log: str, counts: Counter[str]) -> Iterator[str]:
    if counts:
        kinds = ", ".join(f"{kind} {count}" for kind, count in counts.most_common(TOLD))
        yield f"Zeek's {log}: {kinds}{', …' if len(counts) > TOLD else ''}"


def _scripts(path: Path) -> JsonObject:
    """Tell which scripts Zeek had loaded: how many, a hash of their names, and those beyond its base."""
    names: list[str] = []
    try:
        for batch in read_log(path):
            if "name" in batch.frame.columns:
                names += [str(name).strip() for name in batch.frame["name"].drop_nulls()]
    except PtmlError:
        return {"scripts": None}
    others: list[JsonValue] = []
    others += [name for name in names if "base/" not in name][:LISTED]
    digest = sha256("\n".join(names).encode()).hexdigest()
    return {"scripts": len(names), "scripts_sha256": digest, "scripts_beyond_base": others}
