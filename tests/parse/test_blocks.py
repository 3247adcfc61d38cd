"""Blocks of whole lines: at their places, and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData
from ptml.parse.blocks import KEPT_BYTES, Block, Reject, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_lines_are_whole_and_know_their_place() -> None:
    """A line that two pieces share comes in one block; numbers and offsets go on."""
    given = list(blocks(iter([b"ab\ncd", b"ef\n", b"g"]), block_bytes=4))
    assert given == [Block(b"ab\n", 1, 0), Block(b"cdef\n", 2, 3), Block(b"g", 3, 8)]


def test_byte_order_mark_is_no_data_but_counts_in_offsets() -> None:
    """Three bytes of UTF-8's mark are passed over, once."""
    assert list(blocks(iter([b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfb\n"]), 1)) == [
        Block(b"a\n", 1, 3),
        Block(b"\xef\xbb\xbfb\n", 2, 5),
    ]


@pytest.mark.parametrize("piece_bytes", [1, 7, 100, 10_000])
def test_long_line_is_one_reject_and_reading_goes_on(piece_bytes: int) -> None:
    """A line over the limit keeps its beginning only; the lines around it are read, at their places."""
    data = b"first\n" + b"x" * 9_000 + b"\nlast\n"
    pieces = (data[i : i + piece_bytes] for i in range(0, len(data), piece_bytes))
    given = list(blocks(pieces, block_bytes=64, max_line=8_192))
    rejects = [one for one in given if isinstance(one, Reject)]
    whole = [one for one in given if isinstance(one, Block)]
    if piece_bytes == 10_000:  # it came in one piece and ended: nothing had to be held for it
        assert not rejects
        return
    assert rejects == [
        Reject(2, 6, "a line of 9000 bytes; at most 8192 are read, 4096 are kept", b"x" * 4096)
    ]
    assert (whole[0], whole[-1]) == (Block(b"first\n", 1, 0), Block(b"last\n", 3, 9_007))


def test_endless_line_takes_bounded_memory() -> None:
    """A gigabyte without a newline passes through; what is held stays near the limit."""
    held = 0

    def pieces() -> Iterator[bytes]:
        piece = b"\x00" * (1 << 20)
        for _ in range(1024):
            yield piece

    for one in blocks(pieces(), block_bytes=1 << 20, max_line=4 << 20):
        assert isinstance(one, Reject)
        held = len(one.raw)
        assert one.reason.startswith("a line of 1073741824 bytes")
    assert held == KEPT_BYTES


def test_break_gives_what_came_before_and_one_remainder() -> None:
    """Whole lines before the break are data; the cut line is the remainder, with its place."""

    def pieces() -> Iterator[bytes]:
        yield b"a\nb\ncut"
        raise BadData("breaks off")

    assert list(blocks(pieces(), 1 << 20)) == [Block(b"a\nb\n", 1, 0), Reject(3, 4, "breaks off", b"cut")]
