"""Where work runs. Stages hand over a function and tasks; how these are spread is decided here alone.

Workers are spawned, never forked (Polars can hang after a fork), with one thread each, since parallelism is
over captures. A distributed engine is another class with the same one method.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from ptml.errors import BadData, MissingInput, PtmlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")

THREAD_VARIABLES = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
TASKS_AHEAD = 4


class Engine(Protocol):
    """Runs a function over tasks and yields (task, result) as they finish, in no promised order.

    The function is importable by name and its tasks and results pickle. Where it raises `BadData` or
    `MissingInput` the result is that error, so that one capture cannot stop the others; anything else
    is raised.
    """

    def map(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[tuple[T, R | PtmlError]]:
        """Run `function` over `tasks`."""
        ...


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Spawned processes on this machine; with one job or one task, this very process.

    Args:
        jobs: Worker processes; 0 means one a core.
        shielded: Workers do not hear SIGINT and SIGTERM, and take no task ahead: when this process hears one
            and gives no more tasks, they finish what they are at.
    """

    jobs: int = 0
    shielded: bool = False

    def map(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[tuple[T, R | PtmlError]]:
        """Run `function` over `tasks`.

        Raises:
            PtmlError: A worker was killed, or an error that would hit the other tasks too.
        """
        waiting = iter(tasks)
        first = list(islice(waiting, self.jobs or available_cores()))
        todo = chain(first, waiting)
        if len(first) <= 1:
            for task in todo:
                yield task, attempt(function, task)
            return
        yield from _map_spawned(function, todo, len(first), shielded=self.shielded)


def available_cores() -> int:
    """Count the cores this process may use."""
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def attempt(function: Callable[[T], R], task: T) -> R | PtmlError:
    """Run a function over a task; an error that is this task's alone is its result."""
    try:
        return function(task)
    except (BadData, MissingInput) as error:
        return error


def of_each(results: list[R | PtmlError] | PtmlError, bundle: Sequence[T]) -> list[R | PtmlError]:
    """Give every task of a bundle its result; an error of the bundle as a whole is each one's."""
    return [results] * len(bundle) if isinstance(results, PtmlError) else results


def _map_spawned(
    function: Callable[[T], R], waiting: Iterator[T], workers: int, *, shielded: bool
) -> Iterator[tuple[T, R | PtmlError]]:
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent) as pool,
    ):
        ahead = workers * (1 if shielded else TASKS_AHEAD)
        running: dict[Future[R | PtmlError], T] = {}
        try:
            while True:
                with _without_signals() if shielded else contextlib.nullcontext():
                    for task in islice(waiting, ahead - len(running)):
                        running[pool.submit(attempt, function, task)] = task
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as error:
            raise PtmlError(
                "a worker process was killed, perhaps for want of memory; what was finished is kept",
                hint="run the same command again with fewer --jobs: it goes on where it stopped. A "
                'script that calls ptml does so below `if __name__ == "__main__":`, for workers import it',
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """End this worker when its parent has been killed: nobody else would, and it would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _without_signals() -> Iterator[None]:
    """Hold signals back; processes that are started meanwhile never hear them."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows they are not passed on
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let children inherit one-thread settings: they must be in place before Polars is imported there."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
