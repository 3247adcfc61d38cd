"""The quarantine is written while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.engine import LocalEngine
from ptml.parse import quarantine
from ptml.parse.stage import parse
from ptml.settings import AddSettings
from ptml.sources.own import add
from tests.builders import capture_folder, conn_log, conn_row

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ptml.workspace import Workspace


def test_many_rejects_are_written_in_parts_and_read_as_one(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little is held in memory, every bad line is there, in order, and counted."""
    monkeypatch.setattr(quarantine, "HELD_BYTES", 2_000)
    folder = capture_folder(tmp_path, "a", [])
    (folder / "conn.log").write_bytes(conn_log([conn_row()]) + b"".join(b"bad%d\n" % i for i in range(100)))
    add(workspace, AddSettings(paths=(folder,), label="benign"), engine=LocalEngine(1))
    report = parse(workspace, engine=LocalEngine(1))
    assert (report.rows_in, report.rows_out, report.counts["quarantined"]) == (101, 1, 100)
    assert pl.read_parquet(workspace.root / "quarantine")["raw"].to_list() == [
        b"bad%d" % i for i in range(100)
    ]
