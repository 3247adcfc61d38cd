from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ptml import io
from ptml.artifact import load_model, read_model_manifest
from ptml.catalog import upsert
from ptml.engine import LocalEngine
from ptml.errors import BadData, CannotWrite, MissingInput
from ptml.schema import LEARNED, SPLITS, schema_version
from ptml.settings import TrainSettings
from ptml.train.dataset import load_dataset
from ptml.train.fit import fit_level
from ptml.train.record import RecordKeeper, figures_of, read_record, terms_of
from ptml.train.spec import load_spec
from ptml.train.stage import train
from tests.train.builders import Made, build_workspace, captures

if TYPE_CHECKING:
    from ptml.train.record import Record
    from ptml.workspace import Workspace

QUICK = TrainSettings(spec="logistic-regression", folds=3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a model that was trained once."""
    workspace = build_workspace(tmp_path_factory.mktemp("ws"))
    return train(workspace, QUICK, engine=LocalEngine(1)).folder


def record_of(folder: Path) -> Record:
    """Read a model's record."""
    return read_record(folder, read_model_manifest(folder))


def test_every_file_of_the_record_is_there(trained: Path) -> None:
    """A model's folder holds its estimators, manifest, record and card, and no more."""
    names = {"".join(path.name.partition("-")[:1]) for path in trained.iterdir()}
    assert names == {
        "capture",
        "captures.parquet",
        "card.md",
        "connection",
        "manifest.json",
        "metrics.json",
        "reference.json",
        "splits.parquet",
    }


def test_splits_name_each_capture_once_a_level(trained: Path) -> None:
    """Each capture is held out whole by one fold of three, and each fold has captures of both classes."""
    splits = record_of(trained).splits
    assert splits.schema == pl.Schema(SPLITS.schema)
    for level, rows in (("connection", 20), ("capture", 1)):
        one = splits.filter(level=level)
        assert sorted(one["capture_id"]) == sorted(made.capture_id for made in captures())
        assert one["rows"].to_list() == [rows] * 12
        by_fold = one.group_by("fold").agg(bad=pl.col("malicious").sum(), all=pl.col("rows").sum())
        assert sorted(by_fold["fold"]) == [0, 1, 2]
        assert all(0 < bad < every for bad, every in by_fold.select("bad", "all").iter_rows())


def test_what_no_fold_held_out_has_none(tmp_path: Path) -> None:
    """Captures that no fold held out have no fold, and the figures do not count them."""
    workspace = build_workspace(tmp_path)
    data = load_dataset(workspace, "capture", load_spec("logistic-regression"))
    fitted = fit_level(
        load_spec("logistic-regression"), data, np.arange(12), folds=3, max_false_positive_rate=0.01, seed=0
    )
    first = np.arange(12) < 4
    held_out = np.where(first, np.nan, fitted.held_out)
    keeper = RecordKeeper(workspace)
    keeper.add(data, replace(fitted, fold_of=np.where(first, -1, fitted.fold_of), held_out=held_out))
    record = keeper.record()
    assert record.splits["fold"].is_null().to_list() == first.tolist()
    assert record.metrics["capture"]["rows"] == 8


def test_captures_that_share_content_are_in_one_fold(tmp_path: Path) -> None:
    """Two captures of the same packets have one group, named after the first, and one fold."""
    twins = [Made("twin1", sha256="a" * 64), Made("twin2", sha256="a" * 64)]
    workspace = build_workspace(tmp_path, [*captures(), *twins])
    folder = train(workspace, QUICK, engine=LocalEngine(1)).folder
    ids = sorted(made.capture_id for made in twins)
    both = record_of(folder).splits.filter(pl.col("capture_id").is_in(ids), level="connection")
    assert both["group"].to_list() == [ids[0]] * 2
    assert both["fold"].n_unique() == 1


def test_captures_are_listed_with_what_was_learned_from(tmp_path: Path) -> None:
    """A capture without features or label is listed, and said not to have been used."""
    workspace = build_workspace(
        tmp_path, [*captures(), Made("odd", "unknown"), Made("bare", "benign")], without=["bare"]
    )
    folder = train(workspace, QUICK, engine=LocalEngine(1)).folder
    listed = record_of(folder).captures
    assert listed.schema == pl.Schema(LEARNED.schema)
    unused = {Made("odd").capture_id, Made("bare").capture_id}
    assert set(listed.filter(~pl.col("used"))["capture_id"]) == unused
    assert listed.height == 14
    assert listed.filter(capture_id=Made("bare").capture_id)["features"].item() is None
    assert (
        listed.filter("used")
        .select(pl.col("raw", "features", "labels").str.len_bytes() == 64)
        .to_numpy()
        .all()
    )


def test_figures_are_those_of_the_manifest(trained: Path) -> None:
    """Recall, false positive rate and ROC-AUC are the same in metrics.json and manifest.json."""
    manifest, metrics = read_model_manifest(trained), record_of(trained).metrics
    assert set(metrics) == {"connection", "capture"}
    for name, level in manifest.levels.items():
        for figure, value in level.out_of_fold.model_dump().items():
            assert metrics[name][figure] == pytest.approx(value, abs=1e-12)
        assert metrics[name]["threshold"] == level.threshold


def test_figures_agree_with_scikit_learn_and_by_hand() -> None:
    """Weighted precision, recall and Brier score are those worked by hand, the areas scikit-learn's."""
    y = np.array([1, 1, 0, 0], np.int8)
    p, weights = np.array([0.9, 0.4, 0.6, 0.1]), np.array([1.0, 3.0, 2.0, 2.0])
    found = figures_of(y, p, weights, 0.5)
    assert found["recall"] == pytest.approx(1 / 4)
    assert found["false_positive_rate"] == pytest.approx(2 / 4)
    assert found["precision"] == pytest.approx(1 / 3)
    assert found["brier"] == pytest.approx((0.01 * 1 + 0.36 * 3 + 0.36 * 2 + 0.01 * 2) / 8)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(y, p, sample_weight=weights))
    assert found["pr_auc"] == pytest.approx(average_precision_score(y, p, sample_weight=weights))


