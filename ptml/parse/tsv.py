"""A block of data lines of a TSV log → a typed frame, and the lines that do not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.parse.header import PACKING
from ptml.parse.lines import CACHED_BYTES, NEWLINE, Lines
from ptml.parse.values import checked, column_of, convert, csv_type, lost_elements, unescape_column

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from ptml.parse.batch import Misfit
    from ptml.parse.blocks import Block, Reject
    from ptml.parse.header import LogHeader

PACKED = "\0packed"


def read_block(
    block: Block, header: LogHeader, columns: Collection[str] | None = None
) -> tuple[pl.DataFrame, list[Reject], list[Misfit]]:
    """Read data lines: rows and rejects are together all the lines; misfits tell which values are not.

    Blank lines are no data lines. Values are unescaped; unset is null.

    Args:
        block: The lines.
        header: What holds for them.
        columns: Those that are wanted; all if None. Which lines are rows does not depend on it.
    """
    wanted = _Wanted.of(header, columns)
    if not header.crlf and _is_regular(block.data, wanted):
        frame = _typed(block.data, wanted)
        if frame is not None:
            return _unescaped(frame, block.data), [], []
    return _read_lines(block, wanted)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The fields that are to be read, name and type, of those that the separators tell apart."""

    header: LogHeader
    fields: tuple[tuple[str, str], ...]
    cells: tuple[str, ...]

    @classmethod
    def of(cls, header: LogHeader, columns: Collection[str] | None) -> _Wanted:
        """Choose fields; packed ones are one cell, and that is always read, since it may break a line."""
        every = list(zip(header.fields, header.types, strict=True))
        fields = [field for field in every if columns is None or field[0] in columns]
        if header.packed == 1:
            return cls(header, tuple(fields), tuple(name for name, _ in fields))
        apart = {name for name, _ in every[: -header.packed]}
        return cls(header, tuple(fields), (*(name for name, _ in fields if name in apart), PACKED))

    @property
    def width(self) -> int:
        """Cells in a line."""
        return len(self.header.fields) - self.header.packed + 1

    def schema(self, *, text: bool) -> dict[str, pl.DataType]:
        """Give the type by which the CSV reader reads each cell of a line."""
        header = self.header
        apart = list(zip(header.fields, header.types, strict=True))
        apart = apart if header.packed == 1 else [*apart[: -header.packed], (PACKED, "string")]
        return {name: pl.String() if text else csv_type(zeek_type) for name, zeek_type in apart}


def _read_lines(block: Block, wanted: _Wanted) -> tuple[pl.DataFrame, list[Reject], list[Misfit]]:
    """Read a block in which some line may be out of the ordinary."""
    separator = wanted.header.separator
    lines = Lines.of(block, crlf=wanted.header.crlf)
    whole, rejects = _with_fields(lines, wanted.width, ord(separator))
    frame = _typed(whole.data, wanted) if _is_regular(whole.data, wanted) else None
    misfits: list[Misfit] = []
    if frame is None:
        frame, unfit, misfits = _checked(whole, wanted)
        rejects += unfit
    return _unescaped(frame, whole.data), sorted(rejects, key=_place), misfits


def _unescaped(frame: pl.DataFrame, data: bytes) -> pl.DataFrame:
    return frame.select(unescape_column(column) for column in frame) if b"\\" in data else frame


