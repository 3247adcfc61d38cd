"""What `ptml doctor` finds."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from ptml import doctor as module
from ptml.doctor import EXTRAS, doctor
from ptml.workspace import Workspace
from tests.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_extras_are_those_of_the_project() -> None:
    """Each extra of pyproject.toml is looked at, with the packages that it brings."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    declared = settings["project"]["optional-dependencies"]
    bare = {name: tuple(one.partition(">")[0] for one in packages) for name, packages in declared.items()}
    assert {name: packages for name, (_, packages) in EXTRAS.items()} == bare


def test_extra_that_is_missing_is_no_illness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with what it is for and how to get it, and everything else still works."""
    monkeypatch.setitem(module.EXTRAS, "upload", ("to look", ("no-such-package",)))
    found = doctor(Workspace(tmp_path))
    [finding] = [one for one in found.findings if one.what == "extra upload"]
    assert (finding.state, finding.detail) == ("warning", "no-such-package is not installed")
    assert finding.todo == "needed only to look: pip install 'ptml[upload]'"
    assert found.healthy