def test_precision_is_unknown_where_nothing_is_called() -> None:
    """A threshold that calls nothing malicious has no precision, rather than one of zero."""
    found = figures_of(np.array([1, 0], np.int8), np.array([0.2, 0.1]), np.ones(2), 1.0)
    assert found["precision"] is None
    assert found["recall"] == 0.0


def test_the_manifest_tells_where_it_was_made(trained: Path) -> None:
    """Machine, version of the tables and hashes of the record are there; no host name and no path is."""
    value = json.loads((trained / "manifest.json").read_bytes())
    assert value["machine"]["cores"] >= 1
    assert value["schema_version"] == schema_version()
    assert value["files"] == {
        name: io.sha256_file(trained / name)
        for name in ("splits.parquet", "captures.parquet", "metrics.json", "reference.json")
    }
    assert str(trained.parent) not in json.dumps(value)


def test_a_changed_record_is_refused(tmp_path: Path) -> None:
    """A file of the record that was edited or is gone is named, and the model itself still loads."""
    workspace = build_workspace(tmp_path)
    folder = train(workspace, QUICK, engine=LocalEngine(1)).folder
    (folder / "metrics.json").write_text("{}", "utf-8")
    with pytest.raises(BadData, match=r"metrics\.json has sha256"):
        record_of(folder)
    (folder / "metrics.json").unlink()
    with pytest.raises(MissingInput, match=r"metrics\.json cannot be read"):
        record_of(folder)
    assert load_model(folder).levels == ("capture", "connection")


def test_a_model_that_lost_a_file_is_trained_again(tmp_path: Path) -> None:
    """A model whose card or folds are gone does not count as trained."""
    workspace = build_workspace(tmp_path)
    for name in ("card.md", "splits.parquet"):
        folder = train(workspace, QUICK, engine=LocalEngine(1)).folder
        (folder / name).unlink()
        assert not train(workspace, QUICK, engine=LocalEngine(1)).unchanged
        assert (folder / name).is_file()


@pytest.mark.parametrize("broken", range(6))
def test_no_room_leaves_the_earlier_model_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    """Whichever file of a new model cannot be written, every file of the earlier one stays as it was."""
    workspace = build_workspace(tmp_path)
    folder = train(workspace, QUICK, engine=LocalEngine(1)).folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write, count = Path.write_bytes, iter(range(100))

    def write_or_fail(path: Path, data: bytes) -> int:
        if ".tmp" in path.parts and next(count) == broken:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_or_fail)
    monkeypatch.setattr("ptml.train.stage.label_connections", lambda *_, **__: None)
    with pytest.raises(CannotWrite, match="nothing was published"):
        train(workspace, QUICK, seed=1, engine=LocalEngine(1))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_terms_are_told_by_source(workspace: Workspace) -> None:
    """Each source's licences are listed once; a source that states none is left out."""
    rows: list[dict[str, object]] = [
        {"capture_id": Made(name).capture_id, "name": name, "label": "benign"} for name in "abcd"
    ]
    said = [("lab", "MIT"), ("lab", "MIT"), ("lab", "BSD"), ("mute", None)]
    upsert(
        workspace,
        rows,
        [
            {"capture_id": row["capture_id"], "source": source, "licence": licence}
            for row, (source, licence) in zip(rows, said, strict=True)
        ],
    )
    assert terms_of(workspace) == {"lab": "BSD; MIT"}
