"""Reading compressed files, and writing files that are either whole or not there.

This is the one place that turns the operating system's refusals into ptml's errors.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import sys
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

import polars as pl
from isal import igzip, igzip_lib

from ptml.errors import BadData, CannotWrite, MissingInput
from ptml.meter import read_to

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import BufferedIOBase, BufferedReader
    from pathlib import Path

    from _typeshed import WriteableBuffer

    from ptml.types import JsonValue

CHUNK_BYTES = 1 << 20
SIP_BYTES = 1 << 15
MAX_EXPANSION = 500
"""Logs with uids and times in them shrink 20-fold at most; gz reaches 1000-fold on zeros."""
EXPANSION_FROM_BYTES = 64 << 20
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = tuple(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))
REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}
_fast_gzip: Callable[..., Any] = igzip.open
_FAST_ERROR: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # its stub says a class is an instance
DECODE_ERRORS = (
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    _FAST_ERROR,
    lzma.LZMAError,
    zstd.ZstdError,
    OSError,
)
_OPENERS: tuple[tuple[tuple[bytes, ...], Callable[..., Any]], ...] = (
    ((GZIP_MAGIC,), gzip.open),
    ((ZSTD_MAGIC, *ZSTD_SKIPPABLE), zstd.open),
    (tuple(b"BZh%d" % level for level in range(1, 10)), bz2.open),
    ((b"\xfd7zXZ\x00",), lzma.open),
)


def open_binary(path: Path) -> BufferedIOBase:
    """Open a file for reading as plain bytes, undoing gz, zst, bz2 or xz, told by its first bytes.

    Raises:
        MissingInput: It is not there or may not be read.
    """
    with open_raw(path) as file:
        opener = _opener(file.read(6))
    return open_raw(path) if opener is None else cast("BufferedIOBase", opener(path, "rb"))


def open_raw(path: Path) -> BufferedReader:
    """Open a file as it lies on disk.

    Raises:
        MissingInput: It is not there or may not be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise MissingInput(
            f"{path} cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error


def decompressed(file: BufferedReader) -> BufferedIOBase:
    """Read an open file as plain bytes; the file itself stays the caller's to close."""
    opener = _opener(file.peek(6)[:6])
    return file if opener is None else cast("BufferedIOBase", opener(file, "rb"))


def _opener(head: bytes) -> Callable[..., Any] | None:
    return next((opener for magics, opener in _OPENERS if head.startswith(magics)), None)


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's plain bytes, decompressed, in pieces of about a megabyte.

    Raises:
        MissingInput: It is not there or may not be read.
        BadData: The compressed stream is broken, or expands as no log does.
    """
    with open_raw(path) as file:
        yield from pieces(file, str(path))


def pieces(file: BufferedReader, name: str) -> Iterator[bytes]:
    """Yield an open file's plain bytes, decompressed, in pieces of about a megabyte.

    Raises:
        BadData: The compressed stream is broken, or expands as no log does.
    """
    if file.seekable() and file.peek(2)[:2] == GZIP_MAGIC:
        yield from _gz_pieces(file, name)
    else:
        yield from _checked_pieces(decompressed(file), file, name)


def _gz_pieces(file: BufferedReader, name: str) -> Iterator[bytes]:
    """Undo gz by the fastest library; it keeps back the end of what breaks off, and zlib then gives it."""
    start, given = file.tell(), 0
    try:
        for piece in _checked_pieces(cast("BufferedIOBase", _fast_gzip(Lent(file, SIP_BYTES))), file, name):
            given += len(piece)
            yield piece
    except BrokenStream:
        file.seek(start)
        for piece in _checked_pieces(decompressed(file), file, name):
            if len(piece) > given:
                yield piece[given:]
            given = max(given - len(piece), 0)


class Lent(io.RawIOBase):
    """Somebody else's open file: it is read, at most `sip` bytes at a time, and never closed."""

    def __init__(self, file: IO[bytes], sip: int = CHUNK_BYTES) -> None:
        self._file = file
        self._sip = sip

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read some bytes."""
        room = memoryview(buffer)
        data = self._file.read(min(len(room), self._sip))
        room[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        """Tell how far it has been read."""
        return self._file.tell()


class BrokenStream(BadData):
    """A compressed stream breaks off or is corrupt."""


def _checked_pieces(reader: BufferedIOBase, file: BufferedReader, name: str) -> Iterator[bytes]:
    given = 0
    while True:
        try:
            piece = reader.read1(CHUNK_BYTES)  # unlike read, gives what came before a break
        except DECODE_ERRORS as error:
            raise BrokenStream(f"{name} breaks off or is corrupt: {error}", hint="fetch it again") from error
        if not piece:
            return
        given += len(piece)
        read_to(file.tell())
        if reader is not file and given > EXPANSION_FROM_BYTES:
            _check_expansion(name, file.tell(), given)
        yield piece


def _check_expansion(name: str, taken: int, given: int) -> None:
    if given > MAX_EXPANSION * taken:
        raise BadData(
            f"{name} expands more than {MAX_EXPANSION}-fold, as no log does; stopped at {given} bytes",
            hint="if it is no bomb, decompress it yourself",
        )


def path_text(path: Path) -> str:
    r"""Give a path as text that is valid Unicode; bytes of it that are no UTF-8 become ``\xHH``.

    >>> from pathlib import Path
    >>> path_text(Path("zeek") / "monday")
    'zeek/monday'
    """
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def sha256_file(path: Path) -> str:
    """Hash a file's bytes as they lie on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(value: JsonValue) -> str:
    """Hash a value by its canonical JSON.

    >>> sha256_json({"b": 1, "a": 2}) == sha256_json({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a refusal to write into `CannotWrite`, which names the path and what to do.

    Raises:
        CannotWrite: No space, no permission, a read-only or full file system.
    """
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        number = _error_number(error)
        if number not in REFUSALS:
            raise
        reason = os.strerror(number)
        hint = (
            "free some space or choose another --data, then run the same again: it goes on where it stopped"
        )
        raise CannotWrite(f"cannot write {path}: {reason}; nothing was published", hint=hint) from error


def _error_number(error: Exception) -> int:
    """Give the operating system's error number; Polars tells it only in its text."""
    if isinstance(error, OSError):
        return error.errno or 0
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else 0


def fsync_file(path: Path) -> None:
    """Make a file's bytes durable before its name is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(path: Path) -> None:
    """Make a rename durable, where the system can."""
    if os.name == "posix":
        fsync_file(path)


def replace_atomically(temporary: Path, final: Path, *, durable: bool = True) -> None:
    """Move a finished file into place: readers see the old one or the new one, never a part.

    Args:
        temporary: Where it lies.
        final: Where it goes.
        durable: Whether it is to outlast a power cut.
    """
    with writing(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        if durable:
            fsync_file(temporary)
        temporary.replace(final)
        if durable:
            fsync_folder(final.parent)


def write_bytes(path: Path, data: bytes, scratch: Path, *, durable: bool = True) -> None:
    """Write a small file whole or not at all; `scratch` is a folder on the same file system."""
    temporary = scratch / f"{path.name}.{os.getpid()}"
    with writing(path):
        scratch.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
    replace_atomically(temporary, path, durable=durable)


def write_together(folder: Path, files: Mapping[str, bytes], scratch: Path) -> None:
    """Write small files of one folder: each is whole beside its place before the first goes there.

    They go into place in the order given, so that the last can vouch for the others.

    Raises:
        CannotWrite: The operating system refused; where there is no room, no file has changed.
    """
    temporary = {name: scratch / f"{name}.{os.getpid()}" for name in files}
    for name, data in files.items():
        with writing(folder / name):
            scratch.mkdir(parents=True, exist_ok=True)
            temporary[name].write_bytes(data)
            fsync_file(temporary[name])
    for name, file in temporary.items():
        replace_atomically(file, folder / name)


def write_json(path: Path, value: Mapping[str, Any], scratch: Path, *, durable: bool = True) -> None:
    """Write a JSON file, keys sorted, whole or not at all."""
    write_bytes(path, json_bytes(value), scratch, durable=durable)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    r"""Give a JSON file's bytes, keys sorted.

    >>> json_bytes({"b": 1, "a": None})
    b'{\n "a": null,\n "b": 1\n}\n'
    """
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        MissingInput: It is not there.
        BadData: It is not a JSON object.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingInput(f"{path} does not exist") from error
    return parse_json(data, path)


def parse_json(data: bytes, path: Path) -> dict[str, Any]:
    """Read a JSON object from the bytes of a file.

    Raises:
        BadData: It is not a JSON object.
    """
    try:
        value = json.loads(data)
    except ValueError as error:
        raise BadData(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadData(f"{path} holds a JSON {type(value).__name__}, not an object")
    return value


def write_parquet(path: Path, frame: pl.DataFrame, scratch: Path) -> None:
    """Write a table to Parquet whole or not at all."""
    temporary = scratch / f"{path.name}.{os.getpid()}"
    with writing(path):
        scratch.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(temporary, compression="zstd", compression_level=1)
    replace_atomically(temporary, path)


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet table.

    Raises:
        MissingInput: It is not there.
        BadData: It is not Parquet.
    """
    try:
        return pl.read_parquet(path, hive_partitioning=False, glob=False)
    except FileNotFoundError as error:
        raise MissingInput(f"{path} does not exist") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadData(f"{path} cannot be read as Parquet: {error}") from error
