"""Claims about text from captures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.text import plain_text

ANSI = "\x1b]0;owned\x07\x1b[2J\x9b31m"


def test_escape_sequences_lose_their_escape() -> None:
    """Nothing that a terminal acts on is left of an escape sequence."""
    assert plain_text(ANSI) == "�]0;owned��[2J�31m"


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\x7f", "\x00", "\ud800"]
)
def test_characters_that_hide_or_turn_text_show_as_a_mark(hidden: str) -> None:
    """Direction marks, zero-width characters, line ends, NUL and lone surrogates become a mark."""
    assert plain_text(f"a{hidden}b") == "a�b"


def test_letters_of_any_script_stay() -> None:
    """Text that only shows itself is left as it is."""
    assert plain_text("münchen 北京 🙂 <b>&amp;") == "münchen 北京 🙂 <b>&amp;"


@given(st.text(alphabet=st.characters(codec=None)))
def test_plain_text_is_printable_encodable_and_stable(text: str) -> None:
    """Of any text, what comes out prints on one line, encodes as UTF-8, has the same length, and stays so."""
    shown = plain_text(text)
    assert all(letter.isprintable() or letter.isspace() for letter in shown)
    assert len(shown.splitlines()) <= 1
    assert len(shown.encode().decode()) == len(text)
    assert plain_text(shown) == shown
