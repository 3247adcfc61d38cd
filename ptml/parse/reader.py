"""One log file → batches of typed rows and of rejects, whatever the format; told by content, not by name."""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.io import open_raw
from ptml.parse.batch import Batch
from ptml.parse.blocks import Reject, blocks
from ptml.parse.opening import sources
from ptml.parse.parquetlog import MAGIC, read_parquet_log
from ptml.parse.schemas import guess_log
from ptml.parse.sniff import choose_format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.parse.formats import Format
    from ptml.parse.opening import Source


__all__ = ["BLOCK_BYTES", "Batch", "read_log"]

BLOCK_BYTES = 16 << 20


def read_log(path: Path, *, log: str | None = None, block_bytes: int = BLOCK_BYTES) -> Iterator[Batch]:
    """Read a Zeek log in any dialect: TSV, JSON, CSV or Parquet, plain, compressed or in an archive.

    Rows and line rejects together are all data lines of the file.

    Args:
        path: The file.
        log: The log's name; else what the file declares, else what its name says.
        block_bytes: Bytes of text handled at a time.

    Raises:
        MissingInput: The file cannot be opened.
        BadData: It is no log in any of these dialects.
    """
    before = _stamp(path)
    with open_raw(path) as file:
        parquet = file.peek(len(MAGIC)).startswith(MAGIC)
    if parquet:
        yield from read_parquet_log(path, log)
        return
    for source in sources(path):
        if source.notes:
            yield Batch(log or guess_log(source.path), notes=source.notes, member=source.member)
        if source.member is None:
            yield from _read(source, log, block_bytes)
        else:
            yield from _read_member(source, log, block_bytes)
    if _stamp(path) != before:
        yield Batch(log or guess_log(path), notes=(f"{path.name} changed while it was read",))


def _stamp(path: Path) -> tuple[int, int] | None:
    """Tell a regular file's size and time of change, which tell whether it is still the same."""
    try:
        status = path.stat()
    except OSError:
        return None  # opening it will say why
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def _read_member(source: Source, log: str | None, block_bytes: int) -> Iterator[Batch]:
    """Read a member of an archive: if it is no log, the others still are."""
    try:
        for batch in _read(source, log, block_bytes):
            yield replace(batch, member=source.member)
    except BadData as error:
        reject = Reject(None, 0, f"the rest of the file: {error.message}", b"")
        yield Batch(log or guess_log(source.path), rejects=[reject], member=source.member)


def _read(source: Source, log: str | None, block_bytes: int) -> Iterator[Batch]:
    chosen: Format | None = None
    for block in blocks(source.pieces, block_bytes):
        if isinstance(block, Reject):
            yield Batch(chosen.log if chosen else log or guess_log(source.path), rejects=[block])
            continue
        if chosen is None and not block.data.strip():
            continue
        if chosen is None:
            chosen = choose_format(block.data, source.path, log)
        yield from chosen.read(block)
    if chosen is not None:
        yield from chosen.finish()
