"""Names of malware families in titles that people wrote."""

from __future__ import annotations

import re

FAMILIES: dict[str, tuple[str, ...]] = {
    "agenttesla": ("agent tesla", "agenttesla"),
    "amadey": ("amadey",),
    "asyncrat": ("async rat", "asyncrat"),
    "bazarloader": ("bazarloader", "bazaloader", "bazar loader", "bazarcall", "bazacall"),
    "bumblebee": ("bumblebee",),
    "cobalt_strike": ("cobalt strike", "cobaltstrike"),
    "danabot": ("danabot",),
    "darkgate": ("darkgate", "dark gate"),
    "dridex": ("dridex",),
    "emotet": ("emotet", "heodo", "geodo"),
    "formbook": ("formbook", "xloader"),
    "gootloader": ("gootloader", "gootkit"),
    "guloader": ("guloader", "cloudeye"),
    "hancitor": ("hancitor", "chanitor", "tordal"),
    "icedid": ("icedid", "bokbot"),
    "lokibot": ("lokibot", "loki bot"),
    "lumma": ("lumma",),
    "matanbuchus": ("matanbuchus",),
    "netsupport_rat": ("netsupport",),
    "njrat": ("njrat", "bladabindi"),
    "pikabot": ("pikabot",),
    "qakbot": ("qakbot", "qbot", "quakbot", "pinkslipbot"),
    "redline": ("redline",),
    "remcos": ("remcos",),
    "rhadamanthys": ("rhadamanthys",),
    "smokeloader": ("smokeloader", "smoke loader", "dofoil"),
    "socgholish": ("socgholish", "fakeupdates"),
    "ssload": ("ssload",),
    "stealc": ("stealc",),
    "strrat": ("strrat",),
    "trickbot": ("trickbot", "trickster"),
    "ursnif": ("ursnif", "gozi", "isfb"),
    "vidar": ("vidar",),
    "xworm": ("xworm",),
    "zloader": ("zloader", "silent night"),
}
_NAMES = {name: family for family, names in FAMILIES.items() for name in names}
_LONGEST_FIRST = sorted(map(re.escape, _NAMES), key=len, reverse=True)
_PATTERN = re.compile(rf"\b({'|'.join(_LONGEST_FIRST)})\b", re.IGNORECASE)


def families_in(title: str) -> list[str]:
    """Name the families that a title names, in its order, each by its usual name.

    >>> families_in("2021-12-01: HEODO (EMOTET EPOCH 4) INFECTION WITH COBALT STRIKE")
    ['emotet', 'cobalt_strike']
    """
    return list(dict.fromkeys(_NAMES[found.lower()] for found in _PATTERN.findall(title)))
