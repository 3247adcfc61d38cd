"""Text of Zeek's fields → typed columns, vectorised; what does not fit its type is never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.zeektypes import ATOMS, element_type, polars_type, unescape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ptml.parse.header import LogHeader

MICROSECONDS = 1_000_000
EARLIEST, END = -62_135_596_800 * MICROSECONDS, 253_402_300_800 * MICROSECONDS
"""From the year 1 to before the year 10000: Python cannot hold other times."""
SHOWN = 60
TEXT_TYPES = frozenset(name for name, dtype in ATOMS.items() if dtype == pl.String())


def csv_type(zeek_type: str) -> pl.DataType:
    """Tell what the CSV reader may parse by itself; the rest comes as text.

    >>> csv_type("time"), csv_type("count"), csv_type("set[port]")
    (Float64, UInt64, String)
    """
    if zeek_type in {"time", "interval", "double"}:
        return pl.Float64()
    if zeek_type in {"count", "int", "port"}:
        return ATOMS[zeek_type]
    return pl.String()


def to_time(seconds: pl.Expr) -> pl.Expr:
    """Turn seconds since the epoch into a time, exact to the microsecond; out of range is null.

    >>> pl.select(to_time(pl.lit(1764000000.000001))).item().microsecond
    1
    >>> pl.select(to_time(pl.lit(1e12))).item() is None
    True
    """
    whole = (seconds * MICROSECONDS).round(0)
    dated = pl.when(whole.is_between(EARLIEST, END, closed="left")).then(whole)
    return dated.cast(pl.Int64, strict=False).cast(pl.Datetime("us", "UTC"))


def convert(name: str, zeek_type: str, header: LogHeader) -> pl.Expr:
    """Turn a column of text, or of numbers that the CSV reader parsed, into its final type.

    Unset is null already. Escapes are undone later, and only where there are any.
    """
    return _convert(pl.col(name), zeek_type, header).alias(name)


def _convert(column: pl.Expr, zeek_type: str, header: LogHeader) -> pl.Expr:
    inner = element_type(zeek_type)
    if inner is not None:
        return _to_list(column, inner, header)
    if zeek_type == "time":
        return to_time(column.cast(pl.Float64, strict=False))
    if zeek_type == "bool":
        return column.replace_strict(["T", "F"], [True, False], default=None, return_dtype=pl.Boolean)
    if polars_type(zeek_type) == pl.String():
        return pl.when(column == header.empty).then(pl.lit("")).otherwise(column)
    return column.cast(polars_type(zeek_type), strict=False)


def _to_list(column: pl.Expr, inner: str, header: LogHeader) -> pl.Expr:
    nothing = pl.lit([], dtype=pl.List(pl.String))
    parts = pl.when(column == header.empty).then(nothing).otherwise(column.str.split(header.set_separator))
    item = pl.when(pl.element() != header.unset).then(pl.element())
    if inner == "time":
        return parts.list.eval(to_time(item.cast(pl.Float64, strict=False)))
    if inner == "bool":
        return parts.list.eval(
            item.replace_strict(["T", "F"], [True, False], default=None, return_dtype=pl.Boolean)
        )
    if inner in TEXT_TYPES or inner not in ATOMS:
        return parts.list.eval(pl.when(item == header.empty).then(pl.lit("")).otherwise(item))
    return parts.list.eval(item.cast(ATOMS[inner], strict=False))


def checked(
    text: pl.DataFrame, fields: Sequence[tuple[str, str]], header: LogHeader
) -> tuple[pl.DataFrame, list[tuple[int, tuple[str, ...], str]]]:
    """Convert columns of text; values that do not fit are null, and told: row, columns, reason.

    >>> from ptml.parse.header import LogHeader
    >>> frame, misfits = checked(pl.DataFrame({"p": ["80", "x"]}), [("p", "port")], LogHeader())
    >>> frame["p"].to_list(), misfits
    ([80, None], [(1, ('p',), "p: 'x' is no port")])
    """
    frame = text.select(convert(name, zeek_type, header) for name, zeek_type in fields)
    bad = pl.DataFrame({name: _misfit(text[name], frame[name], header) for name, _ in fields})
    if not bad.width:
        return frame, []
    wrong = bad.select(pl.any_horizontal(pl.all())).to_series()
    return frame, [(i, *_faults(text, bad, fields, i)) for i in wrong.arg_true()]


def _misfit(text: pl.Series, typed: pl.Series, header: LogHeader) -> pl.Series:
    lost = typed.is_null() & text.is_not_null()
    if isinstance(typed.dtype, pl.List) and typed.dtype != pl.List(pl.String):
        lost |= lost_elements(text, typed, header)
    return lost


def lost_elements(text: pl.Series, typed: pl.Series, header: LogHeader) -> pl.Series:
    """Tell in which rows a list has more nulls than its text has unset elements."""
    meant = (
        text.str.split(header.set_separator)
        .list.eval((pl.element() == header.unset).cast(pl.UInt32))
        .list.sum()
    )
    unset = typed.list.eval(pl.element().is_null().cast(pl.UInt32)).list.sum()
    return (unset > meant).fill_null(value=False)


def _faults(
    text: pl.DataFrame, bad: pl.DataFrame, fields: Iterable[tuple[str, str]], row: int
) -> tuple[tuple[str, ...], str]:
    faults = [(name, zeek_type) for name, zeek_type in fields if bad[name][row]]
    why = (f"{name}: {text[name][row][:SHOWN]!r} is no {zeek_type}" for name, zeek_type in faults)
    return tuple(name for name, _ in faults), "; ".join(why)


def unescape_column(column: pl.Series) -> pl.Series:
    r"""Undo escapes in a text column or a list of text; columns without a backslash pass untouched.

    >>> unescape_column(pl.Series(["a", r"b\x09", None])).to_list()
    ['a', 'b\t', None]
    """
    if column.dtype == pl.List(pl.String):
        flat = column.explode(empty_as_null=False, keep_nulls=False)
        if not flat.str.contains("\\", literal=True).any():
            return column
        return pl.Series(
            column.name, [_unescape_list(items) for items in column.to_list()], dtype=column.dtype
        )
    if column.dtype != pl.String:
        return column
    escaped = column.str.contains("\\", literal=True).fill_null(value=False)
    if not escaped.any():
        return column
    distinct = column.filter(escaped).unique()
    plain = pl.Series([unescape(text) for text in distinct], dtype=pl.String)
    return column.replace(distinct, plain)


def _unescape_list(items: list[str | None] | None) -> list[str | None] | None:
    return None if items is None else [None if item is None else unescape(item) for item in items]
