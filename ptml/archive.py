"""Archives read as streams of members: nothing is unpacked to disk, and nothing grows without limit.

Member names were chosen by whoever made the archive: they are labels here and never become paths. Links,
devices and folders are passed over.
"""

from __future__ import annotations

import contextlib
import io
import stat
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ptml.errors import BadData
from ptml.io import decompressed, open_raw
from ptml.zipfiles import BROKEN, COPY_BYTES, open_zip, password_of

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from _typeshed import WriteableBuffer

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
TAR_MAGIC, TAR_MAGIC_AT, TAR_BLOCK = b"ustar", 257, 512
ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold before it counts as hostile.

    Attributes:
        members: Entries, of any kind.
        total_bytes: All members together, unpacked.
        expansion: Unpacked bytes for each byte of the archive, once `expansion_from` bytes are out.
        expansion_from: See `expansion`.
        header_bytes: What lies between two members of a tar.
    """

    members: int = 100_000
    total_bytes: int = 1 << 40
    expansion: int = 500
    expansion_from: int = 64 << 20
    header_bytes: int = 1 << 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its name there, and its bytes, to be read before the next member is asked for."""

    name: str
    file: io.BufferedReader[Any]


def archive_kind(path: Path) -> str | None:
    """Tell ``zip`` or ``tar`` (also compressed) by content; None for anything else.

    Raises:
        MissingInput: It cannot be opened.
    """
    with open_raw(path) as file:
        if file.peek(4).startswith(ZIP_MAGICS):
            return "zip"
        with contextlib.suppress(*BROKEN):
            if is_tar(decompressed(file).read(TAR_BLOCK)):
                return "tar"
    return None


def is_tar(head: bytes) -> bool:
    """Tell a tar by its first block."""
    return head[TAR_MAGIC_AT : TAR_MAGIC_AT + len(TAR_MAGIC)] == TAR_MAGIC


def members(
    path: Path,
    *,
    limits: Limits = LIMITS,
    order: Callable[[str], object] | None = None,
    passwords: Sequence[str] = (),
) -> Iterator[Member]:
    """Yield an archive's files one after another.

    Args:
        path: A zip, or a tar, plain or compressed.
        limits: Where to stop.
        order: Sort key of member names; a tar, which is read in one pass, keeps its own order.
        passwords: What to try where a zip is encrypted.

    Raises:
        MissingInput: It cannot be opened.
        MissingTool: It is a zip encrypted with AES, and pyzipper is not installed.
        BadData: It is broken, encrypted with another password, or exceeds a limit; a limit that is met
            within a member is raised by the reading of it.
    """
    with open_raw(path) as file:
        budget = _Budget(path, limits, path.stat().st_size)
        try:
            if file.peek(4).startswith(ZIP_MAGICS):
                yield from _zip_members(file, budget, order, passwords)
            else:
                yield from _tar_members(decompressed(file), budget)
        except BROKEN as error:
            raise BadData(f"{path} is no sound archive: {error}", hint="fetch it again") from error


class _Budget:
    """What an archive has given so far, and what it may."""

    def __init__(self, path: Path, limits: Limits, size: int) -> None:
        self.path, self.limits, self.size = path, limits, size
        self.given = 0

    def spend(self, count: int) -> None:
        self.given += count
        if self.given > self.limits.total_bytes:
            raise self.refusal(f"unpacks to more than {self.limits.total_bytes} bytes")
        if self.given > max(self.limits.expansion_from, self.limits.expansion * self.size):
            raise self.refusal(f"expands more than {self.limits.expansion}-fold")

    def check_members(self, count: int) -> None:
        if count > self.limits.members:
            raise self.refusal(f"has more than {self.limits.members} members")

    def refusal(self, why: str) -> BadData:
        return BadData(
            f"{self.path} {why}; reading stopped",
            hint="if it is no bomb, unpack it and give the folder",
        )


class _Counted(io.RawIOBase):
    """A member's bytes, counted against the archive's budget."""

    def __init__(self, name: str, file: io.BufferedIOBase, budget: _Budget) -> None:
        super().__init__()
        self.name, self.file, self.budget = name, file, budget
        self.position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        try:
            piece = self.file.read1(len(view))
        except BROKEN as error:
            raise BadData(f"{self.name} breaks off or is corrupt: {error}", hint="fetch it again") from error
        self.budget.spend(len(piece))
        self.position += len(piece)
        view[: len(piece)] = piece
        return len(piece)


def _zip_members(
    file: io.BufferedReader,
    budget: _Budget,
    order: Callable[[str], object] | None,
    passwords: Sequence[str],
) -> Iterator[Member]:
    with open_zip(file, budget.path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir() and not _is_link(info)]
        budget.check_members(len(archive.infolist()))
        for info in sorted(infos, key=lambda one: cast("str", order(one.filename))) if order else infos:
            encrypted = info.flag_bits & ENCRYPTED
            password = password_of(archive, info, budget.path, passwords) if encrypted else None
            with archive.open(info, pwd=password) as opened:
                yield Member(
                    info.filename,
                    io.BufferedReader(_Counted(info.filename, cast("io.BufferedIOBase", opened), budget)),
                )


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


class _Bounded:
    """The stream under a tar: what is read while the next header is looked for is limited.

    A header may claim a name of any length, which tarfile would read whole.
    """

    def __init__(self, file: io.BufferedIOBase, budget: _Budget) -> None:
        self.file, self.budget = file, budget
        self.allowance = budget.limits.header_bytes
        self.limited = True

    def read(self, count: int) -> bytes:
        if self.limited:
            self.allowance -= count
            if self.allowance < 0:
                raise self.budget.refusal(f"has {self.budget.limits.header_bytes} bytes between two members")
        return self.file.read(count)


def _tar_members(file: io.BufferedIOBase, budget: _Budget) -> Iterator[Member]:
    bounded = _Bounded(file, budget)
    with tarfile.open(fileobj=cast("io.BufferedIOBase", bounded), mode="r|") as archive:
        count = 0
        while (info := archive.next()) is not None:
            count += 1
            budget.check_members(count)
            cast("Any", archive).members.clear()  # else it keeps every header it has seen
            opened = archive.extractfile(info) if info.isreg() and not info.issparse() else None
            bounded.limited = False
            if opened is not None:
                counted = io.BufferedReader(_Counted(info.name, cast("io.BufferedIOBase", opened), budget))
                yield Member(info.name, counted)
                while counted.read(COPY_BYTES):
                    pass  # to the next header, within the budget
            bounded.limited, bounded.allowance = True, budget.limits.header_bytes
