from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ptml.evaluate.bootstrap import band, draw, group_draws, mean_areas
from ptml.evaluate.metrics import METRICS
from ptml.evaluate.ranking import Ranking
from tests.evaluate.builders import outcome_of

if TYPE_CHECKING:
    from ptml.evaluate.parts import Estimate

WITHOUT_HOSTS = {"alerts_per_host_day", "false_alarms_per_host_day"}


def made(groups: int = 30, rows: int = 10, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make captures of one class each, whose rows are alike."""
    rng = np.random.default_rng(4)
    y = np.repeat(np.arange(groups) % 2, rows).astype(np.int8)
    group = np.repeat(np.arange(groups), rows)
    odds = 2.0 * (y - 0.5) + noise * rng.normal(size=groups)[group]
    return 1 / (1 + np.exp(-odds)), y, group


def estimate(
    p: np.ndarray, y: np.ndarray, group: np.ndarray, seed: int = 0, draws: int = 400
) -> dict[str, Estimate]:
    """Estimate with every row weighing the same."""
    return draw(outcome_of(p, y, group), np.ones(len(y)), draws=draws, seed=seed).estimates()


def test_every_metric_has_its_value_within_its_interval() -> None:
    """Each metric is there, with an interval around its value or a reason for having none."""
    found = estimate(*made(groups=60, rows=20))
    assert set(found) == set(METRICS)
    for name, one in found.items():
        if one.value is None:
            assert one.reason
        else:
            assert one.low is not None, name
            assert one.high is not None, name
            assert one.low <= one.value <= one.high or name == "ece"
    assert {name for name, one in found.items() if one.value is None} == {
        *WITHOUT_HOSTS,
        "tpr_at_fpr_1e-3",
        "tpr_at_fpr_1e-4",
    }


def test_the_interval_is_that_of_drawing_captures() -> None:
    """The interval equals that of an independent bootstrap that copies the rows of drawn captures."""
    p, y, group = made()
    area = estimate(p, y, group, draws=2000)["roc_auc"]
    rng = np.random.default_rng(99)
    values = []
    for _ in range(2000):
        rows = np.concatenate([np.flatnonzero(group == g) for g in rng.integers(0, 30, 30)])
        if len(set(y[rows])) == 2:
            values.append(roc_auc_score(y[rows], p[rows]))
    assert (area.low, area.high) == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.02)


def test_each_draw_is_what_scikit_learn_finds_on_copies() -> None:
    """The samples are scikit-learn's figures of the rows of the captures that a draw took."""
    p, y, group = made(groups=12)
    drawn = draw(outcome_of(p, y, group), np.ones(len(y)), draws=20, seed=3)
    for times, samples in zip(group_draws(12, 20, 3).astype(int), drawn.samples, strict=True):
        rows = np.repeat(np.arange(len(y)), times[group])
        expected = [roc_auc_score(y[rows], p[rows]), average_precision_score(y[rows], p[rows])]
        assert samples[:2] == pytest.approx(expected, abs=1e-12)


def test_rows_of_a_capture_do_not_count_as_many() -> None:
    """Ten copies of every row leave the interval as wide as it was."""
    p, y, g = made(rows=1)
    one, ten = estimate(p, y, g), estimate(np.repeat(p, 10), np.repeat(y, 10), np.repeat(g, 10))
    assert one["roc_auc"] == ten["roc_auc"]
    assert one["recall"] == ten["recall"]


def test_the_same_seed_gives_the_same_interval() -> None:
    """Intervals follow from the seed."""
    assert estimate(*made(), seed=1) == estimate(*made(), seed=1)
    assert estimate(*made(), seed=1)["roc_auc"] != estimate(*made(), seed=2)["roc_auc"]


@pytest.mark.parametrize("name", ["tpr_at_fpr_1e-2", "partial_auc_1e-2"])
def test_too_few_benign_rows_give_a_reason_and_no_figure(name: str) -> None:
    """With 150 benign rows, whatever is at a false positive rate of 1 % is refused with the reason."""
    found = estimate(*made())[name]
    assert found.value is None
    assert (
        found.reason == "150 benign rows; to measure a false positive rate of 0.01 takes 300 (rule of three)"
    )


def test_no_false_alarm_gives_no_precision_at_a_base_rate() -> None:
    """Without a false alarm among 100 benign rows their rate may be 3 %: precision is bounded, not known."""
    p, y = np.repeat([0.9, 0.1], 100), np.repeat([1, 0], 100).astype(np.int8)
    found = estimate(p, y, np.arange(200))["precision_at_1e-2"]
    least = 0.01 / (0.01 + 0.99 * 0.03)
    assert found.value is None
    assert found.reason == (
        "no false alarm among 100 benign rows: their rate may be up to 0.03 (rule of three), "
        f"and precision as low as {least:.2g}"
    )


def test_two_captures_have_no_interval() -> None:
    """With one capture of each class, half of the draws have one class only: a value, but no interval."""
    found = estimate(*made(groups=2))["roc_auc"]
    assert found.value is not None
    assert (found.low, found.high) == (None, None)
    assert found.reason == "too few captures for an interval"


def test_a_model_less_itself_is_nothing() -> None:
    """The paired difference of a model and itself is 0 with an interval of 0, however wide its own is."""
    p, y, group = made()
    one = draw(outcome_of(p, y, group), np.ones(len(y)), draws=200)
    same = one.less(one)["roc_auc"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_paired_difference_is_surer_than_its_parts() -> None:
    """Two models that err on the same captures differ by less than their intervals are wide."""
    p, y, group = made(noise=2.0)
    better = np.clip(p + 0.02 * (y - 0.5), 0, 1)
    one, other = (draw(outcome_of(q, y, group), np.ones(len(y)), draws=500) for q in (better, p))
    apart, area = one.less(other)["roc_auc"], one.estimates()["roc_auc"]
    assert apart.value == pytest.approx(roc_auc_score(y, better) - roc_auc_score(y, p))
    assert apart.low is not None
    assert apart.high is not None
    assert area.low is not None
    assert area.high is not None
    assert apart.high - apart.low < (area.high - area.low) / 2


def test_other_captures_are_not_a_pair() -> None:
    """Differences of draws of other captures are refused."""
    one, other = (draw(outcome_of(*made(groups=n)), np.ones(n * 10), draws=5) for n in (10, 12))
    with pytest.raises(ValueError, match="same captures"):
        one.less(other)


def test_means_over_parts_by_scikit_learn() -> None:
    """The mean over parts weighs each the same, and leaves out the part that has one class."""
    p, y, group = made(groups=40)
    part = (group % 10 > 6).astype(int) + 2 * (group == 39)
    masks = [part == number for number in range(4)]
    both = [mask for mask in masks if len(set(y[mask])) == 2]
    assert len(both) == 2
    found = mean_areas(outcome_of(p, y, group), masks, draws=200)["roc_auc"]
    assert found.value == pytest.approx(np.mean([roc_auc_score(y[m], p[m]) for m in both]))
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_no_part_with_both_classes_has_a_reason() -> None:
    """Sources of one class each have no mean area, and it says so."""
    p, y, group = made()
    assert mean_areas(outcome_of(p, y, group), [y == 0, y == 1])["roc_auc"].reason == (
        "no part has both classes"
    )


def test_bands_hold_the_curve() -> None:
    """The band is of the quantiles of the draws, and the whole curve lies within it nearly everywhere."""
    p, y, group = made()
    outcome = outcome_of(p, y, group)
    low, high = (
        np.array(end, np.float64)
        for end in band(draw(outcome, outcome.ones, draws=300, bands=True).sweep.tpr)
    )
    once = Ranking.of(p, y, group, outcome.ones).sweep(np.ones((1, 30)), bands=True).tpr[0]
    assert len(low) == len(high) == 101
    assert (low <= high).all()
    assert ((low <= once) & (once <= high)).mean() > 0.9
    assert (high - low).max() > 0.1
