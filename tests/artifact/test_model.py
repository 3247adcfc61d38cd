from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ptml.artifact import find_model, load_model, read_model_manifest
from ptml.errors import BadData, MissingInput, ModelMismatch
from ptml.workspace import Workspace
from tests.artifact.builders import NAMES, saved, table

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.train.registry import EstimatorName


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("prevalence", "isolation-forest")])
def test_scores_survive_saving(tmp_path: Path, name: EstimatorName) -> None:
    """A model scores the same after it was saved and loaded twice, and finds what it was taught."""
    saved(tmp_path / "small", name)
    one, two = (load_model(tmp_path / "small").score(table()) for _ in range(2))
    assert_frame_equal(one, two, check_exact=True)
    assert one.columns == ["capture_id", "uid", "probability", "verdict", "threshold"]
    assert one.filter(pl.col("verdict") == "malicious").height > 0


def test_the_verdict_follows_the_threshold(tmp_path: Path) -> None:
    """A row is called malicious exactly where its probability reaches the threshold."""
    saved(tmp_path / "small")
    scores = load_model(tmp_path / "small").score(table())
    expected = ["malicious" if p >= 0.5 else "benign" for p in scores["probability"]]
    assert scores["verdict"].to_list() == expected


def test_a_row_depends_on_itself_alone(tmp_path: Path) -> None:
    """Scoring in batches, in any order, lazily or not, gives each row the same score."""
    saved(tmp_path / "small", "hist-gradient-boosting")
    model, frame = load_model(tmp_path / "small"), table()
    whole = model.score(frame)
    batches = pl.concat([model.score(frame[40:].lazy()), model.score(frame[:40])])
    assert_frame_equal(whole, batches.sort("uid"), check_exact=True)


def test_no_rows_give_an_empty_typed_table(tmp_path: Path) -> None:
    """An empty input is no error."""
    saved(tmp_path / "small")
    model = load_model(tmp_path / "small")
    assert model.score(table()[:0]).schema == model.score(table()).schema


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A table without one of the features is refused by name."""
    saved(tmp_path / "small")
    with pytest.raises(ModelMismatch, match="columns are missing: 'orig_pkts'"):
        load_model(tmp_path / "small").score(table().drop("orig_pkts"))


def test_another_feature_version_is_refused(tmp_path: Path) -> None:
    """A model trained on other features says which version it wants and which there is."""
    saved(tmp_path / "small")
    with pytest.raises(ModelMismatch, match="features of version v1; these are of version v2"):
        load_model(tmp_path / "small", feature_version="v2")


def test_another_scikit_learn_is_refused(tmp_path: Path) -> None:
    """A model made by another minor version of scikit-learn is not read by this one."""
    saved(tmp_path / "small", libraries={"scikit-learn": "0.24.2"})
    with pytest.raises(ModelMismatch, match=r"made with scikit-learn 0\.24\.2"):
        load_model(tmp_path / "small")


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    """One more byte, or a pickle in its place, and the file is not loaded."""
    manifest = saved(tmp_path / "small")
    file = tmp_path / "small" / str(manifest.levels["connection"].file)
    file.write_bytes(pickle.dumps(print))
    with pytest.raises(BadData, match=r"where its manifest says .* it was not loaded"):
        load_model(tmp_path / "small")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A manifest without its estimator asks to train or fetch again."""
    manifest = saved(tmp_path / "small")
    (tmp_path / "small" / str(manifest.levels["connection"].file)).unlink()
    with pytest.raises(MissingInput, match=r"connection-.*\.skops cannot be read"):
        load_model(tmp_path / "small")


def test_a_manifest_that_is_not_json_is_bad_data(tmp_path: Path) -> None:
    """A broken manifest is reported with its path."""
    saved(tmp_path / "small")
    (tmp_path / "small" / "manifest.json").write_text("{", "utf-8")
    with pytest.raises(BadData, match=r"manifest\.json is not JSON"):
        load_model(tmp_path / "small")


def test_models_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    """A name means a model of the workspace; a path means itself."""
    workspace = Workspace(tmp_path)
    saved(workspace.model("small"))
    assert find_model("small", workspace) == workspace.model("small")
    assert find_model(workspace.model("small")) == workspace.model("small")
    assert read_model_manifest("small", workspace).name == "small"


def test_a_missing_model_lists_those_there_are(tmp_path: Path) -> None:
    """A mistyped name is answered with the nearest."""
    workspace = Workspace(tmp_path)
    saved(workspace.model("small"))
    with pytest.raises(MissingInput, match=r"no model 'smal'(.|\n)*did you mean 'small'"):
        load_model("smal", workspace)


def test_saving_again_leaves_no_old_files(tmp_path: Path) -> None:
    """A model that is trained again replaces its files, and its manifest names what is there."""
    saved(tmp_path / "small", "random-forest")
    saved(tmp_path / "small", "logistic-regression")
    files = sorted(path.name for path in (tmp_path / "small").iterdir())
    named = json.loads((tmp_path / "small" / "manifest.json").read_text("utf-8"))["levels"]["connection"][
        "file"
    ]
    assert files == [named, "manifest.json"]
