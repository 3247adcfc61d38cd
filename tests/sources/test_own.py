"""Adding the user's own captures: known by content, never lost, never silently relabelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.catalog import read_catalog, read_provenance
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, SettingsError
from ptml.features.stage import features
from ptml.inventory import catalog
from ptml.labelfile import FILE
from ptml.labels import label_connections
from ptml.manifest import published, read_manifest
from ptml.parse.stage import parse
from ptml.settings import AddSettings, SimulateSettings
from ptml.sources.own import add
from ptml.sources.simulate import simulate_folders
from tests.builders import EMPTY_PCAP, capture_folder, many_rows
from tests.shutting import shut

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.stage import StageReport
    from ptml.types import Label
    from ptml.workspace import Workspace


def add_paths(
    workspace: Workspace, *paths: Path, label: Label | None = "benign", family: str | None = None
) -> StageReport:
    """Add folders with one label."""
    settings = AddSettings(paths=paths, label=label, family=family)
    return add(workspace, settings, engine=LocalEngine(1))


def test_added_capture_is_in_the_catalog_with_its_files_copied(workspace: Workspace, tmp_path: Path) -> None:
    """Label, family, source and size are listed; the raw files are the workspace's own from now on."""
    folder = capture_folder(tmp_path, "bot", many_rows(3))
    (folder / "notes.txt").write_text("no log")
    report = add_paths(workspace, folder, label="malicious", family="emotet")
    [row] = catalog(workspace)
    [capture_id] = report.done
    assert (row["capture_id"], row["name"], row["label"], row["family"]) == (
        capture_id,
        "bot",
        "malicious",
        "emotet",
    )
    assert (row["label_level"], row["label_method"], row["source"]) == ("capture", "option", "own")
    copied = workspace.raw("own", capture_id) / "conn.log"
    assert copied.read_bytes() == (folder / "conn.log").read_bytes()
    assert row["size_bytes"] == copied.stat().st_size
    assert report.notes == {"files that are no logs were left out": 1}


def test_adding_again_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """The same content is unchanged, also from another place and compressed otherwise."""
    first = add_paths(workspace, capture_folder(tmp_path, "a", many_rows(3)))
    before = read_catalog(workspace), read_provenance(workspace)
    again = add_paths(workspace, tmp_path / "a")
    assert (again.done, again.unchanged) == ((), first.done)
    assert all(
        new.equals(old)
        for new, old in zip((read_catalog(workspace), read_provenance(workspace)), before, strict=True)
    )


def test_same_content_under_two_names_is_one_capture_and_said(workspace: Workspace, tmp_path: Path) -> None:
    """Two folders of equal content make one row and a note."""
    a, b = (
        capture_folder(tmp_path, "a", many_rows(3)),
        capture_folder(tmp_path, "b", many_rows(3), compress=True),
    )
    report = add_paths(workspace, a, b)
    assert len(report.done) == 1
    assert report.notes == {"b has the same content as a: one capture": 1}


def test_same_content_with_two_labels_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """One content cannot be both benign and malicious: the second is reported, the first stays."""
    capture_folder(tmp_path, "a", many_rows(3))
    capture_folder(tmp_path, "b", many_rows(3))
    (tmp_path / "list.csv").write_text("name,label\na,benign\nb,malicious\n")
    report = add(workspace, AddSettings(manifest=tmp_path / "list.csv"), engine=LocalEngine(1))
    assert report.failed == {"b": "same content as 'a', which is labelled benign, not malicious"}
    assert [row["label"] for row in catalog(workspace)] == ["benign"]


def test_changed_label_is_taken_and_said(workspace: Workspace, tmp_path: Path) -> None:
    """Adding a known capture with another label updates the catalog, with a note."""
    folder = capture_folder(tmp_path, "a", many_rows(3))
    add_paths(workspace, folder, label="benign")
    report = add_paths(workspace, folder, label="malicious")
    assert report.notes == {"a: label was benign, is now malicious": 1}
    assert [row["label"] for row in catalog(workspace)] == ["malicious"]


def test_folder_without_logs_fails_alone(workspace: Workspace, tmp_path: Path) -> None:
    """An empty folder among others is reported; alone it is an error that mentions PCAPs."""
    good, empty = capture_folder(tmp_path, "a", many_rows(2)), tmp_path / "empty"
    empty.mkdir()
    (empty / "x.pcap").write_bytes(b"x")
    report = add_paths(workspace, good, empty)
    assert len(report.done) == 1
    assert "holds no Zeek log (of 1 files)" in report.failed["empty"]
    with pytest.raises(BadData, match=r"add produced nothing(.|\n)*a PCAP is a capture of its own"):
        add_paths(workspace, empty)


