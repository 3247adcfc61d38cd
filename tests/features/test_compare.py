"""Two catalogues of features can be compared: what was added, removed, changed, or only computed anew."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from ptml.errors import BadData, MissingInput, SettingsError
from ptml.features.compare import catalogue, compare, read_catalogue
from ptml.features.describe import list_features

if TYPE_CHECKING:
    from pathlib import Path


def changed(**facts: str) -> dict[str, Any]:
    """Give this version's catalogue with other facts for its first feature."""
    value = copy.deepcopy(catalogue())
    value["features"][0].update(facts)
    return value


def test_a_catalogue_does_not_differ_from_itself() -> None:
    """There is no difference where there is none."""
    assert compare(catalogue(), catalogue()) == []


def test_a_changed_fact_is_named_with_both_values() -> None:
    """Type, unit or null rule: what models and readers rely on."""
    [row] = compare(changed(dtype="UInt8"), catalogue())
    first = catalogue()["features"][0]
    assert (row["change"], row["name"], row["fact"]) == ("changed", first["name"], "dtype")
    assert (row["old"], row["new"]) == ("UInt8", first["dtype"])


def test_what_one_lacks_was_added_or_removed() -> None:
    """Direction matters: from old to new."""
    shorter = catalogue()
    gone = shorter["features"].pop(1)
    assert [(r["change"], r["name"]) for r in compare(shorter, catalogue())] == [("added", gone["name"])]
    assert [(r["change"], r["name"]) for r in compare(catalogue(), shorter)] == [("removed", gone["name"])]


def test_another_version_with_equal_facts_says_that_a_formula_changed() -> None:
    """Models notice a changed formula though no fact differs; so does the comparison."""
    [row] = compare(catalogue() | {"version": "old"}, catalogue())
    assert (row["change"], row["old"]) == ("formula", "old")


@pytest.mark.parametrize("text", ["{}", "[]", '{"version": "a", "features": [{"name": 1}]}', "no json"])
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the file."""
    path = tmp_path / "catalogue.json"
    path.write_text(text)
    with pytest.raises(BadData, match=r"catalogue\.json"):
        read_catalogue(path)


def test_a_catalogue_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """What `--list --json` writes is what `--diff` takes."""
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(catalogue()))
    assert read_catalogue(path) == catalogue()
    with pytest.raises(MissingInput):
        read_catalogue(tmp_path / "none.json")


def test_the_list_can_be_narrowed_by_family_log_and_scope() -> None:
    """Each row listed has all that was asked for, and nothing that has it is left out."""
    rows = list_features(log="ssl", scope="connection", level="connection")
    wanted = [
        row
        for row in list_features()
        if "ssl" in row["logs"].split(", ") and (row["scope"], row["level"]) == ("connection", "connection")
    ]
    assert rows == wanted
    assert rows
    with pytest.raises(SettingsError, match="volum"):
        list_features(family="volum")
