"""Claims about which captures a model may judge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ptml.errors import ModelMismatch
from ptml.score.model import judges_captures, require_unit, scoring_model
from tests.score.captures import HALF, make_model

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = {**HALF, "connection": ("pair_connections", 5.0)}


def test_a_model_judges_the_unit_it_learned_from(tmp_path: Path) -> None:
    """Also where its inputs look at the capture as a whole."""
    model = make_model(tmp_path / "hours", unit="sensor-hour", half=WHOLE)
    require_unit(model, "sensor-hour")
    assert judges_captures(model, "sensor-hour")


def test_a_model_that_looks_at_whole_captures_refuses_another_unit(tmp_path: Path) -> None:
    """The error names both units and the inputs, and carries exit code 6."""
    model = make_model(tmp_path / "files", half=WHOLE)
    with pytest.raises(ModelMismatch, match=r"unit 'file' .*pair_connections.* unit 'sensor-day'") as caught:
        require_unit(model, "sensor-day")
    assert caught.value.exit_code == 6
    assert "exclude_scopes" in str(caught.value.hint)


def test_a_model_of_captures_alone_refuses_another_unit(tmp_path: Path) -> None:
    """It has nothing else to judge."""
    with pytest.raises(ModelMismatch, match="judges only these"):
        require_unit(make_model(tmp_path / "files", levels=["capture"]), "sensor-day")


def test_a_model_without_inputs_on_whole_captures_judges_connections_of_any_unit(tmp_path: Path) -> None:
    """It does not judge the captures, which are another thing than those it learned from."""
    model = make_model(tmp_path / "files")
    require_unit(model, "sensor-day")
    assert not judges_captures(model, "sensor-day")


def test_a_model_that_learned_from_several_units_takes_any(tmp_path: Path) -> None:
    """It has seen that they differ."""
    model = make_model(tmp_path / "all", unit="mixed", half=WHOLE)
    require_unit(model, "sensor-day")
    assert judges_captures(model, "sensor-day")


@pytest.mark.parametrize(("key", "value"), [("name", "orig_pkts_old"), ("dtype", "String")])
def test_columns_that_are_not_made_are_named(tmp_path: Path, key: str, value: str) -> None:
    """A model of a column that is gone, or of another type, says which, with exit code 6."""
    make_model(tmp_path / "old")
    path = tmp_path / "old" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["levels"]["connection"]["features"][0][key] = value
    path.write_text(json.dumps(manifest))
    with pytest.raises(ModelMismatch, match=rf"does not make.*{value}") as caught:
        scoring_model(tmp_path / "old")
    assert caught.value.exit_code == 6
