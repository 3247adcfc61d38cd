"""Claims about the names of malware families."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.families import families_in, family_name

TABLE: dict[str, list[str]] = json.loads(files("ptml").joinpath("families.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Emotet", "emotet"),
        ("heodo", "emotet"),
        ("GEODO", "emotet"),
        ("win.emotet", "emotet"),
        ("Cobalt Strike", "cobalt_strike"),
        ("CobaltStrike", "cobalt_strike"),
        ("gozi/ursnif", "gozi"),
        ("emotet(geodo)", "emotet"),
        ("QBot", "qakbot"),
        ("elf.mirai", "mirai"),
        ("win.qbot", "qakbot"),
        ("elf.qbot", "bashlite"),
        ("win.gozi", "gozi"),
        ("Snifula", "gozi"),
        ("win.isfb", "isfb"),
        ("Gozi ISFB", "isfb"),
        ("gozi/isfb", "isfb"),
        ("Dreambot", "dreambot"),
    ],
)
def test_names_of_one_family_are_one(said: str, name: str) -> None:
    """Spelling, case, a platform before the name and several names at once make no difference."""
    assert family_name(said) == name


@pytest.mark.parametrize(
    "said",
    [
        "attack-tool(lateral-movement)",
        "mswab/yayih",
        "magnitude-ek+cerber",
        "emotet/qbot",
        "apk.lokibot",
        "apk.xloader",
    ],
)
def test_names_that_are_not_known_as_one_family_stay(said: str) -> None:
    """An unknown name, or names of different families, are not guessed at."""
    assert family_name(said) == said


def test_no_name_stands_for_two_families() -> None:
    """Every name in the table, reduced to letters and digits, belongs to one family."""
    keys = Counter(
        "".join(letter for letter in name.casefold() if letter.isalnum() or letter == "+")
        for family, others in TABLE.items()
        for name in (family, *others)
    )
    assert [key for key, count in keys.items() if count > 1] == []


@given(st.text() | st.sampled_from([name for names in TABLE.values() for name in names]))
def test_a_name_given_once_more_stays(text: str) -> None:
    """The name of a name is itself."""
    name = family_name(text)
    assert name is None or family_name(name) == name


def test_the_families_of_a_title_are_the_longest_names_in_it() -> None:
    """Gozi's successor ISFB is a family of its own, which titles call by the names of both."""
    assert families_in("2019-10-02 - URSNIF (GOZI/ISFB) WITH DRIDEX") == ["isfb", "dridex"]
    assert families_in("2014-01-01 - URSNIF, THEN ISFB") == ["gozi", "isfb"]


def test_okiru_and_satori_are_two() -> None:
    """Both are kin of Mirai, under names that are not one another's."""
    assert (family_name("Okiru"), family_name("Satori")) == ("okiru", "satori")
