"""A block of data lines of a TSV log → a typed frame, and the lines that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.parse.header import PACKING
from ptml.parse.lines import NEWLINE, Lines
from ptml.parse.values import checked, convert, csv_type, lost_elements, unescape_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.parse.blocks import Block, Reject
    from ptml.parse.header import LogHeader

PACKED = "\0packed"


def read_block(block: Block, header: LogHeader) -> tuple[pl.DataFrame, list[Reject]]:
    """Read data lines: rows that fit and rejects that do not are together all the lines.

    Blank lines are no data lines. Values are unescaped; unset is null.
    """
    if not header.crlf and _is_regular(block.data, _width(header), header.separator):
        frame = _typed(block.data, header)
        if frame is not None:
            return _unescaped(frame, block.data), []
    return _read_lines(block, header)


def _read_lines(block: Block, header: LogHeader) -> tuple[pl.DataFrame, list[Reject]]:
    """Read a block in which some line may be out of the ordinary."""
    lines, width = Lines.of(block, crlf=header.crlf), _width(header)
    whole, rejects = _with_fields(lines, width, ord(header.separator))
    frame = _typed(whole.data, header) if _is_regular(whole.data, width, header.separator) else None
    if frame is None:
        frame, misfits = _checked(whole, header)
        rejects += misfits
    return _unescaped(frame, whole.data), sorted(rejects, key=_place)


def _unescaped(frame: pl.DataFrame, data: bytes) -> pl.DataFrame:
    return frame.select(unescape_column(column) for column in frame) if b"\\" in data else frame


def _width(header: LogHeader) -> int:
    return len(header.fields) - header.packed + 1


def _is_regular(data: bytes, width: int, separator: str) -> bool:
    """Tell whether on average lines have `width` fields, with no blank line and no empty field.

    The CSV reader refuses a line with more fields. So where it reads on, none has fewer either.
    """
    array = np.frombuffer(data, dtype=np.uint8)
    newlines, separators = array == NEWLINE, array == ord(separator)
    edges = newlines | separators
    return bool(
        edges.size
        and newlines[-1]
        and not edges[0]
        and np.count_nonzero(separators) == np.count_nonzero(newlines) * (width - 1)
        and not (edges[1:] & edges[:-1]).any()
    )


def reject_block(block: Block, reason: str, *, crlf: bool = False) -> list[Reject]:
    """Set aside every line that is not blank, for one reason."""
    return Lines.of(block, crlf=crlf).without_blank().reject_all(reason)


def _place(reject: Reject) -> int:
    return reject.offset


def _with_fields(lines: Lines, width: int, separator: int) -> tuple[Lines, list[Reject]]:
    """Split off the lines that do not have `width` fields."""
    separators = np.flatnonzero(lines.array == separator)
    found = np.diff(np.searchsorted(separators, lines.ends, side="left"), prepend=0)
    blank = lines.ends == lines.starts
    wrong = (found != width - 1) & ~blank
    rejects = [
        lines.reject(i, f"{found[i] + 1} fields where the header names {width}")
        for i in np.flatnonzero(wrong)
    ]
    return lines.keep(~wrong & ~blank), rejects


def _typed(data: bytes, header: LogHeader) -> pl.DataFrame | None:
    """Let the CSV reader parse numbers; None if any value does not fit its type."""
    schema = {name: csv_type(zeek_type) for name, zeek_type in _split_fields(header)}
    try:
        raw = _unpack(_read_csv(data, header, schema), header)
        if raw is None:
            return None
        frame = raw.select(convert(name, zeek_type, header) for name, zeek_type in _fields(header))
    except pl.exceptions.PolarsError:
        return None
    lossy = (name for name, zeek_type in _fields(header) if zeek_type not in {"string", "enum", "addr"})
    fits = all(frame[name].null_count() == raw[name].null_count() for name in lossy)
    return frame if fits and _lists_fit(raw, frame, header) else None


def _checked(lines: Lines, header: LogHeader) -> tuple[pl.DataFrame, list[Reject]]:
    """Read everything as text, then convert, and reject the lines with a value that does not fit."""
    whole = _read_csv(lines.data, header, {name: pl.String() for name, _ in _split_fields(header)})
    rejects = []
    if header.packed > 1:
        fits = _holds_all(whole, header).to_numpy()
        reason = f"the last field does not hold {PACKING.join(header.fields[-header.packed :])}"
        rejects = [lines.reject(i, reason) for i in np.flatnonzero(~fits)]
        lines, whole = lines.keep(fits), whole.filter(fits)
    text = _unpack(whole, header)
    assert text is not None
    frame, misfits = checked(text, list(_fields(header)), header)
    return frame, rejects + [lines.reject(i, why) for i, why in misfits]


def _holds_all(raw: pl.DataFrame, header: LogHeader) -> pl.Series:
    return (raw[PACKED].str.count_matches(PACKING, literal=True) == header.packed - 1).fill_null(value=False)


def _unpack(raw: pl.DataFrame, header: LogHeader) -> pl.DataFrame | None:
    """Give packed fields columns of their own; None if a line does not hold all of them."""
    if header.packed == 1:
        return raw
    if not _holds_all(raw, header).all():
        return None
    names = header.fields[-header.packed :]
    parts = pl.col(PACKED).str.split(PACKING)
    cells = [parts.list.get(i, null_on_oob=True).alias(name) for i, name in enumerate(names)]
    unset = [pl.when(pl.col(name) != header.unset).then(pl.col(name)).alias(name) for name in names]
    return raw.with_columns(cells).drop(PACKED).with_columns(unset)


def _lists_fit(raw: pl.DataFrame, frame: pl.DataFrame, header: LogHeader) -> bool:
    return not any(
        lost_elements(raw[name], column, header).any()
        for name, column in zip(frame.columns, frame, strict=True)
        if isinstance(column.dtype, pl.List) and column.dtype != pl.List(pl.String)
    )


def _fields(header: LogHeader) -> Iterator[tuple[str, str]]:
    return zip(header.fields, header.types, strict=True)


def _split_fields(header: LogHeader) -> Iterator[tuple[str, str]]:
    """Give the fields as separators tell them apart: packed ones are one text."""
    if header.packed == 1:
        yield from _fields(header)
    else:
        yield from list(_fields(header))[: -header.packed]
        yield PACKED, "string"


def _read_csv(data: bytes, header: LogHeader, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    if not data:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        _as_text(data),
        has_header=False,
        separator=header.separator,
        quote_char=None,
        schema=schema,
        null_values=[header.unset],
        empty_string_is_null=False,
        raise_if_empty=False,
    )


def _as_text(data: bytes) -> bytes:
    r"""Give valid UTF-8; bytes that are not keep Zeek's ``\xHH`` spelling."""
    return data if data.isascii() else data.decode("utf-8", errors="backslashreplace").encode()
