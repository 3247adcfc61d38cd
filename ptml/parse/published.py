"""What the parse stage has published, as lazy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from ptml.manifest import Manifest
    from ptml.workspace import Workspace

PREFIX = "logs/"


def published_logs(workspace: Workspace, manifest: Manifest) -> dict[str, pl.LazyFrame]:
    """Read a capture's parsed logs lazily: log name → frame, rows in the order of the log.

    Only files that the manifest names are read. Where a log's columns changed midway, a part's gaps are null.
    """
    logs = [dataset for dataset in manifest.datasets() if dataset.startswith(PREFIX)]
    return {dataset.removeprefix(PREFIX): manifest.scan(workspace, dataset) for dataset in logs}
