"""What the parse stage has published, as lazy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from ptml.manifest import Manifest
    from ptml.workspace import Workspace

PREFIX = "logs/"


def published_logs(workspace: Workspace, manifest: Manifest) -> dict[str, pl.LazyFrame]:
    """Read a capture's parsed logs lazily: log name → frame, rows in the order of the log.

    Only files that the manifest names are read. Where a log's columns changed midway, what a part lacks is null.
    """
    logs = {}
    for dataset in manifest.datasets():
        if dataset.startswith(PREFIX):
            parts = [
                pl.scan_parquet(path, hive_partitioning=False, glob=False)
                for path in manifest.paths(workspace, dataset)
            ]
            logs[dataset.removeprefix(PREFIX)] = pl.concat(parts, how="diagonal_relaxed")
    return logs
