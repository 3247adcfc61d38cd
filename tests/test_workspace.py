"""Paths, names and the lock."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData, MissingInput, WorkspaceBusy
from ptml.workspace import Workspace, safe_capture_id, safe_name
from tests.holding import hold

if TYPE_CHECKING:
    from pathlib import Path


def test_second_run_is_turned_away_and_told_who_holds_the_lock(workspace: Workspace) -> None:
    """Two runs at once on one workspace: the second stops, names the first, and changes nothing."""
    with hold(workspace) as process:
        try:
            with pytest.raises(WorkspaceBusy, match=f"in use by process {process.pid} "), workspace.locked():
                pytest.fail("the lock was given twice")
        finally:
            process.kill()


def test_lock_of_a_killed_run_is_taken_over(workspace: Workspace) -> None:
    """A stale lock falls with its process, and what the process left in .tmp is swept."""
    with hold(workspace) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    litter = workspace.scratch / "litter"
    litter.mkdir(parents=True)
    with workspace.locked():
        assert not litter.exists()


def test_lock_is_reentrant_and_an_inner_use_sweeps_nothing(workspace: Workspace) -> None:
    """A pipeline holds the lock over its stages, which take it again."""
    with workspace.locked(), workspace.scratch_folder() as folder:
        with workspace.locked():
            assert folder.is_dir()
        assert folder.is_dir()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "a\\b", ".hidden", "a" * 101, "né", "a\n", "-x"]
)
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    """A name is one plain path component or an error."""
    with pytest.raises(BadData, match="cannot name a file or folder"):
        safe_name(name)


@pytest.mark.parametrize(
    "capture_id", ["c123", "c0123456789ABCDEF", "x0123456789abcdef", "c0123456789abcdef\n"]
)
def test_capture_ids_are_checked_before_they_become_paths(capture_id: str) -> None:
    """Only `c` and 16 lower-case hex digits name a capture."""
    with pytest.raises(BadData, match="is not a capture id"):
        safe_capture_id(capture_id)


def test_no_workspace_says_what_makes_one(tmp_path: Path) -> None:
    """A missing data folder is missing input with a way out."""
    with pytest.raises(MissingInput, match="`ptml simulate` or `ptml add` makes one"):
        Workspace(tmp_path / "nowhere").require()


def test_scratch_is_removed_even_after_an_error(workspace: Workspace) -> None:
    """Unfinished work leaves nothing behind."""
    with pytest.raises(ZeroDivisionError, match="zero"), workspace.scratch_folder() as folder:
        _ = 1 / 0
    assert not folder.exists()


def test_one_capture_is_published_by_one_at_a_time(tmp_path: Path) -> None:
    """Who wants to publish a capture that another publishes waits for its end."""
    workspace, capture_id = Workspace(tmp_path), "c0123456789abcdef"
    order: list[str] = []

    def second() -> None:
        with workspace.publishing(capture_id):
            order.append("second")

    waiting = threading.Thread(target=second)
    with workspace.publishing(capture_id):
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
