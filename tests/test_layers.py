"""The rooms of the package depend on each other in one direction."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_point_upstream_or_down_to_the_core() -> None:
    """import-linter finds every contract of pyproject.toml kept."""
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_import_is_excused() -> None:
    """No contract lists imports to be ignored."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    contracts = settings["tool"]["importlinter"]["contracts"]

    assert contracts
    assert [contract["name"] for contract in contracts if contract.get("ignore_imports")] == []
