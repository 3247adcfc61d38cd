"""TSV without Zeek's header: a line of names alone (`tsv=T`), or nothing at all.

Only here is a column known by its place, and only where the number of fields and their values fit a column
list that Zeek is known to write; the report says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.parse.blocks import Block
from ptml.parse.header import LABEL_NAMES, LogHeader
from ptml.parse.schemas import ADDED, COMMON, column_lists, default_fields, field_types, zeek_schemas
from ptml.parse.tsv import read_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = re.compile(r"[A-Za-z_][\w.-]*")
NAMES_LINE = re.compile(rb"^[A-Za-z_][\w.-]*(?:\t[A-Za-z_][\w.-]*)*\r?$", re.MULTILINE)
TRIED_LINES = 100
HINT = "give the log as Zeek wrote it, header lines included, or say which log it is with `log=`"


def names_header(line: bytes, log: str) -> LogHeader | None:
    r"""Read a line of bare field names; None if it is not one.

    >>> names_header(b"ts\tuid\tmine", "conn").types
    ('time', 'string', 'string')
    >>> names_header(b"1.0\tC1\t80", "conn") is None
    True
    """
    names = line.removesuffix(b"\r").decode("utf-8", errors="backslashreplace").split("\t")
    names = [LABEL_NAMES.get(name, name) for name in names]
    types = field_types(log)
    if not all(NAME.fullmatch(name) for name in names):
        return None
    known = [name for name in names if name in types or name in COMMON]
    if len(known) * 2 < len(names) or (len(names) == 1 and names != list(default_fields(log))):
        return None
    return typed_header(LogHeader(fields=tuple(names), crlf=line.endswith(b"\r")), log)


def named_sections(block: Block, log: str) -> Iterator[LogHeader | Block]:
    """Part a block at its lines of bare names: each is yielded as a header, what lies between as blocks."""
    data, line, start = block.data, block.line, 0
    for found in NAMES_LINE.finditer(data):
        header = names_header(found[0], log)
        if header is None:
            continue
        if found.start() > start:
            yield Block(data[start : found.start()], line, block.offset + start)
        line += data.count(b"\n", start, found.start()) + 1
        start = min(found.end() + 1, len(data))
        yield header
    if start < len(data):
        yield Block(data[start:], line, block.offset + start)


def typed_header(header: LogHeader, log: str) -> LogHeader:
    """Give a header without types those of Zeek's schemas; a field that is not known is text."""
    types = {**COMMON, **field_types(log)}
    return LogHeader(
        **{
            **{name: getattr(header, name) for name in header.__dataclass_fields__},
            "types": tuple(types.get(name, "string") for name in header.fields),
        }
    )


def unknown_names(header: LogHeader, log: str) -> list[str]:
    """List the fields whose types no schema tells."""
    types = {**COMMON, **field_types(log)}
    return [name for name in header.fields if name not in types]


def headless_header(data: bytes, log: str | None) -> LogHeader:
    """Find the column list that a log without any header was written by.

    Args:
        data: The log's first lines.
        log: Which log it is.

    Raises:
        BadData: Nobody says which log it is, or its lines fit no known column list.
    """
    lines = [line for line in data.split(b"\n", TRIED_LINES)[:TRIED_LINES] if line.strip(b"\r")]
    widths = sorted({line.count(b"\t") + 1 for line in lines})
    if log is None or log not in zeek_schemas():
        raise BadData(
            "no Zeek header and no JSON, and nothing tells which log of known columns it is:"
            f" begins with {data[:40]!r}",
            hint=HINT,
        )
    crlf = lines[0].endswith(b"\r")
    lists = _column_lists(log)
    for columns in lists:
        header = typed_header(LogHeader(fields=columns, crlf=crlf), log)
        if len(columns) in widths and _fits(lines, header):
            return header
    known = ", ".join(str(number) for number in sorted({len(columns) for columns in lists}))
    raise BadData(
        f"no Zeek header and no JSON, and lines of {', '.join(map(str, widths[:5]))} fields where a {log}.log"
        f" has {known}, or of other values: begins with {data[:40]!r}",
        hint=HINT,
    )


def _column_lists(log: str) -> Sequence[tuple[str, ...]]:
    labels = tuple(name for name in ADDED if "label" in name)
    lists = column_lists(log)
    return [*lists, *((*columns, *labels) for columns in lists)]


def _fits(lines: list[bytes], header: LogHeader) -> bool:
    """Tell whether most of the first lines can be read by a header."""
    frame, _, misfits = read_block(Block(b"\n".join(lines) + b"\n", 1, 0), header)
    return (frame.height - len(misfits)) * 2 > len(lines)
