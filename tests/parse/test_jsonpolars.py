"""Claims about JSON lines that Polars reads: taken as they stand, or not at all."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ptml.parse.jsonpolars import Marks, count_marks, read_all
from ptml.parse.lines import CACHED_BYTES

SCHEMA = {
    "s": pl.String(),
    "f": pl.Float64(),
    "i": pl.Int64(),
    "u": pl.UInt64(),
    "b": pl.Boolean(),
    "l": pl.List(pl.String()),
    "n": pl.List(pl.Float64()),
}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(
    [
        '"',
        "\\",
        '":',
        '\\"',
        "[",
        '["a"]',
        "{",
        ":",
        "::1",
        '":',
        "null",
        '"s":1',
        "\\u0041",
        "\\ud83d",
        "\ud83d",
        "é",
        "\0",
    ]
)
NUMBERS = st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abs"), inner, max_size=2),
    max_leaves=4,
)
FITTING = st.fixed_dictionaries(
    {},
    optional={
        "s": TEXTS,
        "f": NUMBERS,
        "i": st.integers(-(2**63), 2**63 - 1),
        "u": st.integers(0, 2**64 - 1),
        "b": st.booleans(),
        "l": st.lists(TEXTS, max_size=3),
        "n": st.lists(NUMBERS, max_size=3),
    },
)
ANYTHING = st.dictionaries(st.sampled_from([*SCHEMA, "x", 'a"b', "é"]), VALUES, max_size=4)
SPACED, CLOSE = (", ", ": "), (",", ":")


def fits(value: object, dtype: pl.DataType) -> bool:
    """Tell whether a JSON value is of a type, by the words of RFC 8259 alone."""
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        assert isinstance(inner, pl.DataType)
        return isinstance(value, list) and all(item is None or fits(item, inner) for item in value)
    if isinstance(value, bool):
        return dtype == pl.Boolean()
    kinds: dict[pl.DataType, tuple[type, ...]] = {
        pl.String(): (str,),
        pl.Float64(): (int, float),
        pl.Int64(): (int,),
        pl.UInt64(): (int,),
    }
    return isinstance(value, kinds.get(dtype, ()))


def as_read(value: Any, dtype: pl.DataType) -> object:  # noqa: ANN401 - any JSON value
    """Give a value as its type holds it: a large whole number may lie between two floats."""
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        assert isinstance(inner, pl.DataType)
        return [None if item is None else as_read(item, inner) for item in value]
    return float(value) if dtype == pl.Float64() else value


@given(
    rows=st.lists(FITTING | ANYTHING, min_size=1, max_size=5),
    separators=st.sampled_from([SPACED, CLOSE]),
    ascii_only=st.booleans(),
)
@example(rows=[{"s": ["a"]}], separators=CLOSE, ascii_only=True)
@example(rows=[{"l": [["a"]]}], separators=CLOSE, ascii_only=True)
@example(rows=[{"s": 1}, {"s": "a", "x": None}], separators=CLOSE, ascii_only=True)
@example(rows=[{"s": 5, "x": 1}, {"s": ":"}], separators=CLOSE, ascii_only=True)
def test_what_is_read_is_what_stands_there(
    rows: list[dict[str, Any]], separators: tuple[str, str], *, ascii_only: bool
) -> None:
    """Whatever the fields hold, rows that are given are those that Python's own reader finds."""
    text = "".join(json.dumps(row, separators=separators, ensure_ascii=ascii_only) + "\n" for row in rows)
    data = text.encode("utf-8", errors="replace")
    frame = read_all(data, SCHEMA)
    if frame is None:
        return
    for line, got in zip(data.splitlines(), frame.to_dicts(), strict=True):
        meant = {name: value for name, value in json.loads(line).items() if value is not None}
        assert meant.keys() <= SCHEMA.keys()
        assert all(fits(value, SCHEMA[name]) for name, value in meant.items())
        assert {name: value for name, value in got.items() if value is not None} == {
            name: as_read(value, SCHEMA[name]) for name, value in meant.items()
        }


@given(rows=st.lists(FITTING, min_size=1, max_size=5))
def test_lines_as_zeek_writes_them_are_read(rows: list[dict[str, Any]]) -> None:
    """Lines whose values fit, without half a surrogate pair or text in brackets, are not turned away."""
    data = "".join(json.dumps(row, separators=CLOSE) + "\n" for row in rows).encode()
    texts = [text for row in rows for text in [row.get("s", ""), *row.get("l", ())]]
    if b"\\ud" in data or any(text.startswith("[") for text in texts):
        return
    frame = read_all(data, SCHEMA)
    assert frame is not None
    assert frame.height == len(rows)


@pytest.mark.parametrize(
    "line",
    [
        b'{"f":1,"f":2}',
        b'{"s":"a"} {"s":"b"}',
        b'{"x":"a"}',
        b'{"s":5}',
        b'{"s":true}',
        b'{"s":["a"]}',
        b'{"s":{}}',
        b'{"l":["a",["b"]]}',
        b'{"l":[5]}',
        b'{"i":1.0}',
        b'{"i":"1"}',
        b'{"u":-1}',
        b'{"b":"T"}',
        b'{"s":"\\ud83d"}',
        b'{"s":5,"x":1}\n{"s":"\\u003a"}',
        b'{"s":5,"x":1}\n{"s":"\\u0022:"}',
        b'{"s":5,"x":1}\n{"s":"\\u005C:"}',
        b'{"s":5,"x" :1}',
        b'{"s":5,"x"\t:1}',
        b'{"s":"\\x41"}',
        b'{"s":"a"',
        b"[1]",
        b"null",
    ],
)
def test_lines_that_polars_would_bend_are_left_to_others(line: bytes) -> None:
    """A repeated or unknown field, a value of another type, half a character, no object: nothing is given."""
    assert read_all(b'{"s":"x"}\n' + line + b"\n", SCHEMA) is None


@pytest.mark.parametrize("shift", range(-3, 4))
def test_marks_are_counted_across_the_cut(shift: int) -> None:
    """A name's last quote and its colon count once, wherever a long text is cut for counting."""
    head = b'{"s":"' + b"x" * (CACHED_BYTES - 12 + shift) + b'"'
    data = head + b',"i":1}\n{"i":2}\n'
    assert count_marks(data) == Marks(lines=2, fields=3, quotes=8)
