from __future__ import annotations

import getpass
import platform
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from ptml.artifact import commit_of, this_machine

if TYPE_CHECKING:
    from pathlib import Path

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    done = subprocess.run(
        ["git", *WHO, *words], cwd=folder, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a repository with one commit of one file."""
    git(tmp_path, "init", "-q")
    (tmp_path / "a.txt").write_text("one", "utf-8")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_the_commit_is_that_of_the_folder(repository: Path) -> None:
    """A clean working directory is told by its commit, from a folder inside it, too."""
    inside = repository / "sub"
    inside.mkdir()
    for folder in (repository, inside):
        found = commit_of(folder)
        assert found is not None
        assert (found.commit, found.dirty) == (git(repository, "rev-parse", "HEAD"), False)


def test_only_tracked_files_make_it_dirty(repository: Path) -> None:
    """A new file that git does not know changes nothing; a change in one that it knows does."""
    (repository / "data.parquet").write_text("new", "utf-8")
    clean = commit_of(repository)
    (repository / "a.txt").write_text("two", "utf-8")
    dirty = commit_of(repository)
    assert clean is not None
    assert dirty is not None
    assert (clean.dirty, dirty.dirty) == (False, True)


def test_without_a_commit_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repository, a repository without a commit, and no git at all are no errors."""
    assert commit_of(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) is None
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert commit_of(tmp_path) is None


def test_git_that_hangs_is_left_alone(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that does not answer in time counts as none."""

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("git", 10)

    monkeypatch.setattr(subprocess, "run", hang)
    assert commit_of(repository) is None


def test_a_repository_cannot_have_programs_run(repository: Path) -> None:
    """A file system monitor that the repository's settings name is not started."""
    trap = repository / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch '{repository}/sprung'\n", "utf-8")
    trap.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(trap))
    assert commit_of(repository) is not None
    assert not (repository / "sprung").exists()


def test_the_machine_is_a_kind_and_not_a_name() -> None:
    """System, processor, cores and Python are told; host, user and paths are not."""
    machine = this_machine()
    assert machine.python == platform.python_version()
    assert set(machine.model_dump()) == {"system", "architecture", "cores", "python", "implementation"}
    values = {str(value) for value in machine.model_dump().values()}
    assert not values & {socket.gethostname(), getpass.getuser()}
    assert not any("/" in value for value in values)
