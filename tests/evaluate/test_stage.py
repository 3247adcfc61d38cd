from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, SettingsError
from ptml.evaluate.audit import audit
from ptml.evaluate.results import Evaluation
from ptml.evaluate.stage import EvaluationResult, evaluate
from ptml.manifest import published
from ptml.settings import AuditSettings, EvaluateSettings, LabelsSettings, TrainSettings
from ptml.train.stage import train
from ptml.types import HOLDOUTS
from ptml.workspace import Workspace
from tests.train.builders import build_workspace, captures

if TYPE_CHECKING:
    from pathlib import Path

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
    made = sorted(HOLDOUTS)
    tables = [f"predictions-{level}-{name}.parquet" for level in ("capture", "connection") for name in made]
    assert names == ["card.md", "evaluation.html", "evaluation.json", *tables]

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


def test_an_evaluation_carries_the_audit_of_its_data(tmp_path: Path) -> None:
    """What `ptml audit` says of the same data and seed stands in the evaluation, level by level."""
    result = run(trained(tmp_path))
    found = audit(Workspace(tmp_path), AuditSettings(spec=NAME), seed=3, engine=LocalEngine(1)).audit
    assert found.light == "red"
    assert result.evaluation.audit == found.model_dump(mode="json")


def test_the_headline_is_the_gap(tmp_path: Path) -> None:
    """There is a sentence a level that names both figures and what a random split flatters."""
    headline = run(trained(tmp_path)).evaluation.headline
    assert [sentence.split(",")[0] for sentence in headline] == ["captures", "connections"]
    assert all("a random split flatters by" in sentence for sentence in headline)
    assert all("against grouped" in sentence for sentence in headline)


def test_nothing_changed_is_kept_and_the_same_again(tmp_path: Path) -> None:
    """A second call keeps the report; forced, it finds the same figures to the last bit."""
    workspace = trained(tmp_path)
    first = run(workspace)
    assert run(workspace).unchanged
    again = run(workspace, force=True)
    assert not again.unchanged
    assert again.evaluation == first.evaluation
    assert not run(workspace, EvaluateSettings(folds=4)).unchanged


def test_models_are_asked_for_importances_and_reasons(tmp_path: Path) -> None:
    """Each family of features has its loss, and every error shown is one of the predictions."""
    result = run(trained(tmp_path))
    found = result.evaluation.levels["connection"]
    used = {"timing": 1, "service": 1, "own features": 3}
    assert {one.family: one.features for one in found.importances} == used
    rows = pl.read_parquet(result.folder / "predictions-connection-grouped.parquet")
    for one in found.mistakes:
        row = rows.row(
            by_predicate=(pl.col("uid") == one.uid) & (pl.col("capture_id") == one.capture_id), named=True
        )
        assert (row["label"], row["verdict"]) == {
            "false_alarm": ("benign", "malicious"),
            "missed": ("malicious", "benign"),
        }[one.kind]
        assert row["probability"] == pytest.approx(one.probability)
    assert result.evaluation.labels["policy"] == "auto"


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
    """Nine folds of eight captures a class, and nothing else asked for: the message counts."""
    with pytest.raises(BadData, match=r"no protocol is possible for captures: grouped: .*8 malicious"):
        run(trained(tmp_path), EvaluateSettings(folds=9, protocols=("grouped",)))


def test_what_is_not_possible_says_why_and_the_others_go_on(tmp_path: Path) -> None:
    """Nine folds of eight captures cannot be made: windows, families and sources are held out, though."""
    levels = run(trained(tmp_path), EvaluateSettings(folds=9)).evaluation.levels
    assert list(levels["capture"].protocols) == ["temporal", "leave-family-out", "leave-source-out"]
    assert "8 malicious and 8 benign captures" in levels["capture"].not_possible["grouped"]
    assert set(levels["capture"].not_possible) == {"grouped", "random"}
    assert levels["capture"].matrix is not None
    assert "trap could not be held out" in levels["capture"].protocols["leave-source-out"].notes[-1]


