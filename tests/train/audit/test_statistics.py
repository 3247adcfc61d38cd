from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from ptml.train.audit.statistics import (
    auc_interval,
    chance_index,
    ks_distance,
    others_say,
    share_of_classes,
    stability_index,
    weighted_auc,
)

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 4)), min_size=2, max_size=40)


@given(ROWS)
def test_the_area_is_that_of_scikit_learn(rows: list[tuple[int, bool, int]]) -> None:
    """With ties and weights the area equals scikit-learn's; with one class there is none."""
    score, y, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    area = weighted_auc(score, y.astype(np.int8), weight)
    if len(set(y)) == 1:
        assert np.isnan(area)
    else:
        assert area == pytest.approx(roc_auc_score(y, score, sample_weight=weight))


@given(ROWS)
def test_the_share_of_classes_is_that_of_scikit_learn(rows: list[tuple[int, bool, int]]) -> None:
    """The share guessed right is scikit-learn's balanced accuracy; its lower end lies within 0 and 1."""
    target, guessed, groups = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    share, low = share_of_classes(target, guessed, groups)
    recalls = [np.mean(guessed[target == one] == one) for one in np.unique(target)]
    assert share == pytest.approx(np.mean(recalls))
    if set(guessed) <= set(target) and len(set(target)) > 1:
        assert share == pytest.approx(balanced_accuracy_score(target, guessed))
    assert 0 <= low <= 1


def test_the_lower_end_of_a_share_is_that_of_groups() -> None:
    """Four hundred rows in four groups, half of them right, are four draws and not four hundred."""
    groups = np.arange(400) % 4
    target, guessed = np.zeros(400, np.int64), (groups < 2).astype(np.int64)
    assert share_of_classes(target, guessed, groups)[1] == 0
    assert share_of_classes(target, guessed, np.arange(400))[1] > 0.4


@given(ROWS)
def test_others_say_what_a_plain_loop_says(rows: list[tuple[int, bool, int]]) -> None:
    """Each row hears all rows of its code outside its group, and one more that says the overall share."""
    code, y, group = (np.array(column) for column in zip(*rows, strict=True))
    weight = np.linspace(0.5, 2, len(rows))
    prior = np.average(y, weights=weight)
    expected = []
    for i in range(len(rows)):
        heard = [j for j in range(len(rows)) if code[j] == code[i] and group[j] != group[i]]
        malicious = sum(weight[j] for j in heard if y[j])
        expected.append((malicious + prior) / (sum(weight[j] for j in heard) + 1))
    assert others_say(code, y.astype(np.int8), group, weight).tolist() == pytest.approx(expected)


def test_a_code_without_meaning_says_nothing() -> None:
    """Where labels are drawn without regard to the code, guessing by it is not better than chance."""
    rng = np.random.default_rng(0)
    code, y = rng.integers(0, 10, 2000), rng.integers(0, 2, 2000).astype(np.int8)
    said = others_say(code, y, np.arange(2000), np.ones(2000))
    assert weighted_auc(said, y, np.ones(2000)) < 0.53


def test_an_interval_counts_captures_and_not_rows() -> None:
    """Ten captures of a thousand rows leave a wide interval; ten thousand captures of a row a narrow one."""
    rng = np.random.default_rng(0)
    y = (np.arange(10) % 2).astype(np.int8)
    centre = rng.normal(size=10) + y
    few = auc_interval(
        np.repeat(centre, 1000), np.repeat(y, 1000), np.repeat(np.arange(10), 1000), np.ones(10_000)
    )
    y = (np.arange(10_000) % 2).astype(np.int8)
    many = auc_interval(rng.normal(size=10_000) + y, y, np.arange(10_000), np.ones(10_000))
    assert few.high - few.low > 0.2
    assert many.high - many.low < 0.03
    assert many.low < many.value < many.high


def test_the_stability_index_by_hand() -> None:
    """Shares 0.2 and 0.8 against 0.6 and 0.4 give 0.4 ln 3 + 0.4 ln 2 where half a row a bin is nothing."""
    many = 1e6
    index = stability_index(np.array([0.2, 0.8]) * many, np.array([0.6, 0.4]) * many)
    assert index == pytest.approx(0.4 * np.log(3) + 0.4 * np.log(2), abs=1e-4)


def test_chance_exceeds_its_bound_about_once_in_a_hundred() -> None:
    """Of 4,000 pairs of samples from one source about 40 lie above the bound."""
    rng = np.random.default_rng(0)
    above = 0
    for _ in range(4000):
        one, other = (np.bincount(rng.integers(0, 4, 80), minlength=4).astype(float) for _ in range(2))
        above += stability_index(one, other) > chance_index(4, 80, 80)
    assert 20 <= above <= 60


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30), st.lists(st.integers(0, 9), min_size=1, max_size=30)
)
def test_the_distance_is_the_largest_between_shares(one: list[int], other: list[int]) -> None:
    """Of all bounds, the one that the shares of values up to it differ most at; nulls are passed over."""
    values = np.array([*one, np.nan, *other], float)
    second = np.array([False] * (len(one) + 1) + [True] * len(other))
    expected = max(abs(np.mean(np.array(one) <= v) - np.mean(np.array(other) <= v)) for v in range(10))
    assert ks_distance(values, second, np.ones(len(values))) == pytest.approx(expected)


def test_a_part_without_values_has_no_distance() -> None:
    """Null is not zero: where one part knows nothing there is no distance."""
    assert ks_distance(np.array([1.0, np.nan]), np.array([False, True]), np.ones(2)) is None
