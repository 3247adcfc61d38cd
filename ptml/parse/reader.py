"""One log file → batches of typed rows and of rejects, whatever the format; told by content, not by name."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.io import open_raw
from ptml.parse.batch import Batch
from ptml.parse.blocks import KEPT_BYTES, Reject, blocks
from ptml.parse.csvlog import csv_layout
from ptml.parse.formats import CsvFormat, JsonFormat, TsvFormat
from ptml.parse.header import LogHeader, header_prefix
from ptml.parse.headless import headless_header, names_header, unknown_names
from ptml.parse.jsonstream import is_spread
from ptml.parse.opening import sources
from ptml.parse.parquetlog import MAGIC, read_parquet_log
from ptml.parse.schemas import guess_known_log, guess_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path, PurePath

    from ptml.parse.formats import Format
    from ptml.parse.opening import Source


__all__ = ["BLOCK_BYTES", "Batch", "read_log"]

BLOCK_BYTES = 16 << 20
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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
    if not path.is_file():
        return None
    status = path.stat()
    return (status.st_size, status.st_mtime_ns)


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
            chosen = _choose(block.data, source.path, log)
        yield from chosen.read(block)
    if chosen is not None:
        yield from chosen.finish()


def _choose(data: bytes, path: PurePath, log: str | None) -> Format:
    """Tell by a log's beginning how to read it.

    Raises:
        BadData: In no way.
    """
    head = data[:KEPT_BYTES]
    if head.startswith(UTF_16_MARKS) or _every_other_byte_is_zero(head):
        raise BadData("text in UTF-16", hint="convert it: iconv -f UTF-16 -t UTF-8 in.log > out.log")
    name = log or guess_log(path)
    start = _past_comments(data)
    prefix = header_prefix(data)
    if prefix is None and data[start : start + 1] in {b"{", b"["}:
        return JsonFormat(name, fixed=log is not None, spread=is_spread(data[start:]))
    if prefix is not None:
        return TsvFormat(name, LogHeader(prefix=prefix), fixed=log is not None)
    if b"\x00" in head:
        raise BadData(f"a binary file: begins with {head[:40]!r}", hint="give the log as Zeek wrote it")
    first = data.lstrip(b"\r\n").partition(b"\n")[0]
    known = log or guess_known_log(path)
    layout = csv_layout(first, known, fixed=log is not None)
    if layout is not None:
        return CsvFormat(layout)
    header = names_header(first, known or name)
    if header is not None:
        notes = _names_note(header, known or name)
        return TsvFormat(known or name, header, fixed=True, skip_first=True, notes=notes)
    if data[:1] == b"#":  # comments only, or a header that lost its directives: line by line will tell
        return TsvFormat(name, LogHeader(), fixed=log is not None)
    header = headless_header(data, known)
    note = f"{known}: no header; its {len(header.fields)} columns were known by their place alone"
    return TsvFormat(known or name, header, fixed=True, notes=(note,))


def _every_other_byte_is_zero(head: bytes) -> bool:
    even, odd = head[::2], head[1::2]
    few, many = sorted((even.count(0), odd.count(0)))
    return many * 10 > len(odd) * 7 and few * 10 < len(odd)


def _past_comments(data: bytes) -> int:
    """Find the first line that is neither blank nor begins with ``#``."""
    start = len(data) - len(data.lstrip())
    while data[start : start + 1] == b"#":
        end = data.find(b"\n", start) + 1
        if not end:
            return len(data)
        start = end + len(data[end : end + 80]) - len(data[end : end + 80].lstrip())
    return start


def _names_note(header: LogHeader, log: str) -> tuple[str, ...]:
    unknown = unknown_names(header, log)
    kept = f"; of unknown type and kept as text: {', '.join(unknown)[:200]}" if unknown else ""
    return (f"{log}: a header of names alone; types are those of Zeek's own {log}.log{kept}",)
