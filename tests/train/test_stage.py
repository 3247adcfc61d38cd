from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ptml.artifact import load_model
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, SettingsError
from ptml.settings import DatasetSettings, LabelsSettings, TrainSettings
from ptml.train.stage import TrainResult, train
from ptml.workspace import Workspace
from tests.train.builders import (
    Made,
    build_workspace,
    capture_table,
    captures,
    connection_table,
    publish_features,
)

if TYPE_CHECKING:
    from pathlib import Path

QUICK = TrainSettings(spec="logistic-regression", folds=3)


def run(
    workspace: Workspace, settings: TrainSettings = QUICK, *, force: bool = False, seed: int = 0
) -> TrainResult:
    """Train in this process."""
    return train(workspace, settings, seed=seed, engine=LocalEngine(1), force=force)


def test_a_model_is_trained_and_scores(tmp_path: Path) -> None:
    """A model of both levels is published, tells what it learned from, and ranks new captures."""
    workspace = build_workspace(tmp_path)
    result = run(workspace)
    training = result.manifest.levels["connection"].training
    assert (training.rows, training.malicious, training.captures, training.malicious_captures) == (
        240,
        120,
        12,
        6,
    )
    assert result.manifest.levels["capture"].training.rows == 12
    assert set(result.manifest.captures) == {made.capture_id for made in captures()}
    model = load_model("logistic-regression", workspace)
    bad, good = (
        model.score(capture_table(Made(*new)), "capture") for new in (("new1", "malicious"), ("new2",))
    )
    assert (bad["verdict"].item(), good["verdict"].item()) == ("malicious", "benign")


def test_nothing_changed_keeps_the_model(tmp_path: Path) -> None:
    """The same again is kept and said so; another seed, new features or --force train anew."""
    workspace = build_workspace(tmp_path)
    first = run(workspace)
    assert not first.unchanged
    assert run(workspace).unchanged
    assert run(workspace).manifest == first.manifest
    assert not run(workspace, force=True).unchanged
    assert not run(workspace, seed=1).unchanged
    made = captures()[0]
    changed = connection_table(made).with_columns(pl.col("bytes_sum") + 1)
    publish_features(workspace, made, {"connection": changed, "capture": capture_table(made)})
    assert not run(workspace, seed=1).unchanged


