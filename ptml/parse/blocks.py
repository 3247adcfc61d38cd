"""A log's bytes in blocks of whole lines, each with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.errors import BadData

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_BYTES = 64 << 20
KEPT_BYTES = 4096
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a log, with the first one's number (from 1) and offset in the plain file."""

    data: bytes
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that cannot be read, or a whole file (`line` is then None): where, why, and its bytes."""

    line: int | None
    offset: int
    reason: str
    raw: bytes


def blocks(
    pieces: Iterator[bytes], block_bytes: int, max_line: int = MAX_LINE_BYTES
) -> Iterator[Block | Reject]:
    """Yield a stream's whole lines, about `block_bytes` at a time.

    A stream that breaks off yields what came before, and the remainder as one reject. A line that is longer
    than `max_line` is one reject that keeps its beginning; reading goes on after it.
    """
    cutter = _Cutter(max_line)
    broken: str | None = None
    while True:
        try:
            piece = next(pieces, b"")
        except BadData as error:
            piece, broken = b"", error.message
        cutter.take(piece)
        if piece and cutter.size < block_bytes:
            continue
        yield from cutter.cut(whole=not piece and broken is None)
        if broken is not None:
            yield cutter.remainder(broken)
        if not piece:
            return


class _Cutter:
    """Bytes that wait for the end of their line."""

    def __init__(self, max_line: int) -> None:
        self.max_line = max_line
        self.pending: list[bytes] = []
        self.size, self.line, self.offset = 0, 1, 0
        self.begun = False
        self.long_head: bytes | None = None
        self.long_bytes = 0

    def take(self, piece: bytes) -> None:
        if not self.begun and piece:
            self.begun = True
            stripped = piece.removeprefix(BYTE_ORDER_MARK)
            self.offset, piece = len(piece) - len(stripped), stripped
        self.pending.append(piece)
        self.size += len(piece)

    def cut(self, *, whole: bool) -> Iterator[Block | Reject]:
        data = b"".join(self.pending)
        if self.long_head is not None:
            data, ended = self._skip(data)
            if ended or whole:
                yield self._end_long_line(ended=ended)
        until = len(data) if whole else data.rfind(b"\n") + 1
        if until and self.long_head is None:
            yield from self._whole_lines(data[:until])
        rest = data[until:]
        if len(rest) > self.max_line:
            self.long_head, self.long_bytes, rest = rest[:KEPT_BYTES], len(rest), b""
        self.pending, self.size = [rest], len(rest)

    def _whole_lines(self, data: bytes) -> Iterator[Block | Reject]:
        yield Block(data, self.line, self.offset)
        self.line, self.offset = self.line + data.count(b"\n"), self.offset + len(data)

    def _skip(self, data: bytes) -> tuple[bytes, bool]:
        """Pass over the rest of a line that is too long; what is left of the data comes after it."""
        end = data.find(b"\n") + 1
        self.long_bytes += end or len(data)
        return (data[end:], True) if end else (b"", False)

    def _end_long_line(self, *, ended: bool) -> Reject:
        length = self.long_bytes - ended
        reason = f"a line of {length} bytes; at most {self.max_line} are read, {KEPT_BYTES} are kept"
        reject = Reject(self.line, self.offset, reason, self.long_head or b"")
        self.line, self.offset = self.line + 1, self.offset + self.long_bytes
        self.long_head = None
        return reject

    def remainder(self, reason: str) -> Reject:
        rest = self.long_head if self.long_head is not None else b"".join(self.pending)
        return Reject(self.line if rest else None, self.offset, reason, rest)
