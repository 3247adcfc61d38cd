"""Text made many rows at a time: identifiers, addresses and random names as Polars columns."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from ptml.sources.simulator.records import Ints

BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
HEX: Final = "0123456789abcdef"
BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
ID_LENGTH: Final = 17


def random_text(
    rng: np.random.Generator, lengths: Ints, alphabet: str = BASE62, *, prefix: str = ""
) -> pl.Series:
    """Random words of the given lengths, each behind ``prefix``.

    >>> random_text(np.random.default_rng(1), np.array([3, 5]), "ab", prefix="C").str.len_bytes().to_list()
    [4, 6]
    """
    full = lengths + len(prefix)
    ends = np.concatenate([[0], np.cumsum(full)])
    letters = np.frombuffer(alphabet.encode(), dtype=np.uint8)
    data = letters[rng.integers(0, len(letters), size=int(ends[-1]), dtype=np.uint8)]
    for place, byte in enumerate(prefix.encode()):
        data[ends[:-1] + place] = byte
    return _strings(ends, data)


def identifiers(rng: np.random.Generator, count: int, prefix: str) -> pl.Series:
    """Zeek's identifiers: ``prefix`` (``C`` for a connection, ``F`` for a file) and 17 base-62 digits.

    62**17 values make a collision as good as impossible at any size a disk can hold.

    >>> identifiers(np.random.default_rng(1), 2, "C").str.len_bytes().to_list()
    [18, 18]
    """
    return random_text(rng, np.full(count, ID_LENGTH), prefix=prefix)


def _strings(ends: Ints, data: np.typing.NDArray[np.uint8]) -> pl.Series:
    offsets = pa.py_buffer(ends.astype(np.int64))
    array = pa.LargeStringArray.from_buffers(len(ends) - 1, offsets, pa.py_buffer(data))
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series


@cache
def _halves() -> tuple[pl.Series, pl.Series]:
    pairs = [f"{high}.{low}" for high in range(256) for low in range(256)]
    return pl.Series([f"{pair}." for pair in pairs]), pl.Series(pairs)


def dotted(addresses: Ints) -> pl.Series:
    """Write IPv4 addresses.

    >>> dotted(np.array([0x0A000001, 0xC0A80AFF])).to_list()
    ['10.0.0.1', '192.168.10.255']
    """
    left, right = _halves()
    return left.gather(pl.Series(addresses >> 16)) + right.gather(pl.Series(addresses & 0xFFFF))
