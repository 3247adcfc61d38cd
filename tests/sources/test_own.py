"""Adding the user's own captures: known by content, never lost, never silently relabelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.catalog import catalog, read_catalog, read_provenance
from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput
from ptml.manifest import read_manifest
from ptml.settings import AddSettings
from ptml.sources.own import add
from tests.builders import capture_folder, many_rows

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
    with pytest.raises(BadData, match=r"add produced nothing(.|\n)*zeek -C -r"):
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
