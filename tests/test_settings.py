"""Settings are checked whole, and their errors say what was meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ptml.errors import MissingInput, SettingsError
from ptml.settings import AddSettings, EvaluateSettings, checked, find_shipped, load_pipeline, with_overrides

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> Path:
    """Write a pipeline file."""
    path.write_text(text, "utf-8")
    return path


def test_unknown_key_names_the_nearest_one(tmp_path: Path) -> None:
    """A misspelt key is an error that suggests the right one, also in an inner table."""
    file = write(tmp_path / "p.toml", "[train]\nspecc = 'x'\n")
    with pytest.raises(
        SettingsError, match=r"unknown key 'train.specc'\nTry: did you mean 'spec' for 'specc'"
    ):
        load_pipeline(file)


def test_unknown_table_names_the_nearest_one(tmp_path: Path) -> None:
    """A misspelt table is an error too."""
    with pytest.raises(SettingsError, match="did you mean 'evaluate' for 'evaluat'"):
        load_pipeline(write(tmp_path / "p.toml", "[evaluat]\n"))


def test_a_mistyped_choice_is_answered_with_the_nearest() -> None:
    """A protocol that there is not is named beside the one that was meant."""
    with pytest.raises(SettingsError, match="did you mean 'leave-source-out' for 'leave-source'"):
        checked(EvaluateSettings, {"protocols": ["leave-source"]}, "ptml evaluate")


def test_a_mistyped_choice_alone_in_its_list_is_one_fault() -> None:
    """The list is not called too short because its only item was refused; one that is empty is."""
    with pytest.raises(SettingsError) as caught:
        checked(EvaluateSettings, {"protocols": ("groupt",)}, "here")
    assert "at least" not in str(caught.value)
    assert "did you mean 'grouped' for 'groupt'" in str(caught.value)
    with pytest.raises(SettingsError, match="at least 1 item"):
        checked(EvaluateSettings, {"protocols": ()}, "here")


def test_not_toml_says_where(tmp_path: Path) -> None:
    """A file that is not TOML is a settings error with the line."""
    with pytest.raises(SettingsError, match=r"not valid TOML.*line 1"):
        load_pipeline(write(tmp_path / "p.toml", "[run\n"))


def test_missing_file_says_so(tmp_path: Path) -> None:
    """A pipeline file that is not there is missing input."""
    with pytest.raises(MissingInput, match="does not exist"):
        load_pipeline(tmp_path / "no.toml")


def test_override_reaches_a_table_that_the_file_does_not_have(tmp_path: Path) -> None:
    """--set can bring a whole table into being, and its values are TOML where they can be."""
    settings = load_pipeline(write(tmp_path / "p.toml", ""), ["simulate.captures=3", "run.seed=9"])
    assert settings.simulate is not None
    assert (settings.simulate.captures, settings.run.seed) == (3, 9)


def test_override_leaves_its_input_alone() -> None:
    """Overrides make a new mapping."""
    values = {"run": {"seed": 1}}
    assert with_overrides(values, ["run.seed=2"]) == {"run": {"seed": 2}}
    assert values == {"run": {"seed": 1}}


@pytest.mark.parametrize("override", ["seed", "=1", "run.=1", ".seed=1"])
def test_malformed_override_is_refused(override: str) -> None:
    """What is not section.key=value is refused, with an example."""
    with pytest.raises(SettingsError, match=r"is not section\.key=value"):
        with_overrides({}, [override])


def test_all_faults_come_in_one_message(tmp_path: Path) -> None:
    """Several wrong values are told at once."""
    file = write(tmp_path / "p.toml", "[simulate]\ncaptures = 0\nhosts = 'many'\n")
    with pytest.raises(SettingsError, match=r"simulate\.captures.*simulate\.hosts"):
        load_pipeline(file)


def test_add_needs_something_to_add() -> None:
    """An [add] table without manifest or paths says which key to give."""
    with pytest.raises(SettingsError, match=r"nothing to add: give `manifest` \(a CSV\) or `paths`"):
        checked(AddSettings, {}, "p.toml")


def test_shipped_names_are_found_and_unknown_ones_listed() -> None:
    """A pipeline is found by name; a wrong name lists what there is."""
    assert find_shipped("pipelines", "demo").name == "demo.toml"
    with pytest.raises(MissingInput, match="did you mean 'demo' for 'dmeo'"):
        find_shipped("pipelines", "dmeo")


def test_the_dataset_of_a_pipeline_is_the_training_s(tmp_path: Path) -> None:
    """The table `dataset` says what is learned from; a second one under `train` is refused."""
    path = write(tmp_path / "run.toml", '[train]\nfolds = 3\n[dataset]\nsources = ["lab"]\n')
    training = load_pipeline(path, ["dataset.since=2020-01-01"]).training()
    assert training is not None
    assert (training.folds, training.dataset.sources) == (3, ("lab",))
    assert training.dataset.since == datetime(2020, 1, 1, tzinfo=UTC)
    assert load_pipeline(write(tmp_path / "no.toml", "[parse]\n")).training() is None
    with pytest.raises(SettingsError, match=r"two tables, `dataset` and `train.dataset`"):
        load_pipeline(path, ["train.dataset.sources=['box']"])
