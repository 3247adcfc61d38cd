"""One name for each malware family, whatever a source calls it.

The table beside this file has Malpedia's names, as far as known (the part of its ids after ``win.`` or
``elf.``), for what vendors call a family; names that are not in it stay as they are.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

PLATFORM = re.compile(r"^(?:win|elf|osx|jar|js|ps1|py|php|vbs)\.")
"""What Malpedia's ids begin with; but for `apk`, as on telephones LokiBot and XLoader are other families."""
NAMES = re.compile(r"[^()/]+")
WORDS = re.compile(r"[A-Za-z0-9+]+")
LONGEST, SHORTEST = 3, 4
"""Words of the longest name, and letters of the shortest, that are looked for in titles."""
ORDINARY = {"grunt", "smoke"}


def family_name(text: str | None) -> str | None:
    """Give a family's one name; None for none.

    Several names of one family, as in ``gozi/ursnif`` or ``emotet(geodo)``, are one; where they are not all
    known as the same, the text stays.

    >>> [family_name(text) for text in ("Heodo", "win.emotet", "emotet(geodo)", "Ave Maria/WarZone")]
    ['emotet', 'emotet', 'emotet', 'ave_maria']
    >>> family_name("  My   Bot "), family_name("magnitude-ek+cerber"), family_name(" ") is None
    ('My Bot', 'magnitude-ek+cerber', True)
    """
    shown = " ".join((text or "").split())
    whole = _known(shown)
    if whole is not None:
        return whole
    parts = {_known(part) for part in NAMES.findall(shown)}
    [same] = parts if len(parts) == 1 else [None]
    return same or shown or None


def families_in(title: str) -> list[str]:
    """Name the families that a title names, in its order; names that are ordinary words are passed over.

    >>> families_in("2021-12-01: HEODO (EMOTET EPOCH 4) INFECTION WITH COBALT STRIKE")
    ['emotet', 'cobalt_strike']
    """
    words, found, at = WORDS.findall(title), list[str](), 0
    while at < len(words):
        name, length = _name_at(words, at)
        if name is not None:
            found.append(name)
        at += length
    return list(dict.fromkeys(found))


def _name_at(words: list[str], at: int) -> tuple[str | None, int]:
    for length in range(LONGEST, 0, -1):
        text = "".join(words[at : at + length])
        if len(text) >= SHORTEST and text.casefold() not in ORDINARY and (name := _known(text)):
            return name, length
    return None, 1


def _known(text: str) -> str | None:
    """Look a name up as it is, since it may mean another family elsewhere; then without its platform."""
    return _aliases().get(_key(text)) or _aliases().get(_key(PLATFORM.sub("", text.strip().casefold())))


def _key(text: str) -> str:
    """Reduce a name to what all its spellings share."""
    return re.sub(r"[^a-z0-9+]", "", text.casefold())


@cache
def _aliases() -> dict[str, str]:
    table: dict[str, list[str]] = json.loads(files("ptml").joinpath("families.json").read_text("utf-8"))
    return {_key(name): family for family, others in table.items() for name in (family, *others)}