def _is_regular(data: bytes, wanted: _Wanted) -> bool:
    """Tell whether all lines have their fields, none is blank, and no field is empty.

    Where all columns are read it is enough that lines have their fields on average: the CSV reader refuses a
    line with more, so where it reads on, none has fewer either. With few columns it does not notice.
    """
    array, separator = np.frombuffer(data, dtype=np.uint8), ord(wanted.header.separator)
    if not array.size or array[0] in {NEWLINE, separator} or array[-1] != NEWLINE:
        return False
    newlines = separators = 0
    for start in range(0, array.size, CACHED_BYTES):
        piece = array[start : start + CACHED_BYTES + 1]  # one more, for pairs across the cut
        ends, cuts = piece == NEWLINE, piece == separator
        edges = ends | cuts
        if (edges[1:] & edges[:-1]).any():
            return False
        newlines += int(np.count_nonzero(ends[:CACHED_BYTES]))
        separators += int(np.count_nonzero(cuts[:CACHED_BYTES]))
    expected = wanted.width - 1
    if separators != newlines * expected:
        return False
    return len(wanted.cells) == wanted.width or _each_has(array, separator, expected)


def _each_has(array: NDArray[np.uint8], separator: int, expected: int) -> bool:
    """Tell whether every line has so many separators."""
    starts = np.concatenate(([0], np.flatnonzero(array == NEWLINE)[:-1] + 1))
    return bool((np.add.reduceat(array == separator, starts, dtype=np.int32) == expected).all())


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


def _typed(data: bytes, wanted: _Wanted) -> pl.DataFrame | None:
    """Let the CSV reader parse numbers; None if any value does not fit its type."""
    header = wanted.header
    try:
        raw = _unpack(_read_csv(data, wanted, text=False), header)
        if raw is None:
            return None
        frame = raw.select(convert(name, zeek_type, header) for name, zeek_type in wanted.fields)
    except pl.exceptions.PolarsError:
        return None
    lossy = (name for name, zeek_type in wanted.fields if zeek_type not in {"string", "enum", "addr"})
    fits = all(frame[name].null_count() == raw[name].null_count() for name in lossy)
    return frame if fits and _lists_fit(raw, frame, header) else None


def _checked(lines: Lines, wanted: _Wanted) -> tuple[pl.DataFrame, list[Reject], list[Misfit]]:
    """Read everything as text, then convert, and tell of the lines with a value that does not fit."""
    header = wanted.header
    whole = _read_csv(lines.data, wanted, text=True)
    rejects = []
    if header.packed > 1:
        fits = _holds_all(whole, header).to_numpy()
        reason = f"the last field does not hold {PACKING.join(header.fields[-header.packed :])}"
        rejects = [lines.reject(i, reason) for i in np.flatnonzero(~fits)]
        lines, whole = lines.keep(fits), whole.filter(fits)
    text = _unpack(whole, header)
    assert text is not None
    frame, faults = checked(text, wanted.fields, header)
    return frame, rejects, lines.misfits(faults)


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
    unset = [pl.when(column_of(name) != header.unset).then(column_of(name)).alias(name) for name in names]
    return raw.with_columns(cells).drop(PACKED).with_columns(unset)


def _lists_fit(raw: pl.DataFrame, frame: pl.DataFrame, header: LogHeader) -> bool:
    return not any(
        lost_elements(raw[name], column, header).any()
        for name, column in zip(frame.columns, frame, strict=True)
        if isinstance(column.dtype, pl.List) and column.dtype != pl.List(pl.String)
    )


def _read_csv(data: bytes, wanted: _Wanted, *, text: bool) -> pl.DataFrame:
    schema = wanted.schema(text=text)
    places = {name: place for place, name in enumerate(schema)}
    if not data:
        return pl.DataFrame(schema={name: schema[name] for name in wanted.cells})
    return pl.read_csv(
        _as_text(data),
        columns=None if len(wanted.cells) == len(schema) else [places[name] for name in wanted.cells],
        has_header=False,
        separator=wanted.header.separator,
        quote_char=None,
        schema=schema,
        null_values=[wanted.header.unset],
        empty_string_is_null=False,
        raise_if_empty=False,
    )


def _as_text(data: bytes) -> bytes:
    r"""Give valid UTF-8; bytes that are not keep Zeek's ``\xHH`` spelling."""
    return data if data.isascii() else data.decode("utf-8", errors="backslashreplace").encode()
