from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ptml.errors import MissingTool
from ptml.train.fit import fit_level
from ptml.train.search import search_params
from ptml.train.spec import ModelSpec, Search
from tests.train.test_fit import data

if TYPE_CHECKING:
    from ptml.train.dataset import Dataset
    from ptml.train.spec import Parameter

__all__ = ["data"]

SEARCH = Search.model_validate(
    {
        "trials": 6,
        "folds": 2,
        "params": {"max_leaf_nodes": {"low": 2, "high": 9}, "max_iter": {"choices": [1, 8]}},
    }
)


def test_every_draw_lies_within_its_span() -> None:
    """Whole numbers stay whole, logarithmic ones positive, and choices are those given."""
    search = Search.model_validate(
        {
            "trials": 40,
            "params": {
                "whole": {"low": 2, "high": 5},
                "broad": {"low": 1e-4, "high": 1.0, "log": True},
                "kind": {"choices": ["sqrt", 0.5, None]},
            },
        }
    )
    drawn: list[dict[str, Parameter]] = []

    def judge(params: dict[str, Parameter]) -> float:
        drawn.append(params)
        return 0.0

    best = search_params(search, judge, seed=1)
    assert {params["whole"] for params in drawn} == {2, 3, 4, 5}
    assert all(isinstance(params["broad"], float) and 1e-4 <= params["broad"] <= 1 for params in drawn)
    assert {params["kind"] for params in drawn} == {"sqrt", 0.5, None}
    assert best == drawn[0]


def test_what_is_judged_best_is_found() -> None:
    """The result is the argmax over the trials, and the same for the same seed."""
    judged: list[tuple[float, dict[str, Parameter]]] = []

    def judge(params: dict[str, Parameter]) -> float:
        leaves, rounds = params["max_leaf_nodes"], params["max_iter"]
        assert isinstance(leaves, int)
        assert isinstance(rounds, int)
        judged.append((rounds - abs(leaves - 4), params))
        return judged[-1][0]

    best = search_params(SEARCH, judge, seed=3)
    assert best == max(judged, key=lambda one: one[0])[1]
    assert search_params(SEARCH, judge, seed=3) == best


def test_the_search_sees_only_the_rows_of_its_fit(data: Dataset) -> None:
    """Labels and values of rows that are held out change nothing about what is found."""
    spec = ModelSpec(name="x", estimator="hist-gradient-boosting", search=SEARCH)
    rows = np.flatnonzero(data.groups < 10)
    spoilt = replace(data, y=np.where(data.groups >= 10, 1 - data.y, data.y).astype(np.int8))
    one, two = (
        fit_level(spec, which, rows, folds=2, max_false_positive_rate=0.05, seed=0)
        for which in (data, spoilt)
    )
    assert set(one.params) == {"max_leaf_nodes", "max_iter"}
    assert one.params == two.params
    assert one.pipeline[-1].max_iter == one.params["max_iter"]


def test_a_search_without_optuna_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra it says which to install."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingTool, match=r"needs optuna(.|\n)*ptml\[search\]"):
        search_params(SEARCH, lambda _: 0.0, seed=0)
