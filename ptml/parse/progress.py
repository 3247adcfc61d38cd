"""How far the files in work have got, told while they are read, by what their meters show."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING

from ptml.meter import read_meters
from ptml.types import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ptml.types import ReadProgress
    from ptml.workspace import Workspace

METERS = "meters"
POLL_SECONDS = 0.25


@contextlib.contextmanager
def measured(desk: Workspace, total: int, progress: ReadProgress) -> Iterator[Callable[[int, int], None]]:
    """Tell of bytes and rows while files are worked on.

    Args:
        desk: Whose scratch folder the meters are in.
        total: Bytes of all files.
        progress: Told.

    Yields:
        What takes the bytes and the rows of each file that has been finished.
    """
    folder = desk.scratch / METERS
    folder.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    done = Counter[str]()

    def look() -> None:
        while not ended.wait(POLL_SECONDS):
            read, rows = read_meters(folder)
            progress(min(done["bytes"] + read, total), total, done["rows"] + rows)

    def advance(some_bytes: int, rows: int) -> None:
        done["bytes"] += some_bytes
        done["rows"] += rows
        progress(done["bytes"], total, done["rows"])

    progress(0, total, 0)
    looking = threading.Thread(target=look, daemon=True)
    if progress is not unseen:
        looking.start()
    try:
        yield advance
    finally:
        ended.set()
        if looking.ident is not None:
            looking.join()
