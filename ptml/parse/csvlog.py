"""Comma-separated tables of logs, a record a line, whose first line names the columns.

Quotes are undone. A line whose quotes do not close is set aside by itself: it never swallows the next.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import polars as pl

from ptml.parse.aliases import find_layout
from ptml.parse.batch import Batch
from ptml.parse.header import LogHeader
from ptml.parse.values import checked

if TYPE_CHECKING:
    from ptml.parse.aliases import Layout
    from ptml.parse.blocks import Reject
    from ptml.parse.lines import Lines

HEADER = LogHeader()
DATES = ("%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")
MICROSECONDS = 1_000_000
TRUTHS = {"true": "T", "false": "F", "t": "T", "f": "F", "1": "T", "0": "F"}


def csv_layout(line: bytes, log: str | None, *, fixed: bool, named: bool = False) -> Layout | None:
    """Tell from its first line whether a text is such a table; None if not.

    Args:
        line: The first line.
        log: Which log its file's name tells.
        fixed: Whether that is certain.
        named: Whether the file is called a table of that log, so that no column of it need be known.

    Raises:
        BadData: Its columns are ambiguous.
    """
    text = line.removesuffix(b"\r").decode("utf-8", errors="backslashreplace")
    if "," not in text:
        return None
    try:
        [names] = csv.reader([text], strict=True)
    except csv.Error:
        return None
    return find_layout([name.strip() for name in names], log, fixed=fixed, named=named)


def read_block(lines: Lines, layout: Layout) -> Batch:
    """Read records: rows that fit and rejects that do not are together all the lines."""
    text, kept, rejects = _cells(lines, layout)
    frame, faults = typed_text(text, layout)
    return Batch(layout.log, layout.with_labels(frame), rejects, layout.types, misfits=kept.misfits(faults))


def typed_text(
    text: pl.DataFrame, layout: Layout
) -> tuple[pl.DataFrame, list[tuple[int, tuple[str, ...], str]]]:
    """Give columns of text their types; values that do not fit are null, and told: row, columns, reason."""
    fields = [(name, layout.types.get(name, "string")) for name in layout.names]
    unset = list(layout.dialect.unset)
    plain = text.select(
        _as_zeek(pl.when(~pl.col(name).is_in(unset)).then(pl.col(name)), kind).alias(name)
        for name, kind in fields
    )
    return checked(plain, fields, HEADER)


def _as_zeek(cell: pl.Expr, kind: str) -> pl.Expr:
    """Spell a value as Zeek does, where other tools spell it otherwise."""
    if kind == "time":
        return pl.when(cell.str.contains(":", literal=True)).then(_seconds(cell)).otherwise(cell)
    if kind == "bool":
        return cell.str.to_lowercase().replace(TRUTHS)
    if kind in {"count", "int", "port"}:
        return cell.str.replace(r"(?:\.0+|/(?:tcp|udp|icmp))$", "")
    return cell


def _seconds(cell: pl.Expr) -> pl.Expr:
    moments = [cell.str.to_datetime(form, time_unit="us", strict=False) for form in DATES]
    since = pl.coalesce(moment.dt.replace_time_zone(None) for moment in moments).dt.timestamp("us")
    whole, rest = since // MICROSECONDS, since % MICROSECONDS
    told = pl.concat_str([whole.cast(pl.String), pl.lit("."), rest.cast(pl.String).str.zfill(6)])
    return pl.coalesce(told, cell)


def _cells(lines: Lines, layout: Layout) -> tuple[pl.DataFrame, Lines, list[Reject]]:
    schema = dict.fromkeys(layout.names, pl.String())
    try:
        frame = pl.read_csv(
            io.BytesIO(lines.text()),
            has_header=False,
            schema=schema,
            raise_if_empty=False,
            empty_string_is_null=False,
        )
        # A short line would be filled up: only a table with the right number of commas is taken as it is.
        if frame.height == len(lines) and _commas(lines) == (len(schema) - 1) * len(lines):
            return frame, lines, []
    except pl.exceptions.PolarsError:
        pass
    return _line_by_line(lines, schema)


def _commas(lines: Lines) -> int:
    return -1 if b'"' in lines.data else lines.data.count(b",")


def _line_by_line(lines: Lines, schema: dict[str, pl.String]) -> tuple[pl.DataFrame, Lines, list[Reject]]:
    rows: list[list[str]] = []
    rejects: list[Reject] = []
    kept = [True] * len(lines)
    for index, line in lines.each():
        try:
            [cells] = csv.reader([line.decode("utf-8", errors="backslashreplace")], strict=True)
            width = len(schema)
            problem = "" if len(cells) == width else f"{len(cells)} fields where the header names {width}"
        except (csv.Error, ValueError) as error:
            problem = f"quotes that do not close, or no CSV: {error}"
        if problem:
            kept[index] = False
            rejects.append(lines.reject(index, problem))
        else:
            rows.append(cells)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame, lines.keep(pl.Series(kept, dtype=pl.Boolean).to_numpy()), rejects