def test_several_seeds_give_several_figures(tmp_path: Path) -> None:
    """With three seeds each metric has three values, the first that of the result; with one it has none."""
    workspace = trained(tmp_path)
    evaluation = run(workspace, EvaluateSettings(folds=3, seeds=3, protocols=("grouped",))).evaluation
    found = evaluation.levels["connection"].protocols["grouped"]
    assert evaluation.seeds == (3, 4, 5)
    assert len(found.by_seed["roc_auc"]) == 3
    assert found.by_seed["roc_auc"][0] == found.metrics["roc_auc"].value
    assert len(set(found.by_seed["roc_auc"])) > 1
    again = run(workspace, EvaluateSettings(folds=3, protocols=("grouped",))).evaluation
    assert again.levels["connection"].protocols["grouped"].by_seed == {}


def test_a_model_is_compared_with_another_on_the_same_splits(tmp_path: Path) -> None:
    """The difference is that of both models' own figures, with an interval; with itself it is 0."""
    workspace = trained(tmp_path)
    shallow = tmp_path / "shallow.toml"
    shallow.write_text(
        'name = "shallow"\nestimator = "random-forest"\nparams = {n_estimators = 3, max_depth = 1}\n', "utf-8"
    )
    train(workspace, TrainSettings(spec=str(shallow), folds=3), engine=LocalEngine(1))
    settings = EvaluateSettings(folds=3, protocols=("grouped",), against=("shallow", NAME))
    mine = run(workspace, settings).evaluation
    its = evaluate(
        workspace,
        EvaluateSettings(folds=3, protocols=("grouped",)),
        model="shallow",
        seed=3,
        engine=LocalEngine(1),
    ).evaluation
    with_other, with_itself = (
        next(one for one in mine.comparisons if (one.against, one.level) == (name, "connection"))
        for name in ("shallow", NAME)
    )
    values = [e.levels["connection"].protocols["grouped"].metrics["roc_auc"].value or 0 for e in (mine, its)]
    difference = with_other.differences["roc_auc"]
    assert difference.value == pytest.approx(values[0] - values[1])
    assert difference.value is not None
    assert difference.low is not None
    assert difference.high is not None
    assert difference.low <= difference.value <= difference.high
    same = with_itself.differences["roc_auc"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_models_that_draw_other_rows_are_not_compared(tmp_path: Path) -> None:
    """A spec that reads fewer connections of a capture cannot be compared in pairs."""
    workspace = trained(tmp_path)
    few = tmp_path / "few.toml"
    few.write_text(
        'name = "few"\nestimator = "logistic-regression"\nmax_connections_per_capture = 5\n', "utf-8"
    )
    train(workspace, TrainSettings(spec=str(few), folds=3), engine=LocalEngine(1))
    with pytest.raises(SettingsError, match="'few' draws other connections than this model"):
        run(workspace, EvaluateSettings(folds=3, protocols=("grouped",), against=("few",)))


def test_a_model_without_a_level_is_not_compared_there(tmp_path: Path) -> None:
    """A model of captures only has nothing to say of connections."""
    workspace = trained(tmp_path)
    settings = TrainSettings(spec=NAME, name="captures", folds=3, levels=("capture",))
    train(workspace, settings, engine=LocalEngine(1))
    with pytest.raises(SettingsError, match="'captures' does not judge connections"):
        run(workspace, EvaluateSettings(folds=3, protocols=("grouped",), against=("captures",)))


def test_a_changed_rival_is_evaluated_anew(tmp_path: Path) -> None:
    """What is compared with is part of what an evaluation is of."""
    workspace = trained(tmp_path)
    settings = EvaluateSettings(folds=3, protocols=("grouped",), against=(NAME,))
    run(workspace, settings)
    assert run(workspace, settings).unchanged
    train(workspace, TrainSettings(spec=NAME, folds=4), engine=LocalEngine(1))
    assert not run(workspace, settings).unchanged


def test_tables_of_protocols_no_longer_asked_for_go(tmp_path: Path) -> None:
    """What lies beside a result belongs to it: predictions of an earlier evaluation do not stay."""
    workspace = trained(tmp_path)
    folder = run(workspace).folder
    run(workspace, EvaluateSettings(folds=3, protocols=("random",)))
    assert sorted(path.name for path in folder.glob("predictions-*")) == [
        "predictions-capture-random.parquet",
        "predictions-connection-random.parquet",
    ]


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
