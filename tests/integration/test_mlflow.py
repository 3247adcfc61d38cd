from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ptml.artifact import read_model_manifest
from ptml.engine import LocalEngine
from ptml.errors import PtmlError
from ptml.evaluate.stage import evaluate
from ptml.settings import EvaluateSettings, TrainSettings
from ptml.tracking import LOGGED, Tracker, is_installed
from ptml.train.record import read_record
from ptml.train.stage import train
from tests.integration.conftest import program
from tests.integration.mlflowserver import free_port, serving
from tests.train.builders import build_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.workspace import Workspace

pytestmark = [
    pytest.mark.skipif(
        not is_installed(), reason="the extra mlflow is not installed: `make integration` does it"
    ),
    pytest.mark.filterwarnings("default"),  # MLflow and what it brings warn of their own affairs
]
NAME = "logistic-regression"
QUICK = TrainSettings(spec=NAME, folds=3)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a real tracking server with an SQLite database."""
    with serving(program("mlflow"), tmp_path_factory.mktemp("mlflow")) as uri:
        yield uri


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Give a workspace with a model and its evaluation."""
    result = build_workspace(tmp_path_factory.mktemp("ws"))
    train(result, QUICK, engine=LocalEngine(1))
    evaluate(result, EvaluateSettings(folds=3), model=NAME, engine=LocalEngine(1))
    return result


def client_of(uri: str) -> Any:  # noqa: ANN401 - MLflow's own type
    """Give MLflow's own client."""
    from mlflow import MlflowClient  # noqa: PLC0415 - an extra

    return MlflowClient(uri)


def runs(uri: str, fingerprint: str) -> list[Any]:
    """Give the runs of a model."""
    client = client_of(uri)
    experiment = client.get_experiment_by_name("ptml")
    found = client.search_runs([experiment.experiment_id])
    return [run for run in found if run.data.tags.get("ptml.fingerprint") == fingerprint]


def test_a_training_is_logged_whole(server: str, workspace: Workspace, tmp_path: Path) -> None:
    """Parameters, figures, data set and every file of the model are at the server, byte for byte."""
    folder = workspace.model(NAME)
    manifest = read_model_manifest(folder)
    run_id = Tracker(server).training(folder, manifest)
    client = client_of(server)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["spec.estimator"] == NAME
    assert run.data.params["settings.folds"] == "3"
    assert run.data.params["labels.policy"] == "auto"
    assert run.data.params["seed"] == "0"
    for level, figures in read_record(folder, manifest).metrics.items():
        for name, value in figures.items():
            assert run.data.metrics[f"{level}.{name}"] == pytest.approx(value)
    [used] = run.inputs.dataset_inputs
    assert used.dataset.name == "captures"
    assert manifest.data_fingerprint.startswith(used.dataset.digest)
    client.download_artifacts(run_id, "model", str(tmp_path))
    given = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    assert given == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_model_is_logged_once(server: str, workspace: Workspace) -> None:
    """Logged again, a training stays one run; its evaluation joins it, and is logged once as well."""
    folder, report = workspace.model(NAME), workspace.report(NAME)
    manifest = read_model_manifest(folder)
    tracker = Tracker(server)
    ids = {tracker.training(folder, manifest), tracker.training(folder, manifest)}
    ids |= {tracker.evaluation(report, manifest), tracker.evaluation(report, manifest)}
    assert len(ids) == 1
    [run] = runs(server, manifest.fingerprint)
    found = json.loads((report / "evaluation.json").read_bytes())
    estimate = found["levels"]["capture"]["protocols"]["grouped"]["metrics"]["roc_auc"]
    assert run.data.metrics["capture.grouped.roc_auc.value"] == pytest.approx(estimate["value"])
    assert run.data.tags[LOGGED["evaluation"]] == found["fingerprint"]
    names = {one.path for one in client_of(server).list_artifacts(run.info.run_id, "evaluation")}
    assert names == {"evaluation/evaluation.json", "evaluation/evaluation.html", "evaluation/card.md"}


def ptml(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "ptml", *words],
        env={**os.environ, **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def test_the_command_line_logs(server: str, tmp_path: Path) -> None:
    """`--track` logs, what goes to stdout stays JSON, and the variable of MLflow does the same."""
    workspace = build_workspace(tmp_path)
    call = ["train", "--spec", NAME, "--folds", "2", "--data", str(workspace.root), "--json", "-q"]
    done = ptml(*call, "--seed", "5", "--track", server)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == NAME
    assert len(runs(server, read_model_manifest(NAME, workspace).fingerprint)) == 1
    done = ptml(*call, "--seed", "6", MLFLOW_TRACKING_URI=server)
    assert done.returncode == 0, done.stderr
    assert len(runs(server, read_model_manifest(NAME, workspace).fingerprint)) == 1


def test_a_server_that_is_down_leaves_the_model(tmp_path: Path) -> None:
    """The model is trained and kept, the error names the server without its password, and is no traceback."""
    workspace = build_workspace(tmp_path)
    uri = f"http://me:s3cret@127.0.0.1:{free_port()}"
    call = ["train", "--spec", NAME, "--folds", "2", "--data", str(workspace.root), "-q", "--track", uri]
    done = ptml(*call, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_HTTP_REQUEST_TIMEOUT="2")
    assert done.returncode == 1
    assert "did not take it" in done.stderr
    assert "nothing is trained twice" in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr
    assert read_model_manifest(NAME, workspace).name == NAME


def test_what_the_server_refuses_is_told(workspace: Workspace) -> None:
    """An address that is none is an error of ptml's, with what to do."""
    folder = workspace.model(NAME)
    with pytest.raises(PtmlError, match="did not take it"):
        Tracker("gopher://nowhere").training(folder, read_model_manifest(folder))
