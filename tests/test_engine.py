"""Where work runs: spawned, one thread each, one bad capture stops nothing, a full disk stops all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, CannotWrite, PtmlError
from tests import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_has_its_result(jobs: int) -> None:
    """However many workers there are, each task comes back once with its own result."""
    results = dict(LocalEngine(jobs).map(tasks.double, range(20)))
    assert {task: result[0] for task, result in results.items() if not isinstance(result, PtmlError)} == {
        n: 2 * n for n in range(20)
    }


def test_one_job_is_this_process_and_two_are_others() -> None:
    """One job starts no process; more run elsewhere."""
    here = {
        result[1]
        for _, result in LocalEngine(1).map(tasks.double, range(3))
        if not isinstance(result, PtmlError)
    }
    there = {
        result[1]
        for _, result in LocalEngine(2).map(tasks.double, range(9))
        if not isinstance(result, PtmlError)
    }
    assert here == {os.getpid()}
    assert os.getpid() not in there


@pytest.mark.parametrize("jobs", [1, 2])
def test_bad_data_is_a_result_and_the_others_go_on(jobs: int) -> None:
    """A task that cannot be used does not stop the rest, and its error arrives whole."""
    results = dict(LocalEngine(jobs).map(tasks.fail_on_three, range(6)))
    error = results.pop(3)
    assert isinstance(error, BadData)
    assert str(error) == "three is bad\nTry: try four"
    assert results == {n: n for n in (0, 1, 2, 4, 5)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_full_disk_stops_everything(jobs: int) -> None:
    """What would hit every task is raised."""
    with pytest.raises(CannotWrite, match="no space"):
        list(LocalEngine(jobs).map(tasks.full_on_three, range(6)))


def test_killed_worker_is_an_error_that_says_what_to_do() -> None:
    """A worker that dies, as for want of memory, does not hang the run."""
    with pytest.raises(PtmlError, match=r"a worker process was killed(.|\n)*fewer --jobs"):
        list(LocalEngine(2).map(tasks.die_on_three, range(6)))


def test_workers_are_spawned_with_one_thread_each_and_the_environment_is_restored() -> None:
    """Workers have one Polars thread; this process' settings are as before."""
    before = dict(os.environ)
    results = {result for _, result in LocalEngine(2).map(tasks.threads, range(4))}
    assert {result[0] for result in results if not isinstance(result, PtmlError)} == {1}
    assert dict(os.environ) == before


def test_workers_end_with_their_parent_and_heed_no_signal_where_they_are_shielded() -> None:
    """SIGINT and SIGTERM leave them at work; when their parent is killed, they end by themselves."""
    code = (
        "from ptml.engine import LocalEngine; from tests.tasks import linger; "
        "list(LocalEngine(2, shielded=True).map(linger, range(2)))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout is not None
            workers = [int(parent.stdout.readline()) for _ in range(2)]
            for worker in workers:
                os.kill(worker, signal.SIGINT)
                os.kill(worker, signal.SIGTERM)
            time.sleep(0.3)
            assert [worker for worker in workers if not is_running(worker)] == []
        finally:
            parent.kill()
    deadline = time.monotonic() + 20
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def is_running(number: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        return " Z " not in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False


def test_tasks_are_asked_for_as_they_can_be_worked_on() -> None:
    """Who gives no more of them has the results of those that were begun, and no others are begun."""
    given: list[int] = []

    def tasks_until_enough() -> Iterator[int]:
        for number in range(100):
            if len(given) >= 3:
                return
            given.append(number)
            yield number

    done = dict(LocalEngine(2, shielded=True).map(tasks.double, tasks_until_enough()))
    assert sorted(done) == given == [0, 1, 2]
