from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.catalog import read_catalog, upsert
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput
from ptml.features.stage import features
from ptml.labels import label_connections
from ptml.labels.policies import Said, by_column
from ptml.manifest import read_manifest
from ptml.parse.stage import parse
from ptml.settings import AddSettings, LabelsSettings
from ptml.sources.own import add
from ptml.workspace import Workspace
from tests.labels.logs import publish_logs, talk_to
from tests.train.builders import Made, build_workspace, captures, publish_raw, uids

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.stage import StageReport

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
    [("malicious", "malicious", "emotet"), ("benign", "benign", None), ("mixed", None, None)],
)
def test_a_capture_hands_its_label_down(
    tmp_path: Path, given_label: str, expected: str | None, family: str | None
) -> None:
    """All connections of a capture get its label; `mixed` says nothing about any one of them."""
    made = Made("one", given_label, rows=3, family="emotet")
    workspace = build_workspace(tmp_path, [made])
    label(workspace)
    found = labels_of(workspace, made)
    assert found["uid"].to_list() == uids(made)
    assert found.select(pl.exclude("uid").unique()).rows() == [
        (made.capture_id, expected, family, "inherit", 0.9 if expected else None)
    ]


def test_connections_get_their_own_labels(tmp_path: Path) -> None:
    """A capture with a label file: each connection gets its own, the others have none and are counted."""
    names = uids(Made("one", rows=4))
    own = ((names[0], "malicious"), (names[1], "benign"), (names[2], "mixed"), ("Cnobody", "benign"))
    made = Made("one", "mixed", rows=4, family="mirai", label_level="connection", labels=own)
    workspace = build_workspace(tmp_path, [made])
    counts = label(workspace).counts
    found = labels_of(workspace, made)
    assert found["label"].to_list() == ["malicious", "benign", None, None]
    assert found["family"].to_list() == ["mirai", None, None, None]
    assert found["label_method"].unique().to_list() == ["column"]
    assert counts == {
        "malicious": 1,
        "benign": 1,
        "unlabelled": 2,
        "without_connection": 1,
        "contradicting": 0,
    }


def test_contradicting_labels_are_unknown() -> None:
    """A connection labelled both ways has no label and is counted, whichever came first."""
    frame, counts = by_column(
        pl.DataFrame({"uid": ["C1"]}),
        Said("mixed"),
        pl.DataFrame(
            {"uid": ["C1", "C1"], "label": ["malicious", "benign"], "family": ["x", None]}, strict=False
        ),
    )
    assert frame["label"].to_list() == [None]
    assert counts["contradicting"] == 1


@given(st.lists(st.sampled_from(["C1", "C2", "C3", "C4"]), unique=True), st.data())
def test_every_connection_has_one_label(present: list[str], data: st.DataObject) -> None:
    """Whatever the label file holds, each connection comes out once, in order, with a label or without."""
    row = st.tuples(st.sampled_from(["C1", "C2", "C9"]), st.sampled_from(["malicious", "benign", "mixed"]))
    rows = data.draw(st.lists(row, max_size=6))
    table = pl.DataFrame(
        {"uid": [r[0] for r in rows], "label": [r[1] for r in rows], "family": [None] * len(rows)},
        schema={"uid": pl.String, "label": pl.String, "family": pl.String},
    )
    frame, _ = by_column(pl.DataFrame({"uid": present}, schema={"uid": pl.String}), Said("mixed"), table)
    assert frame["uid"].to_list() == present
    assert set(frame["label"]) <= {"malicious", "benign", None}


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


def label_by(workspace: Workspace, **settings: Any) -> StageReport:  # noqa: ANN401 - whatever there is to set
    """Label in this process, by these settings."""
    return label_connections(workspace, LabelsSettings(**settings), engine=HERE)


