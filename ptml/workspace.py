"""The one place that knows where things lie under a workspace.

::

    catalog.parquet provenance.parquet            which captures there are, and where from
    raw/<source>/<capture_id>/                    captures as they came
    logs/<log>/capture_id=<id>/part-*.parquet     typed Zeek logs
    features/{connection,pairs,capture}/capture_id=<id>/part-*.parquet
    labels/capture_id=<id>/part-*.parquet
    models/<name>/  reports/<name>/  scores/<name>/
    quarantine/capture_id=<id>/part-*.parquet     what could not be read
    manifests/<stage>/<capture_id>.json           what has been published
    manifests/fetch/<source>.jsonl                what has been fetched from a source
    .cache/pages/                                 index pages of sources, with their validators
    .tmp/                                         unfinished work
    .tmp/partial/                                 files that are not whole yet; they outlast a run
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ptml.errors import BadData, MissingInput, WorkspaceBusy
from ptml.io import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAPTURE_ID = re.compile(r"c[0-9a-f]{16}")
LOCK_CHARS = 3
PARTIAL_SECONDS = 14 * 24 * 3600
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder that holds everything a run writes. Making one touches no disk.

    Attributes:
        root: The folder.
        durable: Whether what is published is to outlast a power cut; one that is removed before the command
            ends saves the waiting for the disk.

    >>> from pathlib import Path
    >>> Workspace(Path("data")).model("baseline").as_posix()
    'data/models/baseline'
    """

    root: Path
    durable: bool = True

    @property
    def catalog(self) -> Path:
        """The table of captures."""
        return self.root / "catalog.parquet"

    @property
    def provenance(self) -> Path:
        """The table of where captures came from."""
        return self.root / "provenance.parquet"

    @property
    def scratch(self) -> Path:
        """Unfinished work, on the same file system as what it becomes."""
        return self.root / ".tmp"

    @property
    def partial(self) -> Path:
        """Files that are not whole yet, for a later run to go on with."""
        return self.scratch / "partial"

    @property
    def pages(self) -> Path:
        """Index pages of sources."""
        return self.root / ".cache" / "pages"

    def raw(self, source: str, capture_id: str) -> Path:
        """A capture as it came."""
        return self.root / "raw" / safe_name(source) / safe_capture_id(capture_id)

    def dataset(self, *parts: str) -> Path:
        """A dataset of Parquet files, one folder a capture inside."""
        return self.root.joinpath(*(safe_name(part) for part in parts))

    def manifest(self, stage: str, capture_id: str) -> Path:
        """What a stage has published of a capture."""
        return self.root / "manifests" / safe_name(stage) / f"{safe_capture_id(capture_id)}.json"

    def receipts(self, source: str) -> Path:
        """What has been fetched from a source."""
        return self.root / "manifests" / "fetch" / f"{safe_name(source)}.jsonl"

    def model(self, name: str) -> Path:
        """A trained model."""
        return self.root / "models" / safe_name(name)

    def report(self, name: str) -> Path:
        """An evaluation's pages and figures."""
        return self.root / "reports" / safe_name(name)

    def score(self, name: str) -> Path:
        """A batch of scores."""
        return self.root / "scores" / safe_name(name)

    def require(self) -> Workspace:
        """Insist that the workspace is there.

        Raises:
            MissingInput: There is no such folder.
        """
        if not self.root.is_dir():
            raise MissingInput(
                f"no workspace at {self.root}: there is no such folder",
                hint="`ptml simulate` or `ptml add` makes one; --data names another",
            )
        return self

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the workspace against other runs; a crashed run's lock falls with its process.

        Raises:
            WorkspaceBusy: Another process holds it.
        """
        owner = self.root / ".lock-owner"
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock", timeout=0, is_singleton=True)
            outermost = not lock.is_locked
            try:
                lock.acquire()
            except Timeout as error:
                raise WorkspaceBusy(
                    f"{self.root} is in use by {_owner_text(owner)}; nothing was changed",
                    hint="wait for it to end, or choose another --data",
                ) from error
        try:
            if outermost:
                self._tidy()
                with writing(owner):
                    owner.write_text(json.dumps(_this_run()), "utf-8")
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def publishing(self, capture_id: str) -> Iterator[None]:
        """Hold a capture against this run's other workers: two files of one content make the same capture."""
        file = self.scratch / f"publishing-{safe_capture_id(capture_id)[:LOCK_CHARS]}"  # not one a capture
        with writing(file):
            self.scratch.mkdir(parents=True, exist_ok=True)
            lock = FileLock(file)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _tidy(self) -> None:
        """Remove what killed runs left behind, but for parts of files that are still worth something."""
        oldest = time.time() - PARTIAL_SECONDS
        for path in (*self.scratch.glob("*"), *self.partial.glob("*")):
            with contextlib.suppress(OSError):
                if path.parent == self.scratch and path != self.partial and path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.is_file() and (path.parent == self.scratch or path.stat().st_mtime < oldest):
                    path.unlink()

    @contextlib.contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """Lend a fresh folder under `.tmp`, removed at the end however that comes."""
        folder = self.scratch / uuid.uuid4().hex
        with writing(folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _this_run() -> dict[str, str]:
    return {
        "pid": str(os.getpid()),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv)[:200],
    }


def _owner_text(owner: Path) -> str:
    try:
        who = json.loads(owner.read_text("utf-8"))
        return f"process {who['pid']} on {who['host']} since {who['since']} ({who['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"


def safe_name(name: str) -> str:
    """Let a name through that is one plain path component.

    >>> safe_name("conn")
    'conn'

    Raises:
        BadData: It could lead elsewhere.
    """
    if NAME.fullmatch(name) is None:
        raise BadData(
            f"{name!r} cannot name a file or folder here",
            hint="use letters, digits, '.', '_' and '-', a letter or digit first, 100 at most",
        )
    return name


def safe_capture_id(capture_id: str) -> str:
    """Let a capture id through: ``c`` and 16 hex digits.

    >>> safe_capture_id("c0123456789abcdef")
    'c0123456789abcdef'

    Raises:
        BadData: It is something else.
    """
    if CAPTURE_ID.fullmatch(capture_id) is None:
        raise BadData(f"{capture_id!r} is not a capture id: `c` and 16 hex digits were expected")
    return capture_id
