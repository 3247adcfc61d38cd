"""JSON lines through Polars' reader: faster than arrow's, but it drops fields and makes text of anything.

So what it gives is taken only where counting shows that it is all there was. Once escaped quotes have been
taken out, a quote and a colon stand side by side once a field and where a text begins with a colon, and each
name and each text has two quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from ptml.parse.lines import CACHED_BYTES, NEWLINE

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTE, COLON, BLANK = ord('"'), ord(":"), ord(" ")
BENT = (b"\\ud", b"\\uD", b"\\u002", b"\\u003", b"\\u005")
"""Escapes of half a character, which would become NUL, and of a quote, a colon and a backslash."""
COLON_FIRST = r'^["\\]*:'
_FLAT: dict[pa.DataType, pl.DataType] = {
    pa.float64(): pl.Float64(),
    pa.uint64(): pl.UInt64(),
    pa.int64(): pl.Int64(),
    pa.bool_(): pl.Boolean(),
    pa.string(): pl.String(),
}


class Marks(NamedTuple):
    """How often marks of JSON occur in some text: ends of lines, quotes, those before a colon or a blank."""

    lines: int
    fields: int
    quotes: int
    apart: int = 0


def polars_schema(schema: Mapping[str, pa.DataType]) -> dict[str, pl.DataType] | None:
    """Give types as Polars has them; None if it would not read one of them as arrow does.

    >>> polars_schema({"ts": pa.float64(), "answers": pa.list_(pa.string())})
    {'ts': Float64, 'answers': List(String)}
    >>> polars_schema({"id": pa.struct([("orig_h", pa.string())])}) is None
    True
    """
    types = {name: _polars_type(dtype) for name, dtype in schema.items()}
    known = {name: dtype for name, dtype in types.items() if dtype is not None}
    return known if len(known) == len(types) else None


def _polars_type(dtype: pa.DataType) -> pl.DataType | None:
    if pa.types.is_list(dtype):
        inner = _FLAT.get(dtype.value_type)
        return None if inner is None else pl.List(inner)
    return _FLAT.get(dtype)


def read_all(data: bytes, schema: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
    r"""Read JSON lines that hold these fields and no others; None unless every value was taken as it stands.

    Args:
        data: UTF-8, each line ended by a newline.
        schema: The type of each field.

    >>> schema = {"n": pl.Int64(), "s": pl.String()}
    >>> read_all(b'{"n":1,"s":"a"}\n{"n":2}\n', schema).rows()
    [(1, 'a'), (2, None)]
    >>> [read_all(line, schema) for line in (b'{"n":1,"m":2}\n', b'{"s":1}\n', b'{"s":["a"]}\n')]
    [None, None, None]
    """
    escaped = b"\\" in data
    if escaped and any(mark in data for mark in BENT):
        return None
    try:
        frame = pl.read_ndjson(data, schema=dict(schema)).rechunk()
    except pl.exceptions.PolarsError:
        return None
    texts = [_texts(column) for column in frame]
    found, fields = count_marks(data), sum(column.count() for column in frame)
    quotes = 2 * (fields + sum(column.count() for column in texts))
    if found.fields != fields:  # or no text begins with a colon
        fields += sum(_count_colons(column, escaped=escaped) for column in texts)
    if Marks(frame.height, fields, quotes) != found:
        return None
    return None if b"[" in data and any(_may_be_list(column) for column in texts) else frame


def count_marks(data: bytes) -> Marks:
    r"""Count marks of JSON; those that are escaped do not count.

    >>> count_marks(b'{"a":"b\\":\\\\"}\n')
    Marks(lines=1, fields=1, quotes=4, apart=0)
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    array = np.frombuffer(data, dtype=np.uint8)
    lines = fields = quotes = apart = 0
    for start in range(0, array.size, CACHED_BYTES):
        piece = array[start : start + CACHED_BYTES + 1]  # one more, for pairs across the cut
        quote = piece == QUOTE
        fields += int(np.count_nonzero(quote[:-1] & (piece[1:] == COLON)))
        apart += int(np.count_nonzero(quote[:-1] & (piece[1:] <= BLANK)))
        quotes += int(np.count_nonzero(quote[:CACHED_BYTES]))
        lines += int(np.count_nonzero(piece[:CACHED_BYTES] == NEWLINE))
    return Marks(lines, fields, quotes, apart)


def _texts(column: pl.Series) -> pl.Series:
    """Give the texts of a column, those in lists too; none of another type."""
    if column.dtype == pl.List(pl.String):
        return column.explode(empty_as_null=False, keep_nulls=False)
    return column if column.dtype == pl.String else pl.Series([], dtype=pl.String)


def _count_colons(texts: pl.Series, *, escaped: bool) -> int:
    """Count texts that begin with a colon once their escaped quotes have been taken out."""
    return int((texts.str.contains(COLON_FIRST) if escaped else texts.str.starts_with(":")).sum())


def _may_be_list(texts: pl.Series) -> bool:
    """Tell whether a text may have been a list: one of a single text has as many quotes as the text."""
    return bool(texts.str.starts_with("[").any())
