"""Where a model was made: on which kind of machine, and from which commit."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from typing import TYPE_CHECKING

from pydantic import Field

from ptml.engine import available_cores
from ptml.settings import Section

if TYPE_CHECKING:
    from pathlib import Path

GIT_SECONDS = 10
QUIET_GIT = ("-c", "core.fsmonitor=false")  # a repository may name a program to be run there


class Machine(Section):
    """The kind of machine; nothing that tells which one, or whose.

    Attributes:
        system: Its operating system: Linux, Darwin, Windows.
        architecture: Its processor's: x86_64, arm64, …
        cores: Cores that this process may use.
        python: Version of Python.
        implementation: Which Python: CPython, PyPy.
    """

    system: str
    architecture: str
    cores: int = Field(ge=1)
    python: str
    implementation: str


class Commit(Section):
    """The commit of a git working directory.

    Attributes:
        commit: Its hash.
        dirty: Files that git tracks differ from it; files that git does not track are not looked at.
    """

    commit: str = Field(pattern=r"^[0-9a-f]{40,64}$")
    dirty: bool


def this_machine() -> Machine:
    """Tell on what kind of machine this runs.

    >>> this_machine().cores >= 1
    True
    """
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        cores=available_cores(),
        python=platform.python_version(),
        implementation=platform.python_implementation(),
    )


def commit_of(folder: Path) -> Commit | None:
    """Tell which commit a folder is at; None where it is in no git repository, or git cannot tell.

    Never fails: a model is as good without it.

    >>> from pathlib import Path
    >>> commit_of(Path("/")) is None
    True
    """
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no") if commit else None
    if commit is None or changes is None:
        return None
    return Commit(commit=commit.strip(), dirty=bool(changes.strip()))


def _git(folder: Path, *words: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, and no shell
            [git, *QUIET_GIT, *words],
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
