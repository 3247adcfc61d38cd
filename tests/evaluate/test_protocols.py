from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.engine import LocalEngine
from ptml.evaluate.judge import gap, judge
from ptml.evaluate.protocols import out_of_fold
from ptml.labels import label_connections
from ptml.train.dataset import load_dataset
from ptml.train.spec import ModelSpec
from tests.train.builders import Made, build_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.train.dataset import Dataset
    from ptml.train.splits import Protocol

FOREST = ModelSpec(name="x", estimator="random-forest", params={"n_estimators": 15})


def leaky(root: Path) -> Dataset:
    """Make captures that say nothing of their label, but whose rows resemble each other."""
    shifts = np.random.default_rng(2).permutation(np.linspace(-40, 40, 16))
    made = [
        Made(f"capture{i}", "malicious" if i % 2 else "benign", rows=30, shift=float(shift))
        for i, shift in enumerate(shifts)
    ]
    workspace = build_workspace(root, made)
    label_connections(workspace, engine=LocalEngine(1))
    return load_dataset(workspace, "connection", FOREST)


def held_out(data: Dataset, protocol: Protocol) -> pl.DataFrame:
    """Predict each row with a forest that has not seen its fold."""
    return out_of_fold(FOREST, data, protocol, folds=4, max_false_positive_rate=0.05, seed=0)


def test_random_folds_flatter_and_grouped_folds_do_not(tmp_path: Path) -> None:
    """Where captures can be recognised but not judged, random folds look good and grouped ones do not."""
    data = leaky(tmp_path)
    results = {p: judge(held_out(data, p), p, folds=4, seed=0, draws=50) for p in ("grouped", "random")}
    areas = {name: result.metrics["roc_auc"].value for name, result in results.items()}
    assert areas["random"] is not None
    assert areas["grouped"] is not None
    assert areas["random"] > 0.8
    assert areas["grouped"] < 0.7
    flattery = gap(results)["grouped"]["roc_auc"]
    assert flattery.value == areas["random"] - areas["grouped"]


def test_every_row_is_predicted_once_and_captures_stay_whole(tmp_path: Path) -> None:
    """Predictions are the dataset's rows, in order; each fold has one threshold; no capture is split."""
    data = leaky(tmp_path)
    found = held_out(data, "grouped")
    assert found.select(data.keys.columns).equals(data.keys)
    assert found.group_by("capture_id").agg(pl.col("fold").n_unique())["fold"].unique().to_list() == [1]
    assert found.group_by("fold").agg(pl.col("threshold").n_unique())["threshold"].unique().to_list() == [1]
    assert found.filter(
        (pl.col("verdict") == "malicious") != (pl.col("probability") >= pl.col("threshold"))
    ).is_empty()
    assert found["fold"].n_unique() == 4
