from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from ptml.cli import app
from tests.train.builders import build_workspace

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = ("--level", "capture", "--spec", "logistic-regression", "--jobs", "1", "--data")


def test_fail_on_exits_with_10_after_the_result(tmp_path: Path) -> None:
    """Twelve captures are too few: red. That is a failure with --fail-on only, and the result comes first."""
    build_workspace(tmp_path)
    told = CliRunner().invoke(app, ["audit", *ARGUMENTS, str(tmp_path)])
    assert (told.exit_code, "audit: red" in told.stdout) == (0, True)
    assert told.stdout.rstrip().endswith("audit.html")
    for light in ("amber", "red"):
        failed = CliRunner().invoke(app, ["audit", *ARGUMENTS, str(tmp_path), "--fail-on", light, "--json"])
        assert failed.exit_code == 10
        assert json.loads(failed.stdout)["levels"]["capture"]["light"] == "red"


def test_another_light_and_another_level_are_bad_usage(tmp_path: Path) -> None:
    """--fail-on knows amber and red, --level connection and capture."""
    build_workspace(tmp_path)
    assert CliRunner().invoke(app, ["audit", "--fail-on", "green"]).exit_code == 2
    assert CliRunner().invoke(app, ["audit", "--level", "host", "--data", str(tmp_path)]).exit_code == 2
