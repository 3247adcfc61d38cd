from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.errors import MissingInput, SettingsError
from ptml.train.spec import ModelSpec, load_spec
from tests.artifact.builders import NAMES

if TYPE_CHECKING:
    from pathlib import Path

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
