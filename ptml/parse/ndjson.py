"""A block of a JSON log → typed frames, and the lines that do not fit.

Zeek writes one object a line and no types: they come from the log's name. A field that Zeek does not know is
kept as text. Times are seconds, ISO 8601, or milliseconds.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.json as pj

from ptml.parse.batch import Batch
from ptml.parse.header import MAX_FIELDS, NUL
from ptml.parse.jsonrows import MAX_CELLS, read_lines
from ptml.parse.jsonshape import ENVELOPES, LOG, is_wrapped
from ptml.parse.jsonvalues import MILLISECONDS_FROM
from ptml.parse.schemas import default_fields, field_types, spellings, zeek_schemas
from ptml.parse.values import to_time
from ptml.zeektypes import element_type, polars_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptml.parse.lines import Lines

ISO = "%Y-%m-%dT%H:%M:%S%.fZ"
KEY = re.compile(rb'"((?:[^"\\]|\\.){0,200})"\s*:')
HEAD_BYTES = 1 << 13
SHORTEST = len('{"a":1}')
UNREADABLE = (pa.ArrowException, pl.exceptions.PolarsError, ValueError, AttributeError, RecursionError)


class JsonReader:
    """Reads the blocks of one JSON log, and remembers what fields occurred that Zeek does not know."""

    def __init__(self, log: str, *, fixed: bool) -> None:
        self.log = log
        self.fixed = fixed
        self.extra: dict[str, pa.DataType] = {}
        self.noted: set[str] = set()

    def read(self, lines: Lines) -> Iterator[Batch]:
        """Read lines, none blank: rows that fit and rejects that do not are together all of them."""
        for log, part in self._by_log(lines):
            frame = None if log is None else self._read_arrow(part.data, log)
            if frame is not None and log is not None:
                yield Batch(log, frame, [], field_types(log), self._notes(log))
                continue
            for batch in read_lines(part, log or self.log, fixed=self.fixed):
                yield Batch(
                    batch.log, batch.frame, batch.rejects, batch.types, batch.notes + self._notes(batch.log)
                )

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
        try:
            options = pj.ParseOptions(
                explicit_schema=pa.schema([("_path", pa.string())]), unexpected_field_behavior="ignore"
            )
            paths = pl.Series(_read_json(lines.data, options)["_path"]).fill_null(self.log)
        except UNREADABLE:
            yield None, lines
            return
        if len(paths) != len(lines):
            yield None, lines
            return
        for name in paths.unique(maintain_order=True):
            whole = LOG.fullmatch(name) is not None
            yield (name if whole else None), lines.keep((paths == name).to_numpy())

    def _read_arrow(self, data: bytes, log: str) -> pl.DataFrame | None:
        """Read fast; None where any line is out of the ordinary."""
        try:
            sample = json.loads(data.partition(b"\n")[0])
            if not _all_objects(data) or is_wrapped(sample) or not _is_utf8(data):
                return None
            names = _names(sample, log)
            types = field_types(log)
            schema = _arrow_schema(sample, names, types)
            table = self._table(data, schema)
            if table is None:
                return None
            raw = pl.DataFrame(table).rename({k: v for k, v in names.items() if k in table.column_names})
        except UNREADABLE:
            return None
        if not _ordinary(raw, log, types) or raw.height != data.count(b"\n"):
            return None
        optional = set(raw.columns) - default_fields(log).keys()
        empty = {name for name in optional if raw[name].null_count() == raw.height}
        present = [name for name in raw.columns if name not in empty]
        frame = raw.select(_convert(raw[name], types.get(name)) for name in present)
        kept = all(frame[name].null_count() == raw[name].null_count() for name in present)
        return frame if kept else None

    def _table(self, data: bytes, schema: dict[str, pa.DataType]) -> pa.Table | None:
        """Read a table; fields not seen before get the type that arrow finds, unless there are masses."""
        lines = data.count(b"\n")
        if _too_wide(len(self.extra), lines):
            self.extra = {}
        try:
            return _read_known(data, self.extra | schema, "error").flatten()
        except pa.ArrowException:
            self._learn(data[: data.find(b"\n", HEAD_BYTES) + 1 or len(data)], schema)
        if _too_wide(len(self.extra), lines):
            return None
        try:
            return _read_known(data, self.extra | schema, "error").flatten()
        except pa.ArrowException:
            if _too_wide(len(set(KEY.findall(data))), lines):
                return None
        return self._learn(data, schema).flatten()

    def _learn(self, data: bytes, schema: dict[str, pa.DataType]) -> pa.Table:
        known = self.extra | schema
        table = _read_known(data, known, "infer")
        dated = [column.name for column in table.schema if pa.types.is_timestamp(column.type)]
        if dated:  # texts that look like dates: Zeek means text
            table = _read_known(data, known | dict.fromkeys(dated, pa.string()), "infer")
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


def _names(sample: dict[str, Any], log: str) -> dict[str, str]:
    """Tell which of a line's fields have another name with Zeek."""
    other = spellings(log)
    return {name: other[name] for name in sample if name in other}


