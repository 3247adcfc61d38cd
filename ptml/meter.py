"""How far a process has got with a file, told to others while it works, through one small file of its own."""

from __future__ import annotations

import contextlib
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERVAL = 0.1
_COUNTS = struct.Struct("<qq")


@dataclass(slots=True)
class Meter:
    """Counts bytes read of the input and rows written, and leaves both in a file now and then."""

    path: Path
    bytes: int = 0
    rows: int = 0
    told: float = 0.0

    def tell(self) -> None:
        """Leave the counts for others, unless that was just done; progress is never worth an error."""
        now = time.monotonic()
        if now - self.told >= INTERVAL:
            self.told = now
            with contextlib.suppress(OSError):
                self.path.write_bytes(_COUNTS.pack(self.bytes, self.rows))


_running: list[Meter] = []
"""The meter of what this process works on; a process works on one file at a time."""


def read_to(position: int) -> None:
    """Count: the input has been read up to here, in bytes as they lie on disk."""
    for meter in _running:
        meter.bytes = max(meter.bytes, position)
        meter.tell()


def wrote_rows(count: int) -> None:
    """Count: so many further rows."""
    for meter in _running:
        meter.rows += count
        meter.tell()


@contextlib.contextmanager
def metered(path: Path | None) -> Iterator[None]:
    """Count what happens inside, for whoever looks at the file; with None, for nobody."""
    if path is None:
        yield
        return
    meter = Meter(path)
    _running.append(meter)
    try:
        yield
    finally:
        _running.remove(meter)
        path.unlink(missing_ok=True)


def read_meters(folder: Path) -> tuple[int, int]:
    """Add up the bytes and rows of all meters that run now in a folder.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with metered(folder / "a"):
    ...     read_to(7)
    ...     read_meters(folder)
    (7, 0)
    >>> read_meters(folder)
    (0, 0)
    """
    read = rows = 0
    for path in folder.glob("*"):
        with contextlib.suppress(OSError, struct.error):  # ended, or half written, just now
            some_bytes, some_rows = _COUNTS.unpack(path.read_bytes())
            read, rows = read + some_bytes, rows + some_rows
    return read, rows
