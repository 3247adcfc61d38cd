"""One log file → batches of typed rows and of rejects, whatever the format; told by content, not by name."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.io import pieces
from ptml.parse.batch import Batch
from ptml.parse.blocks import Reject, blocks
from ptml.parse.opening import Source, sources
from ptml.parse.parquetlog import is_parquet, read_parquet_log
from ptml.parse.schemas import guess_log
from ptml.parse.sniff import choose_format

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from io import BufferedReader
    from pathlib import Path

    from ptml.parse.formats import Format


__all__ = ["BLOCK_BYTES", "Batch", "read_log", "read_rows", "read_stream"]

BLOCK_BYTES = 16 << 20


def read_log(
    path: Path,
    *,
    log: str | None = None,
    block_bytes: int = BLOCK_BYTES,
    see: Callable[[bytes], object] | None = None,
) -> Iterator[Batch]:
    """Read a Zeek log in any dialect: TSV, JSON, CSV or Parquet, plain, compressed or in an archive.

    Rows and line rejects together are all data lines of the file; a row with a value that does not fit is
    among the rejects.

    Args:
        path: The file.
        log: The log's name; else what the file declares, else what its name says.
        block_bytes: Bytes of text handled at a time.
        see: Shown the plain bytes as they are read, where the file is no archive and no Parquet.

    Raises:
        MissingInput: The file cannot be opened.
        BadData: It is no log in any of these dialects.
    """
    for batch in read_rows(path, log=log, block_bytes=block_bytes, see=see):
        yield batch.set_aside()


def read_rows(
    path: Path,
    *,
    log: str | None = None,
    columns: Collection[str] | None = None,
    block_bytes: int = BLOCK_BYTES,
    most_blocks: int | None = None,
    see: Callable[[bytes], object] | None = None,
) -> Iterator[Batch]:
    """Read a log like :func:`read_log`, but keep rows with a value that does not fit, and tell of them.

    Args:
        path: The file.
        log: The log's name; else what the file declares, else what its name says.
        columns: Those that are wanted, others may be missing; all if None. Rows do not depend on it.
        block_bytes: Bytes of text handled at a time.
        most_blocks: Stop after so many of each log's blocks; read all if None.
        see: See :func:`read_log`.

    Raises:
        MissingInput: The file cannot be opened.
        BadData: It is no log in any of these dialects.
    """
    before = _stamp(path)
    if is_parquet(path):
        yield from islice(read_parquet_log(path, log), most_blocks)
        return
    how = _How(log, columns, block_bytes, most_blocks)
    for source in sources(path, see):
        if source.notes:
            yield Batch(log or guess_log(source.path), notes=source.notes, member=source.member)
        if source.member is None:
            yield from _read(source, how)
        else:
            yield from _read_member(source, how)
    if _stamp(path) != before:
        yield Batch(log or guess_log(path), notes=(f"{path.name} changed while it was read",))


def read_stream(
    file: BufferedReader,
    name: str,
    *,
    log: str | None = None,
    columns: Collection[str] | None = None,
    block_bytes: int = BLOCK_BYTES,
    most_blocks: int | None = None,
) -> Iterator[Batch]:
    """Read an open file like :func:`read_rows`, from where it stands; it is not closed.

    Args:
        file: Bytes of a text log, perhaps compressed; no archive and no Parquet.
        name: What to call it in errors; may tell the log.
        log: See :func:`read_rows`.
        columns: See :func:`read_rows`.
        block_bytes: See :func:`read_rows`.
        most_blocks: See :func:`read_rows`.

    Raises:
        BadData: It is no log in any of these dialects.
    """
    how = _How(log, columns, block_bytes, most_blocks)
    yield from _read(Source(PurePath(name), pieces(file, name)), how)


@dataclass(frozen=True, slots=True)
class _How:
    """What is known and wanted of a log, whichever file it is in."""

    log: str | None
    columns: Collection[str] | None
    block_bytes: int
    most_blocks: int | None


def _stamp(path: Path) -> tuple[int, int] | None:
    """Tell a regular file's size and time of change, which tell whether it is still the same."""
    try:
        status = path.stat()
    except OSError:
        return None  # opening it will say why
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def _read_member(source: Source, how: _How) -> Iterator[Batch]:
    """Read a member of an archive: if it is no log, the others still are."""
    try:
        for batch in _read(source, how):
            yield replace(batch, member=source.member)
    except BadData as error:
        reject = Reject(None, 0, f"the rest of the file: {error.message}", b"")
        yield Batch(how.log or guess_log(source.path), rejects=[reject], member=source.member)


def _read(source: Source, how: _How) -> Iterator[Batch]:
    chosen: Format | None = None
    for block in islice(blocks(source.pieces, how.block_bytes), how.most_blocks):
        if isinstance(block, Reject):
            yield Batch(chosen.log if chosen else how.log or guess_log(source.path), rejects=[block])
            continue
        if chosen is None and not block.data.strip():
            continue
        if chosen is None:
            chosen = choose_format(block.data, source.path, how.log)
            chosen.columns = how.columns
        yield from chosen.read(block)
    if chosen is not None:
        yield from chosen.finish()
