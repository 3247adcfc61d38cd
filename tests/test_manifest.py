"""Publishing: whole or not at all, and only what is named counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.errors import BadData
from ptml.manifest import Publication, fingerprint, is_fresh, published, read_manifest

if TYPE_CHECKING:
    from ptml.manifest import Manifest
    from ptml.workspace import Workspace

CAPTURE = "c0123456789abcdef"


def publish(workspace: Workspace, version: str, datasets: dict[str, int]) -> Manifest:
    """Publish tables of so many rows each."""
    made_by = fingerprint("parse", version, {}, {})
    with workspace.scratch_folder() as folder:
        publication = Publication(workspace, "parse", CAPTURE, made_by, folder)
        for dataset, rows in datasets.items():
            pending = publication.new_part(dataset, rows)
            pl.DataFrame({"n": range(rows)}).write_parquet(pending.temporary)
        return publication.publish(inputs={}, parameters={}, rows_in=0, rows_out=0)


def test_what_is_published_is_read_back(workspace: Workspace) -> None:
    """A manifest comes back as it was, and its files are where it says."""
    manifest = publish(workspace, "1", {"logs/conn": 3, "logs/dns": 2})
    assert read_manifest(workspace, "parse", CAPTURE) == manifest
    assert list(published(workspace, "parse")) == [manifest]
    [conn] = manifest.paths(workspace, "logs/conn")
    assert pl.read_parquet(conn).height == 3
    assert is_fresh(workspace, manifest, manifest.fingerprint)


def test_new_version_supersedes_the_old_files_wherever_they_lie(workspace: Workspace) -> None:
    """After a second publication only its own files are left, also of a log that is no more."""
    old = publish(workspace, "1", {"logs/conn": 3, "logs/dns": 2})
    new = publish(workspace, "2", {"logs/conn": 4})
    left = {path.relative_to(workspace.root).as_posix() for path in workspace.root.rglob("*.parquet")}
    assert left == {file.path for file in new.files}
    assert not is_fresh(workspace, old, old.fingerprint)


def test_parts_that_a_killed_run_left_unnamed_are_removed(workspace: Workspace) -> None:
    """A part in place that no manifest names does not outlive the next publication."""
    folder = workspace.dataset("logs", "http") / f"capture_id={CAPTURE}"
    folder.mkdir(parents=True)
    (folder / "part-00000-dead.parquet").write_bytes(b"whole, but unnamed")
    publish(workspace, "1", {"logs/conn": 1})
    assert not list(folder.iterdir())


def test_missing_or_short_file_makes_an_output_stale(workspace: Workspace) -> None:
    """What somebody removed or cut is made again."""
    manifest = publish(workspace, "1", {"logs/conn": 3})
    [path] = manifest.paths(workspace, "logs/conn")
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_fresh(workspace, manifest, manifest.fingerprint)
    path.unlink()
    assert not is_fresh(workspace, manifest, manifest.fingerprint)


def test_foreign_manifest_is_bad_data(workspace: Workspace) -> None:
    """JSON that is no manifest is refused with a way out."""
    path = workspace.manifest("parse", CAPTURE)
    path.parent.mkdir(parents=True)
    path.write_text('{"stage": "parse"}')
    with pytest.raises(BadData, match=r"not a manifest of this version(.|\n)*--force"):
        read_manifest(workspace, "parse", CAPTURE)


def test_fingerprint_depends_on_each_of_its_parts() -> None:
    """Stage, code, parameters and inputs each change the fingerprint; the order of keys does not."""
    base = fingerprint("parse", "1", {"a": 1, "b": 2}, {"raw": "x"})
    assert base == fingerprint("parse", "1", {"b": 2, "a": 1}, {"raw": "x"})
    others = [
        fingerprint("features", "1", {"a": 1, "b": 2}, {"raw": "x"}),
        fingerprint("parse", "2", {"a": 1, "b": 2}, {"raw": "x"}),
        fingerprint("parse", "1", {"a": 1, "b": 3}, {"raw": "x"}),
        fingerprint("parse", "1", {"a": 1, "b": 2}, {"raw": "y"}),
    ]
    assert len({base, *others}) == 5
