from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from ptml.artifact import find_model
from ptml.catalog import upsert
from ptml.cli import app
from ptml.engine import LocalEngine
from ptml.errors import MissingInput, SettingsError
from ptml.labels import label_connections
from ptml.settings import LabelsSettings, TrainSettings
from ptml.train.reproduce import Reproduction, reproduce
from ptml.train.stage import train
from ptml.workspace import Workspace
from tests.train.builders import (
    build_workspace,
    capture_table,
    captures,
    connection_table,
    publish_features,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "logistic-regression"
QUICK = TrainSettings(spec=NAME, folds=3)


@pytest.fixture(scope="module")
def model_at_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the root of a workspace with a model, trained once with a seed of its own."""
    workspace = build_workspace(tmp_path_factory.mktemp("once"))
    train(workspace, QUICK, seed=3, engine=LocalEngine(1))
    return workspace.root


@pytest.fixture
def trained(model_at_hand: Path, tmp_path: Path) -> Workspace:
    """Give a workspace with a model that a test may change."""
    return Workspace(shutil.copytree(model_at_hand, tmp_path / "ws"))


def again(workspace: Workspace, model: str | Path = NAME, **values: Any) -> Reproduction:  # noqa: ANN401
    """Reproduce in this process."""
    return reproduce(workspace, model, engine=LocalEngine(1), **values)


def differing(result: Reproduction) -> dict[str, str]:
    """Give what differs, with what is said of it."""
    return {one.what: one.detail for one in result.checks if not one.same}


def edit(workspace: Workspace, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a model's manifest."""
    path = find_model(NAME, workspace) / "manifest.json"
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value), "utf-8")


@pytest.mark.parametrize("spec", ["logistic-regression", "hist-gradient-boosting", "random-forest"])
def test_the_same_data_give_the_same_model(tmp_path: Path, spec: str) -> None:
    """Trained again on the same data, everything is the same, and the model's folder is not touched."""
    workspace = build_workspace(tmp_path)
    folder = train(workspace, QUICK.model_copy(update={"spec": spec}), seed=3, engine=LocalEngine(1)).folder
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    result = again(workspace, spec)
    assert differing(result) == {}
    assert result.reproduced
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


@pytest.mark.parametrize("captures", ["pooled", "stack"])
def test_verdicts_by_connections_are_reproduced(tmp_path: Path, captures: str) -> None:
    """A model that judges captures by their connections is trained again like any other."""
    spec = tmp_path / "own.toml"
    spec.write_text(f'name = "own"\nestimator = "logistic-regression"\ncaptures = "{captures}"\n', "utf-8")
    workspace = build_workspace(tmp_path / "ws")
    train(workspace, QUICK.model_copy(update={"spec": str(spec)}), engine=LocalEngine(1))
    result = again(workspace, "own")
    assert differing(result) == {}
    assert ("capture: estimator" in {one.what for one in result.checks}) == (captures == "stack")


def test_a_model_elsewhere_is_reproduced_by_its_folder(trained: Workspace, tmp_path: Path) -> None:
    """A copy of the model's folder is enough, with a workspace that holds the data."""
    copy = find_model(NAME, trained).rename(tmp_path / "copy")
    assert again(trained, copy).reproduced


def test_a_changed_label_is_named(trained: Workspace) -> None:
    """A capture whose label was changed in the catalog is named with both labels, and so is what follows."""
    made = captures()[0]
    row: dict[str, object] = {
        "capture_id": made.capture_id,
        "name": made.name,
        "label": "benign",
        "label_level": "capture",
        "label_method": "manifest",
        "family": None,
        "unit": "file",
    }
    upsert(trained, [row], [])
    result = again(trained)
    assert not result.reproduced
    told = differing(result)
    assert f"{made.capture_id}: label was 'malicious', is 'benign'" in told["captures"]
    assert f"{made.capture_id}: family was 'family0', is None" in told["captures"]
    assert {"figures", "capture: estimator"} <= told.keys()
    assert "record" not in told


def test_changed_features_are_named(trained: Workspace) -> None:
    """A capture whose features were made anew with other values is named."""
    made = captures()[7]
    changed = connection_table(made).with_columns(pl.col("duration") + pl.lit(3, pl.Float32))
    publish_features(trained, made, {"connection": changed, "capture": capture_table(made)})
    told = differing(again(trained))
    assert told["captures"].startswith(f"{made.capture_id}: features")
    assert "connection: estimator" in told
    assert "capture: estimator" not in told


