"""Strings from captures were chosen by an attacker: how to show them on a terminal or in a table."""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\ufffd"
SURROGATE = "Cs"
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", SURROGATE, "Zl", "Zp"})
"""Unicode categories that act on a terminal or show nothing: control, text direction, line ends, …"""


def plain_text(text: str) -> str:
    r"""Replace each character that could act on a terminal, or hide, by a visible mark.

    Covers escape sequences, line ends, tabs, text direction marks, zero-width characters and lone surrogates.

    >>> plain_text("\x1b[2Jevil\r\n.example")
    '�[2Jevil��.example'
    >>> plain_text("münchen.example")
    'münchen.example'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(REPLACEMENT if unicodedata.category(letter) in UNSEEN else letter for letter in text)
