"""Archives read as streams of members: nothing is unpacked to disk, and nothing grows without limit.

Member names were chosen by whoever made the archive: they are labels here and never become paths. Links,
devices and folders are passed over; what a name must not be, `ptml.bounds` says.
"""

from __future__ import annotations

import contextlib
import io
import stat
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ptml.bounds import BROKEN, LIMITS, Budget, Counted, Limits, Names
from ptml.errors import BadData
from ptml.io import decompressed, open_raw
from ptml.sevenzip import MAGIC as SEVENZIP_MAGIC
from ptml.sevenzip import sevenzip_members
from ptml.zipfiles import COPY_BYTES, open_zip, password_of, refuse_overlaps

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
TAR_MAGIC, TAR_MAGIC_AT, TAR_BLOCK = b"ustar", 257, 512
ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its name there, and its bytes, to be read before the next member is asked for."""

    name: str
    file: io.BufferedReader[Any]


def archive_kind(path: Path) -> str | None:
    """Tell ``zip``, ``7z`` or ``tar`` (also compressed) by content; None for anything else.

    Raises:
        MissingInput: It cannot be opened.
    """
    with open_raw(path) as file:
        head = file.peek(6)
        if head.startswith(ZIP_MAGICS):
            return "zip"
        if head.startswith(SEVENZIP_MAGIC):
            return "7z"
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
    refused: Callable[[str], object] = lambda _why: None,
    labels: bool = True,
    within: Budget | None = None,
) -> Generator[Member]:
    """Yield an archive's files one after another.

    What an archive says of itself is checked before its first file comes, what comes while it does.

    Args:
        path: A zip, a 7z, or a tar, plain or compressed.
        limits: Where to stop.
        order: Sort key of a zip's member names; the others are read in one pass and keep their own order.
        passwords: What to try where a zip or a 7z is encrypted.
        refused: Told why, for each entry that is passed over: links and devices, and by their names those
            that `labels` speaks of.
        labels: Whether names are labels only, so that any will do; else what leads out of the archive, is too
            long, or is the name of an earlier one to some file system, is refused. In a 7z, which the library
            unpacks by them, it always is.
        within: What the archive that this one lay in has left.

    Raises:
        MissingInput: It cannot be opened.
        MissingTool: It is a zip encrypted with AES, or a 7z, and what opens that is not installed.
        BadData: It is broken, encrypted with another password, or exceeds a limit; a limit that is met
            within a member is raised by the reading of it.
    """
    with open_raw(path) as file:
        budget = within or Budget(path, limits, path.stat().st_size)
        names = Names(budget.limits, refused, labels=labels)
        try:
            if file.peek(4).startswith(ZIP_MAGICS):
                found = _zip_members(file, budget, names, order, passwords)
            elif file.peek(6).startswith(SEVENZIP_MAGIC):
                found = sevenzip_members(file, budget, Names(budget.limits, refused), passwords)
            else:
                found = _tar_members(decompressed(file), budget, names)
            for name, opened in found:
                yield Member(name, io.BufferedReader(Counted(name, opened, budget)))
        except BROKEN as error:
            raise BadData(f"{path} is no sound archive: {error}", hint="fetch it again") from error


def _zip_members(
    file: io.BufferedReader,
    budget: Budget,
    names: Names,
    order: Callable[[str], object] | None,
    passwords: Sequence[str],
) -> Iterator[tuple[str, io.BufferedIOBase]]:
    with open_zip(file, budget.path) as archive:
        budget.enter(len(archive.infolist()))
        refuse_overlaps(archive, budget)
        infos = [
            info
            for info in archive.infolist()
            if not info.is_dir() and names.admit(info.filename, regular=_is_regular(info))
        ]
        budget.check(sum(info.file_size for info in infos))
        for info in sorted(infos, key=lambda one: cast("str", order(one.filename))) if order else infos:
            encrypted = info.flag_bits & ENCRYPTED
            password = password_of(archive, info, budget.path, passwords) if encrypted else None
            with archive.open(info, pwd=password) as opened:
                yield info.filename, cast("io.BufferedIOBase", opened)


def _is_regular(info: zipfile.ZipInfo) -> bool:
    """Tell whether an entry is a file, or of no kind, as where zips are not made on Unix."""
    return stat.S_IFMT(info.external_attr >> 16) in {0, stat.S_IFREG}


class _Bounded:
    """The stream under a tar: what is read while the next header is looked for is limited.

    A header may claim a name of any length, which tarfile would read whole.
    """

    def __init__(self, file: io.BufferedIOBase, budget: Budget) -> None:
        self.file, self.budget = file, budget
        self.allowance = budget.limits.header_bytes
        self.limited = True

    def read(self, count: int) -> bytes:
        if self.limited:
            self.allowance -= count
            if self.allowance < 0:
                raise self.budget.refusal(f"has {self.budget.limits.header_bytes} bytes between two members")
        return self.file.read(count)


def _tar_members(
    file: io.BufferedIOBase, budget: Budget, names: Names
) -> Iterator[tuple[str, io.BufferedIOBase]]:
    bounded = _Bounded(file, budget)
    with tarfile.open(fileobj=cast("io.BufferedIOBase", bounded), mode="r|") as archive:
        while (info := archive.next()) is not None:
            budget.enter(1)
            cast("Any", archive).members.clear()  # else it keeps every header it has seen
            regular = info.isreg() and not info.issparse()
            opened = archive.extractfile(info) if regular else None
            bounded.limited = False
            if opened is not None:
                file_of_member = cast("io.BufferedIOBase", opened)
                if names.admit(info.name):
                    yield info.name, file_of_member
                rest = Counted(info.name, file_of_member, budget)
                while rest.read(COPY_BYTES):
                    pass  # to the next header, within the budget
            elif not info.isdir():
                names.admit(info.name, regular=False)
            bounded.limited, bounded.allowance = True, budget.limits.header_bytes
