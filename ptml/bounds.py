"""What an archive may hold: how much of it, and under which names."""

from __future__ import annotations

import io
import lzma
import re
import tarfile
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.io import DECODE_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _typeshed import WriteableBuffer

BROKEN = (
    *DECODE_ERRORS,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    NotImplementedError,
    RuntimeError,
)
DRIVE = re.compile(r"[A-Za-z]:")
SPECIAL = "links, devices and the like in an archive were refused"
OUTSIDE = "names that lead out of an archive (absolute, .., a drive letter) were refused"
TOO_LONG = "members of an archive with names of more than {} characters were refused"
ALIKE = "members of an archive whose names differ in nothing, in case or in Unicode form were refused"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold before it counts as hostile.

    Attributes:
        members: Entries, of any kind.
        total_bytes: All members together, unpacked.
        expansion: Unpacked bytes for each byte of the archive, once `expansion_from` bytes are out.
        expansion_from: See `expansion`.
        header_bytes: What lies between two members of a tar.
        name_characters: A member's name, with its folders.
    """

    members: int = 100_000
    total_bytes: int = 1 << 40
    expansion: int = 500
    expansion_from: int = 64 << 20
    header_bytes: int = 1 << 20
    name_characters: int = 1000


LIMITS = Limits()


class TooMuch(BadData):
    """An archive exceeds a limit."""


class Budget:
    """What an archive, with those in it, has given so far, and what it may.

    Args:
        path: The archive, as errors name it.
        limits: What it may.
        size: Its bytes.
    """

    def __init__(self, path: Path, limits: Limits, size: int) -> None:
        self.path, self.limits, self.size = path, limits, size
        self.given = self.count = 0

    @property
    def most(self) -> int:
        """Give the bytes that may come in all."""
        expanded = max(self.limits.expansion_from, self.limits.expansion * self.size)
        return min(self.limits.total_bytes, expanded)

    def check(self, further: int) -> None:
        """Refuse an archive that says itself that so many further bytes are to come, if these are too many.

        Raises:
            TooMuch: They are.
        """
        if self.given + further > self.limits.total_bytes:
            raise self.refusal(f"unpacks to more than {self.limits.total_bytes} bytes")
        if self.given + further > self.most:
            raise self.refusal(f"expands more than {self.limits.expansion}-fold")

    def spend(self, count: int) -> None:
        """Count bytes that came.

        Raises:
            TooMuch: They are too many.
        """
        self.check(count)
        self.given += count

    def enter(self, count: int) -> None:
        """Count entries.

        Raises:
            TooMuch: They are too many.
        """
        self.count += count
        if self.count > self.limits.members:
            raise self.refusal(f"has more than {self.limits.members} members")

    def refusal(self, why: str) -> TooMuch:
        """Make the error."""
        return TooMuch(
            f"{self.path} {why}; reading stopped",
            hint="if it is no bomb, unpack it and give the folder",
        )


class Counted(io.RawIOBase):
    """A member's bytes, counted against the archive's budget."""

    def __init__(self, name: str, file: io.BufferedIOBase, budget: Budget) -> None:
        super().__init__()
        self.name, self.file, self.budget = name, file, budget
        self.position = 0

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def tell(self) -> int:
        """Tell how far it has been read."""
        return self.position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read some bytes."""
        view = memoryview(buffer)
        try:
            piece = self.file.read1(len(view))
        except BROKEN as error:
            raise BadData(f"{self.name} breaks off or is corrupt: {error}", hint="fetch it again") from error
        self.budget.spend(len(piece))
        self.position += len(piece)
        view[: len(piece)] = piece
        return len(piece)


class Names:
    """Decides by its kind and name whether a member comes in.

    Args:
        limits: How long a name may be.
        refused: Told why, for each member that does not.
        labels: Whether a name is a label only, so that any will do.

    >>> told = []
    >>> names = Names(LIMITS, told.append)
    >>> [names.admit(name) for name in ("a/b.log", "/b.log", "a/../b.log", "c:b.log", "A/B.log")]
    [True, False, False, False, False]
    >>> len(told), names.admit("link", regular=False)
    (4, False)
    """

    def __init__(self, limits: Limits, refused: Callable[[str], object], *, labels: bool = False) -> None:
        self.longest = limits.name_characters
        self.refused, self.labels = refused, labels
        self.seen: set[str] = set()

    def admit(self, name: str, *, regular: bool = True) -> bool:
        """Tell whether a member comes in, and say so if it does not."""
        why = self._fault(name) if regular else SPECIAL
        if why is not None:
            self.refused(why)
        return why is None

    def _fault(self, name: str) -> str | None:
        if self.labels:
            return None
        if len(name) > self.longest:
            return TOO_LONG.format(self.longest)
        plain = name.replace("\\", "/")
        parts = plain.split("/")
        if plain.startswith("/") or ".." in parts or DRIVE.match(plain):
            return OUTSIDE
        key = "/".join(part for part in folded(plain).split("/") if part not in {"", "."})
        if key in self.seen:
            return ALIKE
        self.seen.add(key)
        return None


def folded(name: str) -> str:
    r"""Reduce a name to what file systems that know no case, or keep one Unicode form, make of it.

    >>> folded("CONN.log") == folded("conn.LOG"), folded("\u00e9") == folded("e\u0301")
    (True, True)
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
