"""What is installed, what is missing, and what to do about it."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

from ptml.engine import available_cores
from ptml.errors import PtmlError
from ptml.parse.zeek import COMMAND_VARIABLE, INSTALL, find_zeek
from ptml.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.types import JsonObject
    from ptml.workspace import Workspace

LIBRARIES = ("polars", "pyarrow", "scikit-learn", "skops", "numpy", "pydantic", "typer")
EXTRAS = {
    "aes": ("to open zips that are encrypted with AES", ("pyzipper",)),
    "geo": ("to tell countries and networks of addresses", ("maxminddb",)),
    "lightgbm": ("to train with the estimator lightgbm", ("lightgbm",)),
    "mlflow": ("to log trainings to a tracking server", ("mlflow-skinny",)),
    "search": ("to search for parameters while training", ("optuna",)),
    "sevenzip": ("to open 7z archives", ("py7zr",)),
    "upload": ("to look into a capture before it is uploaded", ("dpkt", "ipanon")),
    "xgboost": ("to train with the estimator xgboost", ("xgboost-cpu",)),
}
"""What each optional extra is for, and the packages that it brings."""
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
        (
            _python(),
            *map(_library, LIBRARIES),
            *map(_extra, EXTRAS),
            _cores(),
            _zeek(),
            _disk(workspace),
            _workspace(workspace),
        )
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


def _extra(name: str) -> Finding:
    purpose, packages = EXTRAS[name]
    try:
        return Finding(f"extra {name}", "ok", ", ".join(f"{one} {version(one)}" for one in packages))
    except PackageNotFoundError as error:
        todo = f"needed only {purpose}: pip install 'ptml[{name}]'"
        return Finding(f"extra {name}", "warning", f"{error.name} is not installed", todo)


def _cores() -> Finding:
    return Finding("cores", "ok", f"{available_cores()} usable; --jobs sets how many work")


def _zeek() -> Finding:
    todo = f"needed only to read PCAPs: {INSTALL}"
    try:
        zeek = find_zeek()
        if zeek.template:  # starting a container may fetch it first, which is more than a look
            return Finding("zeek", "ok", f"by {COMMAND_VARIABLE}, which begins with {zeek.words[0]}")
        return Finding("zeek", "ok", f"{zeek.version()} at {zeek.words[0]}")
    except PtmlError as error:
        return Finding("zeek", "warning", error.message, todo)


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
