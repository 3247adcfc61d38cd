"""How a label gets onto a connection, and how sure it is.

A capture labelled as a whole hands its label to all its connections; that is coarse (a malicious capture's
connections are mostly background), so `label_method` says so. A capture labelled connection by connection
brings `labels.parquet`. Feature tables hold no label; this table stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from ptml.catalog import require_captures
from ptml.engine import Engine, LocalEngine
from ptml.errors import MissingInput
from ptml.io import writing
from ptml.labelfile import FILE, check_label, read_connection_labels
from ptml.manifest import Publication, fingerprint, read_manifest
from ptml.schema import LABELS as LABELS_TABLE
from ptml.stage import StageReport, run_stage
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.manifest import Manifest
    from ptml.types import JsonObject, JsonValue, Progress
    from ptml.workspace import Workspace

STAGE = "labels"
VERSION = "1"
FEATURES = "features/connection"


@dataclass(frozen=True, slots=True)
class LabelTask:
    """One capture to label: what the catalog says of it, and what it is made from."""

    capture_id: str
    parameters: JsonObject
    inputs: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """Hash of all that determines the capture's labels."""
        return fingerprint(STAGE, VERSION, self.parameters, self.inputs)


def label_connections(
    workspace: Workspace,
    *,
    force: bool = False,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> StageReport:
    """Give every connection that has features a label, and publish the table `labels/`.

    Connections without a label become `unknown` and are counted. Labels for connections that are not there,
    and connections labelled twice with different labels, are counted too.

    Args:
        workspace: Where the features are, and where the labels go.
        force: Label captures anew that are labelled already.
        engine: Where the work runs; processes on this machine by default.
        progress: Called as captures are done.

    Raises:
        MissingInput: There is no workspace, no capture, or no capture with features.
        BadData: No capture could be labelled.
    """
    tasks = list(_tasks(workspace))
    if not tasks:
        raise MissingInput(
            f"no capture of {workspace.root} has features", hint="run `ptml features` first, then this again"
        )
    report = run_stage(
        workspace,
        STAGE,
        tasks,
        partial(label_capture, workspace),
        engine=engine or LocalEngine(),
        force=force,
        progress=progress,
    )
    return report.require_output()


def _tasks(workspace: Workspace) -> Iterator[LabelTask]:
    for row in require_captures(workspace).iter_rows(named=True):
        features = read_manifest(workspace, "features", row["capture_id"])
        if features is None:
            continue
        raw = read_manifest(workspace, "raw", row["capture_id"])
        said = {name: row[name] for name in ("label", "label_level", "family", "label_confidence")}
        said["label"] = said["label"] or "unknown"
        inputs = {"features": features.fingerprint, "raw": raw.fingerprint if raw else ""}
        yield LabelTask(row["capture_id"], said, inputs)


def label_capture(workspace: Workspace, task: LabelTask) -> Manifest:
    """Label the connections of one capture and publish them.

    Raises:
        BadData: A label is not one of the four, or the label file is not a table of labels.
        MissingInput: The catalog promises a label for each connection, and there is no file of them.
    """
    features = read_manifest(workspace, "features", task.capture_id)
    if features is None:
        raise MissingInput(f"capture {task.capture_id} has no features", hint="run `ptml features` first")
    uids = pl.concat(
        [pl.DataFrame(schema={"uid": pl.String})]
        + [
            pl.scan_parquet(path, hive_partitioning=False, glob=False).select("uid").collect()
            for path in features.paths(workspace, FEATURES)
        ]
    )
    label, family, confidence = (task.parameters[name] for name in ("label", "family", "label_confidence"))
    check_label(str(label), f"capture {task.capture_id} in the catalog")
    counts: dict[str, int] = {}
    if task.parameters["label_level"] == "connection":
        given = read_connection_labels(find_label_file(workspace, task.capture_id))
        labelled, counts = join_labels(uids, given)
    else:
        labelled = label_as_capture(uids, str(label), family)
    table = LABELS_TABLE.check(
        labelled.with_columns(
            capture_id=pl.lit(task.capture_id), label_confidence=pl.lit(confidence, pl.Float64)
        )
    )
    by_label = dict(table.group_by("label").len().iter_rows())
    with workspace.scratch_folder() as folder:
        publication = Publication(workspace, STAGE, task.capture_id, task.fingerprint, folder)
        part = publication.new_part(STAGE, rows=table.height)
        with writing(part.temporary):
            table.drop("capture_id").write_parquet(part.temporary, compression="zstd", compression_level=1)
        return publication.publish(
            inputs=task.inputs,
            parameters=task.parameters,
            rows_in=uids.height,
            rows_out=table.height,
            counts={**{label: by_label.get(label, 0) for label in _CONNECTION_LABELS}, **counts},
        )


_CONNECTION_LABELS = ("malicious", "benign", "unknown")


def label_as_capture(uids: pl.DataFrame, label: str, family: JsonValue) -> pl.DataFrame:
    """Hand a capture's label to all its connections; `mixed` says nothing about any one of them."""
    known = label in ("malicious", "benign")
    return uids.with_columns(
        label=pl.lit(label if known else "unknown"),
        family=pl.lit(family if label == "malicious" else None, pl.String),
        label_method=pl.lit("capture"),
    )


def find_label_file(workspace: Workspace, capture_id: str) -> Path:
    """Find the file of connection labels among what was published of a raw capture.

    Raises:
        MissingInput: There is none.
    """
    raw = read_manifest(workspace, "raw", capture_id)
    found = [path for path in (raw.paths(workspace, "raw") if raw else []) if path.name == FILE]
    if not found:
        raise MissingInput(
            f"capture {capture_id} promises a label for each connection, but came without {FILE}",
            hint="add it again with its labels, or label it as a whole",
        )
    return found[0]


def join_labels(uids: pl.DataFrame, given: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Give each connection its own label, in the connections' order, and count what does not fit.

    >>> uids = pl.DataFrame({"uid": ["C1", "C2"]})
    >>> given = pl.DataFrame({"uid": ["C1", "C9"], "label": ["malicious", "benign"], "family": ["x", None]})
    >>> frame, counts = join_labels(uids, given)
    >>> frame.select("uid", "label", "family").rows()
    [('C1', 'malicious', 'x'), ('C2', 'unknown', None)]
    >>> counts
    {'without_label': 1, 'without_connection': 1, 'contradicting': 0}
    """
    one = (
        given.drop_nulls("label")
        .group_by("uid")
        .agg(
            pl.col("label").first(),
            pl.col("family").sort(nulls_last=True).first(),
            contradicting=pl.col("label").n_unique() > 1,
        )
    )
    contradicting = one.filter("contradicting").height
    one = one.with_columns(label=pl.when(~pl.col("contradicting")).then("label"))
    joined = uids.join(one, on="uid", how="left", maintain_order="left")
    known = pl.col("label").is_in(["malicious", "benign"])
    labelled = joined.select(
        "uid",
        label=pl.when(known).then("label").otherwise(pl.lit("unknown")),
        family=pl.when(pl.col("label") == "malicious").then("family"),
        label_method=pl.lit("connection"),
    )
    return labelled, {
        "without_label": labelled.filter(pl.col("label") == "unknown").height,
        "without_connection": given.join(uids, on="uid", how="anti").height,
        "contradicting": contradicting,
    }
