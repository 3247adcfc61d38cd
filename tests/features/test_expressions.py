"""Claims about the pieces that features share."""

from __future__ import annotations

import math
from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.features.expressions import (
    ADDRESS,
    PRIVATE,
    byte_entropy,
    digits,
    entropy,
    evenness,
    ratio,
    share,
    total,
)


def entropy_by_definition(text: str | None) -> float | None:
    """Compute Shannon's formula byte by byte."""
    data = (text or "").encode()
    if not data:
        return None
    return -sum(k / len(data) * math.log2(k / len(data)) for k in Counter(data).values())


@given(st.lists(st.none() | st.text(max_size=40), max_size=30))
def test_entropy_is_shannons(texts: list[str | None]) -> None:
    """Entropy equals the formula written out, for any Unicode, empty and missing text."""
    found = byte_entropy(pl.Series(texts, dtype=pl.String)).to_list()
    expected = [entropy_by_definition(text) for text in texts]
    assert [value is None for value in found] == [value is None for value in expected]
    pairs = [(f, e) for f, e in zip(found, expected, strict=True) if f is not None]
    assert all(f == pytest.approx(e, abs=1e-5) for f, e in pairs)


def test_entropy_does_not_depend_on_the_cut() -> None:
    """A string has the same entropy alone and among ten thousand others."""
    texts = [f"host{number * 7919}.example.com" for number in range(10_000)]
    together = byte_entropy(pl.Series(texts))
    alone = pl.concat([byte_entropy(pl.Series([text])) for text in texts[::500]])
    assert together.gather_every(500).to_list() == alone.to_list()


def test_entropy_of_a_huge_string_is_that_of_its_start() -> None:
    """Only the first 4096 characters count, so that one hostile string cannot exhaust memory."""
    text = "ab" * 2048
    frame = pl.DataFrame({"query": [text + "c" * 1_000_000]})
    assert frame.select(entropy(pl.col("query"))).item() == 1.0


def test_entropy_of_nothing_is_empty() -> None:
    """A column without rows gives a typed column without rows."""
    assert byte_entropy(pl.Series([], dtype=pl.String)).dtype == pl.Float32


@given(st.lists(st.none() | st.text(alphabet="a1²٣0", max_size=9), max_size=20))
def test_digits_are_ascii_digits(texts: list[str | None]) -> None:
    """Only 0 to 9 count as digits, not the digits of other scripts."""
    found = pl.DataFrame({"t": texts}, schema={"t": pl.String}).select(digits(pl.col("t"))).to_series()
    assert found.to_list() == [None if t is None else sum(c in "0123456789" for c in t) for t in texts]


@pytest.mark.parametrize(("part", "whole"), [(1.0, 0.0), (0.0, 0.0), (1.0, -2.0), (None, 1.0), (1.0, None)])
def test_ratio_is_null_where_it_has_no_meaning(part: float | None, whole: float | None) -> None:
    """Division by zero, by a negative or by the unknown is null, never infinite."""
    frame = pl.DataFrame({"a": [part], "b": [whole]}, schema={"a": pl.Float64, "b": pl.Float64})
    assert frame.select(ratio(pl.col("a"), pl.col("b"))).item() is None


@given(st.lists(st.none() | st.booleans(), max_size=20))
def test_share_is_of_the_known(values: list[bool | None]) -> None:
    """A share is between 0 and 1, over the known values only, and null when none is known."""
    found = pl.DataFrame({"a": values}, schema={"a": pl.Boolean}).select(share(pl.col("a"))).item()
    known = [value for value in values if value is not None]
    assert found == (sum(known) / len(known) if known else None)


def test_total_cannot_overflow() -> None:
    """Counts of 2**64 - 1 are each taken as 1 TiB, so that their sum stays a number."""
    frame = pl.DataFrame({"a": [2**64 - 1] * 3}, schema={"a": pl.UInt64})
    assert frame.select(total("a")).item() == 3 * 2**40


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=20))
def test_evenness_is_in_unit_range_and_ignores_order(counts: list[int]) -> None:
    """Evenness lies in 0 to 1 and is bit for bit the same in any order."""
    forth = pl.DataFrame({"n": counts}).select(evenness(pl.col("n"))).item()
    back = pl.DataFrame({"n": counts[::-1]}).select(evenness(pl.col("n"))).item()
    assert forth == back
    assert 0 <= forth <= 1 + 1e-12


PRIVATE_ADDRESSES = (
    "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 127.0.0.1 169.254.9.9 100.64.0.1 100.127.0.1"
)
PRIVATE_V6 = "::1 fe80::1 febf::1 fc00::1 fdff::9 ::ffff:10.1.2.3"
PUBLIC_ADDRESSES = (
    "8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 11.0.0.1 100.63.0.1 100.128.0.1 2001:db8::1 fec0::1"
)


@pytest.mark.parametrize("address", [*PRIVATE_ADDRESSES.split(), *PRIVATE_V6.split()])
def test_private_addresses(address: str) -> None:
    """The ranges of RFC 1918, 6598, 3927, 4193 and 4291 are private, mapped IPv4 too."""
    assert pl.Series([address]).str.contains(PRIVATE).item()


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES.split())
def test_public_addresses(address: str) -> None:
    """The neighbours of the private ranges are not private."""
    assert not pl.Series([address]).str.contains(PRIVATE).item()


@pytest.mark.parametrize(
    ("host", "is_address"),
    [
        ("192.0.2.1", True),
        ("192.0.2.1:8080", True),
        ("[2001:db8::1]:443", True),
        ("2001:db8::1", True),
        ("a.com", False),
        ("a.com:80", False),
        ("1.2.3.4.example.com", False),
        ("beef", False),
        ("", False),
    ],
)
def test_address_in_place_of_a_name(host: str, is_address: bool) -> None:
    """Addresses are told from names, with brackets and ports."""
    assert pl.Series([host]).str.contains(ADDRESS).item() is is_address
