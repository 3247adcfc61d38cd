"""A log's bytes in blocks of whole lines, each with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.io import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE_BYTES = 64 << 20
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


def blocks(path: Path, block_bytes: int) -> Iterator[Block | Reject]:
    """Yield a file's whole lines, about `block_bytes` at a time.

    A compressed file that breaks off yields what came before, and the remainder as one reject.
    """
    pending: list[bytes] = []
    size, line, offset = 0, 1, 0
    broken: str | None = None
    pieces = chunks(path)
    while True:
        try:
            piece = next(pieces, b"")
        except BadData as error:
            piece, broken = b"", error.message
        if line == 1 and offset == 0 and not pending:
            stripped = piece.removeprefix(BYTE_ORDER_MARK)
            offset, piece = len(piece) - len(stripped), stripped
        pending.append(piece)
        size += len(piece)
        if piece and size < block_bytes:
            continue
        data = b"".join(pending)
        whole = len(data) if not piece and broken is None else data.rfind(b"\n") + 1
        if whole:
            yield Block(data[:whole], line, offset)
            line, offset = line + data.count(b"\n", 0, whole), offset + whole
        rest = data[whole:]
        if broken is not None:
            yield Reject(line if rest else None, offset, f"{broken}", rest)
        if len(rest) > MAX_LINE_BYTES:
            yield Reject(
                line, offset, f"a line of more than {MAX_LINE_BYTES} bytes; reading stops here", rest[:4096]
            )
            return
        if not piece:
            return
        pending, size = [rest], len(rest)
