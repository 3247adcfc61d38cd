"""The table of captures and the table of where they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import MissingInput, did_you_mean
from ptml.io import read_parquet, write_parquet
from ptml.schema import CATALOG, PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from ptml.schema import Table
    from ptml.workspace import Workspace


def read_catalog(workspace: Workspace) -> pl.DataFrame:
    """Read the table of captures, by capture id; typed and empty where there is none.

    Raises:
        MissingInput: There is no such workspace.
        BadData: The table does not have the catalog's columns.
    """
    return _read(workspace.require().catalog, CATALOG)


def read_provenance(workspace: Workspace) -> pl.DataFrame:
    """Read the table of origins: one row per capture and source; typed and empty where there is none."""
    return _read(workspace.require().provenance, PROVENANCE)


def require_captures(workspace: Workspace) -> pl.DataFrame:
    """Read the table of captures and insist that there are some.

    Raises:
        MissingInput: There is no workspace, or it has no captures.
    """
    catalog = read_catalog(workspace)
    if catalog.is_empty():
        raise MissingInput(
            f"the catalog of {workspace.root} has no captures",
            hint="`ptml simulate` or `ptml add PATH…` puts some there",
        )
    return catalog


def select_captures(catalog: pl.DataFrame, wanted: Collection[str]) -> pl.DataFrame:
    """Keep the captures whose id or name is wanted; all if none is named.

    Raises:
        MissingInput: A wanted capture is not there.
    """
    if not wanted:
        return catalog
    known = {*catalog["capture_id"], *catalog["name"].drop_nulls()}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise MissingInput(
            f"no capture {unknown[0]!r} in the catalog", hint=did_you_mean(unknown, sorted(known))
        )
    return catalog.filter(pl.col("capture_id").is_in(list(wanted)) | pl.col("name").is_in(list(wanted)))


def upsert(
    workspace: Workspace, captures: Iterable[dict[str, object]], origins: Iterable[dict[str, object]]
) -> None:
    """Add rows to the catalog and to the provenance; a row with a known key replaces the old one.

    Raises:
        CannotWrite: The operating system refused; the tables stay as they were.
    """
    _upsert(workspace, workspace.provenance, PROVENANCE, origins)
    _upsert(workspace, workspace.catalog, CATALOG, captures)


def _upsert(workspace: Workspace, path: Path, table: Table, rows: Iterable[dict[str, object]]) -> None:
    new = pl.DataFrame(list(rows), schema=table.schema)
    merged = (
        pl.concat([_read(path, table), new])
        .unique(subset=table.key, keep="last", maintain_order=True)
        .sort(table.key)
    )
    write_parquet(path, merged, workspace.scratch)


def _read(path: Path, table: Table) -> pl.DataFrame:
    try:
        return table.check(read_parquet(path))
    except MissingInput:
        return table.empty()