def test_path_that_is_not_there_and_one_listed_twice_are_refused_before_anything_is_done(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The plan is checked whole first."""
    folder = capture_folder(tmp_path, "a", many_rows(2))
    with pytest.raises(MissingInput, match="nowhere does not exist"):
        add_paths(workspace, folder, tmp_path / "nowhere")
    with pytest.raises(BadData, match="'a' is listed twice"):
        add_paths(workspace, folder, folder)
    assert not workspace.catalog.exists()


def test_forced_copy_restores_a_damaged_raw_file(workspace: Workspace, tmp_path: Path) -> None:
    """A raw file that was removed is copied again, without --force too."""
    folder = capture_folder(tmp_path, "a", many_rows(2))
    [capture_id] = add_paths(workspace, folder).done
    raw = workspace.raw("own", capture_id) / "conn.log"
    raw.unlink()
    assert add_paths(workspace, folder).done == (capture_id,)
    assert raw.read_bytes() == (folder / "conn.log").read_bytes()
    manifest = read_manifest(workspace, "raw", capture_id)
    assert manifest is not None
    assert manifest.paths(workspace, "raw") == [raw]


def label_file(folder: Path, *rows: tuple[str, str | None, str | None]) -> Path:
    """Lay labels of connections beside a capture's logs, as the simulator does."""
    schema = {"uid": pl.String, "label": pl.String, "family": pl.String}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / FILE)
    return folder


def mixed_capture(root: Path, name: str = "sim") -> Path:
    """Write a capture of three connections, of which the second is malicious."""
    folder = capture_folder(root, name, many_rows(3))
    return label_file(folder, ("C0", "benign", None), ("C1", "malicious", "mirai"), ("C2", "benign", None))


def connection_labels(workspace: Workspace) -> list[tuple[object, ...]]:
    """Take the only capture through parse, features and labels: uid, label and family of its connections."""
    parse(workspace, engine=LocalEngine(1))
    features(workspace, engine=LocalEngine(1))
    label_connections(workspace, engine=LocalEngine(1))
    [manifest] = published(workspace, "labels")
    return manifest.scan(workspace, "labels").select("uid", "label", "family").collect().sort("uid").rows()


@pytest.mark.parametrize("label", [None, "mixed", "unknown"])
def test_labels_beside_the_logs_stay_with_their_connections(
    workspace: Workspace, tmp_path: Path, label: Label | None
) -> None:
    """Without a label, or with one that fits, each connection keeps its own; so the capture is mixed."""
    report = add_paths(workspace, mixed_capture(tmp_path), label=label)
    [row] = catalog(workspace)
    assert (row["label"], row["label_level"], row["label_method"], row["family"]) == (
        "mixed",
        "connection",
        "file",
        "mirai",
    )
    assert report.notes == {}
    assert connection_labels(workspace) == [
        ("C0", "benign", None),
        ("C1", "malicious", "mirai"),
        ("C2", "benign", None),
    ]


