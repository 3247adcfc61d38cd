"""A block of a TSV log, parted at its header lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.parse.blocks import Block
from ptml.parse.header import is_directive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ptml.parse.header import LogHeader


def sections(block: Block, header: Callable[[], LogHeader]) -> Iterator[bytes | Block]:
    """Part a block: header lines are yielded bare, the data lines between as blocks.

    Args:
        block: Whole lines.
        header: Gives the header that holds now; each line that is yielded may change it.
    """
    data, line, start, search = block.data, block.line, 0, 0
    while (found := _next(data, header().prefix.encode(), search)) >= 0:
        end = data.find(b"\n", found)
        end = len(data) if end < 0 else end
        search = end
        if not is_directive(data[found:end], header()):
            continue
        if found > start:
            yield Block(data[start:found], line, block.offset + start)
            line += data.count(b"\n", start, found)
        yield data[found:end]
        line += 1
        start = search = min(end + 1, len(data))
    if start < len(data):
        yield Block(data[start:], line, block.offset + start)


def _next(data: bytes, prefix: bytes, start: int) -> int:
    """Find the next line that begins with the prefix."""
    if start == len(data):
        return -1
    if (start == 0 or data[start - 1 : start] == b"\n") and data.startswith(prefix, start):
        return start
    if prefix not in data:  # one byte is found many times faster than two
        return -1
    found = data.find(b"\n" + prefix, start)
    return found + 1 if 0 <= found < len(data) - 1 else -1
