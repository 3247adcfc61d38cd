from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ptml.artifact import read_model_manifest
from ptml.cli import app
from ptml.engine import LocalEngine
from ptml.errors import MissingTool
from ptml.settings import TrainSettings
from ptml.tracking import Tracker, parameters, tracker_for
from ptml.train.stage import train
from tests.train.builders import build_workspace

if TYPE_CHECKING:
    from pathlib import Path


def has_mlflow(monkeypatch: pytest.MonkeyPatch, *, there: bool) -> None:
    """Pretend that MLflow is installed, or is not."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object() if there else None)


def test_nothing_is_logged_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server nothing is logged; the variable counts where MLflow is installed, and only there."""
    has_mlflow(monkeypatch, there=True)
    assert tracker_for(None) is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracker_for(None) == Tracker("http://127.0.0.1:5000")
    assert tracker_for("http://named") == Tracker("http://named")
    has_mlflow(monkeypatch, there=False)
    assert tracker_for(None) is None


def test_without_mlflow_nothing_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--track` without the extra is a missing tool, told before any work is done."""
    has_mlflow(monkeypatch, there=False)
    with pytest.raises(MissingTool, match=r"ptml\[mlflow\]"):
        tracker_for("http://127.0.0.1:5000")
    workspace = build_workspace(tmp_path)
    call = ["train", "--data", str(workspace.root), "--track", "http://127.0.0.1:5000", "-q"]
    assert CliRunner().invoke(app, call).exit_code == 7
    assert not (workspace.root / "models").exists()


def test_parameters_are_all_that_determines_a_model(tmp_path: Path) -> None:
    """Spec, settings, labels, libraries, seed and data are flat names with texts."""
    workspace = build_workspace(tmp_path)
    result = train(workspace, TrainSettings(spec="random-forest", folds=2), seed=4, engine=LocalEngine(1))
    told = parameters(read_model_manifest(result.folder))
    assert told["spec.params.n_estimators"] == "200"
    assert told["settings.folds"] == "2"
    assert told["seed"] == "4"
    assert told["data_fingerprint"] == result.manifest.data_fingerprint
    assert told["libraries.scikit-learn"] == result.manifest.libraries["scikit-learn"]
    assert not any(isinstance(value, dict) for value in told.values())
