"""What is installed, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

from ptml.engine import available_cores
from ptml.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.types import JsonObject
    from ptml.workspace import Workspace

LIBRARIES = ("polars", "pyarrow", "scikit-learn", "skops", "numpy", "pydantic", "typer")
ZEEK_VARIABLE = "PTML_ZEEK"
ZEEK_SECONDS = 20
GIGABYTE = 1 << 30
LOW_DISK_GIGABYTES = 5

State = Literal["ok", "missing", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and what to do if it is not well."""

    what: str
    state: State
    detail: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order of importance."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Tell whether everything that ptml cannot do without is there."""
        return not any(finding.state == "missing" for finding in self.findings)

    def to_dict(self) -> JsonObject:
        """Give the findings as plain JSON values."""
        return {"healthy": self.healthy, "findings": [asdict(finding) for finding in self.findings]}


def doctor(workspace: Workspace) -> Diagnosis:
    """Look at what ptml needs and uses on this machine; changes nothing.

    >>> from pathlib import Path
    >>> from ptml.workspace import Workspace
    >>> doctor(Workspace(Path("no-such-folder"))).healthy
    True
    """
    return Diagnosis(
        (_python(), *map(_library, LIBRARIES), _cores(), _zeek(), _disk(workspace), _workspace(workspace))
    )


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.system()}, ptml {__version__}")


def _library(name: str) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(
            name, "missing", "not installed", "install ptml with its locked requirements: `make install`"
        )


def _cores() -> Finding:
    return Finding("cores", "ok", f"{available_cores()} usable; --jobs sets how many work")


def _zeek() -> Finding:
    todo = f"needed only to read PCAPs: install Zeek (zeek.org), put it on PATH or name it in {ZEEK_VARIABLE}"
    program = os.environ.get(ZEEK_VARIABLE) or shutil.which("zeek")
    if not program:
        return Finding("zeek", "warning", "not found", todo)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own program, no shell, nothing from a capture
            [program, "--version"], capture_output=True, text=True, timeout=ZEEK_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("zeek", "warning", f"{program} does not run: {error}", todo)
    return Finding("zeek", "ok", f"{done.stdout.strip()} at {program}")


def _disk(workspace: Workspace) -> Finding:
    place = _nearest(workspace.root)
    free = shutil.disk_usage(place).free / GIGABYTE
    if free < LOW_DISK_GIGABYTES:
        return Finding(
            "disk", "warning", f"{free:.1f} GB free at {place}", "free some space, or choose another --data"
        )
    return Finding("disk", "ok", f"{free:.0f} GB free at {place}")


def _nearest(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _workspace(workspace: Workspace) -> Finding:
    if not workspace.root.is_dir():
        return Finding(
            "workspace", "warning", f"none at {workspace.root}", "`ptml simulate` or `ptml add` makes one"
        )
    if not workspace.catalog.exists():
        return Finding(
            "workspace", "warning", f"{workspace.root} has no catalog", "`ptml simulate` or `ptml add`"
        )
    return Finding("workspace", "ok", str(workspace.root))
