"""Claims about features that only real captures can test."""

from __future__ import annotations

import gzip
from itertools import combinations
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.features.build import capture_features, iter_connection_features
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from ptml.features.inputs import COLUMNS
from ptml.parse.scan import scan_logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ptml.features.family import Feature

FEWEST_LOGS = 2


def content(path: Path) -> bytes:
    """Read a file, plain or gzip."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def read_tsv(path: Path) -> pl.LazyFrame:
    """Read a TSV log, plain or gzip, with code of the test's own: header, unset, sets; escapes are left."""
    log = path.name.partition(".")[0]
    lines = content(path).decode("utf-8", errors="replace").split("\n")
    (fields,) = (line.split("\t")[1:] for line in lines if line.startswith("#fields"))
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    wanted = [(index, name) for index, name in enumerate(fields) if name in COLUMNS[log]]
    text = {name: [None if row[index] == "-" else row[index] for row in rows] for index, name in wanted}
    exprs = []
    for _, name in wanted:
        dtype, column = COLUMNS[log][name], pl.col(name)
        if isinstance(dtype, pl.List):
            column = column.str.split(",").cast(dtype)
        elif dtype == pl.Datetime:
            column = (column.cast(pl.Float64) * 1e6).round().cast(pl.Int64).cast(dtype)
        elif dtype == pl.Boolean:
            column = column == "T"
        exprs.append(column.cast(dtype))
    frame = pl.LazyFrame(text, schema=dict.fromkeys(text, pl.String)).with_columns(exprs)
    return frame.with_columns(capture_id=pl.lit(path.parent.name))


@pytest.mark.real
def test_no_two_features_are_equal_on_real_captures(real_data: Path) -> None:
    """Two features that are equal on all data are one feature: there are none such."""
    connections: list[pl.DataFrame] = []
    captures: list[pl.DataFrame] = []
    for folder in sorted((real_data / "zeek").iterdir()):
        found = [folder / f"{name}.log{end}" for name in COLUMNS for end in ("", ".gz")]
        logs = {path.name.partition(".")[0]: path for path in found if path.exists()}
        tsv = {name: read_tsv(path) for name, path in logs.items() if content(path)[:1] == b"#"}
        if "conn" in tsv and len(tsv) >= FEWEST_LOGS:
            connections.extend(iter_connection_features(tsv))
            captures.append(capture_features(tsv).collect())
    assert len(captures) >= 20
    captures.extend(longer_captures(real_data))
    assert equal_columns(pl.concat(connections), CONNECTION_FEATURES) == []
    assert equal_columns(pl.concat(captures), CAPTURE_FEATURES) == []


def longer_captures(real_data: Path) -> Iterator[pl.DataFrame]:
    """Describe captures of sensors: they last for hours, and have JA3 fingerprints and notices."""
    for folder in sorted((*(real_data / "sensors").iterdir(), *(real_data / "labelled").iterdir())):
        logs = {name: frame for name, frame in scan_logs(folder).items() if name in COLUMNS}
        if "conn" in logs:
            yield capture_features(logs).collect()


def equal_columns(table: pl.DataFrame, features: Sequence[Feature]) -> list[tuple[str, str]]:
    """Find pairs of columns of one kind that hold the same values; a column of one value tells nothing."""
    text = table.select(
        pl.col(f.name).cast(pl.String) if f.dtype == pl.Enum else pl.col(f.name).cast(pl.Float64)
        for f in features
    )
    return [
        (one.name, other.name)
        for one, other in combinations([f for f in features if text[f.name].drop_nulls().n_unique() > 1], 2)
        if text.schema[one.name] == text.schema[other.name]
        and text[one.name].eq_missing(text[other.name]).all()
    ]
