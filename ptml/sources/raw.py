"""Bringing a capture into the workspace: what every source ends with."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ptml.io import sha256_file, sha256_json, writing
from ptml.manifest import Publication, is_fresh, read_manifest_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptml.manifest import Manifest
    from ptml.types import JsonObject
    from ptml.workspace import Workspace

STAGE = "raw"


def publish_raw(
    workspace: Workspace,
    source: str,
    capture_id: str,
    files: Mapping[str, Path],
    *,
    parameters: JsonObject | None = None,
    rows: int = 0,
    counts: Mapping[str, int] | None = None,
    force: bool = False,
) -> tuple[Manifest, bool]:
    """Copy a capture's files into ``raw/<source>/<capture_id>/`` and publish their manifest.

    Args:
        workspace: Where to.
        source: Which source's folder.
        capture_id: Which capture.
        files: Name within the capture → where it lies now.
        parameters: What to remember of how it came to be.
        rows: Connections in it, where the source knows.
        counts: Other counts that the source knows.
        force: Copy again what is there already.

    Returns:
        The manifest, and whether anything was copied.

    Raises:
        CannotWrite: The operating system refused; the workspace stays as it was.
    """
    hashes = {name: sha256_file(path) for name, path in sorted(files.items())}
    fingerprint = sha256_json([STAGE, source, dict(hashes), parameters or {}])
    old = read_manifest_or_none(workspace, STAGE, capture_id)
    if old is not None and not force and is_fresh(workspace, old, fingerprint):
        return old, False
    with workspace.scratch_folder() as folder:
        publication = Publication(workspace, STAGE, capture_id, fingerprint, folder)
        for name, path in sorted(files.items()):
            pending = publication.new_file(workspace.raw(source, capture_id) / name, STAGE)
            with writing(pending.temporary):
                shutil.copyfile(path, pending.temporary)
        manifest = publication.publish(
            inputs=hashes, parameters=parameters or {}, rows_in=rows, rows_out=rows, counts=counts
        )
    return manifest, True
