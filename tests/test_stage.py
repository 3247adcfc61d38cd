"""What every per-capture stage shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData
from ptml.manifest import Publication
from ptml.stage import StageReport, each, run_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptml.errors import PtmlError
    from ptml.manifest import Manifest
    from ptml.workspace import Workspace

IDS = [f"c{n:016x}" for n in range(3)]


@dataclass(frozen=True)
class Task:
    """A capture whose stage writes nothing but a manifest."""

    workspace: Workspace
    capture_id: str
    fingerprint: str
    bad: bool = False


def work(task: Task) -> Manifest:
    """Publish a manifest of ten rows, or refuse."""
    if task.bad:
        raise BadData("cannot be used")
    with task.workspace.scratch_folder() as folder:
        publication = Publication(task.workspace, "toy", task.capture_id, task.fingerprint, folder)
        return publication.publish(
            inputs={}, parameters={}, rows_in=10, rows_out=9, notes=["no dns.log"], counts={"quarantined": 1}
        )


def run(workspace: Workspace, tasks: list[Task], *, force: bool = False) -> StageReport:
    """Run the toy stage."""
    return run_stage(workspace, "toy", tasks, each(work), engine=LocalEngine(1), force=force)


def test_only_what_is_new_or_changed_is_done_again(workspace: Workspace) -> None:
    """A second run does nothing; a changed fingerprint or --force redoes; totals count all captures."""
    tasks = [Task(workspace, capture, "f1") for capture in IDS]
    first = run(workspace, tasks)
    assert (first.done, first.unchanged, first.rows_in, first.rows_out) == (tuple(IDS), (), 30, 27)
    again = run(workspace, tasks)
    assert (again.done, again.unchanged, again.rows_in) == ((), tuple(IDS), 30)
    changed = run(workspace, [*tasks[:2], Task(workspace, IDS[2], "f2")])
    assert (changed.done, changed.unchanged) == ((IDS[2],), (IDS[0], IDS[1]))
    assert run(workspace, tasks, force=True).done == tuple(IDS)


def refused(tasks: Sequence[Task]) -> list[Manifest | PtmlError]:
    """Refuse a bundle as a whole."""
    raise BadData(f"{len(tasks)} at once cannot be used")


def test_a_bundle_refused_as_a_whole_is_each_captures_fault(workspace: Workspace) -> None:
    """Where a bundle fails, every capture in it is reported with the reason."""
    tasks = [Task(workspace, capture, "f") for capture in IDS]
    report = run_stage(workspace, "toy", tasks, refused, engine=LocalEngine(1), bundles=lambda todo: [todo])
    assert report.failed == dict.fromkeys(IDS, "3 at once cannot be used")


def test_bad_capture_is_reported_and_the_others_are_done(workspace: Workspace) -> None:
    """No capture is lost in silence: done, unchanged and failed are all of them."""
    report = run(workspace, [Task(workspace, IDS[0], "f"), Task(workspace, IDS[1], "f", bad=True)])
    assert (report.done, report.failed) == ((IDS[0],), {IDS[1]: "cannot be used"})
    assert (report.counts, report.notes) == ({"quarantined": 1}, {"no dns.log": 1})


def test_stage_that_produced_nothing_says_why(workspace: Workspace) -> None:
    """When every capture fails, the first reason is the error."""
    report = run(workspace, [Task(workspace, capture, "f", bad=True) for capture in IDS[:2]])
    with pytest.raises(
        BadData, match=r"toy produced nothing: c0+: cannot be used \(and 1 more captures failed\)"
    ):
        report.require_output()
