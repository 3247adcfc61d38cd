"""Captures that `ptml parse` has read already: their Parquet is scored as it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.catalog import read_catalog
from ptml.errors import MissingInput
from ptml.identity import capture_id_of_hashes
from ptml.io import path_text
from ptml.manifest import is_fresh, published, read_manifest
from ptml.parse.stage import STAGE
from ptml.score.found import Found
from ptml.workspace import Workspace
from ptml.zeektypes import looks_like_archive, looks_like_log, rotation_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ptml.manifest import Manifest

TEXT_PER_PARQUET = 8
"""Logs are about so many times as large as the Parquet that is made of them."""
GONE = "what `ptml parse` made of it is not whole any more"


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that was parsed outside of any workspace, and its capture's id there."""

    path: Path
    capture_id: str
    parsed_bytes: int = 0


def parsed_root(folder: Path) -> Path | None:
    """Give the folder that `ptml parse` wrote to, if this is it or its ``logs``; else None.

    >>> parsed_root(Path("no-such-folder")) is None
    True
    """
    places = [folder, *([folder.parent] if folder.name == "logs" else [])]
    return next((place for place in places if (place / "manifests" / STAGE).is_dir()), None)


def parsed_captures(root: Path, given: Path) -> list[Found]:
    """List the captures of a folder that `ptml parse` wrote to.

    In a workspace they are those of its catalog. Elsewhere each file was parsed by itself; logs that came
    from one folder are one capture again.

    Raises:
        BadData: A manifest is not one.
    """
    catalog = read_catalog(Workspace(root))
    known = {row["capture_id"]: row for row in catalog.iter_rows(named=True)}
    listed = [
        Found(
            root,
            known.get(one.capture_id, {}).get("name") or one.capture_id,
            path_text(given / one.capture_id),
            parsed=(one.capture_id,),
            parsed_bytes=_text_bytes(one),
            unit=known.get(one.capture_id, {}).get("unit") or "file",
        )
        for one in published(Workspace(root), STAGE)
        if "path" not in one.parameters
    ]
    folders: dict[Path, list[Origin]] = defaultdict(list)
    for origin in origins(root):
        together = looks_like_log(origin.path) and not looks_like_archive(origin.path)
        folders[origin.path.parent if together else origin.path].append(origin)
    return [*listed, *(of_origins(root, place.name, path_text(place), folders[place]) for place in folders)]


def origins(root: Path) -> Iterator[Origin]:
    """List the files that were parsed into a folder outside of any workspace."""
    for manifest in published(Workspace(root), STAGE):
        if "path" in manifest.parameters:
            path = Path(str(manifest.parameters["path"]))
            yield Origin(path, manifest.capture_id, _text_bytes(manifest))


def _text_bytes(manifest: Manifest) -> int:
    return TEXT_PER_PARQUET * sum(file.bytes for file in manifest.files)


def of_origins(root: Path, name: str, path: str, parts: Sequence[Origin]) -> Found:
    """Put parsed files together to a capture, the oldest first."""
    ordered = sorted(parts, key=lambda part: rotation_key(part.path))
    return Found(
        root,
        name,
        path,
        chosen=tuple(part.path for part in ordered),
        parsed=tuple(part.capture_id for part in ordered),
        parsed_bytes=sum(part.parsed_bytes for part in ordered),
    )


def parsed_manifest(found: Found) -> tuple[Workspace, Manifest]:
    """Read what `ptml parse` published of a capture; of several parts as if they were one.

    Raises:
        MissingInput: Some of its files are not there.
        BadData: A manifest is not one.
    """
    workspace = Workspace(found.source)
    parts = [read_manifest(workspace, STAGE, capture_id) for capture_id in found.parsed]
    whole = [part for part in parts if part is not None and is_fresh(workspace, part, part.fingerprint)]
    if len(whole) < len(parts) or not whole:
        raise MissingInput(GONE, hint="run `ptml parse` again")
    counts: Counter[str] = Counter()
    for part in whole:
        counts.update(part.counts)
    several = capture_id_of_hashes(("", part.capture_id) for part in whole)
    return workspace, replace(
        whole[0],
        capture_id=found.capture_id or (whole[0].capture_id if len(whole) == 1 else several),
        files=tuple(file for part in whole for file in part.files),
        rows_in=sum(part.rows_in for part in whole),
        rows_out=sum(part.rows_out for part in whole),
        notes=tuple(dict.fromkeys(note for part in whole for note in part.notes)),
        counts=dict(counts),
    )
