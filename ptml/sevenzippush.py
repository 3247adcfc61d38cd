"""The pushing half of `ptml.sevenzip`: what the library unpacks goes into a queue; imports py7zr."""

from __future__ import annotations

import contextlib
from pathlib import PurePath
from queue import Full
from typing import TYPE_CHECKING, Any

from py7zr.io import Py7zIO, WriterFactory

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from queue import Queue

    from py7zr import SevenZipFile

LOOK_EVERY = 0.1
END, DONE = object(), object()
"""After a member; after the last one."""


class Abandoned(BaseException):
    """Nobody wants any more."""


class _Outlet:
    """Puts things into a queue for as long as somebody takes them out."""

    def __init__(self, queue: Queue[Any], abandoned: threading.Event) -> None:
        self.queue, self.abandoned = queue, abandoned

    def put(self, item: object) -> None:
        while not self.abandoned.is_set():
            with contextlib.suppress(Full):
                self.queue.put(item, timeout=LOOK_EVERY)
                return
        raise Abandoned


class _Writer(Py7zIO):
    """Takes one member from the library and passes it on, its name first; without an outlet, drops it."""

    def __init__(self, name: str, outlet: _Outlet | None) -> None:
        self.length, self.outlet = 0, outlet
        if outlet is not None:
            outlet.put(name)

    def write(self, piece: bytes | bytearray) -> int:
        self.length += len(piece)
        if self.outlet is not None and piece:
            self.outlet.put(bytes(piece))
        return len(piece)

    def close(self) -> None:
        if self.outlet is not None:
            self.outlet.put(END)

    def read(self, _size: int | None = None) -> bytes:
        return b""

    def seek(self, _offset: int, _whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self.length


class _Writers(WriterFactory):
    """Makes a writer for each member; of two with one name the second one's bytes are dropped."""

    def __init__(self, wanted: Sequence[str], outlet: _Outlet) -> None:
        self.missing = {_as_the_library_says(name): name for name in wanted}
        self.outlet = outlet

    def create(self, filename: str) -> _Writer:
        name = self.missing.pop(filename, None)
        return _Writer(name or filename, None if name is None else self.outlet)

    def require_all(self) -> None:
        if self.missing:
            raise ValueError(f"it lists {len(self.missing)} files that it does not give")


def _as_the_library_says(name: str) -> str:
    """Give a name as the library calls the file that it would write."""
    return PurePath(*(part for part in PurePath(name).parts if part != ".")).as_posix()


def push(archive: SevenZipFile, wanted: Sequence[str], queue: Queue[Any], abandoned: threading.Event) -> None:
    """Unpack an archive into a queue: of each member its name, its pieces and `END`; then `DONE` or an error.

    Args:
        archive: A `py7zr.SevenZipFile`.
        wanted: The members that are wanted.
        queue: Where to.
        abandoned: Set when nobody takes anything out any more.
    """
    outlet = _Outlet(queue, abandoned)
    with contextlib.suppress(Abandoned):
        try:
            writers = _Writers(wanted, outlet)
            archive.extract(targets=list(wanted), factory=writers)
            writers.require_all()
        except Exception as error:  # noqa: BLE001 - it is raised where the members are read
            outlet.put(error)
        else:
            outlet.put(DONE)
