"""Publishing many captures at a time: each whole, with the manifest that any stage would have written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ptml.manifest import is_fresh, read_manifest
from ptml.sources.together import Staged, publish_together, sync_all

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.workspace import Workspace


def staged(workspace: Workspace, number: int, *names: str) -> Staged:
    """Lay a capture's files down in .tmp."""
    files = {name: workspace.scratch / f"{number}-{index}" for index, name in enumerate(names)}
    for path in files.values():
        path.write_bytes(b"x" * number)
    hashes = dict.fromkeys(names, hashlib.sha256(b"x" * number).hexdigest())
    return Staged("own", f"c{number:016x}", files, hashes, {"source": "own"})


def test_each_capture_gets_its_files_and_its_manifest(workspace: Workspace) -> None:
    """Six captures, one with a file in a folder below: all fresh, and nothing is left in .tmp."""
    workspace.scratch.mkdir()
    ready = [staged(workspace, number, "a.pcap") for number in range(1, 6)]
    ready.append(staged(workspace, 6, "conn.csv", "carved/b.bin"))
    manifests = publish_together(workspace, ready, workspace.scratch)
    for one in ready:
        manifest = read_manifest(workspace, "raw", one.capture_id)
        assert manifest == manifests[one.capture_id]
        assert is_fresh(workspace, manifest, manifests[one.capture_id].fingerprint)
    names = [
        file.path.removeprefix("raw/own/c0000000000000006/") for file in manifests[ready[-1].capture_id].files
    ]
    assert names == ["carved/b.bin", "conn.csv"]
    assert list(workspace.scratch.iterdir()) == []


def test_nothing_to_publish_is_nothing(workspace: Workspace) -> None:
    """No captures make no manifests."""
    workspace.scratch.mkdir()
    assert publish_together(workspace, [], workspace.scratch) == {}
    assert not (workspace.root / "manifests").exists()


def test_files_and_folders_are_synced_few_or_many(tmp_path: Path) -> None:
    """Whether one by one or all at once, the call comes back, and changes nothing."""
    paths = [tmp_path / str(number) for number in range(10)]
    for path in paths:
        path.write_text("x")
    sync_all(tmp_path, [tmp_path, paths[0]])
    sync_all(tmp_path, [tmp_path, *paths])
    assert {path.read_text() for path in paths} == {"x"}
