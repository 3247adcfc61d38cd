from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from ptml.artifact import log_odds
from ptml.engine import LocalEngine
from ptml.errors import BadData
from ptml.labels import label_connections
from ptml.train.calibrate import fit_calibration
from ptml.train.dataset import load_dataset
from ptml.train.estimators import fit_pipeline
from ptml.train.fit import fit_level
from ptml.train.spec import ModelSpec
from tests.train.builders import build_workspace, captures

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


def of_sources(data: Dataset) -> Dataset:
    """Give each source a third of the captures of each class; benign ones of the third look most malicious.

    Which source a row is from shows in its bytes, so what knows the third source is not deceived.
    """
    malicious = [bool(data.y[data.groups == group].any()) for group in range(data.groups.max() + 1)]
    before = [malicious[:group].count(which) for group, which in enumerate(malicious)]
    turn = (np.array(before) // 4)[data.groups]
    shift = np.where((turn == 2) & (data.y == 0), 6.0, 0.0)
    inputs = data.inputs.with_columns(
        duration=(pl.col("duration").fill_null(0.0) + pl.Series(shift)).cast(pl.Float32),
        bytes_sum=pl.Series(turn, dtype=pl.Float32),
    )
    source = pl.Series("source", [f"source {number}" for number in turn])
    return replace(data, inputs=inputs, keys=data.keys.with_columns(source))


def test_thresholds_are_promised_for_sources_not_seen(tmp_path: Path) -> None:
    """Benign rows of a strange source set the threshold, though the folds that calibrate know that source."""
    workspace = build_workspace(tmp_path, captures(12, 12))
    label_connections(workspace, engine=LocalEngine(1))
    data = of_sources(load_dataset(workspace, "connection", SPEC))
    boosting = ModelSpec(name="x", estimator="hist-gradient-boosting", params={"max_iter": 30})
    by_source, by_capture = (
        fit_level(
            boosting.model_copy(update={"held_out": held_out}),
            data,
            np.arange(480),
            folds=3,
            max_false_positive_rate=0.05,
            seed=0,
        )
        for held_out in ("source", "capture")
    )
    assert by_source.calibration == by_capture.calibration
    assert np.array_equal(by_source.fold_of, by_capture.fold_of)
    assert by_source.threshold > by_capture.threshold
    assert by_source.out_of_fold.recall < by_capture.out_of_fold.recall
    assert by_source.out_of_fold.false_positive_rate <= 0.05


@pytest.mark.parametrize("class_weights", ["balanced", "none"])
def test_a_probability_is_a_share_of_rows(data: Dataset, class_weights: Literal["balanced", "none"]) -> None:
    """Where nothing can be learned, it is the share of malicious rows, however the classes weigh in fits."""
    nothing = data.inputs.with_columns(
        duration=pl.lit(0.0, pl.Float32),
        bytes_sum=pl.lit(0.0, pl.Float32),
        is_local=pl.lit(1.0, pl.Float32),
        service=pl.lit("dns"),
    )
    found = fit_level(
        SPEC.model_copy(update={"class_weights": class_weights}),
        replace(data, inputs=nothing, y=(np.arange(240) % 5 > 0).astype(np.int8)),
        np.arange(240),
        folds=3,
        max_false_positive_rate=0.05,
        seed=0,
    )
    assert found.prior == pytest.approx(0.8)
    assert found.probability(nothing) == pytest.approx(0.8, abs=0.02)


def named(data: Dataset, *periods: str | None) -> Dataset:
    """Give the captures of each class, one after the other, these periods in turn."""
    malicious = [bool(data.y[data.groups == group].any()) for group in range(12)]
    turn = [malicious[:group].count(malicious[group]) for group in range(12)]
    period = pl.Series("period", [periods[turn[group] % len(periods)] for group in data.groups], pl.String)
    return replace(data, keys=data.keys.with_columns(period))


def test_a_validation_period_sets_threshold_and_calibration(data: Dataset) -> None:
    """The fit is that on the train period, and what it says of the validation period decides the rest."""
    split = named(data, "train", "train", "validation")
    rows = np.arange(240)
    learned = np.flatnonzero(split.keys["period"] == "train")
    held_out = np.flatnonzero(split.keys["period"] == "validation")
    found = fit_level(SPEC, split, rows, folds=3, max_false_positive_rate=0.05, seed=0)
    alone = fit_pipeline(
        SPEC,
        data.contracts,
        data.inputs[learned],
        data.y[learned],
        (data.weights / data.weights.mean())[learned],
        level="connection",
        seed=0,
    )
    scores = log_odds(alone, data.inputs)
    assert np.allclose(log_odds(found.pipeline, data.inputs), scores)
    calibration = fit_calibration(scores[held_out], data.y[held_out], data.weights[held_out])
    assert found.calibration.slope == pytest.approx(calibration.slope)
    assert found.calibration.intercept == pytest.approx(calibration.intercept)
    assert found.out_of_fold.roc_auc == pytest.approx(roc_auc_score(data.y[held_out], scores[held_out]))
    called = found.probability(data.inputs[held_out]) >= found.threshold
    assert called[data.y[held_out] == 0].mean() <= 0.05


@pytest.mark.parametrize("periods", [("train", None), ("train", "validation", "test")])
def test_rows_beyond_train_and_validation_make_folds_decide(data: Dataset, periods: tuple[str, ...]) -> None:
    """Cross-validation over the test period, too, calibrates on folds as if no period were named."""
    one, other = (
        fit_level(SPEC, which, np.arange(240), folds=3, max_false_positive_rate=0.05, seed=0)
        for which in (data, named(data, *periods))
    )
    assert (one.calibration, one.threshold) == (other.calibration, other.threshold)


def test_a_validation_period_of_one_class_says_so(data: Dataset) -> None:
    """A validation period without malicious rows cannot set a threshold, and the message counts."""
    benign = data.y == 0
    period = np.where(benign & (data.groups % 2 == 0), "validation", "train")
    split = replace(data, keys=data.keys.with_columns(pl.Series("period", period)))
    with pytest.raises(BadData, match=r"the period validation needs malicious and benign(.|\n)*, 0\]"):
        fit_level(SPEC, split, np.arange(240), folds=3, max_false_positive_rate=0.05, seed=0)


def test_unknown_families_are_not_learned(data: Dataset) -> None:
    """A fit on rows of which some are unknown is the fit on the others alone."""
    unknown = (data.keys["family"] == "family1").fill_null(value=False).to_numpy()
    rows = np.arange(240)
    one = fit_level(SPEC, replace(data, unknown=unknown), rows, folds=3, max_false_positive_rate=0.05, seed=0)
    two = fit_level(SPEC, data, rows[~unknown], folds=3, max_false_positive_rate=0.05, seed=0)
    assert one.threshold == two.threshold
    assert np.array_equal(one.probability(data.inputs), two.probability(data.inputs))


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
