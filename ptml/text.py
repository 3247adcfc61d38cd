"""How to show text: strings from captures were chosen by an attacker, and addresses may hold secrets."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit, urlunsplit

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


def shown_url(url: str) -> str:
    """Give a URL as it may be shown: without a login, and without parameters, where keys and signatures are.

    >>> shown_url("https://me:pw@example.org:8443/a.pcap?X-Signature=1#top")
    'https://example.org:8443/a.pcap?…'
    >>> shown_url("s3://key:secret@[logs/conn.log?a=b")
    '[logs/conn.log?…'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        shown, asked, _ = url.rpartition("@")[2].partition("?")
        return f"{shown}?…" if asked else shown
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return f"{shown}?…" if parts.query else shown