@pytest.mark.parametrize(
    ("change", "what", "told"),
    [
        (
            lambda m: m["levels"]["capture"].update(threshold=0.1),
            "capture: manifest",
            "threshold: recorded 0.1",
        ),
        (lambda m: m["levels"]["capture"]["calibration"].update(slope=9), "capture: manifest", "slope"),
        (lambda m: m["levels"]["capture"]["out_of_fold"].update(recall=0.5), "capture: manifest", "recall"),
        (
            lambda m: m["levels"]["connection"]["training"].update(rows=9),
            "connection: manifest",
            "training.rows",
        ),
        (lambda m: m["spec"].update(class_weights="none"), "record", "was edited"),
        (lambda m: m["settings"].update(folds=2), "folds", "in fold"),
        (lambda m: m.update(seed=4), "record", "was edited"),
        (lambda m: m.update(fingerprint="0" * 64), "record", "was edited"),
        (lambda m: m["files"].update({"splits.parquet": "0" * 64}), "record", "splits.parquet has sha256"),
        (
            lambda m: m["levels"]["capture"].update(sha256="0" * 64),
            "capture: estimator",
            "cannot be loaded",
        ),
        (lambda m: m["captures"].update({captures()[0].capture_id: "x"}), "captures", "recorded 'x'"),
        (lambda m: m["captures"].pop(captures()[0].capture_id), "captures", "recorded not there"),
        (lambda m: m["spec"].update(estimator="no-such"), "training", "estimator"),
        (lambda m: m["settings"].update(folds=7), "training", "7 folds"),
        (lambda m: m.update(feature_version="v0"), "features", "recorded 'v0'"),
        (
            lambda m: m.update(data_fingerprint="0" * 64),
            "captures",
            "features, labels or the catalog changed",
        ),
    ],
)
def test_an_edited_manifest_is_caught(
    trained: Workspace, change: Callable[[dict[str, Any]], object], what: str, told: str
) -> None:
    """Whatever of the manifest is edited, the model is not reproduced, and what differs is named."""
    edit(trained, change)
    result = again(trained)
    assert not result.reproduced
    assert told in differing(result)[what]


def test_other_versions_explain_and_do_not_decide(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another ptml on another machine the same results count as reproduced, and both are told."""
    monkeypatch.setattr("ptml.train.reproduce.__version__", "9.9")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    result = again(trained)
    assert result.reproduced
    assert "ptml: recorded" in differing(result)["versions"]
    assert "now 'riscv64'" in differing(result)["machine"]


def test_a_model_without_a_record_is_not_reproduced(trained: Workspace) -> None:
    """A model of before there were records is trained again all the same, and what is missing is said."""
    edit(trained, lambda manifest: manifest.update(files={}, machine=None, commit=None))
    result = again(trained)
    assert differing(result).keys() == {"record"}
    assert "no metrics.json in its record" in differing(result)["record"]


def test_the_policy_of_labels_is_the_models(trained: Workspace) -> None:
    """Labels that another training made by another policy are made again by the model's own."""
    label_connections(trained, LabelsSettings(policy="inherit"), engine=LocalEngine(1))
    assert again(trained).reproduced


def test_indicators_must_be_given(trained: Workspace, tmp_path: Path) -> None:
    """A model whose labels came from a list of indicators says so; another list is told from it."""
    edit(trained, lambda manifest: manifest.update(labels={"policy": "auto", "indicators": "0" * 64}))
    with pytest.raises(SettingsError, match=r"none was given(.|\n)*--indicators FILE"):
        again(trained)
    other = tmp_path / "other.csv"
    other.write_text("address\n198.51.100.7\n", "utf-8")
    assert "labels.indicators: recorded" in differing(again(trained, indicators=other))["labels"]


def test_no_model_is_missing_input(trained: Workspace) -> None:
    """A mistyped name is told with the models that there are."""
    with pytest.raises(MissingInput, match=f"'{NAME}'"):
        again(trained, "logistic")


def test_the_command_tells_and_exits(trained: Workspace) -> None:
    """`ptml reproduce` exits with 0 where all is the same and with 6 where not, in JSON and as a table."""
    runner = CliRunner()
    call = ["reproduce", NAME, "--data", str(trained.root), "--jobs", "1", "-q"]
    fine = runner.invoke(app, [*call, "--json"])
    assert fine.exit_code == 0
    assert json.loads(fine.stdout)["reproduced"] is True
    edit(trained, lambda manifest: manifest["levels"]["capture"].update(threshold=0.1))
    broken = runner.invoke(app, [*call, "--json"])
    assert broken.exit_code == 6
    checks = {one["what"]: one for one in json.loads(broken.stdout)["checks"]}
    assert not checks["capture: manifest"]["same"]
    shown = runner.invoke(app, call)
    assert shown.exit_code == 6
    assert "NOT reproduced" in shown.stdout
