"""Folders to work in, made once a thread: making and removing one takes longer than many a download."""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ptml.io import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(slots=True)
class Folders:
    """Gives each thread its own two folders: one for what it works on, one for what is not published yet.

    Attributes:
        root: Where they are; whoever made it removes it.
    """

    root: Path
    own: threading.local = field(default_factory=threading.local)

    @contextlib.contextmanager
    def lend(self) -> Iterator[tuple[Path, Path]]:
        """Lend the thread's folders, the first one empty."""
        if not hasattr(self.own, "pair"):
            base = self.root / str(threading.get_ident())
            self.own.pair = (base / "work", base / "publish")
            for folder in self.own.pair:
                with writing(folder):
                    folder.mkdir(parents=True, exist_ok=True)
        work, publish = self.own.pair
        try:
            yield work, publish
        finally:
            for path in work.iterdir():
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