def with_column(root: Path, made: Made, words: list[str | None], details: list[str | None]) -> Workspace:
    """Make a workspace with a capture whose conn.log has a label on every row."""
    workspace = build_workspace(root, [made])
    logs = talk_to(made, [None] * made.rows)
    columns = {"label": words, "detailed_label": details}
    labels = pl.LazyFrame(columns, schema=dict.fromkeys(columns, pl.String))
    publish_logs(workspace, made, {"conn": pl.concat([logs["conn"], labels], how="horizontal")})
    return workspace


def test_labels_in_the_log_itself_are_found(tmp_path: Path) -> None:
    """A conn.log with a label column labels its connections, but Background and To-Botnet."""
    made = Made("one", "mixed", rows=5, family="mirai")
    words: list[str | None] = ["Malicious", "From-Botnet-V1-TCP", "Benign", "Background", "flow=To-Botnet-V1"]
    workspace = with_column(tmp_path, made, words, ["DDoS", "-", "-", "-", "-"])
    counts = label(workspace).counts
    assert labels_of(workspace, made).select(
        "label", "family", "label_method", "label_confidence"
    ).rows() == [
        ("malicious", "DDoS", "column", 0.9),
        ("malicious", "mirai", "column", 0.9),
        ("benign", None, "column", 0.9),
        (None, None, "column", None),
        (None, None, "column", None),
    ]
    assert counts == {
        "malicious": 2,
        "benign": 1,
        "unlabelled": 2,
        "without_connection": 0,
        "contradicting": 0,
    }


def test_a_capture_without_a_column_has_no_labels_by_column(tmp_path: Path) -> None:
    """Asked for columns alone, a capture without is left open, and that is said; `auto` inherits."""
    made = Made("one", "malicious", rows=2)
    workspace = build_workspace(tmp_path, [made])
    report = label_by(workspace, policy="column")
    assert labels_of(workspace, made)["label"].to_list() == [None, None]
    assert report.notes == {"no label column: its connections have no label": 1}
    label_by(workspace)
    assert labels_of(workspace, made)["label"].to_list() == ["malicious"] * 2


def test_capture_only_leaves_connections_open(tmp_path: Path) -> None:
    """By `capture-only` no connection has a label, not even in a benign capture."""
    made = Made("one", "benign", rows=2)
    workspace = build_workspace(tmp_path, [made])
    assert label_by(workspace, policy="capture-only").counts == {"malicious": 0, "benign": 0, "unlabelled": 2}
    assert labels_of(workspace, made)["label_method"].to_list() == ["capture-only"] * 2


def test_a_change_of_policy_labels_again_and_nothing_else_does(tmp_path: Path) -> None:
    """The policy is part of what determines a capture's labels."""
    made = Made("one", "malicious", rows=2)
    workspace = build_workspace(tmp_path, [made])
    label_by(workspace, policy="inherit")
    assert label_by(workspace, policy="auto").unchanged == (made.capture_id,)
    assert label_by(workspace, policy="capture-only").done == (made.capture_id,)
    assert label_by(workspace, policy="capture-only").done == ()
    manifest = read_manifest(workspace, "labels", made.capture_id)
    assert manifest is not None
    assert manifest.parameters["policy"] == "capture-only"


def test_a_capture_that_names_its_policy_has_that_one(tmp_path: Path) -> None:
    """The catalog's `label_method` wins over the run's policy, for this capture alone."""
    one, other = Made("one", "malicious", rows=1), Made("other", "malicious", rows=1)
    workspace = build_workspace(tmp_path, [one, other])
    rows = read_catalog(workspace).with_columns(
        label_method=pl.when(pl.col("name") == "one").then(pl.lit("capture-only")).otherwise("label_method")
    )
    upsert(workspace, rows.rows(named=True), [])
    label_by(workspace, policy="inherit")
    assert labels_of(workspace, one)["label"].to_list() == [None]
    assert labels_of(workspace, other)["label"].to_list() == ["malicious"]


