from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ptml.cli import app
from ptml.cli._options import dataset_settings, label_settings
from ptml.errors import SettingsError
from ptml.settings import DatasetSettings, LabelsSettings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_and_set_choose_captures_together(tmp_path: Path) -> None:
    """`--set` overrides the file's table `dataset`; other tables of the file are passed over."""
    file = tmp_path / "periods.toml"
    file.write_text('[train]\nfolds = 3\n[dataset]\nsources = ["a"]\nmin_connections = 2\n')
    overrides = ["labels.policy=inherit", 'dataset.sources=["b"]']
    assert dataset_settings(file, overrides) == DatasetSettings(sources=("b",), min_connections=2)
    assert dataset_settings(None, overrides) == DatasetSettings(sources=("b",))
    assert dataset_settings(None, None) == DatasetSettings()
    assert label_settings(overrides, "dataset") == LabelsSettings(policy="inherit")


def test_labels_that_nobody_sets_are_left_to_the_stage() -> None:
    """Without a setting of labels there are none to hand on, whatever else is set."""
    assert label_settings(None) is None
    assert label_settings(["dataset.min_connections=1"], "dataset") is None


def test_a_file_without_a_choice_is_refused(tmp_path: Path) -> None:
    """A file that is given for its table `dataset` must have one."""
    file = tmp_path / "demo.toml"
    file.write_text("[train]\nfolds = 3\n")
    with pytest.raises(SettingsError, match=r"has no table \[dataset\]"):
        dataset_settings(file, None)


def test_another_table_is_refused() -> None:
    """A setting of another stage is answered with what is taken here."""
    with pytest.raises(SettingsError, match=r"takes labels\.KEY=VALUE here, and got 'dataset'"):
        label_settings(["dataset.min_connections=1"])


def test_help_speaks_of_values_and_not_of_python() -> None:
    """No option of any command names a Python type where a reader looks for what to write."""
    names = [one.name or one.callback.__name__ for one in app.registered_commands if one.callback]
    pages = [(name,) for name in names] + [
        (group.typer_instance.info.name, one.callback.__name__)
        for group in app.registered_groups
        if group.typer_instance
        for one in group.typer_instance.registered_commands
        if one.callback
    ]
    assert ("evaluate",) in pages
    bare = re.compile(r"^\s+--.*<(str|int|float|Path|list.*|.* range)>", re.MULTILINE)
    runner = CliRunner()
    shown = {page: runner.invoke(app, [*map(str, page), "--help"]).stdout for page in pages}
    assert all("Usage" in text for text in shown.values())
    assert not {page: found for page, text in shown.items() if (found := bare.findall(text))}
