"""Claims about how well families are named."""

from __future__ import annotations

import numpy as np
import pytest

from ptml.errors import BadData
from ptml.evaluate.naming import Answers, judge_naming, naming_metrics
from ptml.train.spec import ModelSpec
from tests.train.test_family import SPEC, captures_of

FIVE = Answers(
    code=np.array([0, 0, 1, 1, -1]), rank=np.array([0, 1, 0, 0, 2]), answer=np.array([0, 1, 1, -1, -1])
)
"""Two captures of each of two families, and a rare one.

Of the first family one is named right and one as the other; of the second one right, one unknown.
"""


def test_the_metrics_are_those_worked_out_by_hand() -> None:
    """Family 0: precision 1/1, recall 1/2, F1 2/3; family 1: precision 1/2, recall 1/2, F1 1/2."""
    found = naming_metrics(FIVE, np.arange(5), 2, {"a": [None, "b"], "b": [None]}, seed=0)
    values = {name: one.value for name, one in found.items()}
    assert values == pytest.approx(
        {
            "top_1": 3 / 4,
            "top_3": 1.0,
            "named": 3 / 4,
            "right": 2 / 3,
            "rare_unknown": 1.0,
            "macro_f1": (2 / 3 + 1 / 2) / 2,
            "unseen_unknown": 2 / 3,
        }
    )
    top = found["top_1"]
    assert top.low is not None
    assert top.high is not None
    assert top.low <= 3 / 4 <= top.high


def test_without_any_name_nothing_is_right_or_wrong() -> None:
    """A share of nothing is null with the reason, not zero."""
    silent = Answers(code=np.array([0, 1]), rank=np.array([0, 0]), answer=np.array([-1, -1]))
    found = naming_metrics(silent, np.arange(2), 2, {}, seed=0)
    assert (found["right"].value, found["right"].reason) == (None, "there is none to judge")
    assert found["rare_unknown"].value is None
    assert found["unseen_unknown"].value is None
    assert found["named"].value == 0


def test_families_far_apart_are_told_apart_and_a_far_new_one_is_not_known() -> None:
    """Each of three families on its own stretch of a line is named; a family left out lies beside no other.

    A forest that never saw the middle family calls its captures one of its neighbours or unknown; the
    confusion table holds each capture once.
    """
    rng = np.random.default_rng(1)
    families = ["low"] * 6 + ["middle"] * 6 + ["high"] * 6 + ["rare"] * 2
    place = [*rng.normal(-50, 1, 6), *rng.normal(0, 1, 6), *rng.normal(50, 1, 6), -25.0, 25.0]
    spec = ModelSpec.model_validate({**SPEC.model_dump(), "estimator": "random-forest"})
    found = judge_naming(spec, captures_of(families, place, range(20)), folds=3, seed=0)
    assert found.metrics["top_1"].value == 1.0
    assert (found.captures, found.rare, found.too_few) == (18, 2, {"rare": 2})
    assert found.answers == ("high", "low", "middle", "unknown")
    confusion = np.array(found.confusion)
    assert confusion.sum() == 20
    assert confusion.sum(axis=1).tolist() == [6, 6, 6, 2]
    for row in found.families:
        assert row.first == row.captures == 6
        assert row.unseen is not None
        assert (row.unseen == 6) == (row.unseen_as is None)
        assert row.unseen_as != row.family


def test_one_family_leaves_nothing_to_judge() -> None:
    """With fewer than two families of enough captures the evaluation says so."""
    with pytest.raises(BadData, match="1 of 1 families"):
        judge_naming(SPEC, captures_of(["a"] * 5, range(5), range(5)), folds=3, seed=0)
