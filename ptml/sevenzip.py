"""Members of a 7z, handed over one after another while they are unpacked; needs the extra ``sevenzip``.

The library unpacks whole archives and pushes what comes; here a thread lets it push into a queue of one
piece, so that no more lies in memory than one piece or two, and nothing on disk.
"""

from __future__ import annotations

import io
import threading
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData, MissingTool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from py7zr import SevenZipFile

    from ptml.bounds import Budget, Names

MAGIC = b"7z\xbc\xaf\x27\x1c"
LOOK_EVERY = 0.1


def sevenzip_members(
    file: io.BufferedReader, budget: Budget, names: Names, passwords: Sequence[str]
) -> Iterator[tuple[str, io.BufferedIOBase]]:
    """Yield the name and the bytes of each file, in the archive's own order.

    What it says of itself is checked before anything is unpacked.

    Args:
        file: The archive.
        budget: What it may hold.
        names: Which members come in.
        passwords: What to try where it is encrypted.

    Raises:
        MissingTool: py7zr is not installed.
        BadData: It is broken, encrypted with another password, or exceeds a limit.
    """
    with _sound(budget.path), _open(file, budget, passwords) as archive:
        listed = archive.list()
        budget.enter(len(listed))
        budget.check(sum(one.uncompressed for one in listed))
        wanted = dict.fromkeys(
            one.filename
            for one in listed
            if not one.is_directory and names.admit(one.filename, regular=one.is_file)
        )
        if wanted:
            yield from _handed_over(archive, wanted, budget.path)


class _sound:  # noqa: N801 - used as a function
    """Turns whatever the library raises over a hostile file into `BadData`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, (BadData, MissingTool)):
            raise _broken(self.path, error) from error


def _broken(path: Path, error: BaseException) -> BadData:
    return BadData(
        f"{path} is no sound archive: {type(error).__name__}: {str(error)[:200]}", hint="fetch it again"
    )


def _open(file: io.BufferedReader, budget: Budget, passwords: Sequence[str]) -> SevenZipFile:
    try:
        import py7zr
    except ImportError as error:
        raise MissingTool(
            f"{budget.path} is a 7z archive, which needs py7zr",
            hint="pip install 'ptml[sevenzip]', then the same again",
        ) from error

    def opened(word: str | None) -> SevenZipFile:
        file.seek(0)
        return py7zr.SevenZipFile(file, password=word, max_extract_size=budget.most)

    try:
        archive = opened(None)
        if not archive.needs_password():
            return archive
    except py7zr.PasswordRequired:
        pass  # its list of files is encrypted, too
    for word in passwords:
        if _fits(opened, word):
            return opened(word)
    tried = f", and none of the {len(passwords)} passwords that were tried fits" if passwords else ""
    raise BadData(f"{budget.path} is encrypted{tried}", hint="--password WORD, or decrypt it first")


def _fits(opened: Callable[[str], SevenZipFile], word: str) -> bool:
    """Tell whether a password opens the first file that is not empty; its checksum tells."""
    from py7zr.io import NullIOFactory

    try:
        with opened(word) as archive:
            first = next((one.filename for one in archive.list() if one.uncompressed), None)
            if first is not None:
                archive.extract(targets=[first], factory=NullIOFactory())  # type: ignore[no-untyped-call]  # the library has no types there
    except Exception:  # noqa: BLE001 - a wrong key makes the library read nonsense, which fails in any way
        return False
    return True


def _handed_over(
    archive: SevenZipFile,
    wanted: dict[str, None],
    path: Path,
) -> Iterator[tuple[str, io.BufferedIOBase]]:
    queue: Queue[Any] = Queue(1)
    abandoned = threading.Event()
    from ptml.sevenzippush import DONE, push

    thread = threading.Thread(target=push, args=(archive, list(wanted), queue, abandoned), daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not DONE:
            if isinstance(item, BaseException):
                raise _broken(path, item)
            stream = _Stream(queue, path)
            yield item, stream
            while stream.read1():
                pass  # to the next member
    finally:
        abandoned.set()
        while thread.is_alive():
            try:
                queue.get(timeout=LOOK_EVERY)
            except Empty:
                continue


class _Stream(io.BufferedIOBase):
    """The bytes of the member that is being pushed."""

    def __init__(self, queue: Queue[Any], path: Path) -> None:
        super().__init__()
        self.queue, self.path = queue, path
        self.rest = b""
        self.ended = False

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        if not self.rest and not self.ended:
            item = self.queue.get()
            self.ended = not isinstance(item, bytes)
            if isinstance(item, BaseException):
                raise _broken(self.path, item)
            self.rest = b"" if self.ended else item
        end = len(self.rest) if size < 0 else size
        piece, self.rest = self.rest[:end], self.rest[end:]
        return piece
