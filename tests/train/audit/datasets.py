"""A small dataset without a defect, for others to be planted into."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.artifact import contracts_of
from ptml.schema import UTC_TIME
from ptml.train.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CAPTURES = 64
ROWS = 12
SOURCES = ("north", "south", "west")
FAMILIES = ("amber", "birch", "cedar", "dogwood")
NUMBERS = ("duration", "orig_bytes", "resp_bytes", "orig_bytes_per_s", "resp_bytes_per_s", "mean_packet_gap")
TELLING = ("duration", "orig_bytes", "resp_bytes")


def clean(seed: int = 0, captures: int = CAPTURES, rows: int = ROWS) -> Dataset:
    """Make connections of as many malicious as benign captures, told apart a little by three features.

    Ports, protocols, addresses, sources, times and hosts have nothing to do with the label.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(captures), rows)
    y = (group % 2).astype(np.int8)
    n = len(y)
    features: dict[str, object] = {
        name: rng.lognormal(3 + 0.8 * y * (name in TELLING), 1, n).astype(np.float32) for name in NUMBERS
    }
    features |= {
        "well_known_port": rng.choice([22.0, 53.0, 80.0, 443.0], n).astype(np.float32),
        "orig_private": rng.random(n) < 0.5,
        "proto": rng.choice(["tcp", "udp"], n),
        "service": pl.Series(rng.choice(["dns", "http", "ssl", ""], n)).replace("", None),
        "dns_query_length": rng.choice([0.0, 5.0, 9.0], n).astype(np.float32),
    }
    table = pl.DataFrame(features)
    contracts = contracts_of(table.schema, "connection")
    day = rng.permutation(captures)[group]
    keys = pl.DataFrame(
        {
            "capture_id": [f"c{number:016x}" for number in group],
            "uid": [f"C{number:06d}" for number in range(n)],
            "source": np.array(SOURCES)[group // 2 % len(SOURCES)],
            "family": pl.Series(np.array(FAMILIES)[group // 2 % len(FAMILIES)]).zip_with(
                pl.Series(y == 1), pl.Series([None], dtype=pl.String)
            ),
            "ts": [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=int(number)) for number in day],
            "host": [f"10.0.0.{number}" for number in rng.integers(0, 16, captures)[group]],
            "period": [None] * n,
        },
        schema_overrides={"ts": UTC_TIME, "period": pl.String},
    )
    return Dataset(
        level="connection",
        contracts=contracts,
        inputs=table.with_columns(pl.selectors.boolean().cast(pl.Float32)),
        y=y,
        keys=keys,
        groups=group,
        weights=np.ones(n),
        captures=dict.fromkeys(dict.fromkeys(keys["capture_id"]), ""),
        available=n,
        excluded={},
        unit="file",
        unknown=np.zeros(n, np.bool_),
    )


def taken(data: Dataset, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Dataset:
    """Keep some rows."""
    at = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    return replace(
        data,
        inputs=data.inputs[at],
        y=data.y[at],
        keys=data.keys[at],
        groups=np.unique(data.groups[at], return_inverse=True)[1].astype(np.int64),
        weights=data.weights[at],
        unknown=data.unknown[at],
    )


def with_feature(data: Dataset, name: str, values: Sequence[object] | NDArray[np.generic]) -> Dataset:
    """Give a feature other values."""
    column = pl.Series(name, values).cast(data.inputs.schema[name])
    return replace(data, inputs=data.inputs.with_columns(column))


def with_key(data: Dataset, name: str, values: Sequence[object] | NDArray[np.generic]) -> Dataset:
    """Give a key other values."""
    column = pl.Series(name, values, dtype=data.keys.schema[name])
    return replace(data, keys=data.keys.with_columns(column))


def number(data: Dataset, name: str) -> NDArray[np.float64]:
    """Give a feature's values."""
    return data.inputs[name].to_numpy().astype(np.float64)
