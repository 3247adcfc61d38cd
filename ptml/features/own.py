"""Features of a user's own, from a Python file that is named on the command line.

The file is code, so it is taken from the command line or from a caller, never from a pipeline file or a
model; a model records the hash of the file, not what stands in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from types import ModuleType
from typing import TYPE_CHECKING

from ptml.errors import BadData, MissingInput, PtmlError, SettingsError, quoted
from ptml.features.family import Family, Feature, Logs, read_feature
from ptml.features.featureset import STANDARD, at_windows
from ptml.features.inputs import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import polars as pl

    from ptml.features.featureset import FeatureSet
    from ptml.types import Windows

UID = ("capture_id", "uid")
LEVELS = {"FEATURES": UID, "CAPTURE_FEATURES": ("capture_id",)}
"""Names in a file that list features, and the keys over which they aggregate."""
ASSUMED = {
    "Unit": "not stated",
    "Type": "Float32",
    "Range": "not stated",
    "Logs": "conn",
    "Scope": "connection",
    "Null": "not stated",
    "Source": "own",
}
"""What holds where a user's docstring states nothing."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of features as it was when it was named: a file that changes meanwhile is refused."""

    path: Path
    sha256: str

    @property
    def tag(self) -> str:
        """Name the file and its content within the version of a set of features."""
        return f"{self.path.stem}-{self.sha256[:12]}"


def own_file(path: Path | None) -> OwnFile | None:
    """Take note of a file of features, which is not run yet.

    Raises:
        MissingInput: It cannot be read.
        SettingsError: Its name cannot begin a column's name.

    >>> own_file(None) is None
    True
    """
    if path is None:
        return None
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise SettingsError(
            f"{path.name!r} is no name of a file of features: the names of its columns begin with it",
            hint="call it like mine.py; its features are then named mine.…",
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingInput(
            f"the features of {path} cannot be read: {error.strerror}", hint="check the path after --features"
        ) from error
    return OwnFile(path.resolve(), hashlib.sha256(content).hexdigest())


@lru_cache(maxsize=4)
def feature_set(own: OwnFile | None = None, windows: Windows = STANDARD.windows) -> FeatureSet:
    """Give the standard features, at the windows asked for, and after them those of a user's file.

    The file lists functions in ``FEATURES`` (of a connection) and ``CAPTURE_FEATURES`` (of a capture). Each
    returns a Polars expression over the columns of one log, which its docstring may name (``Logs: dns``);
    conn.log if it names none. A feature of a connection sees its row of conn.log, or aggregates its rows of
    another log; one of a capture aggregates all rows of the log. Columns are called ``file.function``.

    Args:
        own: The file.
        windows: How far back the features of the moment look.

    Raises:
        MissingInput: The file is not there any more.
        BadData: It has changed since it was named, fails, lists no feature, or one of them is none.

    >>> feature_set() is STANDARD
    True
    """
    standard = at_windows(windows)
    if own is None:
        return standard
    module = _run(own)
    families = {name: tuple(_families(own, module, name, keys)) for name, keys in LEVELS.items()}
    if not any(families.values()):
        raise BadData(
            f"{own.path} lists no features", hint="add a line like FEATURES = (my_feature, my_other_feature)"
        )
    return replace(
        standard,
        connection=(*standard.connection, *families["FEATURES"]),
        capture=(*standard.capture, *families["CAPTURE_FEATURES"]),
        version=f"{standard.version}+{own.tag}",
        columns=_columns(chain(*families.values())),
    )


def _run(own: OwnFile) -> ModuleType:
    try:
        content = own.path.read_bytes()
    except OSError as error:
        raise MissingInput(f"{own.path} cannot be read any more: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != own.sha256:
        raise BadData(f"{own.path} has changed since it was named; nothing was run", hint="run again")
    module = ModuleType(own.path.stem)
    module.__file__ = str(own.path)
    try:
        exec(compile(content, str(own.path), "exec"), module.__dict__)  # noqa: S102 - the user's own code, named by the user
    except Exception as error:
        raise BadData(
            f"{own.path} fails: {type(error).__name__}: {error}", hint="run it by itself"
        ) from error
    return module


def _families(own: OwnFile, module: ModuleType, name: str, keys: tuple[str, ...]) -> Iterable[Family]:
    """Gather the features that look at rows of one log, in the order of their first appearance."""
    by_log: dict[str, list[Feature]] = {}
    for function in getattr(module, name, ()):
        feature = _feature(own, function)
        by_log.setdefault(feature.logs[0], []).append(feature)
    for log, features in by_log.items():
        if log == "conn" and keys == UID:
            yield Family(own.path.stem, tuple(features))
        else:
            yield Family(own.path.stem, tuple(features), _rows_of(log, keys), keys)


def _rows_of(log: str, keys: tuple[str, ...]) -> Callable[[Logs], pl.LazyFrame | None]:
    def rows(logs: Logs) -> pl.LazyFrame | None:
        frame = logs.get(log)
        return None if frame is None or set(keys) - set(frame.collect_schema()) else frame

    return rows


def _feature(own: OwnFile, function: Callable[[], pl.Expr]) -> Feature:
    """Read one feature, with a name that no standard feature can have."""
    try:
        feature = read_feature(function, own.path.stem, ASSUMED)
        columns = feature.columns()
    except PtmlError:
        raise
    except Exception as error:
        name = getattr(function, "__name__", repr(function))
        raise BadData(
            f"{name} in {own.path} is no feature: {error}",
            hint="a feature is a function without arguments that returns a Polars expression, and its "
            "docstring begins with what it means",
        ) from error
    if len(feature.logs) != 1:
        raise BadData(
            f"feature {feature.name} of {own.path} names the logs {quoted(feature.logs)}; it can look at one",
            hint="state the one log whose columns the expression uses, as in `Logs: dns`",
        )
    identity = sorted(columns & {"uid", "capture_id"})
    if identity:
        raise BadData(
            f"feature {feature.name} of {own.path} looks at {quoted(identity)}: identity is no feature",
            hint="a model that knows a row by its name has learned nothing about traffic",
        )
    return replace(feature, name=f"{own.path.stem}.{feature.name}")


def _columns(families: Iterable[Family]) -> Mapping[str, frozenset[str]]:
    """List the columns that the features need, by log."""
    needed: dict[str, frozenset[str]] = {}
    for family in families:
        for feature in family.features:
            log = feature.logs[0]
            needed[log] = needed.get(log, frozenset()) | (feature.columns() - set(KEYS))
    return needed