def test_simulated_folder_added_is_labelled_as_if_simulated_here(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Label, family and connections come out as the simulator itself lists them in a catalog."""
    settings = SimulateSettings(captures=2, connections=60, malicious_share=0.5)
    written = simulate_folders(tmp_path, settings)
    add_paths(workspace, *(tmp_path / one.name for one in written), label=None)
    found = {row["name"]: (row["label"], row["label_level"], row["family"]) for row in catalog(workspace)}
    assert found == {one.name: (one.label, "connection", one.family) for one in written}
    assert sorted(one.label for one in written) == ["benign", "mixed"]


@pytest.mark.parametrize(
    ("label", "family", "words"),
    [
        ("benign", None, "is said to be benign, but by the labels .* it is mixed"),
        ("malicious", "mirai", "is said to be malicious, but by the labels .* it is mixed"),
        (None, "emotet", "is said to be emotet, but by the labels .* it is mirai"),
    ],
)
def test_a_label_that_contradicts_those_of_the_connections_is_refused(
    workspace: Workspace, tmp_path: Path, label: Label | None, family: str | None, words: str
) -> None:
    """Nothing is relabelled: the command ends with what to do, and adds nothing."""
    folder = mixed_capture(tmp_path)
    with pytest.raises(SettingsError, match=rf"{words}(.|\n)*move labels.parquet away"):
        add_paths(workspace, folder, label=label, family=family)
    assert not workspace.catalog.exists()


def test_a_row_of_a_list_that_contradicts_fails_alone(workspace: Workspace, tmp_path: Path) -> None:
    """The other captures of the list go on."""
    mixed_capture(tmp_path, "a")
    capture_folder(tmp_path, "b", many_rows(2))
    (tmp_path / "list.csv").write_text("name,label\na,benign\nb,benign\n")
    report = add(workspace, AddSettings(manifest=tmp_path / "list.csv"), engine=LocalEngine(1))
    assert [row["name"] for row in catalog(workspace)] == ["b"]
    assert "is said to be benign" in report.failed["a"]


def test_label_files_that_are_none_fail_alone_and_name_the_fault(
    workspace: Workspace, tmp_path: Path
) -> None:
    """No Parquet, other columns, other types, no such label: each is told, and the good capture is added."""
    good = mixed_capture(tmp_path, "good")
    bad = {name: capture_folder(tmp_path, name, many_rows(1)) for name in ("text", "columns", "type", "word")}
    (bad["text"] / FILE).write_text("uid,label,family\nC0,benign,\n")
    pl.DataFrame({"uid": ["C0"], "lable": ["benign"], "family": [None]}).write_parquet(bad["columns"] / FILE)
    pl.DataFrame({"uid": ["C0"], "label": [[1, 2]], "family": ["x"]}).write_parquet(bad["type"] / FILE)
    label_file(bad["word"], ("C0", "evil\x1b[2J", None))
    report = add_paths(workspace, good, *bad.values(), label=None)
    assert len(report.done) == 1
    reasons = {
        "text": "cannot be read as Parquet",
        "columns": "has no column 'label'; it has 'uid', 'lable', 'family'",
        "type": "column 'label' is List(Int64) where text was expected",
        "word": "'evil\\x1b[2J' is not a label",
    }
    assert set(report.failed) == set(reasons)
    for name, reason in reasons.items():
        assert reason in report.failed[name]
        assert "mend labels.parquet, or move it away" in report.failed[name]


def test_a_folder_of_captures_with_labels_is_not_one_capture(workspace: Workspace, tmp_path: Path) -> None:
    """Added by the folder above, they would lose their labels: refused, with what to give instead."""
    mixed_capture(tmp_path / "all", "one")
    with pytest.raises(BadData, match=r"holds captures with labels of their own, such as one(.|\n)*add each"):
        add_paths(workspace, tmp_path / "all", label=None)


def test_losing_the_labels_of_connections_later_is_said(workspace: Workspace, tmp_path: Path) -> None:
    """The same logs, labelled as a whole on purpose, take that label, with a note."""
    folder = mixed_capture(tmp_path)
    add_paths(workspace, folder, label=None)
    (folder / FILE).unlink()
    report = add_paths(workspace, folder, label="malicious")
    assert report.notes == {"sim: label was mixed by connection, is now malicious": 1}
    assert [row["label_level"] for row in catalog(workspace)] == ["capture"]


def test_a_twin_without_labels_is_refused_and_takes_none_away(workspace: Workspace, tmp_path: Path) -> None:
    """Equal logs beside, of unknown label: the first keeps the labels of its connections."""
    first, twin = mixed_capture(tmp_path, "a"), capture_folder(tmp_path, "b", many_rows(3))
    report = add_paths(workspace, first, twin, label=None)
    assert report.failed == {"b": "same content as 'a', which is labelled mixed by connection, not unknown"}
    assert ("C1", "malicious", "mirai") in connection_labels(workspace)


def test_a_twin_with_other_labels_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """Equal logs, other labels that also make it mixed: the first's are kept."""
    first, twin = mixed_capture(tmp_path, "a"), mixed_capture(tmp_path, "b")
    label_file(twin, ("C0", "malicious", "mirai"), ("C1", "benign", None))
    report = add_paths(workspace, first, twin, label=None)
    assert report.failed == {"b": "same content as 'a', which has another labels.parquet"}
    assert ("C1", "malicious", "mirai") in connection_labels(workspace)


def test_a_capture_with_a_folder_that_cannot_be_listed_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what lies there it would be another capture; the next one is added all the same."""
    folder, other = capture_folder(tmp_path, "bot", many_rows(3)), capture_folder(tmp_path, "b", many_rows(2))
    capture_folder(folder, "secret", many_rows(1))
    shut(folder / "secret", monkeypatch)
    report = add_paths(workspace, folder, other)
    assert (len(report.done), list(report.failed)) == (1, ["bot"])
    assert "secret cannot be listed (Permission denied)" in report.failed["bot"]


def test_of_a_folder_of_pcaps_what_cannot_be_listed_is_told(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PCAPs beside it are added."""
    (tmp_path / "pcaps" / "secret").mkdir(parents=True)
    (tmp_path / "pcaps" / "a.pcap").write_bytes(EMPTY_PCAP)
    shut(tmp_path / "pcaps" / "secret", monkeypatch)
    report = add_paths(workspace, tmp_path / "pcaps")
    assert (len(report.done), list(report.failed)) == (1, [str(tmp_path / "pcaps" / "secret")])
