"""Claims about naming the family of malicious captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.artifact import contracts_of, load_model
from ptml.engine import LocalEngine
from ptml.errors import BadData, SettingsError
from ptml.settings import TrainSettings, checked
from ptml.train.dataset import Dataset
from ptml.train.family import choose_confidence, family_folds, fit_families
from ptml.train.reproduce import reproduce
from ptml.train.spec import ModelSpec
from ptml.train.stage import train
from tests.train.builders import Made, build_workspace, capture_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SPEC = ModelSpec.model_validate(
    {"name": "s", "estimator": "logistic-regression", "family": {"min_captures": 3, "precision": 0.8}}
)


def captures_of(families: Sequence[str | None], at: Sequence[float], groups: Sequence[int]) -> Dataset:
    """Make malicious captures of families at places on a line, and two benign ones."""
    n = len(families) + 2
    inputs = pl.DataFrame({"place": [*at, 0.0, 0.0]}, schema={"place": pl.Float32})
    keys = pl.DataFrame(
        {"capture_id": [f"c{i}" for i in range(n)], "source": ["lab"] * n, "family": [*families, None, None]},
        schema_overrides={"family": pl.String},
    )
    return Dataset(
        level="capture",
        contracts=contracts_of(inputs.schema, "capture"),
        inputs=inputs,
        y=np.array([1] * len(families) + [0, 0], np.int8),
        keys=keys,
        groups=np.array([*groups, 10**6, 10**6 + 1]),
        weights=np.ones(n),
        captures={},
        available=n,
        excluded={},
        unit="file",
        unknown=np.zeros(n, np.bool_),
    )


def apart(seed: int = 0) -> Dataset:
    """Make three families far apart, one of two captures only, and one capture of no known family."""
    rng = np.random.default_rng(seed)
    families = ["low"] * 8 + ["high"] * 8 + ["rare"] * 2 + [None]
    place = [*rng.normal(-10, 1, 8), *rng.normal(10, 1, 8), 0.0, 0.0, 5.0]
    return captures_of(families, place, range(19))


def test_families_with_enough_captures_are_named() -> None:
    """Of captures far apart each gets its family's name; rare and unnamed ones are counted."""
    data = apart()
    fitted = fit_families(SPEC, data, np.arange(21), folds=4, seed=0)
    assert fitted.part.families == ("high", "low")
    assert fitted.part.too_few == {"rare": 2}
    assert fitted.part.unnamed == 1
    assert fitted.part.out_of_fold.rows == 18
    assert fitted.part.out_of_fold.first == 1.0
    answers = fitted.part.answers(fitted.log_odds(pl.DataFrame({"place": [-10.0, 10.0]})))
    assert answers["family"].to_list() == ["low", "high"]


def test_what_is_benign_is_never_learned_from() -> None:
    """Moving the benign captures changes nothing."""
    data = apart()
    moved = data.inputs.with_columns(
        pl.when(pl.Series(data.y == 0)).then(99.0).otherwise("place").cast(pl.Float32).alias("place")
    )
    there = apart()
    object.__setattr__(there, "inputs", moved)
    found = [fit_families(SPEC, one, np.arange(21), folds=4, seed=0) for one in (data, there)]
    assert found[0].part == found[1].part


def test_only_captures_held_out_whole_make_a_name_believed() -> None:
    """Families that a classifier could only know by captures of the same group are not named.

    Each group of captures has a place of its own, whatever its family: neighbours tell the family only where
    a capture of the same group was learned from.
    """
    rng = np.random.default_rng(3)
    place = np.repeat(rng.permutation(12) * 10.0, 4)
    family = np.repeat(["a", "b"] * 6, 4).tolist()
    forest = SPEC.model_copy(update={"estimator": "random-forest"})
    leaky = captures_of(family, place.tolist(), range(48))
    honest = captures_of(family, place.tolist(), np.repeat(np.arange(12), 4).tolist())
    first = [
        fit_families(forest, data, np.arange(50), folds=4, seed=0).part.out_of_fold.first
        for data in (leaky, honest)
    ]
    assert first[0] == 1.0
    assert first[1] < 0.8


def test_too_few_families_are_an_error() -> None:
    """One family that could be named leaves nothing to choose among; the message counts."""
    data = captures_of(["a"] * 5 + ["b"] * 2, range(7), range(7))
    with pytest.raises(BadData, match="needs two of 3 captures each; 1 of 2 families"):
        fit_families(SPEC, data, np.arange(9), folds=3, seed=0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.floats(0.1, 1))
def test_the_confidence_keeps_its_promise(rows: list[tuple[float, bool]], precision: float) -> None:
    """Of the rows at or above the confidence the share that is right is at least the one asked for."""
    highest, right = (np.array(column) for column in zip(*rows, strict=True))
    named = highest >= choose_confidence(highest, right, precision)
    if named.any() and choose_confidence(highest, right, precision) < 1:
        assert right[named].mean() >= precision - 1e-9


@given(st.integers(2, 4), st.lists(st.integers(0, 3), min_size=8, max_size=40), st.integers(0, 5))
def test_families_are_spread_evenly(folds: int, code: list[int], seed: int) -> None:
    """Where each capture is a group, the folds of a family differ by one capture at most."""
    codes = np.array(code)
    fold = family_folds(codes, np.arange(len(codes)), folds, seed)
    for family in set(code):
        counts = np.bincount(fold[codes == family], minlength=folds)
        assert counts.max() - counts.min() <= 1


def test_pooled_captures_cannot_be_named() -> None:
    """A spec that judges captures by their connections alone has no features to name families from."""
    values = {"name": "s", "estimator": "prevalence", "captures": "pooled", "family": {}}
    with pytest.raises(SettingsError, match="families are named from capture features"):
        checked(ModelSpec, values, "s.toml")


def test_a_trained_model_names_families_and_is_reproduced(tmp_path: Path) -> None:
    """A model made from a workspace names new captures; its card says so; training again agrees."""
    made = [
        *(Made(f"low{i}", "malicious", family="low", shift=-9.0, source="trap") for i in range(4)),
        *(Made(f"high{i}", "malicious", family="high", shift=9.0, source="trap") for i in range(4)),
        *(Made(f"good{i}") for i in range(5)),
    ]
    workspace = build_workspace(tmp_path / "ws", made)
    spec = tmp_path / "naming.toml"
    spec.write_text(
        'name = "naming"\nestimator = "logistic-regression"\n[family]\nmin_captures = 3\n', "utf-8"
    )
    settings = TrainSettings(spec=str(spec), folds=3)
    train(workspace, settings, engine=LocalEngine(1))
    model = load_model("naming", workspace)
    new = pl.concat(
        [capture_table(Made("n1", "malicious", shift=9.0)), capture_table(Made("n2", shift=-9.0))]
    )
    assert model.name_families(new)["family"].to_list() == ["high", "low"]
    card = (workspace.model("naming") / "card.md").read_text("utf-8")
    assert "`high`, `low`" in card
    again = reproduce(workspace, "naming", engine=LocalEngine(1))
    assert again.reproduced
    assert [one.detail for one in again.checks if one.what == "capture: families"] == [
        "log-odds of 26 answers, at most 0.0e+00 apart"
    ]
    assert train(workspace, settings, engine=LocalEngine(1)).unchanged
