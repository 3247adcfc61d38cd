from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ptml.artifact import read_model_manifest
from ptml.workspace import Workspace
from tests.integration.conftest import program
from tests.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAGES = ["captures", "parse", "features", "train", "evaluate"]
RUN = """
[run]
seed = 3
jobs = 1
[simulate]
captures = 14
connections = 560
[parse]
[features]
[train]
spec = "logistic-regression"
name = "small"
levels = ["capture"]
folds = 2
[evaluate]
folds = 2
protocols = ["grouped"]
"""
PATIENCE = 600


class Project:
    """A git repository with DVC in it, and ptml on its path."""

    def __init__(self, folder: Path, run: str) -> None:
        self.folder = folder
        self._dvc = program("dvc")
        binaries = folder / "bin"
        binaries.mkdir()
        command = binaries / "ptml"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ptml "$@"\n', "utf-8")
        command.chmod(0o755)
        self._environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(binaries), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "DVC_NO_ANALYTICS": "1",
            "DVC_GLOBAL_CONFIG_DIR": str(folder / "global"),
            "DVC_SYSTEM_CONFIG_DIR": str(folder / "system"),
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
        }
        shutil.copy(ROOT / "pipelines" / "dvc.yaml", folder)
        self.set_run(run)
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        self.dvc("init", "-q")

    def set_run(self, run: str) -> None:
        """Write the run file."""
        (self.folder / "run.toml").write_text(run, "utf-8")

    def dvc(self, *words: str) -> str:
        """Run DVC and give what it says."""
        done = subprocess.run(
            [self._dvc, *words],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def repro(self) -> list[str]:
        """Bring all up to date and name the stages that ran."""
        said = self.dvc("repro")
        return [name for name in STAGES if f"Running stage '{name}'" in said]


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose stages have all run once; whoever changes its run file changes it back."""
    project = Project(tmp_path_factory.mktemp("dvc"), RUN)
    assert project.repro() == STAGES
    return project


@pytest.fixture
def project(reproduced: Project) -> Iterator[Project]:
    """Lend the project, and give it its own run file back."""
    yield reproduced
    reproduced.set_run(RUN)


def test_every_stage_leaves_what_the_next_one_reads(project: Project) -> None:
    """After one `dvc repro` there are captures, a model and a report, and DVC shows the figures."""
    workspace = Workspace(project.folder / "data")
    assert read_model_manifest("small", workspace).levels["capture"].training.rows == 14
    assert (workspace.report("small") / "evaluation.json").is_file()
    assert "metrics.json" in project.dvc("metrics", "show")


def test_a_second_run_does_nothing(project: Project) -> None:
    """What is up to date is not run again."""
    assert project.repro() == []


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        (("captures = 14", "captures = 15"), {"captures"}),
        (("seed = 3", "seed = 4"), {"captures", "train", "evaluate"}),
        (("[parse]", "[parse]\nzeek_seconds = 60"), {"parse"}),
        (("[features]", "[features]\nbatch_rows = 2000"), {"features"}),
        (('levels = ["capture"]', 'levels = ["connection"]'), {"train"}),
        (("folds = 2\nprotocols", "folds = 3\nprotocols"), {"evaluate"}),
    ],
)
def test_each_table_belongs_to_its_stage(project: Project, change: tuple[str, str], stages: set[str]) -> None:
    """A change in a table of the run file is seen by the stage that reads it."""
    project.set_run(RUN.replace(*change))
    assert set(json.loads(project.dvc("status", "--json"))) == stages


def test_what_depends_on_a_change_runs_and_no_more(project: Project) -> None:
    """With other folds only training and evaluation run; changed back, the first model is in the cache."""
    workspace = Workspace(project.folder / "data")
    first = read_model_manifest("small", workspace)
    project.set_run(RUN.replace("folds = 2\n[evaluate]", "folds = 3\n[evaluate]"))
    assert project.repro() == ["train", "evaluate"]
    assert read_model_manifest("small", workspace).settings["folds"] == 3
    project.set_run(RUN)
    assert project.repro() == []
    assert read_model_manifest("small", workspace) == first


def test_the_demo_is_a_run_file_for_dvc(tmp_path: Path) -> None:
    """The file as it is shipped fits the demo as it is shipped: every table it names is there."""
    project = Project(tmp_path, (ROOT / "pipelines" / "demo.toml").read_text("utf-8"))
    assert list(json.loads(project.dvc("status", "--json"))) == STAGES
