"""Starting ptml costs little: what is heavy is loaded when it is first used."""

from __future__ import annotations

import os
import subprocess
import sys

HEAVY = {"duckdb", "httpx", "numpy", "pandas", "polars", "pyarrow", "pydantic", "scipy", "sklearn", "skops"}

SHOW_HELP = """
import sys
sys.argv = ["ptml", "--help"]
from ptml.cli import main
try:
    main()
except SystemExit as done:
    assert not done.code, done.code
"""
LIST_MODULES = """
print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded_by(code: str) -> set[str]:
    """Run code in a new interpreter and give the top-level modules that it loaded."""
    command = [sys.executable, "-c", code + LIST_MODULES]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_import_ptml_is_light() -> None:
    """`import ptml` loads no table, learning or network library, nor the command line's."""
    assert loaded_by("import sys, ptml") & (HEAVY | {"rich", "typer"}) == set()


def test_errors_are_light() -> None:
    """Whoever only wants to catch ptml's errors pays for nothing else."""
    assert loaded_by("import sys, ptml.errors") & (HEAVY | {"rich", "typer"}) == set()


def test_help_loads_nothing_heavy() -> None:
    """`ptml --help` loads no table, learning or network library."""
    assert loaded_by(SHOW_HELP) & HEAVY == set()


def test_help_is_quick() -> None:
    """`ptml --help` takes under half a second of processor time (the best of three: others may be busy)."""
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-c", SHOW_HELP], capture_output=True, check=True)
        after = os.times()
        seconds.append(
            after.children_user - before.children_user + after.children_system - before.children_system
        )

    assert min(seconds) < 0.5, seconds
