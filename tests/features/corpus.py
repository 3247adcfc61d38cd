"""Captures on which laws about features are tried: simulated ones, and real ones where they lie at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.build import capture_features, connection_features
from ptml.features.inputs import COLUMNS
from ptml.parse.scan import scan_logs
from ptml.settings import SimulateSettings
from ptml.sources.simulate import simulate_folders
from tests.features.rarelogs import with_rare_logs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Logs = dict[str, pl.LazyFrame]
FEWEST_LOGS = 5
COMMON = frozenset(["conn", "dns", "files", "http", "ssl", "x509", "weird"])
MOST_CONNECTIONS = 30_000


def read_capture(folder: Path) -> Logs:
    """Read the columns of a capture that features read into memory; rows that cannot be read are left out."""
    logs = scan_logs(folder, on_error="quarantine")
    known = {name: frame for name, frame in logs.items() if name in COLUMNS}
    return {
        name: frame.select(column for column in COLUMNS[name] if column in frame.collect_schema())
        .with_columns(capture_id=pl.lit(folder.name))
        .collect()
        .lazy()
        for name, frame in known.items()
    }


def simulated_captures(folder: Path) -> list[Logs]:
    """Simulate a few captures, half of them with malicious traffic; three have rare logs as well."""
    settings = SimulateSettings(captures=6, connections=2400, hosts=5)
    simulate_folders(folder, settings, seed=5)
    captures = [read_capture(one) for one in sorted(folder.iterdir())]
    return [with_rare_logs(logs, seed) if seed % 2 else logs for seed, logs in enumerate(captures)]


def real_captures(root: Path) -> list[Logs]:
    """Read the real captures that have several logs, or a rare one, and are not long."""
    found = []
    for folder in sorted((root / "zeek").iterdir()):
        names = {path.name.split(".")[0] for path in folder.iterdir()} & set(COLUMNS)
        if "conn" in names and (len(names) >= FEWEST_LOGS or names - COMMON):
            logs = read_capture(folder)
            if _connections(logs["conn"]) in range(1, MOST_CONNECTIONS):
                found.append(logs)
    return found


def _connections(conn: pl.LazyFrame) -> int:
    if not {"uid", "ts"} <= set(conn.collect_schema()):
        return 0
    return int(conn.select(pl.col("uid").count()).collect().item())


def together(captures: Iterable[Logs]) -> Logs:
    """Put the logs of several captures into one table a log."""
    captures = list(captures)
    names = {name for logs in captures for name in logs}
    return {
        name: pl.concat([logs[name] for logs in captures if name in logs], how="diagonal_relaxed")
        for name in sorted(names)
    }


def connections(captures: Iterable[Logs]) -> pl.DataFrame:
    """Derive the features of all connections, capture by capture."""
    return pl.concat([connection_features(logs).collect() for logs in captures])


def wholes(captures: Iterable[Logs]) -> pl.DataFrame:
    """Derive the features of all captures."""
    return pl.concat([capture_features(logs).collect() for logs in captures])
