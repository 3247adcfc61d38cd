from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ptml.artifact import POOLS, load_model, pool
from ptml.engine import LocalEngine
from ptml.errors import BadData, ModelMismatch, SettingsError
from ptml.evaluate.protocols import INNER_FOLDS
from ptml.evaluate.stage import evaluate
from ptml.labels import label_connections
from ptml.settings import EvaluateSettings, TrainSettings
from ptml.train.dataset import load_dataset
from ptml.train.spec import Captures, ModelSpec, load_spec
from ptml.train.stage import train
from ptml.train.verdicts import fit_capture_verdicts, fit_stack
from tests.train.builders import build_workspace, capture_table, captures, connection_table

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.train.dataset import Dataset
    from ptml.types import Level
    from ptml.workspace import Workspace

HOW: tuple[Captures, ...] = ("pooled", "stack")
LEVELS: tuple[Level, ...] = ("connection", "capture")
FOLDS: dict[Level, int] = {"connection": 2, "capture": 2}


def spec(how: Captures) -> ModelSpec:
    """Make a spec that judges captures so."""
    return ModelSpec(name="x", estimator="logistic-regression", captures=how, params={"C": 0.1})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Sixteen labelled captures of twenty connections."""
    workspace = build_workspace(tmp_path / "data", captures(8, 8))
    label_connections(workspace, engine=LocalEngine(1))
    return workspace


@pytest.fixture
def data(workspace: Workspace) -> tuple[Dataset, Dataset]:
    """Give their connections, and the captures themselves."""
    return (
        load_dataset(workspace, "connection", spec("stack")),
        load_dataset(workspace, "capture", spec("stack")),
    )


@pytest.mark.parametrize("how", HOW)
def test_captures_held_out_are_not_looked_at(data: tuple[Dataset, Dataset], how: Captures) -> None:
    """Labels and values of captures that are not learned from change nothing about a verdict."""
    connections, whole = data
    learn = np.flatnonzero(whole.groups % 8 < 6)
    rest = np.isin(whole.groups, whole.groups[learn], invert=True)
    names = whole.keys.filter(pl.Series(rest))["capture_id"]
    theirs = connections.keys["capture_id"].is_in(names.implode()).to_numpy()
    spoilt = (
        replace(
            connections,
            y=np.where(theirs, 1 - connections.y, connections.y).astype(np.int8),
            inputs=connections.inputs.with_columns(
                pl.when(pl.Series(theirs)).then(1e6).otherwise("duration").cast(pl.Float32).alias("duration")
            ),
        ),
        replace(whole, y=np.where(rest, 1 - whole.y, whole.y).astype(np.int8)),
    )
    one, two = (
        fit_capture_verdicts(spec(how), *which, learn, folds=FOLDS, max_false_positive_rate=0.1, seed=0)
        for which in (data, spoilt)
    )
    assert one.capture.stack == two.capture.stack
    assert one.capture.calibration == two.capture.calibration
    assert one.threshold == two.threshold
    assert np.array_equal(one.probability(*data, learn), two.probability(*data, learn))


@pytest.mark.parametrize("how", HOW)
def test_captures_held_out_are_ranked(data: tuple[Dataset, Dataset], how: Captures) -> None:
    """Captures whose connections are shifted are found among those that were held out."""
    connections, whole = data
    held_out = whole.groups % 4 == 0
    found = fit_capture_verdicts(
        spec(how),
        connections,
        whole,
        np.flatnonzero(~held_out),
        folds=FOLDS,
        max_false_positive_rate=0.1,
        seed=0,
    )
    probability = found.probability(connections, whole, np.flatnonzero(held_out))
    assert ("features" in found.capture.stack.inputs) == (how == "stack")
    assert roc_auc_score(whole.y[held_out], probability) == 1


def test_the_weights_are_those_of_scikit_learn(data: tuple[Dataset, Dataset]) -> None:
    """The stack is scikit-learn's logistic regression on standardised pools, written out as numbers."""
    _, whole = data
    rng = np.random.default_rng(0)
    names = whole.keys["capture_id"]
    pooled = pool(
        pl.concat([names] * 5), np.clip(0.3 * np.tile(whole.y, 5) + 0.6 * rng.random(5 * len(names)), 0, 1)
    )
    found = fit_stack(
        spec("pooled"),
        whole,
        np.arange(len(whole.y)),
        pooled,
        folds=2,
        max_false_positive_rate=0.1,
        seed=0,
    )
    x = names.to_frame().join(pooled, on="capture_id", maintain_order="left").select(POOLS).to_numpy()
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(max_iter=1000).fit(z, whole.y)
    table = names.to_frame().join(pooled, on="capture_id", maintain_order="left")
    assert found.stack.log_odds(table) == pytest.approx(theirs.decision_function(z), abs=1e-9)


