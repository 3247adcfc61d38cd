"""What an earlier run left in the same folder, so that only new or changed captures are scored again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.errors import BadData, MissingInput
from ptml.io import path_text, read_json, sha256_file, sha256_json, writing
from ptml.manifest import read_manifest
from ptml.parse.stage import STAGE
from ptml.score.capture import CaptureOutcome
from ptml.score.publish import RUN
from ptml.score.tables import CONNECTIONS, HOSTS, PAIRS_FILE
from ptml.version import __version__
from ptml.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptml.score.capture import CaptureTask
    from ptml.score.found import Found
    from ptml.types import JsonValue

TAKEN = (CONNECTIONS, HOSTS, PAIRS_FILE)


def hash_inputs(found: Found) -> str:
    """Hash what a capture's scores depend on: its raw files, names within it included; its id if it is fixed.

    Raises:
        MissingInput: A file has gone since it was found.
    """
    if found.parsed:
        workspace = Workspace(found.source)
        manifests = [read_manifest(workspace, STAGE, capture_id) for capture_id in found.parsed]
        content: dict[str, JsonValue] = {
            one.capture_id: one.fingerprint for one in manifests if one is not None
        }
    else:
        root = found.source.parent if found.source.is_file() else found.source
        content = {path_text(_within(path, root)): sha256_file(path) for path in found.files}
    if found.capture_id is not None or found.unit != "file":
        content |= {"capture_id": found.capture_id or "", "unit": found.unit}
    return sha256_json(content)


def _within(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path


def earlier_captures(out: Path, model: Mapping[str, Any]) -> dict[str, CaptureOutcome]:
    """Read what an earlier run made of its captures, by the hash of their inputs; none that could differ now.

    Args:
        out: The folder that it may have left.
        model: The record of the model that judges now.
    """
    try:
        run = read_json(out / RUN)
        same = run["model"] == model and run["ptml_version"] == __version__
        whole = all(sha256_file(out / name) == run["files"][name]["sha256"] for name in TAKEN)
        records = run["captures"] if same and whole else []
        return {record["inputs"]: CaptureOutcome.from_record(record) for record in records}
    except (MissingInput, BadData, OSError, KeyError, TypeError):
        return {}  # nothing to build on: all is scored anew


def reuse(task: CaptureTask, outcome: CaptureOutcome, out: Path) -> CaptureOutcome:
    """Take a capture's rows from the earlier tables instead of scoring it again.

    Raises:
        CannotWrite: The operating system refused.
    """
    mine = pl.col("capture_id") == outcome.capture_id
    with writing(task.connections):
        task.connections.mkdir(parents=True)
        places = (task.connections / "part-00000.parquet", task.hosts, task.pairs)
        for name, place in zip(TAKEN, places, strict=True):
            table = pl.scan_parquet(out / name, glob=False, hive_partitioning=False)
            table.filter(mine).sink_parquet(place, compression="zstd", compression_level=1)
    return outcome
