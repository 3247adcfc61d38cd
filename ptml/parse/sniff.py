"""Which format a log has, told by its beginning."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.parse.blocks import KEPT_BYTES
from ptml.parse.csvlog import csv_layout
from ptml.parse.formats import CsvFormat, JsonFormat, TsvFormat
from ptml.parse.header import LogHeader, header_prefix
from ptml.parse.headless import headless_header, names_header, unknown_names
from ptml.parse.jsonstream import is_spread
from ptml.parse.schemas import guess_known_log, guess_log
from ptml.zeektypes import TABLE_LOGS, log_name

if TYPE_CHECKING:
    from pathlib import PurePath

    from ptml.parse.formats import Format

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SEPARATOR_LINE = b"\n#separator \\x"
OBJECT_LINE = re.compile(rb'^\{"[^\n]*\}\r?$', re.MULTILINE)
SEARCHED_BYTES = 1 << 16


def choose_format(data: bytes, path: PurePath, log: str | None) -> Format:
    """Tell by a log's beginning how to read it.

    Raises:
        BadData: In no way.
    """
    head = data[:KEPT_BYTES]
    if head.startswith(UTF_16_MARKS) or _every_other_byte_is_zero(head):
        raise BadData("text in UTF-16", hint="convert it: iconv -f UTF-16 -t UTF-8 in.log > out.log")
    name = log or guess_log(path)
    fixed = log is not None
    start = _past_comments(data)
    prefix = header_prefix(data)
    if prefix is not None:
        return TsvFormat(name, LogHeader(prefix=prefix), fixed=fixed)
    if data[start : start + 1] in {b"{", b"["}:
        return JsonFormat(name, fixed=fixed, spread=is_spread(data[start:]))
    known = log or guess_known_log(path)
    table = _with_names(data, path, known, name, fixed=fixed)
    if table is not None:
        return table
    # Behind the tail of another log, or a beginning that was damaged.
    if SEPARATOR_LINE in data:
        return TsvFormat(name, LogHeader(), fixed=fixed)
    if OBJECT_LINE.search(data, 0, SEARCHED_BYTES):
        return JsonFormat(name, fixed=fixed, spread=False)
    return _without_header(data, known, name, fixed=fixed)


def _with_names(data: bytes, path: PurePath, known: str | None, name: str, *, fixed: bool) -> Format | None:
    first = data.lstrip(b"\r\n").partition(b"\n")[0]
    table = log_name(path) if ".csv" in path.suffixes and log_name(path) in TABLE_LOGS else None
    layout = csv_layout(first, table or known, fixed=fixed, named=table is not None)
    if layout is not None:
        return CsvFormat(layout)
    log = known or name
    header = names_header(first, log)
    if header is None:
        return None
    return TsvFormat(log, header, fixed=fixed, named=True, notes=_names_notes(header, log))


def _without_header(data: bytes, known: str | None, name: str, *, fixed: bool) -> Format:
    if b"\x00" in data[:KEPT_BYTES]:
        raise BadData(f"a binary file: begins with {data[:40]!r}", hint="give the log as Zeek wrote it")
    if data[:1] == b"#":  # remarks only, or a header that lost its directives: line by line will tell
        return TsvFormat(name, LogHeader(), fixed=fixed)
    header = headless_header(data, known)
    note = f"{known}: no header; its {len(header.fields)} columns were known by their place alone"
    return TsvFormat(known or name, header, fixed=fixed, notes=(note,))


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


def _names_notes(header: LogHeader, log: str) -> tuple[str, ...]:
    note = f"{log}: a header of names alone; types are those of Zeek's own {log}.log"
    unknown = unknown_names(header, log)
    return (
        (note, f"{log}: of unknown type and kept as text: {', '.join(unknown)[:200]}") if unknown else (note,)
    )