def test_indicators_of_an_option_reach_the_captures_they_name(tmp_path: Path) -> None:
    """By `auto` a capture with indicators is labelled by them; one that none is for inherits."""
    one, other = Made("one", "malicious", rows=2, family="emotet"), Made("other", "malicious", rows=2)
    workspace = build_workspace(tmp_path / "ws", [one, other])
    for made in (one, other):
        publish_logs(workspace, made, talk_to(made, ["c2.evil.example", "shop.example"]))
    listed = tmp_path / "list.csv"
    listed.write_text("capture,domain,confidence\none,evil.example,0.5\n", "utf-8")
    label_by(workspace, indicators=listed)
    assert labels_of(workspace, one).select("label", "family", "label_method", "label_confidence").rows() == [
        ("malicious", "emotet", "ioc", 0.5),
        (None, None, "ioc", None),
    ]
    assert labels_of(workspace, other)["label_method"].unique().to_list() == ["inherit"]
    assert label_by(workspace, indicators=listed).done == ()
    listed.write_text("capture,domain\none,shop.example\n", "utf-8")
    assert label_by(workspace, indicators=listed).done == (one.capture_id,)
    listed.write_text("capture,domain\nonne,shop.example\n", "utf-8")
    with pytest.raises(BadData, match=r"no capture 'onne'(.|\n)*'one'"):
        label_by(workspace, indicators=listed)


def test_ioc_without_indicators_leaves_open_and_says_so(tmp_path: Path) -> None:
    """A malicious capture that no indicator is for has no labels by `ioc`; a benign one is benign."""
    bad, good = Made("bad", "malicious", rows=1), Made("good", "benign", rows=1)
    workspace = build_workspace(tmp_path, [bad, good])
    report = label_by(workspace, policy="ioc")
    assert labels_of(workspace, bad)["label"].to_list() == [None]
    assert labels_of(workspace, good)["label"].to_list() == ["benign"]
    assert report.notes == {"no indicators: its connections have no label": 1}


def test_indicators_that_nobody_looks_at_are_refused() -> None:
    """A list that the policy does not use would be silently without effect."""
    with pytest.raises(ValueError, match="policy 'inherit' does not look at them"):
        LabelsSettings.model_validate({"policy": "inherit", "indicators": "a.csv"})


def test_a_list_beside_the_logs_comes_along(tmp_path: Path) -> None:
    """`ptml add` keeps indicators.csv and .json beside a capture's logs, and no log is made of them."""
    folder = tmp_path / "emotet-1"
    folder.mkdir()
    text = "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n"
    rows = "1.0\tC1\t10.0.0.5\t4000\t192.0.2.7\t443\ttcp\n2.0\tC2\t10.0.0.5\t4001\t192.0.2.8\t443\ttcp\n"
    (folder / "conn.log").write_text(text + rows, "utf-8")
    (folder / "indicators.json").write_text('[{"address": "192.0.2.7"}]', "utf-8")
    (folder / "indicators.csv").write_text("address,label\n192.0.2.8,benign\n", "utf-8")
    workspace = Workspace(tmp_path / "ws")
    report = add(workspace, AddSettings(paths=(folder,), label="malicious"), engine=HERE)
    assert report.notes == {}
    assert parse(workspace, engine=HERE).rows_out == 2
    features(workspace, engine=HERE)
    assert label(workspace).done == report.done
    [capture_id] = report.done
    manifest = read_manifest(workspace, "labels", capture_id)
    assert manifest is not None
    table = manifest.scan(workspace, "labels").sort("uid").collect()
    assert table.select("uid", "label", "label_method").rows() == [
        ("C1", "malicious", "ioc"),
        ("C2", "benign", "ioc"),
    ]
    (folder / "indicators.csv").write_text("adress\n192.0.2.8\n", "utf-8")
    assert add(workspace, AddSettings(paths=(folder,), label="malicious"), engine=HERE).done == (capture_id,)
    with pytest.raises(BadData, match=r"indicators\.csv, line 1: 'adress'"):
        label(workspace)
