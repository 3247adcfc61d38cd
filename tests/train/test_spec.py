from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ptml.errors import MissingInput, MissingTool, SettingsError
from ptml.train.spec import Captures, ModelSpec, load_spec
from tests.artifact.builders import NAMES

if TYPE_CHECKING:
    from pathlib import Path

HOW: tuple[Captures, ...] = ("features", "pooled", "stack")
SPAN = "[search.params]\nmax_depth = "
GOOD = 'name = "x"\nestimator = "random-forest"\n'


def write(folder: Path, text: str) -> str:
    """Write a spec and give its path."""
    path = folder / "x.toml"
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize("name", NAMES)
def test_shipped_specs_are_good(name: str) -> None:
    """The specs that ptml ships load, by name, and are called what their file is called."""
    assert load_spec(name).name == name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (GOOD + 'wieghts = "row"', r"unknown key 'wieghts'(.|\n)*did you mean 'weights'"),
        (GOOD + "[params]\nn_estimator = 5", r"no parameter 'n_estimator'(.|\n)*'n_estimators'"),
        (
            GOOD + "[params]\nrandom_state = 5",
            "'random_state' cannot be set here: it comes from the run's seed",
        ),
        ('name = "x"\nestimator = "lightgbm"\n[params]\nnum_leafs = 5', r"did you mean 'num_leaves'"),
        ('name = "x"\nestimator = "xgboost"\n[params]\nmax_dept = 5', r"did you mean 'max_depth'"),
        (
            'name = "x"\nestimator = "isolation-forest"\n[params]\nmax_sample = 5',
            "did you mean 'max_samples'",
        ),
        ('name = "x"\nestimator = "rita-score"\n[params]\ndirection = "up"', "'direction' cannot be set"),
        ('name = "x"\nestimator = "prevalence"\n[params]\nC = 1', "prevalence has no parameter 'C'"),
        (GOOD + "[capture_params]\nmonotonic_cst = 1", r"use the spec's \[monotone\]"),
        (GOOD + "early_stopping = 5", "random-forest has no rounds of boosting"),
        ('name = "x"\nestimator = "logistic-regression"\n[monotone]\na = 1', "takes no monotone constraints"),
        (GOOD + "[monotone]\nduration = 2", "monotone.duration: Input should be less than or equal to 1"),
        (GOOD + SPAN + "{ low = 5, high = 2 }", "low 5 is not below high 2"),
        (GOOD + SPAN + "{ low = 0, high = 2, log = true }", "begins above 0"),
        (GOOD + SPAN + "{ choices = [1] }", "choices"),
        (GOOD + "[search]\ntrials = 3", "search.params: Field required"),
        (GOOD + SPAN.replace("max_depth", "max_dept") + "{ low = 1, high = 2 }", "did you mean 'max_depth'"),
        (GOOD + SPAN.replace("max_depth", "n_jobs") + "{ low = 1, high = 2 }", "'n_jobs' cannot be set here"),
        (GOOD + 'captures = "mean"', "captures: Input should be 'features', 'pooled' or 'stack'"),
        ('name = "x"\nestimator = "forest"', "estimator: Input should be 'hist-gradient-boosting'"),
        (GOOD + "max_connections = 0", "max_connections"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_faulty_spec_is_explained(tmp_path: Path, text: str, fault: str) -> None:
    """Unknown keys and parameters are named with the nearest; what a spec may not set is explained."""
    with pytest.raises(SettingsError, match=fault):
        load_spec(write(tmp_path, text))


def test_an_unknown_spec_lists_ours() -> None:
    """A mistyped name is answered with the nearest."""
    with pytest.raises(MissingInput, match="did you mean 'random-forest'"):
        load_spec("random-forrest")


def test_capture_params_are_laid_over() -> None:
    """The capture level takes its own parameters where it has some, else the common ones."""
    spec = ModelSpec(name="x", estimator="random-forest", params={"n_estimators": 9, "max_depth": 3})
    spec = spec.model_copy(update={"capture_params": {"max_depth": 2}})
    assert spec.params_of("connection") == {"n_estimators": 9, "max_depth": 3}
    assert spec.params_of("capture") == {"n_estimators": 9, "max_depth": 2}


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_a_spec_without_its_extra_names_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, loading the spec says which one to install."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingTool, match=rf"ptml\[{name}\]"):
        load_spec(name)


def test_found_parameters_are_laid_over_both_levels() -> None:
    """What a search found wins over what either level was given."""
    spec = ModelSpec(name="x", estimator="random-forest", params={"max_depth": 3, "n_estimators": 9})
    spec = spec.model_copy(update={"capture_params": {"max_depth": 2}}).with_params({"max_depth": 7})
    assert spec.params_of("connection") == {"n_estimators": 9, "max_depth": 7}
    assert spec.params_of("capture") == {"n_estimators": 9, "max_depth": 7}


def test_pools_are_learned_from_captures_held_out() -> None:
    """Unless a spec says otherwise, sources are held out, but captures where scores are pooled."""
    found = {how: ModelSpec(name="x", estimator="random-forest", captures=how).held_out for how in HOW}
    assert found == {"features": "source", "pooled": "capture", "stack": "capture"}
    assert ModelSpec(name="x", estimator="random-forest", captures="stack", held_out="source").held_out == (
        "source"
    )
