"""Taking apart what was fetched: its bytes tell what it is, not its name.

A packet capture is a capture; of an archive, each packet capture and each folder of Zeek logs is one; what
else lies there is left out and counted. Nothing is executed, and no member's name becomes a path as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from ptml.archive import TAR_BLOCK, archive_kind, is_tar, members
from ptml.bounds import LIMITS, Budget, TooMuch, folded
from ptml.errors import BadData, MissingTool, PtmlError
from ptml.identity import (
    PCAP_MAGICS,
    capture_id_of_logs,
    capture_id_of_sha256,
    is_pcap,
    pcap_sha256,
)
from ptml.io import CHUNK_BYTES, open_raw, writing
from ptml.sevenzip import MAGIC as SEVENZIP_MAGIC
from ptml.sources.asks import excerpt
from ptml.sources.protocol import Captured
from ptml.zeektypes import looks_like_archive, looks_like_log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEPTH = 2
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ", b"PK\x03\x04", SEVENZIP_MAGIC)
PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")
NAME_CHARACTERS = 100
CAPTURES = {".pcap", ".pcapng", ".cap"}


@dataclass(slots=True)
class Opened:
    """What was found.

    Attributes:
        captures: The captures.
        left_out: Files that are no part of one.
        notes: What is worth saying.
    """

    captures: list[Captured] = field(default_factory=list)
    left_out: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Opening:
    """The work on one file that was fetched."""

    folder: Path
    passwords: Sequence[str]
    found: Opened = field(default_factory=Opened)
    logs: dict[str, dict[str, Path]] = field(default_factory=dict)
    errors: list[PtmlError] = field(default_factory=list)
    count: int = 0

    def refuse(self, why: str) -> None:
        self.found.left_out += 1
        self.found.notes.append(why)

    def place(self, name: str) -> Path:
        self.count += 1
        path = self.folder / str(self.count) / safe_file_name(name)
        with writing(path):
            path.parent.mkdir(parents=True)
        return path


def open_fetched(
    path: Path,
    name: str,
    folder: Path,
    passwords: Sequence[str] = (),
    *,
    hashes: tuple[str, str | None] | None = None,
    head: bytes | None = None,
) -> Opened:
    """Find the captures in a file.

    Args:
        path: The file.
        name: What it is called, which is also what a capture is called that it is.
        folder: Where what comes out of an archive goes.
        passwords: What to try where it is encrypted.
        hashes: SHA-256 of the file and, where that is known too, MD5.
        head: Its first bytes, where they are known.

    Raises:
        BadData: It holds no capture, is broken, is encrypted, or exceeds a limit.
    """
    work = _Opening(folder, passwords)
    head = _head(path) if head is None else head
    if head[:4] in PCAP_MAGICS:
        work.found.captures.append(_pcap(path, name, hashes))
    elif is_pcap(path):
        work.found.captures.append(_pcap(path, name))
    elif archive_kind(path) is not None:
        _open_archive(work, path, DEPTH, Budget(path, LIMITS, path.stat().st_size))
        for inner, files in sorted(work.logs.items()):
            work.found.captures.append(_logs(files, inner or name))
    elif looks_like_log(PurePosixPath(safe_file_name(name))) and head and not _is_page(head):
        work.found.captures.append(_logs({safe_file_name(name): path}, name))
    if not work.found.captures and work.errors:
        raise work.errors[0]
    if not work.found.captures:
        raise BadData(
            f"{name!r} holds no capture: a PCAP, Zeek logs or an archive of such was expected; "
            + _what_came(work.found.left_out, head),
            hint="see what the source calls it; a page in its place means that it needs a login or is gone",
        )
    if work.found.left_out:
        work.found.notes.append("files that are no captures were left out")
    return work.found


def _open_archive(work: _Opening, path: Path, depth: int, budget: Budget) -> None:
    for member in members(path, passwords=work.passwords, refused=work.refuse, labels=False, within=budget):
        head = member.file.peek(TAR_BLOCK)[:TAR_BLOCK]
        inner = PurePosixPath(member.name.replace("\\", "/"))
        if head[:4] in PCAP_MAGICS:
            place = work.place(inner.name)
            _copy(member.file, place)
            work.found.captures.append(_pcap(place, inner.name))
        elif head.startswith(PACKED) or is_tar(head):
            place = work.place(inner.name)
            _copy(member.file, place)
            _open_packed(work, place, inner, depth, budget)
        elif _may_be_log(inner) and not _is_page(head):
            _take_log(work, inner, None, member.file)
        else:
            work.found.left_out += 1


def _open_packed(work: _Opening, place: Path, inner: PurePosixPath, depth: int, budget: Budget) -> None:
    """Look at a member that is compressed, or an archive itself."""
    if is_pcap(place):
        work.found.captures.append(_pcap(place, inner.name))
    elif archive_kind(place) is not None:
        if depth <= 1:
            work.found.left_out += 1
            work.found.notes.append(f"archives deeper than {DEPTH} are not opened")
        else:
            _open_inner(work, place, depth - 1, budget)
    elif _may_be_log(inner):
        _take_log(work, inner, place, None)
    else:
        work.found.left_out += 1


def _open_inner(work: _Opening, place: Path, depth: int, budget: Budget) -> None:
    """Open an archive within the archive; where that cannot be, what lies beside it still can."""
    try:
        _open_archive(work, place, depth, budget)
    except TooMuch:
        raise
    except (BadData, MissingTool) as error:
        work.errors.append(error)
        work.refuse("archives within an archive could not be opened")


def _may_be_log(name: PurePosixPath) -> bool:
    plain = PurePosixPath(safe_file_name(name.name))
    return looks_like_log(plain) and not looks_like_archive(plain)


def _take_log(work: _Opening, inner: PurePosixPath, place: Path | None, file: IO[bytes] | None) -> None:
    logs = work.logs.setdefault(inner.parent.as_posix().strip("./"), {})
    name = safe_file_name(inner.name)
    if folded(name) in {folded(other) for other in logs}:
        work.found.left_out += 1
        work.found.notes.append(f"{name} is there twice; the first was taken")
        return
    if place is None:
        assert file is not None
        place = work.place(inner.name)
        _copy(file, place)
    logs[name] = place


def _copy(file: IO[bytes], path: Path) -> None:
    with writing(path), path.open("xb") as out:
        while piece := file.read(CHUNK_BYTES):
            out.write(piece)


def _pcap(path: Path, name: str, hashes: tuple[str, str | None] | None = None) -> Captured:
    digest, md5 = hashes or (pcap_sha256(path), None)
    file = safe_file_name(name)
    known = {file: digest} if hashes else {}
    return Captured(shown_name(name), {file: path}, capture_id_of_sha256(digest), digest, md5, known)


def _logs(files: dict[str, Path], name: str) -> Captured:
    return Captured(shown_name(name), files, capture_id_of_logs(files.values()))


def _head(path: Path) -> bytes:
    with open_raw(path) as file:
        return file.read(64)


def _is_page(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(PAGES)


def _what_came(left_out: int, head: bytes) -> str:
    if left_out:
        return f"of its {left_out} files none is"
    return f"what came begins with {excerpt(head)}" if head else "what came is empty"


def may_hold_captures(name: PurePosixPath) -> bool:
    """Tell by its name whether a file may be a capture, or hold some.

    >>> [may_hold_captures(PurePosixPath(name)) for name in ("a.PCAP.gz", "b.zip", "conn.log", "read.me")]
    [True, True, True, False]
    """
    suffixes = {suffix.lower() for suffix in name.suffixes}
    return bool(suffixes & CAPTURES) or looks_like_log(PurePosixPath(name.name))


def safe_file_name(name: str) -> str:
    r"""Make a file name of whatever a stranger calls a file.

    >>> safe_file_name("../../etc/pass wd"), safe_file_name("a\x1b[2J\n.pcap"), safe_file_name("..")
    ('pass_wd', 'a_2J_.pcap', 'capture')
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip("._-")
    return plain[-NAME_CHARACTERS:].lstrip("._-") or "capture"


def shown_name(name: str) -> str:
    r"""Make a capture's name of whatever a stranger calls it: one line, nothing that a terminal obeys.

    >>> shown_name("a\x1b[2J\n b.pcap")
    'a[2J b.pcap'
    """
    line = " ".join(name.split())
    return "".join(character for character in line if character.isprintable())[:200] or "capture"
