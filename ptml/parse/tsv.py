"""A block of data lines of a TSV log → a typed frame, and the lines that do not fit."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.parse.blocks import Block, Reject
from ptml.parse.values import convert, csv_type, unescape_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptml.parse.header import LogHeader

NEWLINE = 0x0A
SHOWN = 60


def read_block(block: Block, header: LogHeader) -> tuple[pl.DataFrame, list[Reject]]:
    """Read data lines: rows that fit and rejects that do not are together all the lines.

    Blank lines are no data lines. Values are unescaped; unset is null.
    """
    data = block.data.replace(b"\r\n", b"\n") if header.crlf else block.data
    lines = _Lines(data if data.endswith(b"\n") else data + b"\n", block)
    whole, rejects = lines.with_fields(len(header.fields), ord(header.separator))
    frame = _typed(whole, header)
    if frame is None:
        frame, misfits = _checked(whole, header)
        rejects += misfits
    if b"\\" in whole.data:
        frame = frame.select(unescape_column(column) for column in frame)
    return frame, sorted(rejects, key=_place)


def _place(reject: Reject) -> int:
    return reject.offset


class _Lines:
    """The lines of a block, found once, with where each begins."""

    def __init__(self, data: bytes, block: Block) -> None:
        self.data = data
        self.block = block
        array = np.frombuffer(data, dtype=np.uint8)
        self.ends = np.flatnonzero(array == NEWLINE)
        self.starts = np.concatenate(([0], self.ends[:-1] + 1)) if self.ends.size else self.ends
        self.array = array
        self.numbers = np.arange(self.ends.size) + block.line

    def with_fields(self, width: int, separator: int) -> tuple[_Lines, list[Reject]]:
        """Split off the lines that do not have `width` fields."""
        separators = np.flatnonzero(self.array == separator)
        found = np.diff(np.searchsorted(separators, self.ends, side="left"), prepend=0)
        blank = self.ends == self.starts
        wrong = (found != width - 1) & ~blank
        rejects = [
            self.reject(i, f"{found[i] + 1} fields where the header names {width}")
            for i in np.flatnonzero(wrong)
        ]
        return self.keep(~wrong & ~blank), rejects

    def keep(self, mask: NDArray[np.bool_]) -> _Lines:
        """Keep only some lines; they remember where they were."""
        if mask.all():
            return self
        kept = _Lines(b"".join(self.raw(i) + b"\n" for i in np.flatnonzero(mask)), self.block)
        kept.numbers = self.numbers[mask]
        return kept

    def raw(self, index: np.intp) -> bytes:
        return self.data[self.starts[index] : self.ends[index]]

    def reject(self, index: np.intp, reason: str) -> Reject:
        return Reject(int(self.numbers[index]), self.offset(index), reason, self.raw(index))

    def offset(self, index: np.intp) -> int:
        """Give the byte offset of a line in the plain file, whatever was dropped or replaced before it."""
        ordinal = int(self.numbers[index]) - self.block.line
        original = self.block.data
        position = 0
        for _ in range(ordinal):
            position = original.index(b"\n", position) + 1
        return self.block.offset + position

    def text(self) -> bytes:
        r"""Give the lines as valid UTF-8; bytes that are not keep Zeek's ``\xHH`` spelling."""
        if self.data.isascii():
            return self.data
        return self.data.decode("utf-8", errors="backslashreplace").encode()


def _typed(lines: _Lines, header: LogHeader) -> pl.DataFrame | None:
    """Let the CSV reader parse numbers; None if any value does not fit its type."""
    separator = header.separator.encode()
    if separator * 2 in lines.data:
        return None
    schema = {name: csv_type(zeek_type) for name, zeek_type in _fields(header)}
    try:
        raw = _read_csv(lines, header, schema)
        frame = raw.select(convert(name, zeek_type, header) for name, zeek_type in _fields(header))
    except pl.exceptions.PolarsError:
        return None
    lossy = (name for name, zeek_type in _fields(header) if zeek_type not in {"string", "enum", "addr"})
    fits = all(frame[name].null_count() == raw[name].null_count() for name in lossy)
    return frame if fits and _lists_fit(raw, frame, header) else None


def _checked(lines: _Lines, header: LogHeader) -> tuple[pl.DataFrame, list[Reject]]:
    """Read everything as text, then convert, and reject the lines with a value that does not fit."""
    text = _read_csv(lines, header, {name: pl.String() for name, _ in _fields(header)})
    frame = text.select(convert(name, zeek_type, header) for name, zeek_type in _fields(header))
    bad = pl.DataFrame({name: _misfit(text[name], frame[name], header) for name, _ in _fields(header)})
    wrong = bad.select(pl.any_horizontal(pl.all())).to_series().to_numpy()
    rejects = [lines.reject(i, _reason(text, bad, header, int(i))) for i in np.flatnonzero(wrong)]
    return frame.filter(~pl.Series(wrong)), rejects


def _misfit(text: pl.Series, typed: pl.Series, header: LogHeader) -> pl.Series:
    lost = typed.is_null() & text.is_not_null()
    if isinstance(typed.dtype, pl.List) and typed.dtype != pl.List(pl.String):
        lost |= _lost_elements(text, typed, header)
    return lost


def _lost_elements(text: pl.Series, typed: pl.Series, header: LogHeader) -> pl.Series:
    meant = (
        text.str.split(header.set_separator)
        .list.eval((pl.element() == header.unset).cast(pl.UInt32))
        .list.sum()
    )
    unset = typed.list.eval(pl.element().is_null().cast(pl.UInt32)).list.sum()
    return (unset > meant).fill_null(value=False)


def _lists_fit(raw: pl.DataFrame, frame: pl.DataFrame, header: LogHeader) -> bool:
    return not any(
        _lost_elements(raw[name], column, header).any()
        for name, column in zip(frame.columns, frame, strict=True)
        if isinstance(column.dtype, pl.List) and column.dtype != pl.List(pl.String)
    )


def _reason(text: pl.DataFrame, bad: pl.DataFrame, header: LogHeader, row: int) -> str:
    faults = [(name, zeek_type) for name, zeek_type in _fields(header) if bad[name][row]]
    return "; ".join(f"{name}: {text[name][row][:SHOWN]!r} is no {zeek_type}" for name, zeek_type in faults)


def _fields(header: LogHeader) -> Iterator[tuple[str, str]]:
    return zip(header.fields, header.types, strict=True)


def _read_csv(lines: _Lines, header: LogHeader, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    if not lines.ends.size:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        io.BytesIO(lines.text()),
        has_header=False,
        separator=header.separator,
        quote_char=None,
        schema=schema,
        null_values=[header.unset],
        empty_string_is_null=False,
        raise_if_empty=False,
    )
