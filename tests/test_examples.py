"""The examples in the Markdown pages run.

Fenced ``python`` blocks are run (as doctests where they have ``>>>``), ``bash`` blocks in bash; each page has
its own empty folder, and its blocks follow each other there. What must not run (it needs the network, or own
data) is fenced as ``console``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from tests.packettotal.server import LoopbackServer
from tests.pages import PAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sybil import Example


def run_bash(example: Example) -> str | None:
    """Run a block, stopping at the first command that fails; the result says what went wrong."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return f"{example.parsed}\nexit code {done.returncode}\n{done.stderr}" if done.returncode else None


@contextmanager
def packettotal() -> Iterator[dict[str, str]]:
    """Serve what `python -m tests.packettotal` serves, and give the variables that it tells to set."""
    with LoopbackServer() as server:
        yield server.variables


SERVERS: dict[str, Callable[[], AbstractContextManager[dict[str, str] | None]]] = {
    "docs/packettotal.md": packettotal
}
"""Pages that tell how to start a server first, with what starts it."""
EXAMPLES = Sybil([PythonCodeBlockParser(), CodeBlockParser(language="bash", evaluator=run_bash)])


@pytest.mark.parametrize("page", PAGES)
def test_examples_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every python and bash block of a page does what the page says, in order."""
    monkeypatch.chdir(tmp_path)

    with SERVERS.get(page, nullcontext)() as variables:
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, value)
        for example in EXAMPLES.parse(PAGES[page]).examples():
            example.evaluate()
