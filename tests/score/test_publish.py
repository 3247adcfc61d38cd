"""Claims about publishing a batch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ptml.errors import SettingsError
from ptml.score.publish import check_output, publish


def folder_with(path: Path, **texts: str) -> Path:
    """Make a folder of small files."""
    path.mkdir()
    for name, text in texts.items():
        (path / name).write_text(text)
    return path


def test_the_record_names_each_file_with_its_hash(tmp_path: Path) -> None:
    """A reader can check that the files belong to the run."""
    publish(folder_with(tmp_path / "new", a="1"), ["a"], tmp_path / "out", {"version": 1})
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run == {"version": 1, "files": {"a": {"bytes": 1, "sha256": hashlib.sha256(b"1").hexdigest()}}}


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """A folder may hold what is not ours; only our names are replaced."""
    out = folder_with(tmp_path / "out", a="old", mine="keep")
    publish(folder_with(tmp_path / "new", a="new"), ["a"], out, {})
    assert (out / "a").read_text() == "new"
    assert (out / "mine").read_text() == "keep"


def test_a_stop_midway_never_leaves_a_record_of_mixed_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two files, the folder has no `run.json`: neither run claims the mixture."""
    out = folder_with(tmp_path / "out", a="old", b="old")
    (out / "run.json").write_text("{}")
    replace, moved = Path.replace, []

    def stop_at_second(self: Path, target: Path) -> Path:
        moved.append(target.name)
        if len(moved) == 2:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        publish(folder_with(tmp_path / "new", a="new", b="new"), ["a", "b"], out, {})
    assert moved == ["a", "b"]
    assert not (out / "run.json").exists()


def test_results_cannot_go_to_a_file(tmp_path: Path) -> None:
    """A file where the folder should be is refused before any work."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(SettingsError, match=r"out is a file, and scores need a folder; nothing was done"):
        check_output(tmp_path / "out")
