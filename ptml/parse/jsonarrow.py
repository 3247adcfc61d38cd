"""JSON lines through arrow's reader: what types it should read, and what its columns become."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.json as pj

from ptml.parse.header import NUL
from ptml.parse.jsonshape import ENVELOPES
from ptml.parse.jsonvalues import MILLISECONDS_FROM
from ptml.parse.schemas import spellings
from ptml.parse.values import to_time
from ptml.zeektypes import element_type, polars_type

EXACT = 2.0**53
"""From here on floats leave whole numbers out."""
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def other_names(sample: dict[str, Any], log: str) -> dict[str, str]:
    """Tell which of a line's fields have another name with Zeek."""
    other = spellings(log)
    return {name: other[name] for name in sample if name in other}


def arrow_schema(
    sample: dict[str, Any], names: dict[str, str], types: dict[str, str]
) -> dict[str, pa.DataType]:
    """Give the types by which arrow should read fields, spelled as the first line spells them."""
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


def is_ordinary(raw: pl.DataFrame, log: str, types: dict[str, str]) -> bool:
    """Tell whether columns are as Zeek writes them: none nested, in an envelope, or of another spelling.

    Nor may one that Zeek does not know hold numbers of which floats lose digits.
    """
    other = spellings(log)
    nested = (pl.List, pl.Struct, pl.Array)
    return not any(
        (isinstance(raw[name].dtype, nested) and name not in types)
        or (name in ENVELOPES and name not in types and raw[name].dtype == pl.String())
        or name in other
        or NUL in name
        or (name not in types and raw[name].dtype == pl.Float64() and _may_have_lost_digits(raw[name]))
        for name in raw.columns
    )


def _may_have_lost_digits(floats: pl.Series) -> bool:
    """Tell whether a float may have been a whole number that no float holds."""
    return bool((floats.abs() >= EXACT).any())


def read_known(data: bytes, schema: dict[str, pa.DataType], unexpected: str) -> pa.Table:
    """Read JSON lines whose fields have these types; of others arrow finds the type, or they are an error.

    Raises:
        ArrowException: A line does not fit.
    """
    options = pj.ParseOptions(explicit_schema=pa.schema(schema.items()), unexpected_field_behavior=unexpected)
    return read_json(data, options)


def read_json(data: bytes, options: pj.ParseOptions) -> pa.Table:
    """Read JSON lines as one table.

    Raises:
        ArrowException: A line does not fit.
    """
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


def to_column(column: pl.Series, zeek_type: str | None) -> pl.Expr:
    """Turn a column as arrow read it into its final type; what does not fit becomes null."""
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
