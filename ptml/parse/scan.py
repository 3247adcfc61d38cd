"""Zeek logs as lazy frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from ptml.errors import BadData, MissingInput
from ptml.parse.reader import read_log
from ptml.zeektypes import logs_among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.parse.batch import Batch

SNIFF_BYTES = 1 << 16


def log_files(folder: Path) -> list[Path]:
    """List the files of a folder, at any depth, that may be Zeek logs by their names, oldest first.

    Raises:
        MissingInput: There is no such folder.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise MissingInput(f"{folder} does not exist", hint="give a folder of Zeek logs, or one log")
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return [folder / path for path in logs_among(files)]


def scan_zeek(source: Path | str, *, log: str | None = None) -> pl.LazyFrame:
    r"""Read one Zeek log lazily, in any dialect, plain or compressed, with Zeek's names and Polars' types.

    Times are ``Datetime("us", "UTC")``, intervals seconds as ``Float64``; unset is null.

    Args:
        source: The file.
        log: The log's name, where neither the file nor its name tells.

    Raises:
        MissingInput: The file is not there.
        BadData: It is no Zeek log, or (when collected) a line cannot be read.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "conn.log"
    >>> _ = path.write_text("#separator \\x09\n#fields\tid.resp_p\n#types\tport\n443\n")
    >>> scan_zeek(path).collect()["id.resp_p"].to_list()
    [443]
    """
    path = Path(source)
    schema = _schema(path, log)

    def batches(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for batch in _one_log(path, log):
            frame = _conform(_strict(path, batch), schema)
            frame = frame if left is None else frame.head(left)
            left = None if left is None else left - frame.height
            frame = frame if predicate is None else frame.filter(predicate)
            yield frame if with_columns is None else frame.select(with_columns)
            if left == 0:
                return

    return register_io_source(batches, schema=schema, is_pure=True)


def scan_logs(folder: Path | str) -> dict[str, pl.LazyFrame]:
    """Read a folder's Zeek logs lazily: log name → frame; the parts of one log unite by column name.

    Raises:
        MissingInput: There is no such folder, or no log in it.
        BadData: A file is no Zeek log.
    """
    parts: dict[str, list[pl.LazyFrame]] = {}
    for path in log_files(Path(folder)):
        first = next(read_log(path, block_bytes=SNIFF_BYTES), None)
        if first is not None:
            parts.setdefault(first.log, []).append(scan_zeek(path))
    if not parts:
        raise MissingInput(
            f"{folder} holds no Zeek log", hint="Zeek's files end in .log, .json, .log.gz or .log.zst"
        )
    return {log: pl.concat(frames, how="diagonal_relaxed") for log, frames in sorted(parts.items())}


def _one_log(path: Path, log: str | None) -> Iterator[Batch]:
    first: str | None = None
    for batch in read_log(path, log=log):
        first = first or batch.log
        if batch.log != first and batch.frame.width:
            raise BadData(
                f"{path} holds {first} and {batch.log}; one log was expected",
                hint="`ptml parse` parts a file by its logs",
            )
        yield batch


def _schema(path: Path, log: str | None) -> pl.Schema:
    for batch in read_log(path, log=log, block_bytes=SNIFF_BYTES):
        if batch.frame.width:
            return batch.frame.schema
    return pl.Schema()


def _strict(path: Path, batch: Batch) -> pl.DataFrame:
    if batch.rejects:
        first = batch.rejects[0]
        raise BadData(
            f"{path}, line {first.line}: {first.reason}: {first.raw[:80]!r}",
            hint="`ptml parse` sets such lines aside and goes on",
        )
    return batch.frame


def _conform(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Give every batch the first one's columns: a second header may have others."""
    missing = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns
    ]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
