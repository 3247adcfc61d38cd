"""Claims about the captures at hand that are most like one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ptml.catalog import upsert
from ptml.cli import app
from ptml.errors import MissingInput, SettingsError
from ptml.features.similar import has_md5, similar_captures
from ptml.workspace import Workspace
from tests.score.captures import conn, write_capture
from tests.train.builders import Made, build_workspace

if TYPE_CHECKING:
    from pathlib import Path

MADE = [
    *(Made(f"bad{i}", "malicious", rows=40 + i, family="emotet", shift=5.0, source="trap") for i in range(3)),
    *(Made(f"good{i}", rows=10 + i, shift=-5.0) for i in range(3)),
]
FIRST = MADE[0].capture_id


def test_the_nearest_are_those_of_its_kind(tmp_path: Path) -> None:
    """Beside two captures of its size and pace the benign ones come last; each says what it is."""
    found = similar_captures(build_workspace(tmp_path, MADE), FIRST)
    assert found.compared == 5
    assert [one.name for one in found.neighbours][:2] in (["bad1", "bad2"], ["bad2", "bad1"])
    assert {(one.label, one.family, one.source) for one in found.neighbours[:2]} == {
        ("malicious", "emotet", "trap")
    }
    assert found.neighbours[0].distance < found.median < found.neighbours[-1].distance
    assert len(similar_captures(Workspace(tmp_path), FIRST, limit=1).neighbours) == 1


def test_a_capture_is_found_by_id_beginning_name_and_md5(tmp_path: Path) -> None:
    """All lead to the same; what fits several, or none, is an error that says so."""
    workspace = build_workspace(tmp_path, MADE)
    row = {"capture_id": FIRST, "name": "bad0", "label": "malicious", "md5": "ab" * 16, "unit": "file"}
    upsert(workspace, [{**row, "label_level": "capture", "tags": []}], [])
    for wanted in (FIRST, FIRST[:9], "bad0", "AB" * 16):
        assert similar_captures(workspace, wanted).capture == FIRST
    assert has_md5(workspace, "AB" * 16)
    assert not has_md5(workspace, "0" * 32)
    assert not has_md5(Workspace(tmp_path / "none"), "0" * 32)
    with pytest.raises(SettingsError, match="fits 6 captures"):
        similar_captures(workspace, "c")
    with pytest.raises(MissingInput, match="did you mean 'bad1' for 'badd1'"):
        similar_captures(workspace, "badd1")


def test_without_features_the_command_that_makes_them_is_named(tmp_path: Path) -> None:
    """A capture without features, and a workspace without any, are told from one that is unknown."""
    workspace = build_workspace(tmp_path / "one", MADE, without=["bad0"])
    with pytest.raises(MissingInput, match=f"{FIRST} has no features yet\nTry: `ptml features {FIRST}`"):
        similar_captures(workspace, "bad0")
    assert similar_captures(workspace, "bad1").without_features == 1
    nothing = build_workspace(tmp_path / "two", MADE, without=[made.name for made in MADE])
    with pytest.raises(MissingInput, match="no capture has features yet"):
        similar_captures(nothing, "bad0")
    alone = build_workspace(tmp_path / "three", MADE[:1])
    with pytest.raises(MissingInput, match="no other capture"):
        similar_captures(alone, "bad0")


def test_a_folder_of_logs_is_compared_without_being_in_the_catalog(tmp_path: Path) -> None:
    """A folder of 41 connections lies nearer to captures of some forty than to those of ten."""
    workspace = build_workspace(tmp_path / "ws", MADE)
    folder = write_capture(tmp_path / "zeek", [conn(f"C{n}", n, ts=n) for n in range(41)])
    found = similar_captures(workspace, folder, limit=3)
    assert found.compared == 6
    assert {one.family for one in found.neighbours} == {"emotet"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInput):
        similar_captures(workspace, tmp_path / "empty")


def test_the_command_shows_a_table_and_the_whole_as_json(tmp_path: Path) -> None:
    """People see the nearest with label and family; machines get every family's difference."""
    build_workspace(tmp_path, MADE)
    words = ["similar", "bad0", "--data", str(tmp_path), "--limit", "2"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0
    assert "emotet" in shown.stdout
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert [one["label"] for one in told["neighbours"]] == ["malicious"] * 2
    assert "traffic" in told["neighbours"][0]["families"]
    assert CliRunner().invoke(app, ["similar", "nobody", "--data", str(tmp_path)]).exit_code == 3
