"""Fetching captures into the workspace: several at a time, each whole or not at all, none twice."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ptml.errors import CannotWrite, PtmlError
from ptml.io import fsync_folder
from ptml.manifest import read_manifest
from ptml.sources.merging import list_captures
from ptml.sources.planning import Plan, plan_fetch
from ptml.sources.protocol import Room
from ptml.sources.raw import STAGE as RAW
from ptml.sources.raw import publish_raw
from ptml.sources.receipt import Listing, Receipt, is_there, now, write_receipt
from ptml.sources.registry import Network, about, opened
from ptml.sources.rooms import Folders
from ptml.stage import StageReport
from ptml.types import unwatched

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.settings import FetchSettings
    from ptml.sources.protocol import Captured, Item, Source
    from ptml.types import FetchProgress
    from ptml.workspace import Workspace

LISTED_EVERY = 5.0
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
        opened(settings.source, network, workspace) as (source, access),
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
    waiting: list[tuple[Item, Receipt]] = field(default_factory=list)
    done: dict[str, bool] = field(default_factory=dict)
    errors: dict[str, PtmlError] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    unsynced: set[Path] = field(default_factory=set)
    bytes: int = 0
    expected: int = 0
    files: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    captures: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def work(self, jobs: int) -> None:
        """Fetch what is planned, and list it as it comes."""
        self.waiting += self.plan.known
        for _, receipt in self.plan.known:
            self.done |= {one.capture_id: False for one in receipt.captures}
        self.pool = ThreadPoolExecutor(jobs, thread_name_prefix="fetch")
        futures = {self.pool.submit(self._one, item): item for item in self.plan.items}
        pending: set[Future[Receipt]] = set(futures)
        while pending:
            ready, pending = wait(pending, LOOK_EVERY, FIRST_COMPLETED)
            for future in ready:
                self._take(futures[future], future)
            self._tell()
            if self.waiting and time.monotonic() - self.listed_at > LISTED_EVERY:
                self.list()

    def end(self) -> None:
        """Let no thread work on, and list what has come."""
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
        self.list()

    def list(self) -> None:
        """List in the catalog what has come since this was done last."""
        if self.waiting:
            folders = list(self.unsynced)
            self.unsynced.difference_update(folders)  # before they are synced: what comes in between stays
            for folder in folders:
                fsync_folder(folder)
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

    def _take(self, item: Item, future: Future[Receipt]) -> None:
        try:
            receipt = future.result()
        except CannotWrite:
            raise  # it would hit every other file too
        except PtmlError as error:
            self.errors[item.id] = error
            return
        self.files += 1
        self.waiting.append((item, receipt))
        self.notes.update(receipt.notes)
        for one in receipt.captures:
            if one.capture_id in self.done:
                self.notes[f"{one.name} has the same content as another: one capture"] += 1
            self.done[one.capture_id] = True

    def _one(self, item: Item) -> Receipt:
        with self.folders.lend() as (folder, unpublished):
            room = Room(folder, self.workspace.partial, self._moved, self.settings.passwords)
            delivery = self.source.fetch(item, room)
            captures = {one.capture_id: one for one in delivery.captures}
            receipt = Receipt(
                source=self.settings.source,
                item=item.id,
                size=delivery.size,
                sha256=delivery.sha256,
                promise=asdict(item.promise),
                captures=tuple(self._publish(item, one, unpublished) for one in captures.values()),
                fetched_at=now(),
                notes=delivery.notes,
            )
            write_receipt(self.workspace, receipt, folder)
        return receipt

    def _publish(self, item: Item, captured: Captured, folder: Path) -> Listing:
        with self.lock:
            own = self.captures[captured.capture_id]
        with own:  # the same capture may come in two files at a time
            if self.force or not is_there(self.workspace, captured.capture_id):
                publish_raw(
                    self.workspace,
                    self.settings.source,
                    captured.capture_id,
                    captured.files,
                    parameters={"source": self.settings.source, "item": item.id},
                    force=self.force,
                    move=True,
                    known=captured.hashes,
                    later=self.unsynced,
                    folder=folder,
                )
            manifest = read_manifest(self.workspace, RAW, captured.capture_id)
        size = sum(file.bytes for file in manifest.files) if manifest else 0
        return Listing(captured.capture_id, captured.name, size, captured.sha256, captured.md5)

    def _moved(self, some: int, expected: int) -> None:
        with self.lock:
            self.bytes += some
            self.expected += expected

    def _tell(self) -> None:
        done, total = self.files + len(self.errors), len(self.plan.items)
        self.progress(self.bytes, max(self.expected, self.plan.size), done, total)
