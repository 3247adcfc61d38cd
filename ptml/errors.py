"""Everything that ptml raises on purpose, and the exit code each carries.

::

    PtmlError                1  something else went wrong
    ├── SettingsError        2  bad usage or settings
    ├── MissingInput         3  what a stage needs is not there
    ├── BadData              4  what is there cannot be used
    ├── DownloadError        5  a source did not deliver
    ├── ModelMismatch        6  model and data do not fit together
    ├── MissingTool          7  a program or extra is not installed
    ├── WorkspaceBusy        8  another run holds the workspace
    └── CannotWrite          9  no space, no permission, read-only

Exit code 0 means done and 10 means that ``--fail-on`` was hit; neither is an error.
Each message says what was expected, what came, what was done about it, and what to try.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

FAIL_ON_EXIT_CODE = 10


class PtmlError(Exception):
    r"""Root of the tree: catch this to catch all that ptml raises on purpose.

    Args:
        message: What was expected, what came, and what was done about it.
        hint: What to try next.

    >>> str(PtmlError("no space left", hint="free some"))
    'no space left\nTry: free some'
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\nTry: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """Keep message and hint when the error travels from a worker process."""
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[PtmlError], message: str, hint: str | None) -> PtmlError:
    return kind(message, hint=hint)


class SettingsError(PtmlError):
    """An option, a pipeline file or a model spec asks for something impossible."""

    exit_code = 2


class MissingInput(PtmlError):
    """A folder, file, table or model that a stage reads is not there."""

    exit_code = 3


class BadData(PtmlError):
    """An input is there but cannot be used as what it claims to be."""

    exit_code = 4

    @classmethod
    def missing_columns(cls, table: str, missing: Iterable[str], available: Iterable[str]) -> BadData:
        """Name the columns that are not there, with the nearest that are.

        >>> BadData.missing_columns("manifest.csv", ["label"], ["lable", "path"]).hint
        "did you mean 'lable' for 'label'?"
        """
        missing, available = list(missing), list(available)
        message = f"{table} has no column {quoted(missing)}; it has {quoted(available)}"
        return cls(message, hint=did_you_mean(missing, available))


class DownloadError(PtmlError):
    """A source did not deliver what it promised."""

    exit_code = 5


class ModelMismatch(PtmlError):
    """A model and the features it is handed do not fit together."""

    exit_code = 6


class MissingTool(PtmlError):
    """A program or an optional extra is not installed."""

    exit_code = 7


class WorkspaceBusy(PtmlError):
    """Another run holds the workspace's lock."""

    exit_code = 8


class CannotWrite(PtmlError):
    """The operating system refused to write: no space, no permission, read-only."""

    exit_code = 9


def quoted(names: Iterable[object]) -> str:
    """Join names for a message.

    >>> quoted(["a", "b"])
    "'a', 'b'"
    >>> quoted([])
    'nothing'
    """
    return ", ".join(repr(str(name)) for name in names) or "nothing"


def did_you_mean(wrong: Iterable[str], known: Iterable[str]) -> str | None:
    """Suggest for each wrong name the nearest known one, or list the known ones.

    >>> did_you_mean(["famly"], ["family", "label"])
    "did you mean 'family' for 'famly'?"
    >>> did_you_mean(["zzz"], ["family", "label"])
    "use one of 'family', 'label'"
    """
    known = list(known)
    near = [(name, match) for name in wrong for match in difflib.get_close_matches(name, known, n=1)]
    if near:
        return "did you mean " + ", ".join(f"{match!r} for {name!r}" for name, match in near) + "?"
    return f"use one of {quoted(known)}" if known else None


class ZeekLogWarning(UserWarning):
    """A log was read, but not just as it lies there: lines left out, or types that were guessed."""