def test_other_checks_of_an_audit_train_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model carries the light of an audit, so that it is not kept where the checks are others by now."""
    workspace = build_workspace(tmp_path)
    run(workspace)
    monkeypatch.setattr("ptml.train.facts.AUDIT_VERSION", "another")
    assert not run(workspace).unchanged


def test_a_broken_model_is_trained_again(tmp_path: Path) -> None:
    """A model without its estimator, or with a torn manifest, does not count as trained."""
    workspace = build_workspace(tmp_path)
    folder = run(workspace).folder
    next(folder.glob("*.skops")).unlink()
    assert not run(workspace).unchanged
    (folder / "manifest.json").write_text("{", "utf-8")
    assert not run(workspace).unchanged


PROGRAM = """
import sys
from pathlib import Path
from ptml.artifact import load_model
from ptml.engine import LocalEngine
from ptml.settings import TrainSettings
from ptml.train.stage import train
from ptml.workspace import Workspace
from tests.train.builders import Made, connection_table
workspace, name = Workspace(Path(sys.argv[1])), sys.argv[2]
settings = TrainSettings(spec="hist-gradient-boosting", name=name, folds=3, seed=5)
train(workspace, settings, engine=LocalEngine(1))
load_model(name, workspace).score(connection_table(Made("new", "malicious"))).write_parquet(sys.argv[3])
"""


def test_fresh_processes_agree(tmp_path: Path) -> None:
    """Two processes that train on the same data with the same seed give the same scores to 1e-9."""
    build_workspace(tmp_path / "data")
    found = []
    for name in ("one", "two"):
        out = tmp_path / f"{name}.parquet"
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "data"), name, str(out)]
        subprocess.run(command, check=True, timeout=120)
        found.append(pl.read_parquet(out))
    assert_frame_equal(*found, abs_tol=1e-9, rel_tol=0)


def test_one_class_is_bad_data(tmp_path: Path) -> None:
    """Benign captures alone teach nothing, and no model is left behind."""
    workspace = build_workspace(tmp_path, captures(0, 4))
    with pytest.raises(BadData, match="0 malicious and 80 benign"):
        run(workspace)
    assert not workspace.model("logistic-regression").exists()


def test_fewer_captures_than_folds_is_bad_data(tmp_path: Path) -> None:
    """Two malicious captures cannot fill three folds; the message says so and what to lower."""
    with pytest.raises(BadData, match=r"2 malicious and 6 benign captures(.|\n)*lower `folds` to 2"):
        run(build_workspace(tmp_path, captures(2, 6)))


def test_no_workspace_is_missing_input(tmp_path: Path) -> None:
    """A mistyped --data is named."""
    with pytest.raises(MissingInput, match="no workspace at"):
        run(Workspace(tmp_path / "nowhere"))


def test_a_model_tells_how_its_labels_were_made(tmp_path: Path) -> None:
    """The policy stands in the manifest; another one trains anew, even where all labels stay as they were."""
    workspace = build_workspace(tmp_path)
    assert run(workspace).manifest.labels == {"policy": "auto", "indicators": None}
    inherit = LabelsSettings(policy="inherit")
    result = train(workspace, QUICK, labels=inherit, engine=LocalEngine(1))
    assert not result.unchanged
    assert result.manifest.labels == {"policy": "inherit", "indicators": None}


def test_capture_only_trains_captures_only(tmp_path: Path) -> None:
    """Connections without labels cannot be learned from, and the error says what can; captures can."""
    workspace = build_workspace(tmp_path)
    alone = LabelsSettings(policy="capture-only")
    with pytest.raises(SettingsError, match=r"without a label(.|\n)*train\.levels"):
        train(workspace, QUICK, labels=alone, engine=LocalEngine(1))
    settings = QUICK.model_copy(update={"levels": ("capture",)})
    result = train(workspace, settings, labels=alone, engine=LocalEngine(1))
    assert list(result.manifest.levels) == ["capture"]


def test_a_model_is_trained_on_what_is_chosen(tmp_path: Path) -> None:
    """The test period and unknown families are not learned from, and counted; another choice trains anew."""
    noon = datetime(2021, 1, 4, 12, tzinfo=UTC)
    made = [replace(one, start=noon + timedelta(days=day)) for day, one in enumerate(captures(8, 8))]
    workspace = build_workspace(tmp_path, made)
    periods = {
        "train": (noon, noon + timedelta(days=14)),
        "test": (noon + timedelta(days=14), noon + timedelta(days=30)),
    }
    values = {"unknown_families": ["family1"], "periods": periods}
    settings = QUICK.model_copy(update={"dataset": DatasetSettings.model_validate(values)})
    result = run(workspace, settings)
    training = result.manifest.levels["capture"].training
    assert training.excluded == {
        "captures of the test period": 2,
        "captures of unknown families, in the periods train and validation": 4,
    }
    assert (training.rows, training.malicious) == (10, 4)
    assert set(result.manifest.captures) == {one.capture_id for one in made[:14] if one.family != "family1"}
    assert run(workspace, settings).unchanged
    assert not run(workspace).unchanged


def test_nothing_left_to_learn_from_says_what_was_left_out(tmp_path: Path) -> None:
    """If all that is malicious is to be unknown, the message tells how much that was."""
    workspace = build_workspace(tmp_path)
    chosen = DatasetSettings(unknown_families=("family0", "family1"))
    with pytest.raises(
        BadData, match=r"0 malicious and 120 benign(.|\n)*120 left out \(connections of unknown"
    ):
        run(workspace, QUICK.model_copy(update={"dataset": chosen}))
