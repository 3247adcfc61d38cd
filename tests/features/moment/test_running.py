"""Claims about when and how the loops are compiled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ptml

FEW_ROWS = """
import sys
from ptml.features.moment.example import at_example
assert at_example("src_connections_2s")[4] == 2
assert "numba" not in sys.modules
"""
MANY_ROWS = """
import numpy as np
from ptml.features import compiled
from ptml.features.moment import kernels
placed = np.zeros(3, np.int32)
order, codes = np.array([2, 1, 0], np.int32), np.array([1, 0, 1], np.int32)
compiled.runner(compiled.FEWEST_ROWS, kernels.place)(order, codes, np.array([0, 1]), placed)
assert placed.tolist() == [1, 2, 0]
"""


def test_few_connections_need_no_compiler() -> None:
    """A small capture is described without loading numba."""
    subprocess.run([sys.executable, "-c", FEW_ROWS], check=True)


def test_it_compiles_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Where neither the package nor any folder of the user's can be written to, it works without a cache."""
    copy = tmp_path / "ptml"
    shutil.copytree(Path(ptml.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    # A file where the cache would be made stops even a user for whom permissions do not hold.
    (copy / "features/moment/__pycache__").touch()
    hindered = tmp_path / "file"
    hindered.touch()
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE"), str(hindered / "home"))
    environ = {**os.environ, **places, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("NUMBA_CACHE_DIR", None)
    subprocess.run([sys.executable, "-c", MANY_ROWS], check=True, env=environ, cwd=tmp_path)
