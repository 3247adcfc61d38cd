"""What changed between two catalogues of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptml.errors import BadData
from ptml.features.describe import list_features
from ptml.features.featureset import STANDARD
from ptml.io import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.features.featureset import FeatureSet

Catalogue = dict[tuple[str, str], dict[str, str]]
"""Facts of features, by level and name."""


def catalogue(features: FeatureSet = STANDARD) -> dict[str, Any]:
    """Give a catalogue as plain JSON values: its version and the facts of each feature.

    >>> sorted(catalogue())
    ['features', 'version']
    """
    return {"version": features.version, "features": list_features(features)}


def read_catalogue(path: Path) -> dict[str, Any]:
    """Read a catalogue that ``ptml features --list --json`` wrote.

    Raises:
        MissingInput: The file cannot be read.
        BadData: It is no catalogue.
    """
    value = read_json(path)
    try:
        keys = [row["level"] + row["name"] + str(value["version"]) for row in value["features"]]
    except (KeyError, TypeError) as error:
        raise BadData(
            f"{path} is no catalogue of features: {error} is wrong",
            hint="`ptml features --list --json > catalogue.json` writes one",
        ) from error
    if not keys:
        raise BadData(f"{path} lists no features", hint="`ptml features --list --json` writes what it takes")
    return dict(value)


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, str]]:
    """List what was added, removed and changed, by level and name.

    Args:
        old: A catalogue.
        new: A later one.

    Returns:
        One row a difference: ``change`` (added, removed, changed, or formula), ``level``, ``name``, ``fact``,
        ``old`` and ``new``. Where no fact differs though the versions do, one row says that a formula did.

    >>> one = {"version": "a", "features": [{"level": "capture", "name": "x", "unit": "bytes"}]}
    >>> two = {"version": "b", "features": [{"level": "capture", "name": "x", "unit": "bits"}]}
    >>> [(row["change"], row["fact"], row["old"], row["new"]) for row in compare(one, two)]
    [('changed', 'unit', 'bytes', 'bits')]
    """
    before, after = _by_name(old), _by_name(new)
    rows = []
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            rows.append(_row("added", key, "meaning", "", after[key].get("meaning", "")))
        elif key not in after:
            rows.append(_row("removed", key, "meaning", before[key].get("meaning", ""), ""))
        else:
            rows.extend(_changes(key, before[key], after[key]))
    if not rows and old["version"] != new["version"]:
        rows.append(_row("formula", ("", ""), "version", old["version"], new["version"]))
    return rows


def _by_name(value: dict[str, Any]) -> Catalogue:
    return {(row["level"], row["name"]): row for row in value["features"]}


def _changes(key: tuple[str, str], old: dict[str, str], new: dict[str, str]) -> list[dict[str, str]]:
    return [
        _row("changed", key, fact, old.get(fact, ""), new.get(fact, ""))
        for fact in sorted(old.keys() | new.keys())
        if old.get(fact) != new.get(fact)
    ]


def _row(change: str, key: tuple[str, str], fact: str, old: str, new: str) -> dict[str, str]:
    level, name = key
    return {"change": change, "level": level, "name": name, "fact": fact, "old": old, "new": new}
