"""Claims about drift: a batch like the training data is not called drifted, one that is not is."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import polars as pl
import pytest

from ptml.artifact import FeatureReference, LevelReference, Reference
from ptml.drift.batch import Tally, batch_drift, by_chance

NUMBER = FeatureReference(
    name="x", nulls=0, low=0, high=1, edges=tuple(n / 10 for n in range(1, 10)), shares=(0.1,) * 10
)
WORD = FeatureReference(name="w", nulls=0, categories={"dns": 0.5, "http": 0.5})
LEVEL = LevelReference(features=(NUMBER, WORD), unlike=0, unlike_held_out=0, captures=1000)
REFERENCE = Reference(levels={"connection": LEVEL}, logs={"conn": 1.0}, zeek={"zeek 8.0.1": 3}, captures=1000)
FAMILIES = {"x": "numbers", "w": "words"}


def batch(captures: int, low: float, high: float, words: tuple[str, ...] = ("dns", "http")) -> list[Tally]:
    """Make captures of 50 rows with numbers between two bounds."""
    generator = np.random.default_rng(captures)
    tallies = []
    for _ in range(captures):
        tally = Tally(logs=["conn"], zeek="zeek 8.0.1")
        rows = pl.DataFrame({"x": generator.uniform(low, high, 50), "w": generator.choice(words, 50)})
        tally.add("connection", LEVEL, rows)
        tallies.append(tally)
    return tallies


def test_a_batch_like_the_training_data_has_not_drifted() -> None:
    """Fifty captures drawn as the training data was give no warning."""
    found = batch_drift(REFERENCE, batch(50, 0, 1), FAMILIES)
    assert found["enough"]
    assert found["warnings"] == []


def test_a_shifted_batch_has() -> None:
    """Numbers from the upper half alone: half of the parts double, half are empty (floor 0.001)."""
    found = batch_drift(REFERENCE, batch(50, 0.5, 1), FAMILIES)
    psi = found["levels"]["connection"]["numbers"]["psi"]
    assert psi == pytest.approx(5 * 0.1 * log(2) + 5 * 0.099 * log(100), abs=0.05)
    [warning] = found["warnings"]
    assert warning.startswith(
        "features of connections have drifted from the training data in 1 of 2 families"
    )
    assert "numbers" in warning


def test_few_captures_are_told_from_drift() -> None:
    """Nine captures say nothing, however different."""
    found = batch_drift(REFERENCE, batch(9, 0.9, 1), FAMILIES)
    assert not found["enough"]
    assert "too few" in str(found["warnings"])
    assert "drifted from the training data in" not in str(found["warnings"])


def test_chance_is_three_deviations_of_chi_squared() -> None:
    """Ten parts leave nine degrees of freedom; ten captures against a thousand."""
    assert by_chance(10, 10, 1000) == pytest.approx((9 + 3 * sqrt(18)) * (0.1 + 0.001))


def test_a_category_that_training_never_saw_is_named() -> None:
    """The feature is listed, not the word, which may be of an attacker's choice."""
    found = batch_drift(REFERENCE, batch(10, 0, 1, ("dns", "gopher")), FAMILIES)
    assert found["new_categories"] == ["w"]
    assert "gopher" not in str(found)


def test_another_zeek_and_another_log_are_told() -> None:
    """A version that no training capture was made by, and a log that hardly any had."""
    tally = Tally(logs=["conn", "modbus"], zeek="zeek 9.0.0")
    warnings = str(batch_drift(REFERENCE, [tally], FAMILIES)["warnings"])
    assert "made by zeek 9.0.0, those of the training captures by zeek 8.0.1" in warnings
    assert "most captures have modbus.log" in warnings


def test_no_capture_no_claim() -> None:
    """Where nothing was scored anew there is nothing to compare."""
    assert batch_drift(REFERENCE, [], FAMILIES)["warnings"] == []
