"""Claims about scoring what `ptml parse` wrote."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.errors import MissingInput
from ptml.parse.files import parse_files
from ptml.parse.stage import parse
from ptml.score import score
from ptml.settings import AddSettings
from ptml.sources.own import add
from ptml.workspace import Workspace
from tests.score.captures import conn, make_model, write_capture
from tests.score.test_stage import HERE

if TYPE_CHECKING:
    from pathlib import Path

SCORES = ["uid", "ts", "id.orig_h", "probability", "verdict"]


def rows(out: Path) -> list[tuple[object, ...]]:
    """Read the scored connections, without the ids of their captures."""
    return pl.read_parquet(out / "connections.parquet").select(SCORES).sort("uid").rows()


def test_parsed_logs_have_the_scores_of_the_logs(tmp_path: Path) -> None:
    """Each way in gives the same scores: the folder, its Parquet, and the Parquet's `logs`."""
    model = make_model(tmp_path / "tiny")
    folder = write_capture(tmp_path / "monday", [conn(f"C{n}", n) for n in range(8)])
    write_capture(folder, [conn("C3", 1)], log="dns")
    parse_files([folder], tmp_path / "parquet", engine=HERE)
    results = [
        score([path], model=model, out=tmp_path / f"out-{path.name}", engine=HERE)
        for path in (folder, tmp_path / "parquet", tmp_path / "parquet" / "logs")
    ]
    assert {row["name"] for result in results for row in result.captures} == {"monday"}
    assert len({tuple(rows(result.out)) for result in results}) == 1
    assert len(rows(results[0].out)) == 8
    assert len({result.captures[0]["probability"] for result in results}) == 1


def test_captures_of_a_workspace_keep_their_names_and_ids(tmp_path: Path) -> None:
    """A workspace is scored capture by capture, as its catalog calls them; a second run scores none again."""
    model, workspace = make_model(tmp_path / "tiny"), Workspace(tmp_path / "data")
    paths = tuple(write_capture(tmp_path / name, [conn(f"{name}1", 9)]) for name in ("mon", "tue"))
    add(workspace, AddSettings(paths=paths, label="benign"), engine=HERE)
    parse(workspace, engine=HERE)
    first = score([workspace.root], model=model, out=tmp_path / "out", engine=HERE)
    assert sorted(row["name"] for row in first.captures) == ["mon", "tue"]
    again = score([workspace.root], model=model, out=tmp_path / "out", engine=HERE)
    assert sorted(again.unchanged) == ["mon", "tue"]
    raw = score(list(paths), model=model, out=tmp_path / "raw", engine=HERE)
    assert {row["capture_id"] for row in raw.captures} == {row["capture_id"] for row in first.captures}


def test_parquet_that_has_gone_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """Nothing is scored as if it were empty."""
    folder = write_capture(tmp_path / "monday", [conn("C1", 9)])
    parse_files([folder], tmp_path / "parquet", engine=HERE)
    shutil.rmtree(tmp_path / "parquet" / "logs")
    with pytest.raises(MissingInput, match="monday"):
        score([tmp_path / "parquet"], model=make_model(tmp_path / "tiny"), out=tmp_path / "out", engine=HERE)
