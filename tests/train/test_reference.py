"""Claims about what training writes down of its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from ptml.artifact import load_model, model_inputs, read_reference
from ptml.engine import LocalEngine
from ptml.errors import BadData
from ptml.settings import TrainSettings
from ptml.train.reference import feature_references
from ptml.train.stage import train
from tests.train.builders import build_workspace, capture_table, captures

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.artifact import Model

QUICK = TrainSettings(spec="logistic-regression", folds=3)


def trained(tmp_path: Path) -> Model:
    """Train on six malicious and six benign captures of twenty rows."""
    return load_model(train(build_workspace(tmp_path), QUICK, engine=LocalEngine(1)).folder)


def test_numbers_are_summed_up_by_weighted_tenths() -> None:
    """Of 1 to 10, with 10 weighing as much as the others together, the upper half of the tenths is 10."""
    table = pl.DataFrame({"x": [float(n) for n in range(1, 11)]})
    [found] = feature_references(table, np.array([1.0] * 9 + [9.0]))
    assert (found.low, found.high) == (1.0, 10.0)
    assert found.edges == (
        2.0,
        4.0,
        6.0,
        8.0,
        9.0,
    )  # 0.1 x 18 = 1.8 weights: 1, 2; 3.6: 4; 5.4: 6; 7.2: 8; 9: 9
    assert found.shares == pytest.approx([2 / 18, 2 / 18, 2 / 18, 2 / 18, 1 / 18, 9 / 18], abs=1e-6)


def test_categories_and_nulls_have_their_share() -> None:
    """Two of four rows are null; of the others one is dns, one http. A new one is unusual, a null is not."""
    table = pl.DataFrame({"w": ["dns", "http", None, None]})
    [found] = feature_references(table, np.ones(4))
    assert (found.nulls, found.categories) == (0.5, {"dns": 0.5, "http": 0.5})
    assert found.unusual(pl.Series(["dns", "gopher", None])).tolist() == [False, True, False]


def test_a_trained_model_knows_its_data(tmp_path: Path) -> None:
    """The reference is part of its record: both levels, means for a linear model, a code for each capture."""
    model = trained(tmp_path)
    found = read_reference(model)
    assert found is not None
    assert found.levels["connection"].captures == 12
    assert found.levels["connection"].means is not None
    capture = found.levels["capture"]
    assert set(capture.neighbours) == set(model.manifest.captures)
    for made in captures():
        frame = capture_table(made)
        inputs = model_inputs(frame, model.manifest.levels["capture"].features)
        assert capture.codes(inputs) == [capture.neighbours[made.capture_id]]


def test_training_rows_are_hardly_ever_unlike_themselves(tmp_path: Path) -> None:
    """At most one row in a hundred is flagged in folds held out, as it was chosen to be."""
    found = read_reference(trained(tmp_path))
    assert found is not None
    assert found.levels["connection"].unlike_held_out <= 0.01


def test_an_edited_reference_is_refused(tmp_path: Path) -> None:
    """It decides what is called unlike training, so it is hashed like the rest of the record."""
    model = trained(tmp_path)
    path = model.folder / "reference.json"
    path.write_text(path.read_text("utf-8").replace('"unlike":', '"unlike": '), "utf-8")
    with pytest.raises(BadData, match="sha256"):
        read_reference(model)
