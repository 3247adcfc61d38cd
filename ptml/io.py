"""Reading compressed files, and writing files that are either whole or not there.

This is the one place that turns the operating system's refusals into ptml's errors.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from ptml.errors import BadData, CannotWrite, MissingInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedIOBase
    from pathlib import Path

    from ptml.types import JsonValue

CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}
DECODE_ERRORS = (EOFError, gzip.BadGzipFile, zstd.ZstdError, OSError)


def open_binary(path: Path) -> BufferedIOBase:
    """Open a file for reading as plain bytes, undoing gz or zst, told by its first bytes.

    Raises:
        MissingInput: It is not there or may not be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4)
        if head[:2] == GZIP_MAGIC:
            return cast("BufferedIOBase", gzip.open(path, "rb"))
        if head == ZSTD_MAGIC:
            return cast("BufferedIOBase", zstd.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise MissingInput(
            f"{path} cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's plain bytes, decompressed, in pieces of about a megabyte.

    Raises:
        BadData: The compressed stream is broken.
    """
    with open_binary(path) as reader:
        while True:
            try:
                piece = reader.read1(CHUNK_BYTES)  # unlike read, gives what came before a break
            except DECODE_ERRORS as error:
                raise BadData(f"{path} breaks off or is corrupt: {error}", hint="fetch it again") from error
            if not piece:
                return
            yield piece


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


def replace_atomically(temporary: Path, final: Path) -> None:
    """Move a finished file into place: readers see the old one or the new one, never a part."""
    with writing(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        fsync_file(temporary)
        temporary.replace(final)
        fsync_folder(final.parent)


def write_bytes(path: Path, data: bytes, scratch: Path) -> None:
    """Write a small file whole or not at all; `scratch` is a folder on the same file system."""
    temporary = scratch / f"{path.name}.{os.getpid()}"
    with writing(path):
        scratch.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
    replace_atomically(temporary, path)


def write_json(path: Path, value: Mapping[str, Any], scratch: Path) -> None:
    """Write a JSON file, keys sorted, whole or not at all."""
    write_bytes(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode(), scratch)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        MissingInput: It is not there.
        BadData: It is not a JSON object.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise MissingInput(f"{path} does not exist") from error
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
