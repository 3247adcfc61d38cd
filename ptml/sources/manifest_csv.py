"""A CSV that lists captures: one a row, with its label and where it lies."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.errors import BadData, MissingInput, did_you_mean, quoted
from ptml.families import family_name
from ptml.types import LABEL_POLICIES, LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ptml.types import Label, LabelLevel

REQUIRED = ("name", "label")
ALIASES = {"pcap_sha256": "sha256", "pcap_md5": "md5", "category": "tags"}
WRONG_DELIMITERS = {";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A capture as a list or an option describes it."""

    name: str
    path: Path
    label: Label
    method: str = "manifest"
    family: str | None = None
    source: str | None = None
    tags: tuple[str, ...] = ()
    sha256: str | None = None
    md5: str | None = None
    url: str | None = None
    licence: str | None = None
    citation: str | None = None
    notes: str | None = None
    level: LabelLevel = "capture"


def read_manifest_csv(path: Path, folders: Sequence[str]) -> tuple[list[Listed], dict[str, str]]:
    """Read the list.

    Columns: `name` and `label`; optionally `path`, `family`, `source`, `tags` (or `category`), `sha256`
    (or `pcap_sha256`), `md5`, `url`, `licence`, `citation`, `notes`, and `label_method`: by which
    policy the connections of this capture are labelled. Others are for people.

    Args:
        path: The CSV, in UTF-8.
        folders: Patterns of where a row's capture may lie, relative to the CSV, with columns in braces.

    Returns:
        The captures that are there, in the list's order; and the names of those that are not, with why.

    Raises:
        MissingInput: There is no such file, or none of its captures is there.
        BadData: It lacks a column, uses another delimiter, has a label that is none of the four, lists a
            capture twice, or leads outside its own folder.
    """
    listed: list[Listed] = []
    missing: dict[str, str] = {}
    lines: dict[str, int] = {}
    places: dict[Path, str] = {}
    for line, row in _rows(path):
        name = row["name"]
        if name in lines:
            raise BadData(f"{path}, line {line}: {name!r} is listed twice, first on line {lines[name]}")
        lines[name] = line
        label, method = _label(path, line, row["label"]), _method(path, line, row.get("label_method"))
        place = _place(path, line, row, folders)
        if place is None:
            missing[name] = (
                f"no such folder: looked for {quoted(_candidates(row, folders))} beside {path.name}"
            )
            continue
        if place in places:
            raise BadData(f"{path}, line {line}: {name!r} and {places[place]!r} are the same folder {place}")
        places[place] = name
        listed.append(_listed(row, place, label, method))
    if not listed:
        why = f": {next(iter(missing.values()))}" if missing else ""
        raise MissingInput(
            f"{path} lists no capture that is there{why}", hint="set add.folders to where they lie"
        )
    return listed, missing


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [ALIASES.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
            _check_columns(path, columns)
            reader.fieldnames = columns
            for row in reader:
                if None in row or None in row.values():
                    raise BadData(f"{path}, line {reader.line_num}: another number of values than of columns")
                yield reader.line_num, {name: value.strip() for name, value in row.items()}
    except FileNotFoundError as error:
        raise MissingInput(f"{path} does not exist", hint="--set add.manifest=FILE names it") from error
    except (csv.Error, UnicodeDecodeError, IsADirectoryError) as error:
        raise BadData(f"{path} is not a CSV in UTF-8: {error}") from error


def _check_columns(path: Path, columns: list[str]) -> None:
    if not columns:
        raise BadData(f"{path} is empty; a header line with {quoted(REQUIRED)} was expected")
    for delimiter, word in WRONG_DELIMITERS.items():
        if len(columns) == 1 and delimiter in columns[0]:
            raise BadData(
                f"{path} separates its columns by {word}s; commas were expected", hint="save it as plain CSV"
            )
    absent = [name for name in REQUIRED if name not in columns]
    if absent:
        raise BadData.missing_columns(str(path), absent, columns)


def _label(path: Path, line: int, text: str) -> Label:
    for label in LABELS:
        if text.lower() == label:
            return label
    hint = did_you_mean([text.lower()], LABELS)
    raise BadData(f"{path}, line {line}: label {text!r} is none of {quoted(LABELS)}", hint=hint)


def _method(path: Path, line: int, text: str | None) -> str:
    if text and text not in LABEL_POLICIES:
        hint = did_you_mean([text], LABEL_POLICIES)
        raise BadData(
            f"{path}, line {line}: label_method {text!r} is none of {quoted(LABEL_POLICIES)}", hint=hint
        )
    return text or "manifest"


def _candidates(row: dict[str, str], folders: Sequence[str]) -> list[str]:
    found = []
    for pattern in folders:
        try:
            text = pattern.format_map(row)
        except (KeyError, ValueError, IndexError, AttributeError):
            continue  # the pattern names a column that this list does not have
        if text:
            found.append(text)
    return found


def _place(path: Path, line: int, row: dict[str, str], folders: Sequence[str]) -> Path | None:
    root = path.parent.resolve()
    for candidate in _candidates(row, folders):
        place = (root / candidate).resolve()
        if not place.is_relative_to(root):
            raise BadData(
                f"{path}, line {line}: {candidate!r} leads outside {path.parent}",
                hint="put the list above the captures, with paths relative to it",
            )
        if place.exists() and place != root:
            return place
    return None


def _listed(row: dict[str, str], place: Path, label: Label, method: str) -> Listed:
    given = {name: value for name, value in row.items() if value}
    optional = ("source", "sha256", "md5", "url", "licence", "citation", "notes")
    return Listed(
        name=row["name"],
        path=place,
        label=label,
        method=method,
        family=family_name(given.get("family")),
        tags=tuple(sorted(given.get("tags", "").split())),
        level="capture",
        **{name: given[name] for name in optional if name in given},
    )
