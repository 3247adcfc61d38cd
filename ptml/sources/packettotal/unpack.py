"""An analysis archive taken apart: its tables and its capture come out, carved files only when asked for.

What a member is, its bytes tell; its name only says which log a table is. Nothing is named after a member's
name but tables, and these by the letters of the log alone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from ptml.archive import members
from ptml.bounds import Limits
from ptml.errors import BadData
from ptml.identity import PCAP_MAGICS
from ptml.io import writing
from ptml.zeektypes import TABLE_LOGS

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.archive import Member

LIMITS = Limits(members=20_000, total_bytes=8 << 30)
TABLE = re.compile(r"(?P<log>[a-z][a-z0-9_]{0,39})\.csv")
PCAPNG = bytes.fromhex("0a0d0d0a")
PCAP_NAMES = {"capture.pcap", "capture.pcapng"}
PIECE = 1 << 20


@dataclass(slots=True)
class Unpacked:
    """What came out of an archive.

    Attributes:
        files: Name in the capture's folder → where it lies now.
        logs: Names of the tables.
        pcap_sha256: Hash of the capture file; None if there was none.
        strangers: MD5s of other captures; they count as carved files.
        carved: Carved files that came out.
        left: Files that stayed inside.
        notes: What is worth saying.
    """

    files: dict[str, Path] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    pcap_sha256: str | None = None
    strangers: list[str] = field(default_factory=list)
    carved: int = 0
    left: int = 0
    notes: list[str] = field(default_factory=list)


def unpack(
    archive: Path, folder: Path, md5: str, *, keep_pcap: bool = True, carved: bool = False
) -> Unpacked:
    """Take an archive apart.

    Args:
        archive: The zip.
        folder: Where its files go; there must be nothing in it.
        md5: The capture's; other captures in it were carved out of its traffic.
        keep_pcap: Whether the capture file comes out too; its hash does anyway.
        carved: Whether carved files come out, each named by its hash. They may be live malware.

    Raises:
        BadData: It is no sound zip, is encrypted, exceeds a limit, or holds neither a table nor a capture.
    """
    found = Unpacked()
    seen: list[str] = []
    for number, member in enumerate(members(archive, limits=LIMITS)):
        seen.append(member.name)
        _take(found, member, folder / str(number), md5, carved=carved)
    if not keep_pcap:
        for name in PCAP_NAMES & set(found.files):
            found.files.pop(name).unlink()
    if not found.logs and found.pcap_sha256 is None and not found.strangers:
        raise BadData(
            f"{archive.name} holds neither a table of a log nor a packet capture; of {len(seen)} members the "
            f"first are {seen[:5]!r}",
            hint="see whether this is an analysis archive",
        )
    if found.left:
        found.notes.append("carved and other files stayed in the archive, which is not kept")
    if found.carved:
        found.notes.append("carved files were written: they may be live malware")
    return found


def _take(found: Unpacked, member: Member, path: Path, md5: str, *, carved: bool) -> None:
    name = PurePosixPath(member.name.replace("\\", "/")).name.lower()
    table = TABLE.fullmatch(name)
    head = member.file.peek(4)[:4]
    if head in PCAP_MAGICS:
        own, sha256 = _hashes(member.file, path)
        if own == md5 and found.pcap_sha256 is None:
            found.pcap_sha256 = sha256
            found.files["capture.pcapng" if head == PCAPNG else "capture.pcap"] = path
            return
        found.strangers += [own] if own != md5 else []
        _carved(found, path, sha256, wanted=carved)
    elif table is not None and table["log"] in TABLE_LOGS and table["log"] not in found.logs:
        _hashes(member.file, path)
        found.logs.append(table["log"])
        found.files[name] = path
    elif table is not None and table["log"] in found.logs:
        found.notes.append(f"{name} is there twice; the first was taken")
    elif carved:
        _, sha256 = _hashes(member.file, path)
        _carved(found, path, sha256, wanted=True)
    else:
        found.left += 1


def _carved(found: Unpacked, path: Path, sha256: str, *, wanted: bool) -> None:
    if wanted:
        found.carved += 1
        found.files[f"carved/{sha256}.bin"] = path
    else:
        found.left += 1
        path.unlink()


def _hashes(file: IO[bytes], path: Path) -> tuple[str, str]:
    """Write a member to a file; give its MD5 and SHA-256."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with writing(path), path.open("xb") as out:
        while piece := file.read(PIECE):
            md5.update(piece)
            sha256.update(piece)
            out.write(piece)
    return md5.hexdigest(), sha256.hexdigest()