def _arrow_schema(
    sample: dict[str, Any], names: dict[str, str], types: dict[str, str]
) -> dict[str, pa.DataType]:
    written = {zeek: name for name, zeek in names.items()}
    schema = {written.get(name, name): _arrow_type(zeek_type) for name, zeek_type in types.items()}
    if isinstance(sample.get("id"), dict):
        inner = {name: dtype for name, dtype in schema.items() if name.startswith("id.")}
        schema = {name: dtype for name, dtype in schema.items() if name not in inner and name != "id"}
        schema["id"] = pa.struct([(name.removeprefix("id."), dtype) for name, dtype in inner.items()])
    as_text = {
        name for name, item in sample.items() if isinstance(item, str) and schema.get(name) == pa.float64()
    }
    return schema | dict.fromkeys(as_text, pa.string())


def _ordinary(raw: pl.DataFrame, log: str, types: dict[str, str]) -> bool:
    """Tell whether columns are as Zeek writes them: none nested, in an envelope, or of another spelling."""
    other = spellings(log)
    nested = (pl.List, pl.Struct, pl.Array)
    return not any(
        (isinstance(raw[name].dtype, nested) and name not in types)
        or (name in ENVELOPES and name not in types and raw[name].dtype == pl.String())
        or name in other
        or NUL in name
        for name in raw.columns
    )


def _read_known(data: bytes, schema: dict[str, pa.DataType], unexpected: str) -> pa.Table:
    options = pj.ParseOptions(explicit_schema=pa.schema(schema.items()), unexpected_field_behavior=unexpected)
    return _read_json(data, options)


def _read_json(data: bytes, options: pj.ParseOptions) -> pa.Table:
    return pj.read_json(
        io.BytesIO(data),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=options,
    )


def _arrow_type(zeek_type: str) -> pa.DataType:
    inner = element_type(zeek_type)
    if inner is not None:
        return pa.list_(_arrow_type(inner))
    if zeek_type in {"time", "interval", "double"}:
        return pa.float64()
    return {"count": pa.uint64(), "int": pa.int64(), "port": pa.int64(), "bool": pa.bool_()}.get(
        zeek_type, pa.string()
    )


def _convert(column: pl.Series, zeek_type: str | None) -> pl.Expr:
    expression = pl.col(column.name)
    if zeek_type is None:
        return expression.cast(pl.String)
    if zeek_type == "time":
        return _time(expression, column.dtype)
    if zeek_type in ("vector[time]", "set[time]"):
        return expression.list.eval(_time(pl.element(), pl.Float64()))
    return expression.cast(polars_type(zeek_type), strict=False)


def _time(expression: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String():
        return expression.str.to_datetime(ISO, time_unit="us", time_zone="UTC", strict=False)
    return to_time(
        pl.when(expression.abs() >= MILLISECONDS_FROM).then(expression / 1000).otherwise(expression)
    )


def idle_lines(lines: Lines, *, first: bool) -> NDArray[np.bool_]:
    """Tell which lines hold nothing but blanks or, above the first object of a file, a comment."""
    idle = np.zeros(len(lines), dtype=np.bool_)
    for index in np.flatnonzero(lines.ends - lines.starts < SHORTEST):
        idle[index] = not lines.raw(index).strip()
    above = 0
    while first and above < len(lines) and (idle[above] or lines.raw(above).startswith(b"#")):
        idle[above] = True
        above += 1
    return idle
