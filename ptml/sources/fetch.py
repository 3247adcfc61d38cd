"""Fetching captures into the workspace: several at a time, each whole or not at all, none twice."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ptml.errors import CannotWrite, PtmlError
from ptml.io import sha256_file, writing
from ptml.sources.merging import list_captures
from ptml.sources.planning import Plan, options_of, plan_fetch
from ptml.sources.protocol import Room
from ptml.sources.receipt import keep_receipts, published_raw, receipt_of
from ptml.sources.registry import Network, about, opened
from ptml.sources.rooms import Folders
from ptml.sources.together import Staged, publish_together
from ptml.stage import StageReport
from ptml.types import unwatched

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.settings import FetchSettings
    from ptml.sources.protocol import Captured, Delivery, Item, Source
    from ptml.sources.receipt import Receipt
    from ptml.types import FetchProgress, JsonObject
    from ptml.workspace import Workspace

LISTED_EVERY = 5.0
PUBLISHED_EVERY = 0.5
TOGETHER = 32
TOGETHER_BYTES = 64 << 20
"""What a kill may cost: so much time, so many files, so many bytes that have come but are not published."""
LOOK_EVERY = 0.2


def fetch(
    workspace: Workspace,
    settings: FetchSettings,
    *,
    force: bool = False,
    progress: FetchProgress = unwatched,
) -> StageReport:
    """Fetch captures into ``raw/<source>/``, and list them in the catalog with where they came from.

    What has been fetched already is not fetched again; what broke off goes on. A capture that another
    source brought already is the same capture, with two origins; where their labels differ, the first one
    stays and the report says so. Interrupted, it leaves the workspace sound.

    Args:
        workspace: Where to.
        settings: What, from where and how.
        force: Fetch again what is there already.
        progress: Told as bytes come and files are done.

    Raises:
        SettingsError: There is no such source, or it needs a key.
        DownloadError: The source did not answer as expected, or nothing at all came.
        BadData: What came held no captures at all.
        MissingInput: There is nothing to fetch.
        WorkspaceBusy: Another run holds the workspace.
    """
    started = time.perf_counter()
    jobs = settings.jobs or about(settings.source).jobs
    network = Network(settings.allow_private, settings.ca, jobs + 1)
    with (
        workspace.locked(),
        workspace.scratch_folder() as folder,
        opened(settings.source, network, workspace, options_of(settings)) as (source, access),
    ):
        plan = plan_fetch(workspace, source, settings, force=force)
        run = _Run(workspace, source, settings, plan, Folders(folder), progress, force=force)
        try:
            run.work(jobs)
        except BaseException:
            access.client.stop()  # threads that wait or read give up, so that they can be waited for
            raise
        finally:
            run.end()
    return run.report(time.perf_counter() - started)


@dataclass(slots=True)
class _Run:
    workspace: Workspace
    source: Source
    settings: FetchSettings
    plan: Plan
    folders: Folders
    progress: FetchProgress
    force: bool = False
    pool: ThreadPoolExecutor | None = None
    listed_at: float = field(default_factory=time.monotonic)
    published_at: float = field(default_factory=time.monotonic)
    ready: list[tuple[Item, Delivery]] = field(default_factory=list)
    waiting: list[tuple[Item, Receipt]] = field(default_factory=list)
    renewed: set[str] = field(default_factory=set)
    done: dict[str, bool] = field(default_factory=dict)
    errors: dict[str, PtmlError] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    expected: int = 0
    planned: int = 0
    files: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, jobs: int) -> None:
        """Fetch what is planned, and list it as it comes."""
        self.planned = self.plan.size
        self.waiting += self.plan.known
        for _, receipt in self.plan.known:
            self.done |= {one.capture_id: False for one in receipt.captures}
        self.pool = ThreadPoolExecutor(jobs, thread_name_prefix="fetch")
        finished: SimpleQueue[Future[Delivery]] = SimpleQueue()
        futures = {self.pool.submit(self._one, item): item for item in self.plan.items}
        for future in futures:
            future.add_done_callback(finished.put)
        while futures:
            with contextlib.suppress(Empty):
                future = finished.get(timeout=LOOK_EVERY)
                self._take(futures.pop(future), future)
            self._tell()
            if self._is_much() or time.monotonic() - self.published_at > PUBLISHED_EVERY:
                self.publish()
            if self.waiting and time.monotonic() - self.listed_at > LISTED_EVERY:
                self.list()

    def _is_much(self) -> bool:
        return len(self.ready) >= TOGETHER or sum(one.size for _, one in self.ready) >= TOGETHER_BYTES

    def end(self) -> None:
        """Let no thread work on, and publish and list what has come."""
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
        self.publish()
        self.list()
        self._tell()

    def publish(self) -> None:
        """Publish what has come since this was done last."""
        ready, self.ready, self.published_at = self.ready, [], time.monotonic()
        if not ready:
            return
        staged: dict[str, Staged] = {}
        for item, delivery in ready:
            for one in delivery.captures:
                if one.capture_id not in staged and not self._is_there(one):
                    about_it: JsonObject = {"source": self.settings.source, "item": item.id}
                    staged[one.capture_id] = Staged(
                        self.settings.source, one.capture_id, one.files, one.hashes, about_it
                    )
        source = self.settings.source
        published = publish_together(self.workspace, list(staged.values()), self.folders.root)
        receipts = [
            (item, receipt_of(self.workspace, source, item, delivery, published)) for item, delivery in ready
        ]
        keep_receipts(self.workspace, source, (receipt for _, receipt in receipts))
        self.waiting += receipts

    def _is_there(self, captured: Captured) -> bool:
        """Tell whether a capture need not be published: it is there, and not this source's to renew."""
        old = published_raw(self.workspace, captured.capture_id)
        again = self.force and captured.capture_id not in self.renewed
        self.renewed.add(captured.capture_id)
        return old is not None and not (again and old.parameters.get("source") == self.settings.source)

    def list(self) -> None:
        """List in the catalog what has been published since this was done last."""
        if self.waiting:
            self.notes.update(list_captures(self.workspace, self.settings.source, self.waiting))
        self.waiting = []
        self.listed_at = time.monotonic()

    def report(self, seconds: float) -> StageReport:
        """Tell what came of it.

        Raises:
            PtmlError: Nothing did; it is of the kind of the first failure.
        """
        failed = {**self.plan.failed, **self.errors}
        if not self.done and failed:
            name, error = next(iter(failed.items()))
            others = f" (and {len(failed) - 1} more failed)" if len(failed) > 1 else ""
            message = f"nothing was fetched from {self.settings.source}: {name}: {error.message}{others}"
            raise type(error)(message, hint=error.hint)
        return StageReport(
            stage="fetch",
            done=tuple(sorted(one for one, new in self.done.items() if new)),
            unchanged=tuple(sorted(one for one, new in self.done.items() if not new)),
            failed={name: str(error) for name, error in failed.items()},
            counts={"files": self.files, "bytes": self.bytes},
            notes=dict(sorted(self.notes.items())),
            seconds=round(seconds, 3),
        )

    def _take(self, item: Item, future: Future[Delivery]) -> None:
        try:
            delivery = future.result()
        except CannotWrite:
            raise  # it would hit every other file too
        except PtmlError as error:
            self.errors[item.id] = error
            return
        self.files += 1
        self.ready.append((item, delivery))
        self.notes.update(delivery.notes)
        for one in delivery.captures:
            if one.capture_id in self.done:
                self.notes[f"{one.name} has the same content as another: one capture"] += 1
            self.done[one.capture_id] = True

    def _one(self, item: Item) -> Delivery:
        """Fetch an item, and set what came aside for the main thread to publish."""
        with self.folders.lend() as (work, aside):
            room = Room(work, self.workspace.partial, self._moved, self.settings.passwords)
            delivery = self.source.fetch(item, room)
            captures = {one.capture_id: one for one in delivery.captures}
            return replace(delivery, captures=tuple(_aside(one, aside) for one in captures.values()))

    def _moved(self, some: int, expected: int) -> None:
        with self.lock:
            self.bytes += some
            self.expected += expected

    def _tell(self) -> None:
        done, total = self.files + len(self.errors), len(self.plan.items)
        self.progress(self.bytes, max(self.expected, self.planned), done, total)


def _aside(captured: Captured, folder: Path) -> Captured:
    """Move a capture's files out of the way of the next item, and hash those that are not hashed yet."""
    files, hashes = {}, {}
    with writing(folder):
        for name, path in captured.files.items():
            hashes[name] = captured.hashes.get(name) or sha256_file(path)
            files[name] = path.replace(folder / uuid.uuid4().hex)
    return replace(captured, files=files, hashes=hashes)
