"""Which captures are to be added, and what they are: by a list, by options, by labels beside their logs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.errors import BadData, MissingInput, PtmlError, SettingsError
from ptml.families import family_name
from ptml.identity import is_readable_pcap
from ptml.labelfile import FILE, families_of, label_of_all, read_connection_labels
from ptml.sources.manifest_csv import Listed, read_manifest_csv
from ptml.zeektypes import logs_among

if TYPE_CHECKING:
    from ptml.settings import AddSettings


def plan(settings: AddSettings) -> tuple[list[Listed], dict[str, str]]:
    """Tell which captures would be added, and which cannot be and why."""
    listed, missing = (
        read_manifest_csv(settings.manifest, settings.folders) if settings.manifest else ([], {})
    )
    for path in settings.paths:
        if not path.exists():
            raise MissingInput(f"{path} does not exist", hint="give a folder of Zeek logs, or one log")
        label = settings.label or "unknown"
        listed += [
            Listed(name=name, path=one, label=label, family=family_name(settings.family), method="option")
            for name, one in _captures_of(path, missing).items()
        ]
    names = [one.name for one in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadData(f"{twice[0]!r} is listed twice", hint="name each capture once")
    ready = []
    for one in listed:
        try:
            ready.append(_with_own_labels(one))
        except PtmlError as error:
            if isinstance(error, SettingsError) and one.method == "option":
                raise
            missing[one.name] = str(error)
    return ready, missing


def _captures_of(path: Path, missing: dict[str, str]) -> dict[str, Path]:
    """Name the captures at a path: itself, or each of the PCAPs in a folder that has no logs at all."""
    files, shut = files_below(path) if path.is_dir() else ([], {})
    pcaps = [] if logs_among(files) else [file for file in files if is_readable_pcap(file)]
    if pcaps:
        missing |= {str(folder): f"what lies in it was left out: {why}" for folder, why in shut.items()}
    return {file.relative_to(path).as_posix(): file for file in pcaps} or {path.name: path}


def files_below(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """Find the files of a folder at any depth, sorted; and the folders that cannot be listed, with why."""
    shut: dict[Path, str] = {}

    def note(error: OSError) -> None:
        shut[Path(error.filename)] = error.strerror or str(error)

    places = os.walk(folder, onerror=note)
    files = [Path(place) / name for place, _, names in places for name in names]
    return sorted(file for file in files if file.is_file()), shut


def _with_own_labels(one: Listed) -> Listed:
    """Let the labels that lie beside a capture's logs say what it is; an unknown label contradicts none."""
    path = one.path / FILE
    if not path.is_file():
        return one
    try:
        labels = read_connection_labels(path)
    except BadData as error:
        raise BadData(
            error.message, hint=f"mend {FILE}, or move it away to label the whole capture"
        ) from error
    label, families = label_of_all(labels), families_of(labels)
    if one.label not in ("unknown", label):
        raise _contradicted(one, one.label, label)
    if one.family and families and one.family not in families:
        raise _contradicted(one, one.family, " and ".join(families))
    family = families[0] if len(families) == 1 else one.family
    return replace(one, label=label, family=family, level="connection")


def _contradicted(one: Listed, given: str, found: str) -> SettingsError:
    return SettingsError(
        f"{one.path} is said to be {given}, but by the labels of its connections in {FILE} it is {found}; "
        "it was not added",
        hint=f"say nothing of it to keep those labels, or move {FILE} away to label the whole capture",
    )
