"""Claims about the importance of families of features."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ptml.evaluate.bootstrap import DRAWS
from ptml.evaluate.importance import OWN, GroupedArea, Importances, families, few_of_each
from tests.evaluate.fake import Known, dataset

ROWS = 400
GENERATOR = np.random.default_rng(5)
Y = (np.arange(ROWS) % 2).astype(np.int8)
GROUPS = np.arange(ROWS) // 10
DATA = dataset(
    pl.DataFrame(
        {
            "duration": GENERATOR.normal(size=ROWS) + 3 * Y,
            "orig_bytes": GENERATOR.normal(size=ROWS),
            "resp_bytes": GENERATOR.normal(size=ROWS),
            "mine": GENERATOR.normal(size=ROWS),
        }
    ).with_columns(resp_bytes="orig_bytes"),
    Y.tolist(),
    GROUPS.tolist(),
)
EVERYTHING = np.arange(ROWS)

labelled = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.5, 0.9])),
    min_size=2,
    max_size=30,
).filter(lambda rows: len({y for _, y, _ in rows}) == 2)


def found(expression: pl.Expr, *, seed: int = 0) -> dict[str, float]:
    """Give the loss by family of a model that is an expression."""
    importances = Importances(DATA, seed)
    importances.watch(EVERYTHING, Known.of(expression))
    return {one.family: one.drop for one in importances.found()}


@given(labelled)
def test_the_pairs_of_groups_add_up_to_the_area(rows: list[tuple[int, int, float]]) -> None:
    """The sum over all pairs of groups is scikit-learn's ROC-AUC, ties and all."""
    groups, y, probability = (np.array(column) for column in zip(*rows, strict=True))
    area = GroupedArea(y.astype(np.int8), groups).of(probability).sum()
    assert area == pytest.approx(roc_auc_score(y, probability))


def test_drawing_groups_anew_is_weighing_their_rows() -> None:
    """The interval is that of scikit-learn's weighted ROC-AUC over the same draws, computed one by one."""
    rows = np.random.default_rng(1)
    groups, y = np.repeat(np.arange(6), 5), np.tile([0, 1, 1, 0, 1], 6).astype(np.int8)
    probability = rows.random(30)
    area = GroupedArea(y, groups)
    value, low, high = area.over_draws({"whole": area.of(probability)}, seed=3)["whole"]
    times = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=DRAWS)
    drawn = [roc_auc_score(y, probability, sample_weight=one[groups]) for one in times]
    assert value == pytest.approx(roc_auc_score(y, probability))
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


def test_no_interval_where_a_class_is_in_one_group_only() -> None:
    """Most draws of two groups, each of one class, lack a class: the loss stands without an interval."""
    area = GroupedArea(np.array([0, 1], np.int8), np.array([0, 1]))
    assert area.over_draws({"x": area.of(np.array([0.1, 0.9]))}, seed=0)["x"] == (1.0, None, None)


def test_only_the_family_that_a_model_looks_at_matters() -> None:
    """Shuffled, it ranks no better than chance; the others lose nothing, to the last bit."""
    drops = found(pl.col("duration"))
    plain = roc_auc_score(Y, DATA.inputs["duration"])
    assert drops["timing"] == pytest.approx(plain - 0.5, abs=0.05)
    assert (drops["volume"], drops[OWN]) == (0.0, 0.0)


def test_features_of_a_family_are_shuffled_together() -> None:
    """Two columns that are always equal stay so: a model of their difference loses nothing."""
    drops = found(pl.col("duration") + 100 * (pl.col("orig_bytes") - pl.col("resp_bytes")).abs())
    assert drops["volume"] == 0.0
    assert drops["timing"] > 0.3


def test_the_most_important_comes_first_with_its_interval_around_it() -> None:
    """Families are sorted by loss; the interval holds the figure, and counts of features are right."""
    importances = Importances(DATA, 0)
    importances.watch(EVERYTHING, Known.of(pl.col("duration") + pl.col("mine") / 2))
    first, *_ = result = importances.found()
    assert first.family == "timing"
    assert [one.drop for one in result] == sorted((one.drop for one in result), reverse=True)
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.drop < first.high
    assert {one.family: one.features for one in result} == {"timing": 1, "volume": 2, OWN: 1}


def test_splits_are_put_together() -> None:
    """Two halves, each by a model of its own, are judged as one."""
    importances = Importances(DATA, 0)
    importances.watch(EVERYTHING[:200], Known.of(pl.col("duration")))
    importances.watch(EVERYTHING[200:], Known.of(pl.col("mine")))
    drops = {one.family: one.drop for one in importances.found()}
    assert 0.1 < drops["timing"] < 0.4
    assert drops["volume"] == 0.0


def test_the_same_seed_gives_the_same_losses() -> None:
    """Run again, the figures are the same; another seed shuffles otherwise."""
    model = pl.col("duration") + pl.col("mine")
    assert found(model) == found(model)
    assert found(model) != found(model, seed=1)


def test_rows_of_one_class_have_no_importances() -> None:
    """Without both classes nothing is ranked, and nothing claimed; nor without any row."""
    importances = Importances(DATA, 0)
    assert importances.found() == ()
    importances.watch(np.flatnonzero(Y == 1), Known.of(pl.col("duration")))
    assert importances.found() == ()


def test_every_family_of_the_catalogue_is_found_again() -> None:
    """Names are put where the catalogue has them, in the order of columns."""
    assert families(["orig_bytes", "duration", "resp_bytes"], "connection") == {
        "volume": ["orig_bytes", "resp_bytes"],
        "timing": ["duration"],
    }
    assert families(["duration"], "capture") == {OWN: ["duration"]}


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 40))
def test_rows_are_drawn_evenly_over_groups(groups: list[int], limit: int) -> None:
    """No row twice, no more than the limit, and no group has two more than one that could have given more."""
    numbers = np.array(groups)
    drawn = few_of_each(np.arange(len(groups)), numbers, limit, seed=0)
    assert len(drawn) == len(set(drawn.tolist())) == min(limit, len(groups))
    taken, there = np.bincount(numbers[drawn], minlength=5), np.bincount(numbers, minlength=5)
    unsatisfied = taken[taken < there]
    assert unsatisfied.size == 0 or taken.max() <= unsatisfied.min() + 1
