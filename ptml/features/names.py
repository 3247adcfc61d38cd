"""What a domain name looks like: its registered part by the public suffix list, and how wordlike it is.

The list is the one that the package ``publicsuffixlist`` ships, so nothing is asked of the network; the lock
file fixes its date. Names are measured once each, however often they occur.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl
from publicsuffixlist import PublicSuffixList

from ptml.features.expressions import ADDRESS, BYTE, at_most, digits, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

Codes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]

TABLE_FILE = "names.npy"
TABLE_UNIT = 16
"""The table holds minus the base-2 logarithm of each probability, in sixteenths of a bit."""
SYMBOLS = 30
"""The end of a label, 26 letters, any digit, the hyphen, anything else."""

LONGEST = 256
"""Characters of a name that are looked at, from its right: no real name has more than 253."""
CONSONANTS = "[bcdfghjklmnpqrstvwxz]+"
FACTS: dict[str, pl.DataType] = {
    "registered": pl.String(),
    "suffix_known": pl.Boolean(),
    "domain_length": pl.UInt8(),
    "subdomains": pl.UInt8(),
    "name_length": pl.UInt8(),
    "digit_share": pl.Float32(),
    "consonant_run": pl.UInt8(),
    "likelihood": pl.Float32(),
    "international": pl.Boolean(),
}
_CUT = {"registered": pl.String, "suffix_known": pl.Boolean, "left": pl.String, "has_domain": pl.Boolean}
_PUNYCODE = "xn--"
_LONGEST_LABEL = 63


def name_facts(name: pl.Expr) -> pl.Expr:
    """Measure names: a struct with the fields of ``FACTS``, each null where there is no name.

    ``registered`` is the registered domain (the public suffix and one label more), or the name itself if it
    has none; ``domain_length`` counts the characters of that one label, ``subdomains`` the labels before it
    (both null without a registered domain); the other measures are of the labels before the public suffix,
    or of the whole name if there are none, a leading ``www`` left out. ``likelihood`` is the mean base-2
    logarithm of the probability of each character, and of the end of each label, after the two before it.

    Args:
        name: Names, or Host headers, whose port is left out. Addresses are no names.

    >>> hosts = pl.DataFrame({"host": ["www.Example.co.uk:8080", "localhost", "192.0.2.1", None]})
    >>> facts = hosts.select(name_facts(pl.col("host")).struct.unnest())
    >>> facts["registered"].to_list(), facts["domain_length"].to_list(), facts["subdomains"].to_list()
    (['example.co.uk', 'localhost', None, None], [7, None, None, None], [1, None, None, None])
    """
    plain = (
        name.str.tail(LONGEST)
        .str.replace(r"^([^:]*):[0-9]{1,5}$", "$1")
        .str.to_lowercase()
        .str.strip_chars(".")
    )
    known = pl.when((plain != "") & ~plain.str.contains(ADDRESS)).then(plain)
    return known.map_batches(measure, return_dtype=pl.Struct(FACTS), is_elementwise=True)


def measure(names: pl.Series) -> pl.Series:
    """Measure names in lower case, without port or dots at the ends; null for null.

    >>> measure(pl.Series(["a1.example.com"])).struct.field("name_length").item()
    10
    """
    unique = names.drop_nulls().unique()
    cut = [_cut(name) for name in unique.to_list()]
    schema = {
        "registered": pl.String,
        "suffix_known": pl.Boolean,
        "left": pl.String,
        "has_domain": pl.Boolean,
    }
    frame = pl.DataFrame(cut, schema=schema, orient="row")
    left, has_domain = pl.col("left"), pl.col("has_domain")
    words = frame.select(left.str.replace(r"^www\.", "").map_batches(folded, return_dtype=pl.String))
    text = pl.col("words")
    facts = frame.with_columns(words.to_series().alias("words")).select(
        unique.alias("name"),
        "registered",
        "suffix_known",
        domain_length=pl.when(has_domain).then(at_most(left.str.extract(r"([^.]*)$").str.len_chars(), BYTE)),
        subdomains=pl.when(has_domain).then(at_most(left.str.count_matches(".", literal=True), BYTE)),
        name_length=at_most(text.str.len_chars(), BYTE),
        digit_share=ratio(digits(text).cast(pl.Float64), text.str.len_chars()),
        consonant_run=at_most(
            text.str.extract_all(CONSONANTS).list.eval(pl.element().str.len_bytes()).list.max().fill_null(0),
            BYTE,
        ),
        likelihood=text.map_batches(likelihood, return_dtype=pl.Float32),
        international=unique.str.contains(r"[^\x00-\x7f]|(^|\.)xn--"),
    )
    found = names.alias("name").to_frame().join(facts, on="name", how="left", maintain_order="left")
    return found.select(pl.struct(pl.col(field).cast(dtype) for field, dtype in FACTS.items())).to_series()


def likelihood(words: pl.Series) -> pl.Series:
    """Mean base-2 logarithm of the probability of each character, and of the ends of labels.

    The costs are added up as integers, so the result does not depend on how names are put together.

    >>> [round(bits, 1) for bits in likelihood(pl.Series(["weather", "xqzkvj"])).to_list()]
    [-3.1, -11.7]
    """
    if words.is_empty():
        return pl.Series(words.name, [], dtype=pl.Float32)
    plain = words.str.replace_all(r"[^\x00-\x7f]", "~")
    sizes = plain.str.len_bytes().to_numpy().astype(np.int64) + 1
    text = codes("." + "".join(f"{word}." for word in plain.to_list()))
    last = text[:-1]
    before = np.concatenate([[0], last[:-1]])
    before[last == 0] = 0
    costs = _table()[(before * SYMBOLS + last) * SYMBOLS + text[1:]]
    sums = np.add.reduceat(costs, np.cumsum(sizes) - sizes)
    return pl.Series(words.name, (-sums / TABLE_UNIT / sizes).astype(np.float32))


def codes(text: str) -> Codes:
    """Number the symbols of a text that is ASCII.

    >>> codes(".az7-_").tolist()
    [0, 1, 26, 27, 28, 29]
    """
    return _alphabet()[np.frombuffer(text.encode(), dtype=np.uint8)]


def folded(names: pl.Series) -> pl.Series:
    r"""Spell names in plain letters where they have some: punycode is decoded, accents are taken off.

    What cannot be decoded stays as it is.

    >>> folded(pl.Series(["xn--mnchen-3ya", "bücher", "xn--\u00df", "plain"])).to_list()
    ['munchen', 'bucher', 'xn--ß', 'plain']
    """
    odd = names.str.contains(r"[^\x00-\x7f]|(^|\.)xn--").arg_true()
    return names.scatter(odd, [_fold(name) for name in names.gather(odd).to_list()]) if len(odd) else names


def _fold(name: str) -> str:
    text = unicodedata.normalize("NFKD", ".".join(map(_decoded, name.split("."))))
    return "".join(letter for letter in text if not unicodedata.combining(letter)).lower()


def _decoded(label: str) -> str:
    if not label.startswith(_PUNYCODE) or len(label) > _LONGEST_LABEL:
        return label
    try:
        text = label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
        text.encode()  # a lone surrogate decodes, but is no text
    except (UnicodeError, ValueError, OverflowError):
        return label
    # A dot or a control character within a label would change what the name is.
    return text if text.isprintable() and "." not in text else label


@lru_cache(maxsize=1 << 16)
def _cut(name: str) -> tuple[str, bool, str, bool]:
    """Registered domain, whether its suffix is known, the labels to measure, whether there is a domain."""
    suffix = _suffixes().publicsuffix(name)
    known = suffix is not None
    if suffix is None:
        suffix = name.rpartition(".")[2]
    left = name.removesuffix(suffix).rstrip(".")
    if not left:
        return name, known, name, False
    return f"{left.rpartition('.')[2]}.{suffix}", known, left, True


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


@cache
def _alphabet() -> Codes:
    numbers = np.full(256, SYMBOLS - 1, dtype=np.int64)
    groups: Iterable[tuple[str, Iterable[int]]] = (
        (".", [0]),
        ("abcdefghijklmnopqrstuvwxyz", range(1, 27)),
        ("0123456789", [27] * 10),
        ("-", [28]),
    )
    for letters, values in groups:
        numbers[list(letters.encode())] = list(values)
    return numbers


@cache
def _table() -> Codes:
    with files("ptml.features").joinpath(TABLE_FILE).open("rb") as file:
        return np.load(file, allow_pickle=False).astype(np.int64)  # type: ignore[no-any-return]  # numpy cannot tell
