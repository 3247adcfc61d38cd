from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.artifact import FeatureContract
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, ModelMismatch, SettingsError
from ptml.labels import label_connections
from ptml.train.dataset import load_dataset, select_features
from ptml.train.draw import connection_cap
from ptml.train.spec import ModelSpec
from tests.train.builders import CONNECTION_FEATURES, Made, build_workspace, captures, uids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.train.dataset import Dataset
    from ptml.types import Level

SPEC = ModelSpec(name="x", estimator="logistic-regression")


def load(root: Path, made: Sequence[Made], level: Level = "connection", spec: ModelSpec = SPEC) -> Dataset:
    """Publish captures, label them and join."""
    workspace = build_workspace(root, made)
    label_connections(workspace, engine=LocalEngine(1))
    return load_dataset(workspace, level, spec)


def test_features_meet_their_labels(tmp_path: Path) -> None:
    """Each connection is there once, in the order of its key, and says all that is known of it."""
    made = captures(2, 2, rows=3)
    data = load(tmp_path, made)
    expected = sorted(
        (
            *(one.capture_id, uid, one.source, one.family),
            *(one.began + timedelta(seconds=number), one.originator, None, one.label),
        )
        for one in made
        for number, uid in enumerate(uids(one))
    )
    found = data.keys.with_columns(label=pl.Series(np.where(data.y == 1, "malicious", "benign")))
    assert found.rows() == expected


def test_identity_is_in_the_keys_and_not_in_the_inputs(tmp_path: Path) -> None:
    """The inputs are the features, as published, and nothing that names a row."""
    data = load(tmp_path, captures(1, 1))
    assert tuple(data.inputs.columns) == CONNECTION_FEATURES
    assert [contract.dtype for contract in data.contracts] == [
        "Float32",
        "Float32",
        "Boolean",
        "String",
        "Float32",
    ]


def test_a_feature_table_with_identity_is_refused() -> None:
    """A table that would hand the model its source is refused."""
    with pytest.raises(ModelMismatch, match="'source'"):
        select_features([FeatureContract(name="source", dtype="String")], SPEC, "connection")


def test_captures_weigh_the_same(tmp_path: Path) -> None:
    """A capture of 3 rows and one of 30 weigh the same in all, and weights average 1."""
    data = load(tmp_path, [Made("a", "malicious", rows=3), Made("b", rows=30)])
    by_capture = data.keys.with_columns(w=data.weights).group_by("capture_id").agg(pl.col("w").sum())["w"]
    assert by_capture.to_list() == pytest.approx([16.5, 16.5])
    assert data.weights.mean() == pytest.approx(1)


def test_what_is_unknown_is_left_out_and_counted(tmp_path: Path) -> None:
    """Connections of mixed and unknown captures, and captures without features, are counted by reason."""
    made = [*captures(1, 1), Made("m", "mixed", rows=5), Made("u", "unknown", rows=7), Made("none")]
    workspace = build_workspace(tmp_path, made, without=["none"])
    label_connections(workspace, engine=LocalEngine(1))
    data = load_dataset(workspace, "connection", SPEC)
    assert len(data.y) == 40
    assert data.excluded == {"captures without features": 1, "connections without a label": 12}


def test_a_mixed_capture_is_malicious_as_a_capture(tmp_path: Path) -> None:
    """At the capture level malicious and mixed count as malicious; unknown is left out and counted."""
    made = [Made("m", "mixed", family="mirai"), Made("b"), Made("u", "unknown")]
    data = load(tmp_path, made, "capture")
    found = dict(zip(data.keys["capture_id"], data.y.tolist(), strict=True))
    assert found == {made[0].capture_id: 1, made[1].capture_id: 0}
    assert data.excluded == {"captures of unknown label": 1}
    assert data.inputs.columns == ["connections", "duration_mean"]


def test_the_same_pcap_is_one_group(tmp_path: Path) -> None:
    """Two captures of one PCAP are held out together; all others stand alone."""
    data = load(tmp_path, [Made("a", "malicious", sha256="5" * 64), Made("b", sha256="5" * 64), Made("c")])
    groups = dict(zip(data.keys["capture_id"], data.groups.tolist(), strict=True))
    assert groups[Made("a").capture_id] == groups[Made("b").capture_id] != groups[Made("c").capture_id]


def test_large_captures_are_capped_the_same_way_each_time(tmp_path: Path) -> None:
    """A cap draws rows by the seed: the same again, others for another seed, and the rest is counted."""
    spec = SPEC.model_copy(update={"max_connections_per_capture": 10})
    workspace = build_workspace(tmp_path, [Made("a", "malicious", rows=50), Made("b", rows=4)])
    label_connections(workspace, engine=LocalEngine(1))
    one, two, three = (load_dataset(workspace, "connection", spec, seed=seed) for seed in (1, 1, 2))
    assert one.keys["uid"].to_list() == two.keys["uid"].to_list() != three.keys["uid"].to_list()
    assert one.counts()["rows"] == 14
    assert one.available == 54
    assert one.excluded == {"over the cap": 40}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30), st.integers(30, 5000), st.integers(1, 500))
def test_the_cap_fits_and_wastes_nothing(sizes: list[int], most: int, each: int) -> None:
    """Capped captures stay within both bounds, and one more row each would break one of them."""
    spec = SPEC.model_copy(update={"max_connections": most, "max_connections_per_capture": each})
    cap = connection_cap(sizes, spec)
    assert cap <= each
    assert sum(min(size, cap) for size in sizes) <= most
    assert cap == each or sum(min(size, cap + 1) for size in sizes) > most


def test_one_class_is_bad_data(tmp_path: Path) -> None:
    """With one class, the message counts the labels and what was left out."""
    made = [*captures(0, 2), Made("u", "unknown", rows=5)]
    with pytest.raises(BadData, match=r"0 malicious and 40 benign connections, 5 left out"):
        load(tmp_path, made)


def test_no_features_says_what_to_run(tmp_path: Path) -> None:
    """Without published features the message names the command."""
    workspace = build_workspace(tmp_path, [Made("a")], without=["a"])
    with pytest.raises(MissingInput, match=r"has no features(.|\n)*`ptml features`"):
        load_dataset(workspace, "connection", SPEC)


def test_features_can_be_left_out_and_typos_are_caught(tmp_path: Path) -> None:
    """A spec leaves features out by name; a name that is no feature is answered with the nearest."""
    spec = SPEC.model_copy(update={"exclude_features": ("bytes_sum",)})
    data = load(tmp_path, captures(1, 1), spec=spec)
    assert "bytes_sum" not in data.inputs.columns
    typo = SPEC.model_copy(update={"exclude_features": ("byte_sum",)})
    left_out = FeatureContract(name="bytes_sum", dtype="Float32")
    with pytest.raises(SettingsError, match=r"'byte_sum'(.|\n)*did you mean 'bytes_sum'"):
        select_features([*data.contracts, left_out], typo, "connection")
