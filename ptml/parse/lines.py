"""The lines of a block, found once, each with its number and its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptml.parse.batch import Misfit
from ptml.parse.blocks import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from ptml.parse.blocks import Block

NEWLINE, RETURN = 0x0A, 0x0D
CACHED_BYTES = 1 << 18
"""So much text and its marks stay in a processor's cache; more at a time takes six times as long."""


class Lines:
    """Whole lines, each ended by a newline; the ones that are kept remember where they were."""

    def __init__(
        self,
        data: bytes,
        numbers: NDArray[np.int64],
        offsets: NDArray[np.int64],
        ends: NDArray[np.intp] | None = None,
    ) -> None:
        self.data = data
        self.array = np.frombuffer(data, dtype=np.uint8)
        self.ends = _ends(data) if ends is None else ends
        self.starts = np.concatenate(([0], self.ends[:-1] + 1)) if self.ends.size else self.ends
        self.numbers = numbers
        self.offsets = offsets

    @classmethod
    def of(cls, block: Block, *, crlf: bool = False) -> Lines:
        r"""Find a block's lines.

        >>> from ptml.parse.blocks import Block
        >>> lines = Lines.of(Block(b"a\r\nb", line=7, offset=100), crlf=True)
        >>> lines.data, lines.numbers.tolist(), lines.offsets.tolist()
        (b'a\nb\n', [7, 8], [100, 103])
        """
        data = block.data if block.data.endswith(b"\n") else block.data + b"\n"
        ends = _ends(data)
        numbers = np.arange(block.line, block.line + ends.size)
        offsets = block.offset + np.concatenate(([0], ends[:-1] + 1))
        if crlf:
            return cls(data.replace(b"\r\n", b"\n"), numbers, offsets)
        return cls(data, numbers, offsets, ends)

    def __len__(self) -> int:
        return int(self.ends.size)

    def without_blank(self) -> Lines:
        """Leave out empty lines."""
        return self.keep(self.ends != self.starts)

    def keep(self, mask: NDArray[np.bool_]) -> Lines:
        """Keep only some lines."""
        if mask.all():
            return self
        kept = b"".join(self.raw(i) + b"\n" for i in np.flatnonzero(mask))
        return Lines(kept, self.numbers[mask], self.offsets[mask])

    def raw(self, index: np.intp | int) -> bytes:
        """Give a line's bytes, without its end."""
        return self.data[self.starts[index] : self.ends[index]]

    def reject(self, index: np.intp | int, reason: str) -> Reject:
        """Set a line aside."""
        return Reject(int(self.numbers[index]), int(self.offsets[index]), reason, self.raw(index))

    def misfits(self, faults: Iterable[tuple[int, tuple[str, ...], str]]) -> list[Misfit]:
        """Tell of lines that are rows, but for some values: index, their columns, the reason."""
        return [Misfit(row, columns, self.reject(row, why)) for row, columns, why in faults]

    def reject_all(self, reason: str) -> list[Reject]:
        """Set every line aside for one reason."""
        return [self.reject(i, reason) for i in range(len(self))]

    def without_first(self) -> Lines:
        """Leave out the first line."""
        return self.keep(np.arange(len(self)) > 0)

    def each(self) -> Iterator[tuple[int, bytes]]:
        """Give each line with its index."""
        for index in range(len(self)):
            yield index, self.raw(index)

    def text(self) -> bytes:
        r"""Give the lines as valid UTF-8; bytes that are not keep Zeek's ``\xHH`` spelling."""
        if self.data.isascii():
            return self.data
        return self.data.decode("utf-8", errors="backslashreplace").encode()


def _ends(data: bytes) -> NDArray[np.intp]:
    return np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == NEWLINE)
