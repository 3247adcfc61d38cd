"""The programs beside ptml that are tried for real: `make integration` installs them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.pages import ROOT

TOOLS = os.environ.get("PTML_INTEGRATION") or str(ROOT / ".venv" / "integration" / "bin")


def program(name: str) -> Path:
    """Find one of the programs, or skip."""
    found = shutil.which(name, path=TOOLS) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: `make integration` does it")
    return Path(found)
