from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, SettingsError
from ptml.evaluate.results import Evaluation
from ptml.evaluate.stage import EvaluationResult, evaluate
from ptml.manifest import published
from ptml.settings import EvaluateSettings, LabelsSettings, TrainSettings
from ptml.train.stage import train
from tests.train.builders import build_workspace, captures

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.workspace import Workspace

NAME = "logistic-regression"
QUICK = EvaluateSettings(folds=3)


def trained(root: Path) -> Workspace:
    """Make a workspace with a model in it."""
    workspace = build_workspace(root, captures(8, 8))
    train(workspace, TrainSettings(spec=NAME, folds=3), engine=LocalEngine(1))
    return workspace


def run(workspace: Workspace, settings: EvaluateSettings = QUICK, *, force: bool = False) -> EvaluationResult:
    """Evaluate in this process."""
    return evaluate(workspace, settings, model=NAME, seed=3, engine=LocalEngine(1), force=force)


def test_an_evaluation_is_written_whole(tmp_path: Path) -> None:
    """JSON, page and predictions are there; the JSON is what was returned, and strict JSON."""
    result = run(trained(tmp_path))
    names = sorted(path.name for path in result.folder.iterdir())
    assert names == [
        "card.md",
        "evaluation.html",
        "evaluation.json",
        "predictions-capture-grouped.parquet",
        "predictions-capture-random.parquet",
        "predictions-connection-grouped.parquet",
        "predictions-connection-random.parquet",
    ]

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (result.folder / "evaluation.json").read_text("utf-8")
    assert Evaluation.model_validate(json.loads(text, parse_constant=refuse)) == result.evaluation


def test_the_figures_are_those_of_the_predictions(tmp_path: Path) -> None:
    """What the table of sources and the metrics say can be counted from the published predictions."""
    result = run(trained(tmp_path))
    found = result.evaluation.levels["connection"].protocols["grouped"]
    rows = pl.read_parquet(result.folder / "predictions-connection-grouped.parquet")
    malicious = rows.filter(pl.col("label") == "malicious")
    recall = malicious.filter(pl.col("verdict") == "malicious").height / malicious.height
    assert found.metrics["recall"].value == pytest.approx(recall)
    assert {source.source for source in found.per_source} == {"lab", "trap"}
    assert sum(source.rows for source in found.per_source) == rows.height == 320
    assert {family.family for family in found.per_family} == {"family0", "family1"}
    assert [found.safe, result.evaluation.levels["connection"].protocols["random"].safe] == [True, False]


def test_the_headline_is_the_gap(tmp_path: Path) -> None:
    """There is a sentence a level that names both figures and what a random split flatters."""
    headline = run(trained(tmp_path)).evaluation.headline
    assert [sentence.split(",")[0] for sentence in headline] == ["captures", "connections"]
    assert all("a random split flatters by" in sentence for sentence in headline)


def test_nothing_changed_is_kept_and_the_same_again(tmp_path: Path) -> None:
    """A second call keeps the report; forced, it finds the same figures to the last bit."""
    workspace = trained(tmp_path)
    first = run(workspace)
    assert run(workspace).unchanged
    again = run(workspace, force=True)
    assert not again.unchanged
    assert again.evaluation == first.evaluation
    assert not run(workspace, EvaluateSettings(folds=4)).unchanged


def test_a_torn_report_is_made_again(tmp_path: Path) -> None:
    """An evaluation.json that cannot be read counts as none."""
    workspace = trained(tmp_path)
    (run(workspace).folder / "evaluation.json").write_text("{}", "utf-8")
    assert not run(workspace).unchanged


def test_changed_data_is_noted(tmp_path: Path) -> None:
    """Captures that came after training are evaluated too, and the reader is told."""
    workspace = trained(tmp_path)
    build_workspace(tmp_path, captures(9, 9))
    result = run(workspace)
    assert result.evaluation.levels["capture"].data["rows"] == 18
    assert result.evaluation.notes == ("captures, labels or features changed since the model was trained",)


def test_an_unknown_model_is_missing_input(tmp_path: Path) -> None:
    """A mistyped model is answered with the nearest."""
    workspace = trained(tmp_path)
    with pytest.raises(MissingInput, match="did you mean 'logistic-regression'"):
        evaluate(workspace, QUICK, model="logistic-regresion", engine=LocalEngine(1))


def test_more_folds_than_captures_is_bad_data(tmp_path: Path) -> None:
    """Nine folds of eight captures a class: the message says how many there are."""
    with pytest.raises(BadData, match="8 malicious and 8 benign captures"):
        run(trained(tmp_path), EvaluateSettings(folds=9))


def test_an_evaluation_labels_as_the_model_was_trained(tmp_path: Path) -> None:
    """The model's policy holds unless another is asked for, and then the result says so."""
    workspace = build_workspace(tmp_path, captures(6, 6))
    settings = TrainSettings(spec=NAME, folds=3, levels=("capture",))
    train(workspace, settings, labels=LabelsSettings(policy="inherit-filtered"), engine=LocalEngine(1))
    grouped = EvaluateSettings(folds=3, protocols=("grouped",))
    run(workspace, grouped)
    assert {one.parameters["policy"] for one in published(workspace, "labels")} == {"inherit-filtered"}
    other = LabelsSettings(policy="inherit")
    result = evaluate(workspace, grouped, model=NAME, labels=other, engine=LocalEngine(1))
    assert any("policy inherit here, and were by inherit-filtered" in one for one in result.evaluation.notes)


def test_a_model_of_indicators_asks_for_them(tmp_path: Path) -> None:
    """The list is not in the model: to evaluate, it has to be given again."""
    workspace = build_workspace(tmp_path, captures(6, 6))
    listed = tmp_path / "list.csv"
    listed.write_text("port\n443\n", "utf-8")
    settings = TrainSettings(spec=NAME, folds=3, levels=("capture",))
    labels = LabelsSettings(indicators=listed)
    train(workspace, settings, labels=labels, engine=LocalEngine(1))
    grouped = EvaluateSettings(folds=3, protocols=("grouped",))
    with pytest.raises(SettingsError, match=r"with a list of indicators(.|\n)*labels\.indicators=FILE"):
        run(workspace, grouped)
    result = evaluate(workspace, grouped, model=NAME, labels=labels, engine=LocalEngine(1))
    assert result.evaluation.notes == ()
