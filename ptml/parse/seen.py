"""What is noted of a log while it is read: its data lines' hash, its beginning, and whether it has an end."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.identity import DataLines
from ptml.io import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEAD_BYTES = 1 << 16
TAIL_BYTES = 256
_END = re.compile(rb"(?:^|\n)#close[^\n]*\n\Z")


class Seen:
    r"""Notes on a log's plain bytes as they come.

    Args:
        marks: See :class:`ptml.identity.DataLines`.

    >>> seen = Seen()
    >>> for piece in (b"#path\tconn\n1\n#clo", b"se\t2026-11-24-01-00-00\n"):
    ...     seen.update(piece)
    >>> seen.lines.size, seen.head[:5], seen.has_end
    (2, b'#path', True)
    """

    def __init__(self, marks: Iterable[int] = ()) -> None:
        self.lines = DataLines(marks)
        self.head = b""
        self._tail = b""

    @property
    def has_end(self) -> bool:
        """Tell whether it ends as Zeek ends a log."""
        return has_end(self._tail)

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        self.lines.update(piece)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
        self._tail = piece[-TAIL_BYTES:] if len(piece) >= TAIL_BYTES else (self._tail + piece)[-TAIL_BYTES:]


def has_end(tail: bytes) -> bool:
    r"""Tell by a log's last bytes whether it ends as Zeek ends a log.

    >>> has_end(b"1\n#close\t2026-11-24-01-00-00\n"), has_end(b"1\n#close\t2026-11"), has_end(b"1\n")
    (True, False, False)
    """
    return _END.search(tail) is not None


def head_of(path: Path) -> bytes:
    """Read a file's first bytes, decompressed: they tell a file that grew from another one."""
    begins = b""
    with contextlib.suppress(BadData):
        for piece in chunks(path):
            begins += piece[: HEAD_BYTES - len(begins)]
            if len(begins) == HEAD_BYTES:
                break
    return begins
