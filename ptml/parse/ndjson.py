"""A block of a JSON log → a typed frame, and the lines that do not fit.

Zeek writes one object a line and no types: they come from the log's name. A field that Zeek does not know is
kept as text. Times are seconds, ISO 8601, or milliseconds.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.json as pj

from ptml.parse.blocks import Block, Reject
from ptml.parse.values import to_time
from ptml.zeektypes import ATOMS, element_type, polars_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MILLISECONDS_FROM = 1e11  # as seconds, this is the year 5138; as milliseconds, 1973
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


COMMON = {"ts": "time", "uid": "string"}


@cache
def zeek_schemas() -> dict[str, dict[str, dict[str, str]]]:
    """Give the Zeek type of each field, by log: `fields` of Zeek 7 by default, `extra` of other set-ups.

    >>> zeek_schemas()["conn"]["fields"]["duration"]
    'interval'
    """
    text = files("ptml.parse").joinpath("zeek_schemas.json").read_text("utf-8")
    schemas: dict[str, dict[str, dict[str, str]]] = json.loads(text)
    return schemas


def default_fields(log: str) -> dict[str, str]:
    """Give the fields that Zeek writes by default: absent from a JSON line, they are unset."""
    return zeek_schemas().get(log, {"fields": {}})["fields"]


def field_types(log: str) -> dict[str, str]:
    """Give the Zeek types of all fields known of a log; of an unknown log, those that every log may have.

    >>> field_types("my_log")
    {'ts': 'time', 'uid': 'string'}
    """
    known = zeek_schemas().get(log)
    return {**known["fields"], **known["extra"]} if known else COMMON


def read_block(block: Block, log: str) -> tuple[pl.DataFrame, list[Reject]]:
    """Read JSON lines: rows that fit and rejects that do not are together all the lines. Absent is null."""
    frame = _read_arrow(block.data, log)
    return (frame, []) if frame is not None else _read_lines(block, log)


def _read_arrow(data: bytes, log: str) -> pl.DataFrame | None:
    """Read fast; None where any line is out of the ordinary."""
    types = field_types(log)
    first = data.partition(b"\n")[0]
    try:
        sample = json.loads(first)
        as_text = {
            name for name, value in sample.items() if isinstance(value, str) and types.get(name) == "time"
        }
        schema = {name: _arrow_type(zeek_type) for name, zeek_type in types.items() if name not in as_text}
        schema |= dict.fromkeys(as_text, pa.string())
        table = _arrow_table(data, schema)
        dated = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
        if dated:  # texts that look like dates: Zeek means text
            table = _arrow_table(data, schema | dict.fromkeys(dated, pa.string()))
        if any(pa.types.is_nested(field.type) for field in table.schema if field.name not in types):
            return None
        raw = pl.DataFrame(table)
    except (pa.ArrowException, pl.exceptions.PolarsError, ValueError, AttributeError):
        return None
    optional = types.keys() - default_fields(log).keys()
    present = [name for name in raw.columns if name not in optional or raw[name].null_count() < raw.height]
    frame = raw.select(_convert(raw[name], types.get(name)) for name in present)
    kept = all(frame[name].null_count() == raw[name].null_count() for name in present)
    return frame if kept and raw.height == _data_lines(data) else None


def _data_lines(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n"))


def _arrow_table(data: bytes, schema: dict[str, pa.DataType]) -> pa.Table:
    return pj.read_json(
        io.BytesIO(data),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=pa.schema(schema.items()), unexpected_field_behavior="infer"
        ),
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


def _read_lines(block: Block, log: str) -> tuple[pl.DataFrame, list[Reject]]:
    """Read line by line, where something in the block is out of the ordinary."""
    types = field_types(log)
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for number, offset, line in _lines(block):
        try:
            rows.append(_typed_row(json.loads(line), types))
        except (ValueError, RecursionError) as error:
            rejects.append(Reject(number, offset, str(error), line))
    names = dict.fromkeys([*default_fields(log), *(name for row in rows for name in row)])
    schema = {name: polars_type(types[name]) if name in types else pl.String() for name in names}
    return pl.DataFrame(rows, schema=schema), rejects


def _lines(block: Block) -> Iterator[tuple[int, int, bytes]]:
    offset = block.offset
    for number, line in enumerate(block.data.splitlines(keepends=True), block.line):
        if line.strip():
            yield number, offset, line.rstrip(b"\r\n")
        offset += len(line)


def _typed_row(value: object, types: dict[str, str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__} where an object was expected")  # noqa: TRY004 - bad data, not a bug
    row: dict[str, Any] = {}
    for name, item in _flat(value):
        try:
            row[name] = _typed_value(item, types.get(name))
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{name}: {str(item)[:60]!r} is no {types[name]}") from error
    return row


def _flat(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in _flat(item))
        else:
            yield name, item


def _typed_value(item: Any, zeek_type: str | None) -> Any:  # noqa: ANN401 - JSON in, column values out
    if item is None:
        return None
    if zeek_type is None:
        return item if isinstance(item, str) else json.dumps(item)
    inner = element_type(zeek_type)
    if inner is not None:
        if not isinstance(item, list):
            raise TypeError(item)
        return [_typed_value(element, inner) for element in item]
    return _ATOMS.get(zeek_type, _text)(item)


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise TypeError(item)
    return item


def _real(item: object) -> float:
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        raise TypeError(item)
    return float(item)


def _moment(item: object) -> datetime:
    if isinstance(item, str):
        return datetime.fromisoformat(item).astimezone(UTC)
    seconds = _real(item)
    microseconds = round(seconds * (1e3 if abs(seconds) >= MILLISECONDS_FROM else 1e6))
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(
        microsecond=microseconds % 1_000_000
    )


def _whole(low: int, high: int) -> Callable[[object], int]:
    def check(item: object) -> int:
        if isinstance(item, bool) or not isinstance(item, int) or not low <= item <= high:
            raise TypeError(item)
        return item

    return check


def _truth(item: object) -> bool:
    if not isinstance(item, bool):
        raise TypeError(item)
    return item


_ATOMS: dict[str, Callable[[object], Any]] = {
    "time": _moment,
    "interval": _real,
    "double": _real,
    "count": _whole(0, 2**64 - 1),
    "int": _whole(-(2**63), 2**63 - 1),
    "port": _whole(0, 2**16 - 1),
    "bool": _truth,
    **{name: _text for name, dtype in ATOMS.items() if dtype == pl.String()},
}
