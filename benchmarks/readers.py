"""Peers of ``ptml parse``: each turns one log into one Parquet file, as far as it can.

``python benchmarks/readers.py READER LOG OUT`` runs one; ``benchmarks/parse.py`` measures them all. None of
them accounts for rows, and only what the name says is done to values.
"""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

HEADER_LINES = 8
MAGICS = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}
JSON_NUMBERS = {"ts", "duration"}


def compression(path: Path) -> str | None:
    """Tell gz and zst by a file's first bytes."""
    with path.open("rb") as file:
        return MAGICS.get(file.read(2))


@contextmanager
def opened(path: Path) -> Iterator[io.TextIOBase]:
    """Open a log as text, decompressed."""
    import pyarrow as pa

    with pa.input_stream(path, compression=compression(path)) as stream:
        yield io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8")


def header(path: Path) -> dict[str, str]:
    """Read the Zeek type of each field."""
    with opened(path) as lines:
        head = [next(lines).rstrip("\n") for _ in range(HEADER_LINES)]
    return dict(zip(head[6].split("\t")[1:], head[7].split("\t")[1:], strict=True))


def polars_scan(path: Path) -> pl.LazyFrame:
    """Scan with Polars, numbers typed."""
    import polars as pl

    kinds = {"time": pl.Float64, "interval": pl.Float64, "count": pl.UInt64, "port": pl.UInt16}
    return pl.scan_csv(
        path,
        separator="\t",
        has_header=False,
        skip_rows=HEADER_LINES,
        comment_prefix="#close",
        quote_char=None,
        null_values=["-"],
        empty_string_is_null=False,
        schema={name: kinds.get(kind, pl.String) for name, kind in header(path).items()},
    )


def polars(path: Path, out: Path) -> None:
    """Types only: no lists, no escapes, times as floats."""
    polars_scan(path).sink_parquet(out, compression="zstd", compression_level=1)


def polars_lists(path: Path, out: Path) -> None:
    """Types, times, and lists split with numbers in them; no escapes."""
    import polars as pl

    times = [
        (pl.col(name) * 1e6).round(0).cast(pl.Int64).cast(pl.Datetime("us", "UTC"))
        for name, kind in header(path).items()
        if kind == "time"
    ]
    lists = [
        pl.col(name).str.split(",").cast(pl.List(pl.Float64 if "interval" in kind else pl.String))
        for name, kind in header(path).items()
        if "[" in kind
    ]
    polars_scan(path).with_columns(*times, *lists).sink_parquet(out, compression="zstd", compression_level=1)


def duckdb(path: Path, out: Path, *, lists: bool = False) -> None:
    """Types only; rows in any order."""
    import duckdb as db

    kinds = {"time": "DOUBLE", "interval": "DOUBLE", "count": "UBIGINT", "port": "USMALLINT"}
    columns = {name: kinds.get(kind, "VARCHAR") for name, kind in header(path).items()}
    split = [
        f'string_split("{name}", \',\')::{"DOUBLE" if "interval" in kind else "VARCHAR"}[] AS "{name}"'
        for name, kind in header(path).items()
        if "[" in kind and lists
    ]
    replaced = f"* REPLACE ({', '.join(split)})" if split else "*"
    db.execute("SET preserve_insertion_order = false")
    db.execute(
        f"""COPY (SELECT {replaced} FROM read_csv('{path}', delim='\t', quote='', escape='', comment='#',
        nullstr='-', header=false, auto_detect=false, columns={columns})) TO '{out}'
        (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""
    )


def duckdb_lists(path: Path, out: Path) -> None:
    """Types and lists split; rows in any order, no escapes."""
    duckdb(path, out, lists=True)


def pyarrow(path: Path, out: Path) -> None:
    """Types only, streaming."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    kinds = {"time": pa.float64(), "interval": pa.float64(), "count": pa.uint64(), "port": pa.uint16()}
    types = {name: kinds.get(kind, pa.string()) for name, kind in header(path).items()}
    with pa.input_stream(path, compression=compression(path)) as stream:
        reader = csv.open_csv(
            stream,
            csv.ReadOptions(column_names=list(types), skip_rows=HEADER_LINES, block_size=16 << 20),
            csv.ParseOptions(
                delimiter="\t",
                quote_char=False,
                newlines_in_values=False,
                invalid_row_handler=lambda _: "skip",
            ),
            csv.ConvertOptions(
                column_types=types,
                null_values=["-"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        with pq.ParquetWriter(out, reader.schema, compression="zstd", compression_level=1) as writer:
            for batch in reader:
                writer.write_batch(batch)


def pandas(path: Path, out: Path) -> None:
    """Types only, the C engine."""
    import pandas as pd

    kinds: dict[str, Any] = {"time": "float64", "interval": "float64", "count": "UInt64", "port": "UInt16"}
    types = {name: kinds.get(kind, "string") for name, kind in header(path).items()}
    frame = pd.read_csv(
        path,
        sep="\t",
        header=None,
        skiprows=HEADER_LINES,
        names=list(types),
        dtype=types,
        na_values=["-"],
        keep_default_na=False,
        quoting=3,
        comment="#",
        compression={None: None, "gzip": "gzip", "zstd": "zstd"}[compression(path)],
    )
    frame.to_parquet(out, compression="zstd")


def zat(path: Path, out: Path) -> None:
    """Its fastest reader; unset numbers become 0, lists stay text."""
    from zat.log_to_polars import LogToPolars

    LogToPolars().create_dataframe(str(path)).write_parquet(out, compression="zstd", compression_level=1)


def duckdb_json(path: Path, out: Path) -> None:
    """JSON with types guessed; rows in any order."""
    import duckdb as db

    db.execute("SET preserve_insertion_order = false")
    db.execute(
        f"""COPY (SELECT * FROM read_json('{path}', format='newline_delimited')) TO '{out}'
        (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""
    )


def polars_json(path: Path, out: Path) -> None:
    """JSON with types guessed."""
    import polars as pl

    pl.scan_ndjson(path).sink_parquet(out, compression="zstd", compression_level=1)


READERS = {
    "pyarrow": pyarrow,
    "duckdb": duckdb,
    "duckdb-lists": duckdb_lists,
    "polars": polars,
    "polars-lists": polars_lists,
    "pandas": pandas,
    "zat": zat,
    "duckdb-json": duckdb_json,
    "polars-json": polars_json,
}

if __name__ == "__main__":
    _, reader, log, out = sys.argv
    READERS[reader](Path(log), Path(out))
