"""Logs that are Parquet already, by Zeek's names or another dialect's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ptml.errors import BadData
from ptml.io import open_raw
from ptml.parse.aliases import find_layout
from ptml.parse.batch import Batch, Misfit
from ptml.parse.blocks import Reject
from ptml.parse.csvlog import typed_text
from ptml.parse.schemas import guess_known_log
from ptml.parse.values import to_time
from ptml.zeektypes import polars_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.parse.aliases import Layout

MAGIC = b"PAR1"
ROWS = 65_536


def is_parquet(path: Path) -> bool:
    """Tell Parquet by a file's first bytes.

    Raises:
        MissingInput: It cannot be opened.
    """
    with open_raw(path) as file:
        return file.peek(len(MAGIC)).startswith(MAGIC)


def read_parquet_log(path: Path, log: str | None) -> Iterator[Batch]:
    """Read a Parquet file's rows; one with a value that does not fit its type is set aside, by its number.

    Raises:
        BadData: It is broken, or its columns are no known log's.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            layout = find_layout(names, log or guess_known_log(path), fixed=log is not None)
            if layout is None:
                raise BadData(f"a Parquet file whose columns are no known log's: {', '.join(names)[:200]}")
            done = 0
            for part in file.iter_batches(batch_size=ROWS):
                part.validate(full=True)  # Polars takes text on trust
                frame = pl.DataFrame(pa.table(part))
                yield _batch(frame.rename(dict(zip(names, layout.names, strict=True))), layout, done)
                done += frame.height
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path} is no sound Parquet file: {error}", hint="fetch it again") from error


def _batch(frame: pl.DataFrame, layout: Layout, done: int) -> Batch:
    given = {name: layout.types[name] for name in frame.columns if name in layout.types}
    typed = frame.with_columns(_typed(frame[name], kind) for name, kind in given.items())
    text = [name for name in frame.columns if frame[name].dtype == pl.String]
    faults: list[tuple[int, tuple[str, ...], str]] = []
    if text:
        spelled, faults = typed_text(frame.select(text), replace(layout, names=tuple(text)))
        typed = typed.with_columns(spelled)
    for name in given.keys() - set(text):
        lost = typed[name].is_null() & frame[name].is_not_null()
        faults += [(i, (name,), f"{name}: {frame[name][i]!r} is no {given[name]}") for i in lost.arg_true()]
    return Batch(
        layout.log, layout.with_labels(typed), types=layout.types, misfits=_misfits(frame, faults, done)
    )


def _misfits(frame: pl.DataFrame, faults: list[tuple[int, tuple[str, ...], str]], done: int) -> list[Misfit]:
    """Gather the faults of each row, told by its number in the file: rows of Parquet have no place."""
    by_row: dict[int, list[tuple[tuple[str, ...], str]]] = {}
    for row, columns, why in sorted(faults):
        by_row.setdefault(row, []).append((columns, why))
    return [
        Misfit(
            row,
            tuple(name for columns, _ in found for name in columns),
            Reject(
                done + row + 1,
                0,
                "; ".join(why for _, why in found),
                json.dumps(frame.row(row, named=True), default=str).encode(),
            ),
        )
        for row, found in by_row.items()
    ]


def _typed(column: pl.Series, kind: str) -> pl.Expr:
    cell = pl.col(column.name)
    if kind == "time" and isinstance(column.dtype, pl.Datetime):
        moment = cell if column.dtype.time_zone else cell.dt.replace_time_zone("UTC")
        return moment.cast(pl.Datetime("us", "UTC"))
    if column.dtype == pl.String:
        return cell
    return to_time(cell.cast(pl.Float64)) if kind == "time" else cell.cast(polars_type(kind), strict=False)
