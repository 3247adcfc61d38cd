"""What an earlier run left in the same folder, so that only new or changed captures are scored again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.errors import BadData, MissingInput
from ptml.io import path_text, read_json, sha256_file, sha256_json, writing
from ptml.parse.scan import log_files
from ptml.score.capture import CaptureOutcome
from ptml.score.publish import RUN
from ptml.score.tables import CONNECTIONS, HOSTS
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptml.score.capture import CaptureTask


def hash_inputs(source: Path) -> str:
    """Hash the raw files of a capture, names within it included."""
    root = source.parent if source.is_file() else source
    return sha256_json({path_text(path.relative_to(root)): sha256_file(path) for path in log_files(source)})


def earlier_captures(out: Path, model: Mapping[str, Any]) -> dict[str, CaptureOutcome]:
    """Read what an earlier run made of its captures, by the hash of their inputs; none that could differ now.

    Args:
        out: The folder that it may have left.
        model: The record of the model that judges now.
    """
    try:
        run = read_json(out / RUN)
        same = run["model"] == model and run["ptml_version"] == __version__
        whole = all(sha256_file(out / name) == run["files"][name]["sha256"] for name in (CONNECTIONS, HOSTS))
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
        pl.scan_parquet(out / CONNECTIONS, glob=False, hive_partitioning=False).filter(mine).sink_parquet(
            task.connections / "part-00000.parquet", compression="zstd", compression_level=1
        )
        pl.scan_parquet(out / HOSTS, glob=False, hive_partitioning=False).filter(mine).sink_parquet(
            task.hosts
        )
    return outcome
