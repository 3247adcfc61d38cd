from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.labels import label_connections
from ptml.train.dataset import load_dataset
from ptml.train.fit import fit_level
from ptml.train.spec import ModelSpec
from tests.train.builders import build_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.train.dataset import Dataset

SPEC = ModelSpec(name="x", estimator="logistic-regression")


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    """Twelve labelled captures of twenty connections."""
    workspace = build_workspace(tmp_path)
    label_connections(workspace, engine=LocalEngine(1))
    return load_dataset(workspace, "connection", SPEC)


def test_other_rows_are_not_looked_at(data: Dataset) -> None:
    """Changing the rows that are not learned from changes nothing about the fit."""
    rows = np.flatnonzero(data.groups < 9)
    rest = pl.Series(data.groups >= 9)
    spoilt = replace(
        data,
        inputs=data.inputs.with_columns(
            duration=pl.when(rest).then(1e6).otherwise("duration").cast(pl.Float32)
        ),
        y=np.where(data.groups >= 9, 1 - data.y, data.y).astype(np.int8),
    )
    one, two = (
        fit_level(SPEC, which, rows, folds=3, max_false_positive_rate=0.05, seed=0)
        for which in (data, spoilt)
    )
    assert one.calibration == two.calibration
    assert one.threshold == two.threshold
    assert np.array_equal(one.probability(data.inputs), two.probability(data.inputs))


def test_the_bound_holds_out_of_fold(data: Dataset) -> None:
    """The threshold keeps the false positives of held-out rows within the bound, and finds what it can."""
    found = fit_level(SPEC, data, np.arange(240), folds=3, max_false_positive_rate=0.05, seed=0)
    assert found.out_of_fold.false_positive_rate <= 0.05
    assert found.out_of_fold.recall > 0.2
    assert found.out_of_fold.roc_auc == pytest.approx(0.83, abs=0.05)


def test_labels_at_random_are_not_learned(data: Dataset) -> None:
    """With labels dealt to captures by chance, held-out rows rank no better than chance."""
    rng = np.random.default_rng(0)
    by_group = rng.permutation(np.repeat([0, 1], 6))
    areas = []
    for _ in range(5):
        by_group = rng.permutation(by_group)
        shuffled = replace(data, y=by_group[data.groups].astype(np.int8))
        found = fit_level(SPEC, shuffled, np.arange(240), folds=3, max_false_positive_rate=0.05, seed=0)
        areas.append(found.out_of_fold.roc_auc)
    assert np.mean([area for area in areas if area is not None]) < 0.65
