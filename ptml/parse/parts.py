"""The files that make up a log: found by path, list, pattern, folder, open file or URL, and read alike."""

from __future__ import annotations

import glob
import io
import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, TypeAlias, cast

import polars as pl
from pyarrow import fs

from ptml.errors import BadData, MissingInput
from ptml.io import Lent
from ptml.parse.reader import BLOCK_BYTES, read_rows, read_stream
from ptml.text import shown_url
from ptml.zeektypes import logs_among, rotation_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from io import BufferedReader

    from ptml.parse.batch import Batch

Place: TypeAlias = "str | Path | IO[bytes]"
SNIFF_BYTES = 1 << 18
MIXED_BLOCKS = 64
SPOOLED_BYTES = 64 << 20
PATTERN = frozenset("*?[")


class Opener(Protocol):
    """Reads a file's batches, from its beginning."""

    def __call__(
        self, *, columns: Collection[str] | None, block_bytes: int, most_blocks: int | None
    ) -> Iterator[Batch]:
        """Read; for the arguments see :func:`ptml.parse.reader.read_rows`."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a log, or of several.

    Attributes:
        name: What to call it in errors.
        open: How it is read.
    """

    name: str
    open: Opener = field(repr=False)

    def read(self, columns: Collection[str] | None = None) -> Iterator[Batch]:
        """Read it whole; other columns than those that are wanted may be missing."""
        return self.open(columns=columns, block_bytes=BLOCK_BYTES, most_blocks=None)

    def beginning(self) -> Beginning:
        """Read as much as tells what it is; more of it where it mixes logs.

        Raises:
            BadData: It is no log.
        """
        start = _beginning(self.open(columns=None, block_bytes=SNIFF_BYTES, most_blocks=1))
        if len(start.schemas) <= 1:
            return start
        return _beginning(self.open(columns=None, block_bytes=SNIFF_BYTES, most_blocks=MIXED_BLOCKS))


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the first lines of a file tell: columns of each log in it, and what a reader should know."""

    schemas: dict[str, pl.Schema]
    notes: tuple[str, ...]


def _beginning(batches: Iterator[Batch]) -> Beginning:
    schemas: dict[str, pl.Schema] = {}
    notes: dict[str, None] = {}
    for batch in batches:
        notes |= dict.fromkeys(batch.notes)
        if batch.frame.width:
            schemas[batch.log] = united([schemas.get(batch.log, pl.Schema()), batch.frame.schema])
    return Beginning(schemas, tuple(notes))


def united(schemas: Iterable[pl.Schema]) -> pl.Schema:
    """Unite columns by name; types that differ between versions become one that holds both.

    >>> dict(united([pl.Schema({"n": pl.UInt16}), pl.Schema({"n": pl.UInt64, "s": pl.String})]))
    {'n': UInt64, 's': String}

    Raises:
        BadData: No type holds both.
    """
    empty = [pl.DataFrame(schema=schema) for schema in schemas]
    try:
        return pl.concat(empty, how="diagonal_relaxed").schema if empty else pl.Schema()
    except pl.exceptions.PolarsError as error:
        raise BadData(
            f"parts of one log have columns of types that do not go together: {error}",
            hint="read them apart",
        ) from error


def find_parts(source: Place | Sequence[Place], log: str | None = None) -> list[Part]:
    """Find the files that a source names; parts of a log in the order of their times.

    Args:
        source: A path, a pattern, a folder, a URL of an object store, an open binary file, or a list.
        log: The log's name where a file does not tell.

    Raises:
        MissingInput: Something is not there.
        BadData: An open file gives text, not bytes.
    """
    if isinstance(source, (list, tuple)):
        return [part for one in source for part in find_parts(one, log)]
    if not isinstance(source, (str, Path)):
        return [_stream(cast("IO[bytes]", source), log)]
    if isinstance(source, str) and "://" in source:
        return [_url(source, log)]
    return [Part(str(path), partial(read_rows, path, log=log)) for path in _paths(source)]


def _paths(source: str | Path) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        return log_files(path)
    if path.exists() or not PATTERN & set(str(source)):
        return [path]
    found = [Path(name) for name in glob.glob(str(source), recursive=True)]  # noqa: PTH207 - absolute patterns too
    if not found:
        raise MissingInput(f"no file matches {str(source)!r}", hint="quote the pattern, check the folder")
    return sorted((one for one in found if one.is_file()), key=rotation_key)


def log_files(folder: Path) -> list[Path]:
    """List the files of a folder, at any depth, that may be Zeek logs by their names, oldest first.

    Raises:
        MissingInput: There is no such folder.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise MissingInput(f"{folder} does not exist", hint="give a folder of Zeek logs, or one log")
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return [folder / path for path in logs_among(files)]


def _stream(given: IO[bytes], log: str | None) -> Part:
    """Read an open file; one that cannot be wound back is first copied, to memory or a temporary file."""
    if isinstance(given, io.TextIOBase):
        raise BadData("an open text file, where bytes were expected", hint="open it with mode 'rb'")
    file = given if given.seekable() else _copy(given)
    start = file.tell()
    name = str(getattr(given, "name", None) or "an open file")

    def read(
        *, columns: Collection[str] | None, block_bytes: int, most_blocks: int | None
    ) -> Iterator[Batch]:
        file.seek(start)
        reader = cast("BufferedReader", io.BufferedReader(Lent(file)))
        yield from read_stream(
            reader, name, log=log, columns=columns, block_bytes=block_bytes, most_blocks=most_blocks
        )

    if file is not given:
        weakref.finalize(read, file.close)
    return Part(name, read)


def _copy(file: IO[bytes]) -> IO[bytes]:
    copy = tempfile.SpooledTemporaryFile(SPOOLED_BYTES)  # noqa: SIM115 - closed when nothing reads it any more
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return cast("IO[bytes]", copy)


def _url(url: str, log: str | None) -> Part:
    """Read an object of a store that Arrow knows: ``s3://``, ``gs://``, ``file://`` and others."""
    name = shown_url(url)

    def read(
        *, columns: Collection[str] | None, block_bytes: int, most_blocks: int | None
    ) -> Iterator[Batch]:
        try:
            store, path = fs.FileSystem.from_uri(url)
            file = store.open_input_file(path)
        except (OSError, ValueError) as error:
            raise MissingInput(
                f"{name} cannot be read: {str(error).replace(url, name)}",
                hint="check the address and the store's credentials",
            ) from None  # the cause might repeat the address
        with file:
            reader = cast("BufferedReader", io.BufferedReader(Lent(cast("IO[bytes]", file))))
            yield from read_stream(
                reader, name, log=log, columns=columns, block_bytes=block_bytes, most_blocks=most_blocks
            )

    return Part(name, read)
