"""What captures are at hand: listed, chosen, counted, checked against their hashes, and written to a file."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.catalog import read_provenance, require_captures
from ptml.engine import LocalEngine
from ptml.errors import BadData, PtmlError, SettingsError, did_you_mean
from ptml.families import family_name
from ptml.io import replace_atomically, sha256_file, writing
from ptml.manifest import read_manifest
from ptml.spreadsheet import defused
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.manifest import FileRecord
    from ptml.types import JsonObject, Progress
    from ptml.workspace import Workspace

RAW = "raw"
DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)-[01]\d-[0-3]\d(?!\d)")
FORMATS = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which captures are meant: all that fit every one of these; None fits all.

    Attributes:
        source: Where it comes from.
        label: Its label.
        family: Its family, by any of the family's names.
        year: The year it began, else the one of a date in its name.
        name: A part of its name.
    """

    source: str | None = None
    label: str | None = None
    family: str | None = None
    year: int | None = None
    name: str | None = None

    def fits(self, capture: dict[str, Any]) -> bool:
        """Tell whether a capture is meant."""
        return (
            self.source in {None, *capture["sources"]}
            and self.label in {None, capture["label"]}
            and (self.family is None or family_name(self.family) == capture["family"])
            and self.year in {None, capture["year"]}
            and (self.name is None or self.name.casefold() in (capture["name"] or "").casefold())
        )


def catalog(workspace: Workspace, choice: Choice | None = None) -> list[dict[str, Any]]:
    """List the captures, by label and name, each with the sources it came from and its year.

    Raises:
        MissingInput: There is no workspace, or it has no captures.
        SettingsError: No capture is from that source, or has that label.
    """
    rows = require_captures(workspace).sort("label", "name", "capture_id").to_dicts()
    origins: dict[str, set[str]] = {}
    for origin in read_provenance(workspace).iter_rows(named=True):
        origins.setdefault(origin["capture_id"], set()).add(origin["source"])
    captures = [
        row | {"sources": sources, "source": ", ".join(sources) or None, "year": _year(row)}
        for row in rows
        for sources in [sorted(origins.get(row["capture_id"], ()))]
    ]
    return captures if choice is None else _chosen(captures, choice)


def _chosen(captures: list[dict[str, Any]], choice: Choice) -> list[dict[str, Any]]:
    known = {
        "source": {source for capture in captures for source in capture["sources"]},
        "label": {capture["label"] for capture in captures},
    }
    for what, values in known.items():
        wanted = getattr(choice, what)
        if wanted is not None and wanted not in values:
            raise SettingsError(
                f"no capture has the {what} {wanted!r}; there are {', '.join(sorted(values))}",
                hint=did_you_mean([wanted], sorted(values)),
            )
    return [capture for capture in captures if choice.fits(capture)]


def _year(capture: dict[str, Any]) -> int | None:
    if capture["started_at"] is not None:
        return int(capture["started_at"].year)
    dated = DATE.search(capture["name"] or "")
    return int(dated[1]) if dated else None


