from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.engine import LocalEngine
from ptml.errors import BadData
from ptml.labels import label_connections
from ptml.settings import TrainSettings
from ptml.train.dataset import load_dataset
from ptml.train.fit import fit_level
from ptml.train.spec import ModelSpec
from ptml.train.splits import assign_folds
from ptml.train.stage import train
from tests.train.builders import (
    Made,
    build_workspace,
    capture_table,
    captures,
    connection_table,
    publish_features,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.train.dataset import Dataset
    from ptml.train.stage import TrainResult

SPEC = ModelSpec(name="x", estimator="logistic-regression")
HGB = ModelSpec(name="x", estimator="hist-gradient-boosting", params={"max_iter": 5})


def train_on(root: Path, made: Sequence[Made], *levels: str) -> TrainResult:
    """Train on captures, at both levels unless some are named."""
    settings = TrainSettings.model_validate({"spec": "logistic-regression", "folds": 3})
    settings = settings.model_copy(update={"levels": levels or settings.levels})
    return train(build_workspace(root, made), settings, engine=LocalEngine(1))


def dataset(root: Path, made: Sequence[Made] | None = None, spec: ModelSpec = SPEC) -> Dataset:
    """Label captures and join them with their features."""
    workspace = build_workspace(root, made)
    label_connections(workspace, engine=LocalEngine(1))
    return load_dataset(workspace, "connection", spec)


@pytest.mark.parametrize("label", ["malicious", "benign"])
def test_one_class(tmp_path: Path, label: str) -> None:
    """Captures of one class cannot be told apart from nothing: both counts are in the message."""
    made = [Made(f"c{i}", label, rows=5) for i in range(4)]
    with pytest.raises(BadData, match=r"two classes are needed(.|\n)*(20|0) malicious and (0|20) benign"):
        train_on(tmp_path, made)


def test_one_group(tmp_path: Path) -> None:
    """Captures that all belong together leave nothing to hold out, and the message says what to do."""
    made = [replace(one, sha256="5" * 64) for one in captures(4, 4)]
    with pytest.raises(
        BadData, match=r"3 folds need at least 3 captures(.|\n)*1 malicious and 1 benign"
    ) as e:
        train_on(tmp_path, made)
    assert e.value.hint is not None


def test_a_family_with_one_capture(tmp_path: Path) -> None:
    """It is learned from as any other, also where families weigh the same."""
    made = [*captures(4, 4), Made("alone", "malicious", family="rare")]
    result = train_on(tmp_path / "model", made)
    assert result.manifest.levels["capture"].training.malicious_captures == 5
    data = dataset(tmp_path / "data", made, SPEC.model_copy(update={"weights": "family"}))
    rare = (data.keys["family"] == "rare").fill_null(value=False).to_numpy()
    assert data.weights[rare].sum() == pytest.approx(len(data.y) / 4)


@pytest.mark.parametrize("spec", [SPEC, HGB], ids=["linear", "boosting"])
def test_features_that_are_all_null(tmp_path: Path, spec: ModelSpec) -> None:
    """With no value anywhere there is nothing to learn; one feature with values is enough."""
    data = dataset(tmp_path)
    nothing = data.inputs.select(
        pl.lit(None, dtype).alias(name) for name, dtype in data.inputs.schema.items()
    )
    nothing = data.inputs.clear(len(data.y)).select(nothing.columns)
    with pytest.raises(BadData, match="no feature has a value"):
        fit_level(
            spec,
            replace(data, inputs=nothing),
            np.arange(240),
            folds=3,
            max_false_positive_rate=0.05,
            seed=0,
        )
    one = replace(data, inputs=nothing.with_columns(data.inputs["bytes_sum"]))
    found = fit_level(spec, one, np.arange(240), folds=3, max_false_positive_rate=0.05, seed=0)
    assert np.isfinite(found.probability(one.inputs)).all()


def test_a_feature_without_a_value_in_one_fold(tmp_path: Path) -> None:
    """A feature that only one capture has is unknown to the fits without it, and they go on."""
    data = dataset(tmp_path)
    known = pl.Series(data.groups == 0)
    rare = data.inputs.with_columns(pl.when(known).then("duration").alias("duration"))
    for spec in (SPEC, HGB):
        found = fit_level(
            spec, replace(data, inputs=rare), np.arange(240), folds=3, max_false_positive_rate=0.05, seed=0
        )
        assert np.isfinite(found.probability(rare)).all()


def test_labels_that_are_null_everywhere(tmp_path: Path) -> None:
    """Captures whose connections nobody labelled are counted as what was left out."""
    made = [Made(f"m{i}", "mixed", rows=5) for i in range(4)]
    with pytest.raises(
        BadData, match=r"0 malicious and 0 benign connections, 20 left out \(connections without"
    ):
        train_on(tmp_path, made, "connection")


def test_one_malicious_row_among_a_million() -> None:
    """It cannot be learned and held out at once; the message counts, and does not ask for one fold."""
    y = np.zeros(1_000_001, np.int8)
    y[-1] = 1
    groups = np.arange(1_000_001) // 1000
    for protocol, what in (("grouped", "captures"), ("random", "rows")):
        with pytest.raises(
            BadData, match=rf"at least 5 {what}(.|\n)*1 malicious and(.|\n)*lower `folds` to 2"
        ):
            assign_folds(protocol, y, groups, 5, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("class_weights", ["balanced", "none"])
@pytest.mark.parametrize("spec", [SPEC, HGB], ids=["linear", "boosting"])
def test_a_million_to_one(tmp_path: Path, spec: ModelSpec, class_weights: str) -> None:
    """With a million times the weight on benign rows, fits stay finite and the bound holds."""
    data = dataset(tmp_path)
    weights = np.where(data.y == 1, 1e-6, 1.0)
    found = fit_level(
        spec.model_copy(update={"class_weights": class_weights}),
        replace(data, weights=weights),
        np.arange(240),
        folds=3,
        max_false_positive_rate=0.05,
        seed=0,
    )
    probability = found.probability(data.inputs)
    assert np.isfinite(probability).all()
    assert ((probability >= 0) & (probability <= 1)).all()
    assert found.out_of_fold.false_positive_rate <= 0.05


def test_one_huge_capture_beside_small_ones(tmp_path: Path) -> None:
    """A flood of ten thousand benign rows weighs as much as any capture, and the others still teach."""
    made = [*captures(4, 4, rows=10), Made("flood", rows=10_000, source="lab")]
    data = dataset(tmp_path, made)
    by_capture = data.keys.with_columns(w=data.weights).group_by("capture_id").agg(pl.col("w").sum())["w"]
    assert by_capture.to_list() == pytest.approx([len(data.y) / 9] * 9)
    found = fit_level(SPEC, data, np.arange(len(data.y)), folds=3, max_false_positive_rate=0.05, seed=0)
    assert found.out_of_fold.roc_auc == pytest.approx(0.83, abs=0.1)


@given(
    st.lists(st.tuples(st.sampled_from([(0,), (1,), (0, 1)]), st.integers(1, 20)), min_size=1, max_size=12),
    st.integers(2, 6),
    st.integers(0, 9),
)
def test_folds_are_never_empty(groups: list[tuple[tuple[int, ...], int]], folds: int, seed: int) -> None:
    """Whatever the groups, every fold holds something out and leaves both classes, or the message says no."""
    y = np.concatenate([np.tile(labels, size) for labels, size in groups]).astype(np.int8)
    group = np.repeat(np.arange(len(groups)), [len(labels) * size for labels, size in groups])
    try:
        fold = assign_folds("grouped", y, group, folds, seed)
    except BadData:
        return
    assert set(fold) == set(range(folds))
    assert all(set(y[fold != f]) == {0, 1} for f in range(folds))


def test_features_without_rows(tmp_path: Path) -> None:
    """A capture without a connection is no reason to stop: the others are learned from."""
    workspace = build_workspace(tmp_path, [*captures(3, 3), Made("empty", rows=1)])
    empty = Made("empty", rows=1)
    tables = {"connection": connection_table(empty).clear(), "capture": capture_table(empty)}
    publish_features(workspace, empty, tables)
    settings = TrainSettings(spec="logistic-regression", folds=3, levels=("connection",))
    result = train(workspace, settings, engine=LocalEngine(1))
    assert result.manifest.levels["connection"].training.captures == 6
