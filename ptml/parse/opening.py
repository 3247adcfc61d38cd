"""The logs that a file holds: itself, decompressed, or the members of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ptml.archive import ZIP_MAGICS, archive_kind, is_tar, members
from ptml.errors import BadData
from ptml.io import chunks, pieces
from ptml.parse.parquetlog import MAGIC, is_parquet
from ptml.sevenzip import MAGIC as SEVENZIP_MAGIC
from ptml.zeektypes import looks_like_log, rotation_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path, PurePath


@dataclass(frozen=True, slots=True)
class Source:
    """One log's plain bytes.

    Attributes:
        path: The name that may tell which log it is.
        pieces: The bytes; to be read before the next source is asked for.
        member: Its name in the archive; None outside of one.
        notes: What should be said of it.
    """

    path: PurePath
    pieces: Iterator[bytes]
    member: str | None = None
    notes: tuple[str, ...] = ()


def is_stream(path: Path) -> bool:
    """Tell whether a file is one log that is read once, from its beginning to its end.

    Raises:
        MissingInput: It cannot be opened.
    """
    return archive_kind(path) is None and not is_parquet(path)


def sources(path: Path, see: Callable[[bytes], object] | None = None) -> Iterator[Source]:
    """Give the logs of a file: one, or those of an archive in the order of their times.

    Args:
        path: The file.
        see: Shown each piece of a log that is no archive's member, before it is used.

    Raises:
        MissingInput: It cannot be opened.
        BadData: It is an archive that is broken, hostile, or without logs.
    """
    if archive_kind(path) is None:
        yield Source(path, chunks(path) if see is None else _seen(chunks(path), see))
        return
    others, found = 0, 0
    last: tuple[str, ...] = ()
    refused = set[str]()
    for member in members(path, order=_order, refused=refused.add):
        name = PurePosixPath(member.name)
        if not (looks_like_log(name) or name.suffix == ".csv"):
            others += 1
            continue
        found += 1
        key = _order(member.name)
        late = (f"{path.name}: its members are not in the order of their times",) if key < last else ()
        last = max(last, key)
        yield Source(name, _flat(pieces(member.file, member.name)), member.name, late)
    notes = [f"{path.name}: {why}" for why in sorted(refused)]
    if others:
        notes.append(f"{path.name}: members that are no logs were left out")
    if not found:
        raise BadData(
            f"an archive of {others} files, none of them a log",
            hint="Zeek's logs end in .log, .log.gz, .json, …",
        )
    if notes:
        yield Source(path, iter(()), None, tuple(notes))


def _seen(pieces_of_log: Iterator[bytes], see: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces_of_log:
        see(piece)
        yield piece


def _order(name: str) -> tuple[str, ...]:
    return rotation_key(PurePosixPath(name))


def _flat(pieces_of_log: Iterator[bytes]) -> Iterator[bytes]:
    """Refuse an archive within the archive, and what has to be read from its end."""
    first = next(pieces_of_log, b"")
    if first.startswith((*ZIP_MAGICS, SEVENZIP_MAGIC)) or is_tar(first):
        raise BadData(
            "an archive within an archive", hint="unpack the outer one yourself and give the folder"
        )
    if first.startswith(MAGIC):
        raise BadData("a Parquet file within an archive", hint="unpack it yourself and give the folder")
    yield first
    yield from pieces_of_log