def summarise(captures: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count captures by source, label, family and year.

    >>> summarise([{"source": "own", "label": "benign", "family": None, "year": 2026}] * 2)
    [{'source': 'own', 'label': 'benign', 'family': None, 'year': 2026, 'captures': 2}]
    """
    keys = ("source", "label", "family", "year")
    counts = Counter(tuple(capture[key] for key in keys) for capture in captures)
    ordered = sorted(counts.items(), key=lambda item: tuple(str(value) for value in item[0]))
    return [dict(zip(keys, values, strict=True)) | {"captures": count} for values, count in ordered]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What became of the raw files.

    Attributes:
        captures: How many captures were looked at.
        files: How many files.
        bytes: Their size.
        faults: What is wrong, by capture.
    """

    captures: int
    files: int
    bytes: int
    faults: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> JsonObject:
        """Give the report as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Check:
    workspace: Workspace
    capture_id: str
    files: tuple[FileRecord, ...]


def catalog_verify(
    workspace: Workspace, *, engine: Engine | None = None, progress: Progress = silent
) -> VerifyReport:
    """Hash the raw files of all captures again, and compare with what was published.

    Args:
        workspace: Whose captures.
        engine: Where the work runs.
        progress: Told after each capture.

    Returns:
        What was looked at, and what is wrong: a file that is gone, cut or changed; a capture that is listed
        and has no files, or has files and is not listed; a manifest that cannot be read.

    Raises:
        MissingInput: There is no workspace, or it has no captures.
        WorkspaceBusy: A run is about to change what is listed or published.
    """
    require_captures(workspace)
    with workspace.locked():
        listed = set(require_captures(workspace)["capture_id"])
        tasks, unreadable = _checks(workspace)
    there = {task.capture_id for task in tasks} | unreadable.keys()
    faults = dict.fromkeys(listed - there, "it is listed, and its files are not published")
    faults |= dict.fromkeys(there - listed, "its files are published, and it is not listed")
    faults |= unreadable
    for done, (task, found) in enumerate((engine or LocalEngine()).map(_check, tasks), start=1):
        wrong = str(found) if isinstance(found, PtmlError) else found
        if wrong:
            faults[task.capture_id] = wrong
        progress("verify", done, len(tasks))
    files = [file for task in tasks for file in task.files]
    return VerifyReport(
        len(listed | there), len(files), sum(file.bytes for file in files), dict(sorted(faults.items()))
    )


def _checks(workspace: Workspace) -> tuple[list[_Check], dict[str, str]]:
    """Read which files every capture should have; and what is wrong with a manifest, by capture."""
    tasks: list[_Check] = []
    unreadable: dict[str, str] = {}
    for path in sorted((workspace.root / "manifests" / RAW).glob("c*.json")):
        try:
            manifest = read_manifest(workspace, RAW, path.stem)
        except BadData as error:
            unreadable[path.stem] = error.message
            continue
        if manifest is not None:
            tasks.append(_Check(workspace, manifest.capture_id, manifest.files))
    return tasks, unreadable


def _check(task: _Check) -> str:
    """Say what is wrong with a capture's files; nothing if all is well."""
    return "; ".join(wrong for file in task.files if (wrong := _fault(task.workspace.root / file.path, file)))


def _fault(path: Path, file: FileRecord) -> str:
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return f"{file.path} has {size} bytes, not {file.bytes}"
        return "" if sha256_file(path) == file.sha256 else f"{file.path} has changed"
    except OSError as error:
        return f"{file.path} cannot be read: {error.strerror}"


def catalog_export(workspace: Workspace, path: Path, choice: Choice | None = None) -> int:
    """Write the captures to a file, one row per capture and source.

    It is CSV, JSON Lines or Parquet, as its name says. In CSV tags are one text, and cells that a spreadsheet
    would take for formulas are defused.

    Args:
        workspace: Whose captures.
        path: The file.
        choice: Which captures; all if None.

    Returns:
        How many rows were written.

    Raises:
        SettingsError: The name ends in none of these, or is a folder's.
        MissingInput: There is no workspace, or it has no captures.
        CannotWrite: The operating system refused.
    """
    if path.suffix not in FORMATS:
        raise SettingsError(
            f"{path} ends in none of {', '.join(FORMATS)}", hint="name the file captures.csv, for example"
        )
    if path.is_dir():
        raise SettingsError(f"{path} is a folder, and the captures go to a file", hint="choose another name")
    chosen = [capture["capture_id"] for capture in catalog(workspace, choice)]
    frame = (
        require_captures(workspace)
        .filter(pl.col("capture_id").is_in(chosen))
        .join(read_provenance(workspace), on="capture_id", how="left")
        .sort("capture_id", "source")
    )
    temporary = path.with_name(f".{path.name}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            frame.write_parquet(temporary)
        elif path.suffix == ".jsonl":
            frame.write_ndjson(temporary)
        else:
            defused(frame.with_columns(pl.col("tags").list.join(" "))).write_csv(temporary)
    replace_atomically(temporary, path)
    return frame.height
