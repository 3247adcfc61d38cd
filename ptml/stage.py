"""What every per-capture stage shares: do only what is new, go on past bad captures, report all of it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from ptml.engine import attempt, of_each
from ptml.errors import BadData, PtmlError
from ptml.manifest import Manifest, is_fresh, read_manifest_or_none
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ptml.engine import Engine
    from ptml.types import JsonObject, Progress
    from ptml.workspace import Workspace


class Task(Protocol):
    """One capture's share of a stage: what it is, and what its output's fingerprint will be."""

    @property
    def capture_id(self) -> str:
        """Tell which capture."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash all that determines the output."""
        ...


T = TypeVar("T", bound=Task)


@dataclass(frozen=True, slots=True)
class StageReport:
    """What a stage did with each capture.

    Attributes:
        stage: Its name.
        done: Captures worked on now.
        unchanged: Captures whose output was there already.
        failed: Captures that could not be used, and why.
        rows_in: Rows read, over all captures with output.
        rows_out: Rows written, likewise.
        counts: Other counts, by name, likewise.
        notes: Remarks, and how many captures each concerns.
        seconds: Wall time of this call.
    """

    stage: str
    done: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    rows_in: int = 0
    rows_out: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> JsonObject:
        """Give the report as plain JSON values."""
        return {**asdict(self), "done": list(self.done), "unchanged": list(self.unchanged)}

    def require_output(self) -> StageReport:
        """Insist that at least one capture has output.

        Raises:
            BadData: None has; the first capture's own error is raised, with how many others failed.
        """
        if self.done or self.unchanged or not self.failed:
            return self
        capture_id, why = next(iter(sorted(self.failed.items())))
        others = f" (and {len(self.failed) - 1} more captures failed)" if len(self.failed) > 1 else ""
        raise BadData(f"{self.stage} produced nothing: {capture_id}: {why}{others}")


def each(function: Callable[[T], Manifest]) -> Callable[[Sequence[T]], list[Manifest | PtmlError]]:
    """Make of a function over one task one over several, as :func:`run_stage` wants it."""
    return partial(_each, function)


def _each(function: Callable[[T], Manifest], tasks: Sequence[T]) -> list[Manifest | PtmlError]:
    return [attempt(function, task) for task in tasks]


def one_by_one(tasks: Sequence[T]) -> list[Sequence[T]]:
    """Bundle nothing: every task is handed out by itself."""
    return [(task,) for task in tasks]


def run_stage(
    workspace: Workspace,
    stage: str,
    tasks: Iterable[T],
    function: Callable[[Sequence[T]], list[Manifest | PtmlError]],
    *,
    engine: Engine,
    bundles: Callable[[Sequence[T]], list[Sequence[T]]] = one_by_one,
    force: bool = False,
    progress: Progress = silent,
) -> StageReport:
    """Run a stage over captures: only those whose published output is not what it would be now.

    A capture that raises `BadData` or `MissingInput` is reported under `failed`; the others go on.

    Args:
        workspace: Where output goes.
        stage: Its name.
        tasks: One a capture.
        function: Works on a bundle of tasks, and gives for each its manifest, or its error.
        engine: Where the work runs.
        bundles: Which of the tasks that are to be done are handed out together.
        force: Do again what is there.
        progress: Told after each bundle.

    Raises:
        PtmlError: Something that would hit every capture (no space, a killed worker).
    """
    started = time.perf_counter()
    todo: list[T] = []
    fresh: list[Manifest] = []
    for task in tasks:
        old = read_manifest_or_none(workspace, stage, task.capture_id)
        if old is not None and not force and is_fresh(workspace, old, task.fingerprint):
            fresh.append(old)
        else:
            todo.append(task)
    done: list[Manifest] = []
    failed: dict[str, str] = {}
    progress(stage, 0, len(todo))
    for bundle, results in engine.map(function, bundles(todo)):
        for task, result in zip(bundle, of_each(results, bundle), strict=True):
            if isinstance(result, PtmlError):
                failed[task.capture_id] = str(result)
            else:
                done.append(result)
        progress(stage, len(done) + len(failed), len(todo))
    return _report(stage, done, fresh, failed, time.perf_counter() - started)


def _report(
    stage: str, done: list[Manifest], fresh: list[Manifest], failed: dict[str, str], seconds: float
) -> StageReport:
    both = sorted([*done, *fresh], key=lambda manifest: manifest.capture_id)
    counts: Counter[str] = Counter()
    for manifest in both:
        counts.update(manifest.counts)
    return StageReport(
        stage=stage,
        done=tuple(sorted(manifest.capture_id for manifest in done)),
        unchanged=tuple(sorted(manifest.capture_id for manifest in fresh)),
        failed=dict(sorted(failed.items())),
        rows_in=sum(manifest.rows_in for manifest in both),
        rows_out=sum(manifest.rows_out for manifest in both),
        counts=dict(sorted(counts.items())),
        notes=dict(sorted(Counter(note for manifest in both for note in manifest.notes).items())),
        seconds=round(seconds, 3),
    )
