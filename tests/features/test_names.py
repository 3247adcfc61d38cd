"""Claims about the measures of names."""

from __future__ import annotations

import math
import random
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from english_words import get_english_words_set
from hypothesis import given
from hypothesis import strategies as st

from ptml.features import names as module
from ptml.features.names import FACTS, TABLE_UNIT, folded, likelihood, measure, name_facts

ROOT = Path(__file__).parents[2]
anything = st.text(max_size=40) | st.text("ab.-_*xn\x00é界0", max_size=300)


def facts(*names: str | None) -> pl.DataFrame:
    """Measure names."""
    frame = pl.DataFrame({"name": names}, schema={"name": pl.String})
    return frame.select(name_facts(pl.col("name")).struct.unnest())


def test_table_is_made_by_its_script() -> None:
    """Making the table again from the locked word list gives the table that is shipped."""
    made = runpy.run_path(str(ROOT / "docs" / "name_table.py"))["make_table"]()
    shipped = np.load(ROOT / "ptml" / "features" / "names.npy", allow_pickle=False)
    assert shipped.dtype == np.uint8
    assert np.array_equal(made, shipped)


def test_likelihood_is_that_of_counted_triples() -> None:
    """Counting the words afresh, with dictionaries, gives the same likelihood to a sixteenth of a bit.

    A step costs at most 255 sixteenths.
    """
    triples: Counter[tuple[str, str, str]] = Counter()
    for word in get_english_words_set(["web2"], lower=True, alpha=True):
        framed = f"..{word}."
        triples.update(zip(framed, framed[1:], framed[2:], strict=False))
    pairs: Counter[tuple[str, str]] = Counter()
    contexts: Counter[tuple[str, str]] = Counter()
    singles: Counter[str] = Counter()
    for (one, two, three), count in triples.items():
        pairs[two, three] += count
        contexts[one, two] += count
        singles[two] += count

    def bits(one: str, two: str, three: str) -> float:
        prior = (pairs[two, three] + 1) / (singles[two] + 30)
        step = math.log2((triples[one, two, three] + 8 * prior) / (contexts[one, two] + 8))
        return max(step, -255 / TABLE_UNIT)

    for word in ("banking", "qxzw", "e"):
        framed = f"..{word}."
        steps = [bits(*step) for step in zip(framed, framed[1:], framed[2:], strict=False)]
        found = likelihood(pl.Series([word])).item()
        assert found == pytest.approx(sum(steps) / len(steps), abs=0.5 / TABLE_UNIT)


def test_words_read_better_than_random_letters() -> None:
    """Of a hundred pairs of a word and random letters of its length, the word is likelier in at least 99."""
    dice = random.Random(7)
    words = dice.sample(sorted(get_english_words_set(["web2"], lower=True, alpha=True)), 100)
    words = [word for word in words if len(word) > 5]
    noise = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=len(word))) for word in words]
    better = likelihood(pl.Series(words)) > likelihood(pl.Series(noise))
    assert better.sum() >= len(words) * 0.99


@pytest.mark.parametrize(
    ("name", "registered", "known", "length", "subdomains"),
    [
        ("example.com", "example.com", True, 7, 0),
        ("A.B.Example.CO.UK.", "example.co.uk", True, 7, 2),
        ("user.github.io", "user.github.io", True, 4, 0),
        ("x.www.ck", "www.ck", True, 3, 1),
        ("x.y.ck", "x.y.ck", True, 1, 0),
        ("host.corp.internal-lab", "corp.internal-lab", False, 4, 1),
        ("localhost", "localhost", False, None, None),
        ("co.uk", "co.uk", True, None, None),
        ("shop.example.com:8443", "example.com", True, 7, 1),
        ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com", True, 14, 0),
        ("пример.рф", "пример.рф", True, 6, 0),
    ],
)
def test_registered_domain(
    name: str, registered: str, known: bool, length: int | None, subdomains: int | None
) -> None:
    """The public suffix list decides, with its wildcards (*.ck) and exceptions (!www.ck), in any case."""
    fields = ("registered", "suffix_known", "domain_length", "subdomains")
    assert facts(name).select(fields).row(0) == (registered, known, length, subdomains)


@pytest.mark.parametrize(
    "name", [None, "", "...", "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:443", "fe80::1"]
)
def test_what_is_no_name_is_null(name: str | None) -> None:
    """An address, with a port or without, dots alone, and nothing have no measure."""
    assert facts(name).row(0) == (None,) * len(FACTS)


def test_name_of_ten_kilobytes() -> None:
    """A name beyond all limits is measured by its right end, and its counts saturate."""
    row = facts("x" * 10_240 + ".com").row(0, named=True)
    assert (row["registered"], row["domain_length"], row["consonant_run"]) == ("x" * 252 + ".com", 252, 252)
    assert facts("x" * 10_240).row(0, named=True)["consonant_run"] == 255


def test_punycode_and_accents_are_read_as_letters() -> None:
    """A name in punycode or with accents is as likely as the same name without them, and is told apart."""
    plain, coded, accented = facts("munchen.de", "xn--mnchen-3ya.de", "münchen.de").rows(named=True)
    assert plain["likelihood"] == coded["likelihood"] == accented["likelihood"]
    assert [row["international"] for row in (plain, coded, accented)] == [False, True, True]


@pytest.mark.parametrize(
    "label", ["xn--", "xn--\x80", "xn--" + "9" * 50, "xn--a.b", "xn---", "xn--" + "z" * 200]
)
def test_broken_punycode_stays(label: str) -> None:
    """A label that is no punycode, or decodes to what is no letter, changes nothing and raises nothing."""
    assert folded(pl.Series([label])).item().isprintable() or "\x80" in label
    assert facts(f"{label}.com")["international"].item()


def test_consonants_and_digits_leave_suffix_and_www_out() -> None:
    """Only what the owner chose is measured: neither a leading www nor the public suffix."""
    row = facts("www.a1strngth.co.uk").row(0, named=True)
    assert (row["name_length"], row["consonant_run"], round(row["digit_share"], 3)) == (9, 7, 0.111)


@given(st.lists(st.none() | anything, max_size=8))
def test_any_text_is_measured_within_range(names: list[str | None]) -> None:
    """Whatever a capture holds, each measure is null or in its range, and the same alone as among others."""
    table = facts(*names)
    assert table.schema == pl.Schema(FACTS)
    assert table["digit_share"].drop_nulls().is_between(0, 1).all()
    assert table["likelihood"].drop_nulls().is_between(-255 / TABLE_UNIT, 0).all()
    for number, name in enumerate(names):
        assert facts(name).row(0) == table.row(number)


def test_cost_does_not_depend_on_repetition() -> None:
    """A name is cut once, however often it occurs: ten thousand rows of one name ask the list once."""
    module._cut.cache_clear()
    measure(pl.Series(["once.example.com"] * 10_000))
    assert module._cut.cache_info().misses == 1