def test_captures_without_connections_cannot_be_pooled(data: tuple[Dataset, Dataset]) -> None:
    """Where no capture has a connection there is nothing to pool."""
    _, whole = data
    none = pool(pl.Series("capture_id", [], pl.String), np.empty(0))
    with pytest.raises(BadData, match="nothing to pool"):
        fit_stack(
            spec("pooled"),
            whole,
            np.arange(len(whole.y)),
            none,
            folds=2,
            max_false_positive_rate=0.1,
            seed=0,
        )


@pytest.mark.parametrize("how", HOW)
def test_a_saved_stack_judges_as_the_fitted_one(workspace: Workspace, tmp_path: Path, how: Captures) -> None:
    """A trained model is loaded from its files and calls shifted captures malicious, others benign."""
    file = tmp_path / "x.toml"
    file.write_text(f'name = "x"\nestimator = "logistic-regression"\ncaptures = "{how}"\n', "utf-8")
    settings = TrainSettings(spec=str(file), folds=2, max_false_positive_rate=0.2)
    manifest = train(workspace, settings, engine=LocalEngine(1)).manifest
    model = load_model("x", workspace)
    made = captures(8, 8)
    features = pl.concat(capture_table(one) for one in made)
    scored = model.score(pl.concat(connection_table(one) for one in made))
    found = model.score_captures(features, scored)
    malicious = pl.Series([one.label == "malicious" for one in made])
    lowest, highest = (
        found.filter(malicious)["probability"].min(),
        found.filter(~malicious)["probability"].max(),
    )
    assert isinstance(lowest, float)
    assert isinstance(highest, float)
    assert lowest > highest
    assert (manifest.levels["capture"].file is None) == (how == "pooled")
    assert train(workspace, settings, engine=LocalEngine(1)).unchanged
    with pytest.raises(ModelMismatch, match="judges captures by the scores of their connections"):
        model.score(features, level="capture")


@pytest.mark.parametrize("how", HOW)
def test_an_evaluation_judges_captures_as_the_model_does(
    workspace: Workspace, tmp_path: Path, how: Captures
) -> None:
    """Each fold of captures is judged by the connections of captures that were held out with it."""
    file = tmp_path / "x.toml"
    file.write_text(f'name = "x"\nestimator = "logistic-regression"\ncaptures = "{how}"\n', "utf-8")
    train(workspace, TrainSettings(spec=str(file), folds=2), engine=LocalEngine(1))
    settings = EvaluateSettings(protocols=("grouped",), folds=2)
    evaluate(workspace, settings, model="x", engine=LocalEngine(1))
    found = pl.read_parquet(workspace.report("x") / "predictions-capture-grouped.parquet")
    connections, whole = (load_dataset(workspace, level, spec(how)) for level in LEVELS)
    at = found["fold"].to_numpy() == 0
    again = fit_capture_verdicts(
        load_spec(str(file)),
        connections,
        whole,
        np.flatnonzero(~at),
        folds=INNER_FOLDS,
        max_false_positive_rate=0.01,
        seed=0,
    )
    expected = again.probability(connections, whole, np.flatnonzero(at))
    assert found["probability"].to_numpy()[at] == pytest.approx(expected, abs=1e-12)


def test_pooling_needs_connections_to_be_trained(workspace: Workspace, tmp_path: Path) -> None:
    """A spec that judges captures by connections is not trained for captures alone."""
    file = tmp_path / "x.toml"
    file.write_text('name = "x"\nestimator = "logistic-regression"\ncaptures = "stack"\n', "utf-8")
    with pytest.raises(SettingsError, match="these are not trained"):
        train(workspace, TrainSettings(spec=str(file), levels=("capture",)), engine=LocalEngine(1))
