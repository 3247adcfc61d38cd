"""Claims about the part of a model that names families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from ptml.artifact import FamilyManifest, load_model, save_model
from ptml.errors import BadData
from tests.artifact.builders import draft, fitted, table

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.artifact import Model

PART: dict[str, Any] = {
    "families": ["emotet", "qakbot"],
    "calibration": {"slope": 1.0, "intercept": 0.0},
    "confidence": 0.5,
    "precision": 0.8,
    "out_of_fold": {"rows": 4, "named": 0.5, "right": 1.0, "first": 0.75},
}


def saved(folder: Path) -> Model:
    """Save a model of captures that names two families, and load it."""
    pipeline, contracts = fitted("logistic-regression")
    other, _ = fitted("prevalence")
    levels = draft(contracts)["levels"]
    level = {**levels["connection"], "family": PART}
    manifest = draft(contracts, levels={"capture": level})
    save_model(folder, manifest, {"capture": pipeline}, folder.parent / ".tmp", families=(pipeline, other))
    return load_model(folder)


def test_a_family_is_named_from_the_confidence_on() -> None:
    """The most probable family is given where its probability reaches the confidence, else none."""
    odds = np.log([[0.8 / 0.2, 0.4 / 0.6], [0.1 / 0.9, 0.3 / 0.7], [0.5 / 0.5, 0.5 / 0.5]])
    found = FamilyManifest.model_validate(PART).answers(odds)
    assert found["family"].to_list() == ["emotet", None, "emotet"]
    assert found["family_probability"].to_list() == pytest.approx([0.8, 0.3, 0.5])


def test_a_loaded_model_names_as_the_saved_one_was_made_to(tmp_path: Path) -> None:
    """The estimators come back in the order of the families: the first calls positive durations its own."""
    model = saved(tmp_path / "m")
    rows = table()
    found = model.name_families(rows)
    sure = rows["duration"].abs() > 0.3
    named = found["family"].filter(sure & (rows["duration"] > 0))
    assert set(named) == {"emotet"}
    assert found.height == rows.height
    assert found["capture_id"].equals(rows["capture_id"])


def test_a_model_without_families_names_none(tmp_path: Path) -> None:
    """Null, not an error: a model from before there were families scores as ever."""
    pipeline, contracts = fitted("logistic-regression")
    levels = {"capture": draft(contracts)["levels"]["connection"]}
    save_model(tmp_path / "m", draft(contracts, levels=levels), {"capture": pipeline}, tmp_path / ".tmp")
    found = load_model(tmp_path / "m").name_families(table(2))
    assert found.drop("capture_id").rows() == [(None, None)] * 2


def test_no_rows_get_no_names(tmp_path: Path) -> None:
    """An empty table gives an empty typed table."""
    found = saved(tmp_path / "m").name_families(table().clear())
    assert found.is_empty()
    assert found.columns == ["capture_id", "family", "family_probability"]


def test_edited_estimators_of_families_are_not_loaded(tmp_path: Path) -> None:
    """The file of the families is held against its hash like every other."""
    model = saved(tmp_path / "m")
    family = model.manifest.levels["capture"].family
    assert family is not None
    path = tmp_path / "m" / family.file
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(BadData, match="has sha256"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(
    "change", [{"families": ["emotet"]}, {"families": ["a", "a"]}, {"confidence": float("nan")}]
)
def test_a_manifest_that_names_nothing_is_refused(change: dict[str, Any]) -> None:
    """One family, one twice, and a confidence that is no number are none."""
    with pytest.raises(ValidationError):
        FamilyManifest.model_validate({**PART, **change})
