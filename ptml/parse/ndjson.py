"""A block of a JSON log → typed frames, and the lines that do not fit.

Zeek writes one object a line and no types: they come from the log's name. A field that Zeek does not know is
kept as text. Times are seconds, ISO 8601, or milliseconds.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.json as pj

from ptml.parse.batch import Batch
from ptml.parse.header import MAX_FIELDS
from ptml.parse.jsonarrow import (
    arrow_schema,
    is_ordinary,
    other_names,
    read_json,
    read_known,
    to_column,
)
from ptml.parse.jsonpolars import polars_schema, read_all
from ptml.parse.jsonrows import MAX_CELLS, read_lines
from ptml.parse.jsonshape import LOG, is_wrapped
from ptml.parse.schemas import default_fields, field_types, zeek_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptml.parse.lines import Lines

KEY = re.compile(rb'"((?:[^"\\]|\\.){0,200})"\s*:')
HEAD_BYTES = 1 << 13
BLANK = 0x20
SHORTEST = len('{"a":1}')
UNREADABLE = (pa.ArrowException, pl.exceptions.PolarsError, ValueError, AttributeError, RecursionError)


class JsonReader:
    """Reads the blocks of one JSON log, and remembers what fields occurred that Zeek does not know."""

    def __init__(self, log: str, *, fixed: bool) -> None:
        self.log = log
        self.fixed = fixed
        self.extra: dict[str, pa.DataType] = {}
        self.occurred: dict[str, set[str]] = {}
        self.noted: set[str] = set()

    def read(self, lines: Lines) -> Iterator[Batch]:
        """Read lines, none blank: rows that fit and rejects that do not are together all of them."""
        log = self._first_log(lines.raw(0))
        frame = self._read_fast(lines.data, log)
        if frame is not None and self._is_all(frame, log):
            yield Batch(log, frame, [], field_types(log), self._notes(log))
            return
        for name, part in self._by_log(lines):
            yield from self._read_part(part, name)

    def _read_part(self, lines: Lines, log: str | None) -> Iterator[Batch]:
        frame = None if log is None else self._read_fast(lines.data, log)
        if frame is not None and log is not None:
            yield Batch(log, frame, [], field_types(log), self._notes(log))
            return
        for batch in read_lines(lines, log or self.log, fixed=self.fixed):
            yield replace(batch, notes=batch.notes + self._notes(batch.log))

    def _first_log(self, line: bytes) -> str:
        """Tell which log the first line names: mostly all of a file's lines name the same."""
        if self.fixed or b'"_path"' not in line:
            return self.log
        try:
            path = json.loads(line).get("_path")
        except UNREADABLE:
            return self.log
        return path if isinstance(path, str) and LOG.fullmatch(path) else self.log

    def _is_all(self, frame: pl.DataFrame, log: str) -> bool:
        """Tell whether rows that were read as one log's are all of that log."""
        if self.fixed or "_path" not in frame.columns:
            return True
        return bool((frame["_path"].fill_null(self.log) == log).all())

    def _notes(self, log: str) -> tuple[str, ...]:
        if log in self.noted or log in zeek_schemas():
            return ()
        self.noted.add(log)
        return (f"{log}: not a log of known fields, so what is JSON in it was kept as text",)

    def _by_log(self, lines: Lines) -> Iterator[tuple[str | None, Lines]]:
        """Part lines by the log they name; None for those that have to be looked at one by one."""
        if self.fixed or b'"_path"' not in lines.data:
            yield self.log, lines
            return
        if not _is_utf8(lines.data):  # arrow would not notice
            yield None, lines
            return
        try:
            options = pj.ParseOptions(
                explicit_schema=pa.schema([("_path", pa.string())]), unexpected_field_behavior="ignore"
            )
            paths = pl.Series(read_json(lines.data, options)["_path"]).fill_null(self.log)
        except UNREADABLE:
            yield None, lines
            return
        if len(paths) != len(lines):
            yield None, lines
            return
        for name in paths.unique(maintain_order=True):
            whole = LOG.fullmatch(name) is not None
            yield (name if whole else None), lines.keep((paths == name).to_numpy())

    def _read_fast(self, data: bytes, log: str) -> pl.DataFrame | None:
        """Read by columns; None where any line is out of the ordinary."""
        try:
            sample = json.loads(data[: data.find(b"\n")])
            if not isinstance(sample, dict) or is_wrapped(sample) or not _is_utf8(data):
                return None
            names = other_names(sample, log)
            types = field_types(log)
            schema = arrow_schema(sample, names, types)
            raw = self._read_polars(data, self.extra | schema, log)
            if raw is None:
                raw = self._read_arrow(data, schema)
        except UNREADABLE:
            return None
        if raw is None:
            return None
        raw = raw.rename({written: name for written, name in names.items() if written in raw.columns})
        if not is_ordinary(raw, log, types):
            return None
        optional = set(raw.columns) - default_fields(log).keys()
        empty = {name for name in optional if raw[name].null_count() == raw.height}
        present = [name for name in raw.columns if name not in empty]
        if not present:  # a frame without columns would have no rows
            return None
        frame = raw.select(to_column(raw[name], types.get(name)) for name in present)
        kept = all(frame[name].null_count() == raw[name].null_count() for name in present)
        return frame if kept else None

    def _read_polars(self, data: bytes, schema: dict[str, pa.DataType], log: str) -> pl.DataFrame | None:
        """Read by Polars, at first only the fields that occurred before: the others would take time too."""
        types = polars_schema(schema)
        if types is None:
            return None
        before = self.occurred.setdefault(log, set())
        occurred = {name: dtype for name, dtype in types.items() if name in before}
        frame = read_all(data, occurred) if occurred else None
        if frame is None:
            frame = read_all(data, types)
        if frame is None:
            return None
        before.update(column.name for column in frame if column.count())
        absent = {name: pl.lit(None, dtype) for name, dtype in types.items() if name not in frame.columns}
        return frame.with_columns(**absent).select(*types)

    def _read_arrow(self, data: bytes, schema: dict[str, pa.DataType]) -> pl.DataFrame | None:
        """Read by arrow, which finds the types of fields that were not seen before.

        Raises:
            ArrowException: A line does not fit.
        """
        if not _all_objects(data):
            return None
        table = self._table(data, schema)
        frame = None if table is None else pl.DataFrame(table)
        return None if frame is None or frame.height != data.count(b"\n") else frame

    def _table(self, data: bytes, schema: dict[str, pa.DataType]) -> pa.Table | None:
        """Read a table; fields not seen before get the type that arrow finds, unless there are masses."""
        lines = data.count(b"\n")
        if _too_wide(len(self.extra), lines):
            self.extra = {}
        try:
            return read_known(data, self.extra | schema, "error").flatten()
        except pa.ArrowException:
            self._learn(data[: data.find(b"\n", HEAD_BYTES) + 1 or len(data)], schema)
        if _too_wide(len(self.extra), lines):
            return None
        try:
            return read_known(data, self.extra | schema, "error").flatten()
        except pa.ArrowException:
            if _too_wide(len(set(KEY.findall(data))), lines):
                return None
        return self._learn(data, schema).flatten()

    def _learn(self, data: bytes, schema: dict[str, pa.DataType]) -> pa.Table:
        known = self.extra | schema
        table = read_known(data, known, "infer")
        dated = [column.name for column in table.schema if pa.types.is_timestamp(column.type)]
        if dated:  # texts that look like dates: Zeek means text
            table = read_known(data, known | dict.fromkeys(dated, pa.string()), "infer")
        self.extra |= {
            column.name: column.type
            for column in table.schema
            if column.name not in schema and not pa.types.is_null(column.type)
        }
        return table


def _too_wide(fields: int, lines: int) -> bool:
    return fields > MAX_FIELDS or fields * lines > MAX_CELLS


def _all_objects(data: bytes) -> bool:
    """Tell whether every line begins an object: arrow takes `null` for a row without values."""
    return data[:1] == b"{" and data.count(b"\n{") + 1 == data.count(b"\n")


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def idle_lines(lines: Lines, *, first: bool) -> NDArray[np.bool_]:
    """Tell which lines hold nothing but blanks or, above the first object of a file, a comment."""
    idle = np.zeros(len(lines), dtype=np.bool_)
    doubtful = (lines.ends - lines.starts < SHORTEST) | (lines.array[lines.starts] <= BLANK)
    for index in np.flatnonzero(doubtful):
        idle[index] = not lines.raw(index).strip()
    above = 0
    while first and above < len(lines) and (idle[above] or lines.raw(above).startswith(b"#")):
        idle[above] = True
        above += 1
    return idle
