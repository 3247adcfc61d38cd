"""Sidecar manifests: a stage's output of a capture exists once its manifest is published.

The protocol needs no rename over existing data, so that it also fits object stores: files get names that
carry the fingerprint of what made them, are made durable, and only then does the manifest name them. What an
earlier manifest named and the new one does not is removed last.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.errors import BadData, MissingInput
from ptml.io import read_json, replace_atomically, sha256_file, sha256_json, write_json
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ptml.types import JsonObject
    from ptml.workspace import Workspace

MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A published file: path under the workspace, dataset, size, content hash, rows (None if not a table)."""

    path: str
    dataset: str
    bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a stage published of a capture, from what, with which code and parameters.

    `fingerprint` is the hash of stage, code, parameters and inputs: equal fingerprints mean equal outputs,
    so a stage whose expected fingerprint is published already has nothing to do.
    """

    stage: str
    capture_id: str
    fingerprint: str
    inputs: dict[str, str]
    parameters: JsonObject
    files: tuple[FileRecord, ...]
    rows_in: int
    rows_out: int
    seconds: float
    notes: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    ptml_version: str = __version__
    manifest_version: int = MANIFEST_VERSION

    def paths(self, workspace: Workspace, dataset: str) -> list[Path]:
        """List the files of one dataset, in order."""
        return [workspace.root / file.path for file in self.files if file.dataset == dataset]

    def scan(self, workspace: Workspace, dataset: str) -> pl.LazyFrame:
        """Read one dataset lazily, rows in their order; a column that a part lacks is null there.

        `capture_id` comes first: as in any Hive-partitioned dataset it stands in the path, not in the files.
        """
        parts = [
            pl.scan_parquet(path, hive_partitioning=False, glob=False)
            for path in self.paths(workspace, dataset)
        ]
        capture_id = pl.lit(self.capture_id).alias("capture_id")
        return pl.concat(parts, how="diagonal_relaxed").select(capture_id, pl.all())

    def datasets(self) -> list[str]:
        """Name the datasets that have files here, sorted."""
        return sorted({file.dataset for file in self.files})


def amend(workspace: Workspace, manifest: Manifest) -> None:
    """Publish a manifest anew that differs in what it says, and not in its files.

    Raises:
        CannotWrite: The operating system refused.
    """
    write_json(workspace.manifest(manifest.stage, manifest.capture_id), asdict(manifest), workspace.scratch)


def fingerprint(stage: str, version: str, parameters: JsonObject, inputs: Mapping[str, str]) -> str:
    """Hash all that determines a stage's output of a capture.

    >>> fingerprint("parse", "1", {}, {"raw": "x"}) == fingerprint("parse", "2", {}, {"raw": "x"})
    False
    """
    return sha256_json([stage, version, parameters, dict(inputs)])


def read_manifest(workspace: Workspace, stage: str, capture_id: str) -> Manifest | None:
    """Read what a stage has published of a capture; None if nothing.

    Raises:
        BadData: The file is not a manifest that this version understands.
    """
    path = workspace.manifest(stage, capture_id)
    try:
        value = read_json(path)
    except MissingInput:
        return None
    return _from_json(path, value)


def _from_json(path: Path, value: dict[str, Any]) -> Manifest:
    try:
        files = tuple(FileRecord(**file) for file in value.pop("files"))
        notes = tuple(value.pop("notes"))
        return Manifest(files=files, notes=notes, **value)
    except (KeyError, TypeError) as error:
        raise BadData(
            f"{path} is not a manifest of this version: {error}", hint="run the stage with --force"
        ) from error


def published(workspace: Workspace, stage: str) -> Iterator[Manifest]:
    """Yield all that a stage has published, by capture id."""
    folder = workspace.root / "manifests" / stage
    for path in sorted(folder.glob("c*.json")):
        yield _from_json(path, read_json(path))


def is_fresh(workspace: Workspace, manifest: Manifest | None, expected: str) -> bool:
    """Tell whether a published output is what would be made now, and its files are all there."""
    if manifest is None or manifest.fingerprint != expected:
        return False
    return all(_size(workspace.root / file.path) == file.bytes for file in manifest.files)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


@dataclass(slots=True)
class PendingFile:
    """A file that is being written under `.tmp`; without a place of its own it is a part of its dataset."""

    temporary: Path
    dataset: str
    rows: int | None = None
    place: Path | None = None


@dataclass(slots=True)
class Publication:
    """A stage's output of a capture in the making: files collect in `folder` until `publish`.

    Of which capture, and from what, may become clear while they are written.
    """

    workspace: Workspace
    stage: str
    capture_id: str
    fingerprint: str
    folder: Path
    started: float = field(default_factory=time.perf_counter)
    files: list[PendingFile] = field(default_factory=list)

    def new_part(self, dataset: str, rows: int | None = None) -> PendingFile:
        """Reserve a Parquet part of a dataset; write it to the `temporary` path that this gives."""
        return self._reserve(PendingFile(self._temporary("part.parquet"), dataset, rows))

    def new_file(self, place: Path, dataset: str, rows: int | None = None) -> PendingFile:
        """Reserve a file with a place of its own."""
        return self._reserve(PendingFile(self._temporary(place.name), dataset, rows, place))

    def _temporary(self, name: str) -> Path:
        return self.folder / str(len(self.files)) / name

    def _reserve(self, pending: PendingFile) -> PendingFile:
        pending.temporary.parent.mkdir(parents=True, exist_ok=True)
        self.files.append(pending)
        return pending

    def publish(
        self,
        *,
        inputs: Mapping[str, str],
        parameters: JsonObject,
        rows_in: int,
        rows_out: int,
        notes: Sequence[str] = (),
        counts: Mapping[str, int] | None = None,
    ) -> Manifest:
        """Move the files into place, publish the manifest, then remove what it supersedes.

        Raises:
            CannotWrite: The operating system refused; the earlier output stays as it was.
        """
        old = read_manifest_or_none(self.workspace, self.stage, self.capture_id)
        manifest = Manifest(
            stage=self.stage,
            capture_id=self.capture_id,
            fingerprint=self.fingerprint,
            inputs=dict(inputs),
            parameters=parameters,
            files=tuple(self._publish(file, place) for file, place in self._places()),
            rows_in=rows_in,
            rows_out=rows_out,
            seconds=round(time.perf_counter() - self.started, 3),
            notes=tuple(notes),
            counts=dict(counts or {}),
        )
        path = self.workspace.manifest(self.stage, self.capture_id)
        write_json(path, asdict(manifest), self.folder, durable=self.workspace.durable)
        self._remove_superseded(old, manifest)
        return manifest

    def _places(self) -> Iterator[tuple[PendingFile, Path]]:
        """Tell where each file will lie."""
        parts = Counter[str]()
        for file in self.files:
            if file.place is not None:
                yield file, file.place
                continue
            folder = self.workspace.dataset(*file.dataset.split("/")) / f"capture_id={self.capture_id}"
            name = f"part-{parts[file.dataset]:05d}-{self.fingerprint[:12]}.parquet"
            parts[file.dataset] += 1
            yield file, folder / name

    def _publish(self, file: PendingFile, place: Path) -> FileRecord:
        size, digest = file.temporary.stat().st_size, sha256_file(file.temporary)
        replace_atomically(file.temporary, place, durable=self.workspace.durable)
        relative = place.relative_to(self.workspace.root).as_posix()
        return FileRecord(path=relative, dataset=file.dataset, bytes=size, sha256=digest, rows=file.rows)

    def _remove_superseded(self, old: Manifest | None, new: Manifest) -> None:
        """Remove parts that an earlier manifest named, and those that a killed run left unnamed."""
        keep = {file.path for file in new.files}
        datasets = {*new.datasets(), *(old.datasets() if old else ())}
        for top in {dataset.split("/")[0] for dataset in datasets}:
            for pattern in (
                f"{top}/capture_id={self.capture_id}/part-*",
                f"{top}/*/capture_id={self.capture_id}/part-*",
            ):
                for path in self.workspace.root.glob(pattern):
                    if path.relative_to(self.workspace.root).as_posix() not in keep:
                        path.unlink(missing_ok=True)


def read_manifest_or_none(workspace: Workspace, stage: str, capture_id: str) -> Manifest | None:
    """Read a manifest where one that cannot be understood counts as none: it is about to be replaced."""
    try:
        return read_manifest(workspace, stage, capture_id)
    except BadData:
        return None
