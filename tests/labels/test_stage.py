from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput
from ptml.labels import join_labels, label_connections
from ptml.manifest import read_manifest
from tests.train.builders import Made, build_workspace, captures, publish_raw, uids

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.stage import StageReport
    from ptml.workspace import Workspace

HERE = LocalEngine(1)


def label(workspace: Workspace) -> StageReport:
    """Label in this process."""
    return label_connections(workspace, engine=HERE)


def labels_of(workspace: Workspace, made: Made) -> pl.DataFrame:
    """Read what was published of a capture's labels."""
    manifest = read_manifest(workspace, "labels", made.capture_id)
    assert manifest is not None
    return manifest.scan(workspace, "labels").collect()


@pytest.mark.parametrize(
    ("given_label", "expected", "family"),
    [("malicious", "malicious", "emotet"), ("benign", "benign", None), ("mixed", "unknown", None)],
)
def test_a_capture_hands_its_label_down(
    tmp_path: Path, given_label: str, expected: str, family: str | None
) -> None:
    """All connections of a capture get its label; `mixed` says nothing about any one of them."""
    made = Made("one", given_label, rows=3, family="emotet")
    workspace = build_workspace(tmp_path, [made])
    label(workspace)
    found = labels_of(workspace, made)
    assert found["uid"].to_list() == uids(made)
    assert found.select(pl.exclude("uid").unique()).rows() == [
        (made.capture_id, expected, family, "capture", 0.9)
    ]


def test_connections_get_their_own_labels(tmp_path: Path) -> None:
    """A capture with a label file: each connection gets its own, the others are unknown and counted."""
    names = uids(Made("one", rows=4))
    own = ((names[0], "malicious"), (names[1], "benign"), (names[2], "mixed"), ("Cnobody", "benign"))
    made = Made("one", "mixed", rows=4, family="mirai", label_level="connection", labels=own)
    workspace = build_workspace(tmp_path, [made])
    counts = label(workspace).counts
    found = labels_of(workspace, made)
    assert found["label"].to_list() == ["malicious", "benign", "unknown", "unknown"]
    assert found["family"].to_list() == ["mirai", None, None, None]
    assert found["label_method"].unique().to_list() == ["connection"]
    assert counts == {
        "malicious": 1,
        "benign": 1,
        "unknown": 2,
        "without_label": 2,
        "without_connection": 1,
        "contradicting": 0,
    }


def test_contradicting_labels_are_unknown() -> None:
    """A connection labelled both ways is unknown and counted, whichever came first."""
    frame, counts = join_labels(
        pl.DataFrame({"uid": ["C1"]}),
        pl.DataFrame(
            {"uid": ["C1", "C1"], "label": ["malicious", "benign"], "family": ["x", None]}, strict=False
        ),
    )
    assert frame["label"].to_list() == ["unknown"]
    assert counts["contradicting"] == 1


@given(st.lists(st.sampled_from(["C1", "C2", "C3", "C4"]), unique=True), st.data())
def test_every_connection_has_one_label(present: list[str], data: st.DataObject) -> None:
    """Whatever the label file holds, each connection comes out once, in order, with one of three labels."""
    row = st.tuples(st.sampled_from(["C1", "C2", "C9"]), st.sampled_from(["malicious", "benign", "mixed"]))
    rows = data.draw(st.lists(row, max_size=6))
    table = pl.DataFrame(
        {"uid": [r[0] for r in rows], "label": [r[1] for r in rows], "family": [None] * len(rows)},
        schema={"uid": pl.String, "label": pl.String, "family": pl.String},
    )
    frame, _ = join_labels(pl.DataFrame({"uid": present}, schema={"uid": pl.String}), table)
    assert frame["uid"].to_list() == present
    assert set(frame["label"]) <= {"malicious", "benign", "unknown"}


def test_a_label_that_is_none_is_bad_data(tmp_path: Path) -> None:
    """A label outside the four is named, with the nearest."""
    made = Made("one", rows=1, label_level="connection", labels=((uids(Made("one"))[0], "evil"),))
    with pytest.raises(BadData, match="'evil' is not a label"):
        label(build_workspace(tmp_path, [made]))


def test_a_promised_label_file_that_is_missing_is_reported(tmp_path: Path) -> None:
    """A capture that promises labels and has none fails; the others are labelled."""
    without = Made("one", label_level="connection")
    report = label(build_workspace(tmp_path, [without, *captures(1, 1)]))
    assert list(report.failed) == [without.capture_id]
    assert "came without labels.parquet" in report.failed[without.capture_id]
    assert len(report.done) == 2


def test_only_what_changed_is_labelled_again(tmp_path: Path) -> None:
    """A second call does nothing; a change of the raw labels redoes that capture alone."""
    own = tuple((uid, "benign") for uid in uids(Made("one")))
    made = Made("one", label_level="connection", labels=own)
    workspace = build_workspace(tmp_path, [made, *captures(1, 1)])
    assert len(label(workspace).done) == 3
    assert label(workspace).done == ()
    publish_raw(
        workspace, Made("one", label_level="connection", labels=(*own[:-1], (own[-1][0], "malicious")))
    )
    assert label(workspace).done == (made.capture_id,)
    assert labels_of(workspace, made)["label"].to_list()[-1] == "malicious"


def test_no_features_is_missing_input(tmp_path: Path) -> None:
    """Without features there is nothing to label, and the message says what to run."""
    workspace = build_workspace(tmp_path, [Made("one")], without=["one"])
    with pytest.raises(MissingInput, match=r"no capture of .* has features(.|\n)*ptml features"):
        label(workspace)
