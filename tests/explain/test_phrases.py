"""Claims about phrases: every feature can be said in words, whatever its value."""

from __future__ import annotations

import re

import pytest

from ptml.explain.amounts import amount
from ptml.explain.phrases import FLAGS, NUMBERS, RHYTHM, phrase
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES

BY_NAME = {feature.name: feature for feature in (*CAPTURE_FEATURES, *CONNECTION_FEATURES)}
RAW = re.compile(
    r"\b(None|True|False|nan|NaN|inf|null|Null|NULL|Float32|UInt\d+|Enum)\b|[\n{}]|\d\.\d{4,}|\de[+-]?\d"
)
KEYS = {"id.resp_h": "203.0.113.7", "id.resp_p": 443}


def values(feature_type: str, choices: str) -> list[object]:
    """List values of a type, ordinary ones and the worst."""
    if feature_type == "Boolean":
        return [True, False, None]
    if feature_type == "Enum":
        return [*choices.split(", "), None]
    if feature_type.startswith("UInt"):
        return [0, 1, 2, 255, None]
    return [0.0, 1.0, 0.123456789, -3.5, 1e-7, 98765.4321, 1.5e12, float("nan"), float("inf"), None]


def test_every_feature_has_a_readable_sentence() -> None:
    """None holds a raw value, a type, a missing-value mark, a line end or a long tail of digits."""
    for feature in (*CONNECTION_FEATURES, *CAPTURE_FEATURES):
        for value in values(feature.type_name, feature.range):
            said = phrase(feature, value, {**KEYS, feature.name: value})
            assert 3 <= len(said) <= 250, (feature.name, value, said)
            assert not RAW.search(said), (feature.name, value, said)
            assert said == said.strip()
            assert said[-1] not in ".:"


def test_phrases_are_of_features_that_there_are() -> None:
    """A phrase for a feature that was renamed would never be read."""
    assert not {*FLAGS, *NUMBERS, *RHYTHM} - BY_NAME.keys()
    assert all(BY_NAME[name].type_name == "Boolean" for name in FLAGS)
    assert not any(BY_NAME[name].type_name == "Boolean" for name in NUMBERS)


def test_a_beacon_reads_as_one() -> None:
    """Gap, deviation and span of a pair make one sentence: 60 s, 0.033 of it, six hours."""
    row = {**KEYS, "pair_gap_median": 60.0, "pair_gap_dispersion": 0.0333, "pair_span": 21_600.0}
    said = phrase(BY_NAME["pair_gap_median"], 60.0, row)
    assert said == "contacts 203.0.113.7:443 every 60 s ± 2 s for 6 h"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cert_self_signed", True, "certificate self-signed"),
        ("dest_resolved", False, "name never resolved by this host"),
        ("orig_bytes", 1_500.0, "sent 1.5 kB"),
        ("tls_next_protocol", "h2", "application protocol agreed on inside TLS: h2"),
        ("file_archive", False, "not so: a file is an archive, by its content"),
        ("cert_key_length", None, "length of the certificate's key: not known (no certificate seen)"),
    ],
)
def test_values_read_as_worked_out_by_hand(name: str, value: object, said: str) -> None:
    """Flags, numbers, categories and what is not known have each their way of being said."""
    assert phrase(BY_NAME[name], value, KEYS) == said


def test_text_from_a_capture_cannot_act() -> None:
    """A category or address with control characters is shown with marks in their place."""
    assert amount("\x1b[2J\n", "category") == "\ufffd[2J\ufffd"
    said = phrase(BY_NAME["pair_connections"], 3, {"id.resp_h": "\x1b[2J", "id.resp_p": 1})
    assert "\x1b" not in said
