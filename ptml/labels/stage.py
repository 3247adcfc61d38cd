"""Labelling: for each capture the policy, what it looks at, and the published table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.catalog import require_captures
from ptml.engine import Engine, LocalEngine
from ptml.errors import BadData, MissingInput
from ptml.io import writing
from ptml.labelfile import FILE, INDICATORS, check_label, label_of_words, read_connection_labels
from ptml.labels.contacts import column
from ptml.labels.indicators import Indicator, check_captures, fingerprint_of, indicators_for, read_indicators
from ptml.labels.ordinary import list_text
from ptml.labels.policies import Said, by_column, by_indicators, inherit, inherit_filtered, leave_open
from ptml.manifest import Publication, fingerprint, read_manifest
from ptml.parse.published import published_logs
from ptml.schema import LABELS as LABELS_TABLE
from ptml.settings import LabelsSettings
from ptml.stage import StageReport, each, run_stage
from ptml.types import LABEL_POLICIES, silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.errors import PtmlError
    from ptml.features.family import Logs
    from ptml.manifest import Manifest
    from ptml.types import JsonObject, LabelPolicy, Progress
    from ptml.workspace import Workspace

STAGE = "labels"
VERSION = "2"
FEATURES = "features/connection"


@dataclass(frozen=True, slots=True)
class LabelTask:
    """One capture to label: by which policy, what the catalog says of it, and what it is made from.

    Attributes:
        capture_id: Which capture.
        policy: How its connections are labelled.
        said: What the catalog says of it as a whole.
        own: Its file of connection labels, where the catalog promises one, or it came with one.
        indicators: What its connections are matched with.
        parameters: All of that as the manifest states it.
        inputs: Fingerprints of what it is made from.
    """

    capture_id: str
    policy: LabelPolicy
    said: Said
    own: Path | None
    indicators: tuple[Indicator, ...]
    parameters: JsonObject
    inputs: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """Hash of all that determines the capture's labels."""
        return fingerprint(STAGE, VERSION, self.parameters, self.inputs)


def label_connections(
    workspace: Workspace,
    settings: LabelsSettings | None = None,
    *,
    force: bool = False,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> StageReport:
    """Give every connection that has features a label, and publish the table `labels/`.

    Connections whose label nobody knows have null, and are counted (`unlabelled`). Labels for connections
    that are not there, and connections that are said to be both, are counted too.

    Args:
        workspace: Where the features are, and where the labels go.
        settings: By which policy; a capture whose `label_method` in the catalog names a policy has that one.
        force: Label captures anew that are labelled already.
        engine: Where the work runs; processes on this machine by default.
        progress: Called as captures are done.

    Raises:
        MissingInput: There is no workspace, no capture, or no capture with features.
        BadData: No capture could be labelled, or the list of indicators is not one.
    """
    tasks: list[LabelTask] = []
    failed: dict[str, str] = {}
    for capture_id, made in _tasks(workspace, settings or LabelsSettings()):
        if isinstance(made, LabelTask):
            tasks.append(made)
        else:
            failed[capture_id] = str(made)
    if not tasks and not failed:
        raise MissingInput(
            f"no capture of {workspace.root} has features", hint="run `ptml features` first, then this again"
        )
    report = run_stage(
        workspace,
        STAGE,
        tasks,
        each(partial(label_capture, workspace)),
        engine=engine or LocalEngine(),
        force=force,
        progress=progress,
    )
    report.failed.update(failed)
    return report.require_output()


def _tasks(workspace: Workspace, settings: LabelsSettings) -> Iterator[tuple[str, LabelTask | PtmlError]]:
    rows = list(require_captures(workspace).iter_rows(named=True))
    listed = read_indicators(settings.indicators) if settings.indicators else []
    if settings.indicators:
        names = [*(row["capture_id"] for row in rows), *(row["name"] for row in rows if row["name"])]
        check_captures(listed, names, settings.indicators)
    for row in rows:
        features = read_manifest(workspace, "features", row["capture_id"])
        if features is None:
            continue
        try:
            yield row["capture_id"], _task(workspace, settings, row, features, listed)
        except (BadData, MissingInput) as error:
            yield row["capture_id"], error


def _task(
    workspace: Workspace,
    settings: LabelsSettings,
    row: dict[str, Any],
    features: Manifest,
    listed: list[Indicator],
) -> LabelTask:
    capture_id = row["capture_id"]
    raw = read_manifest(workspace, "raw", capture_id)
    files = {path.name: path for path in raw.paths(workspace, "raw")} if raw else {}
    indicators = indicators_for(listed, capture_id, row["name"])
    for name in INDICATORS:
        if name in files:
            indicators += indicators_for(read_indicators(files[name]), capture_id, row["name"])
    own = files.get(FILE)
    promised = row["label_level"] == "connection"
    has_column = own is not None or promised or _has_column(_logs(workspace, capture_id))
    policy = policy_of(settings, row["label_method"], has_column=has_column, listed=bool(indicators))
    said = Said(row["label"] or "unknown", row["family"], row["label_confidence"])
    parameters: JsonObject = {
        "policy": policy,
        "label": said.label,
        "label_level": row["label_level"],
        "family": said.family,
        "label_confidence": said.confidence,
    }
    if policy == "ioc":
        parameters["indicators"] = fingerprint_of(indicators)
    if policy == "inherit-filtered":
        parameters["ordinary"] = hashlib.sha256(list_text().encode()).hexdigest()
    inputs = {"features": features.fingerprint, "raw": raw.fingerprint if raw else ""}
    return LabelTask(capture_id, policy, said, own, indicators, parameters, inputs)


def policy_of(settings: LabelsSettings, method: str | None, *, has_column: bool, listed: bool) -> LabelPolicy:
    """Choose the policy of one capture.

    Args:
        settings: What the run asks for.
        method: The catalog's `label_method`; where it names a policy, that is the capture's.
        has_column: It has a label for each connection.
        listed: There are indicators for it.

    >>> policy_of(LabelsSettings(), "manifest", has_column=False, listed=False)
    'inherit'
    >>> policy_of(LabelsSettings(), "manifest", has_column=True, listed=True)
    'column'
    >>> policy_of(LabelsSettings(policy="inherit"), "capture-only", has_column=True, listed=False)
    'capture-only'
    """
    if method in LABEL_POLICIES:
        return method
    if settings.policy != "auto":
        return settings.policy
    if has_column:
        return "column"
    return "ioc" if listed else "inherit"


def label_capture(workspace: Workspace, task: LabelTask) -> Manifest:
    """Label the connections of one capture and publish them.

    Raises:
        BadData: A label is not one of the four, or the label file is not a table of labels.
        MissingInput: The catalog promises a label for each connection, and there is no file of them.
    """
    features = read_manifest(workspace, "features", task.capture_id)
    if features is None:
        raise MissingInput(f"capture {task.capture_id} has no features", hint="run `ptml features` first")
    check_label(task.said.label, f"capture {task.capture_id} in the catalog")
    uids = pl.concat(
        [pl.DataFrame(schema={"uid": pl.String})]
        + [
            pl.scan_parquet(path, hive_partitioning=False, glob=False).select("uid").collect()
            for path in features.paths(workspace, FEATURES)
        ]
    )
    labelled, counts, notes = _apply(workspace, task, uids)
    table = LABELS_TABLE.check(
        labelled.with_columns(capture_id=pl.lit(task.capture_id), label_method=pl.lit(task.policy))
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
            counts={
                **{label: by_label.get(label, 0) for label in ("malicious", "benign")},
                "unlabelled": by_label.get(None, 0),
                **counts,
            },
            notes=notes,
        )


def _apply(
    workspace: Workspace, task: LabelTask, uids: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    """Label by the task's policy; with counts and remarks."""
    logs = {} if task.policy in ("inherit", "capture-only") else _logs(workspace, task.capture_id)
    if task.policy == "inherit":
        return inherit(uids, task.said), {}, []
    if task.policy == "capture-only":
        return leave_open(uids), {}, []
    if task.policy == "inherit-filtered":
        return inherit_filtered(uids, task.said, logs)
    if task.policy == "ioc":
        nothing = not task.indicators and task.said.label != "benign"
        notes = ["no indicators: its connections have no label"] if nothing else []
        return *by_indicators(uids, task.said, logs, task.indicators), notes
    given = _given(task, logs)
    if given is not None:
        return *by_column(uids, task.said, given), []
    if task.parameters["label_level"] == "connection":
        raise MissingInput(
            f"capture {task.capture_id} promises a label for each connection, but came without {FILE}",
            hint="add it again with its labels, or label it as a whole",
        )
    return leave_open(uids), {}, ["no label column: its connections have no label"]


def _given(task: LabelTask, logs: Logs) -> pl.DataFrame | None:
    """Read the label of each connection: from the file beside the logs, else from conn.log's own columns."""
    if task.own is not None:
        return read_connection_labels(task.own)
    if not _has_column(logs):
        return None
    conn = logs["conn"]
    label = label_of_words(column(conn, "label", pl.String()))
    detail = column(conn, "detailed_label", pl.String()).replace({"": None, "-": None})
    family = pl.coalesce(detail, pl.lit(task.said.family, pl.String))
    given = conn.select(
        column(conn, "uid", pl.String()),
        label=label,
        family=pl.when(label == "malicious").then(family),
    )
    return given.collect()


def _logs(workspace: Workspace, capture_id: str) -> Logs:
    parsed = read_manifest(workspace, "parse", capture_id)
    return published_logs(workspace, parsed) if parsed else {}


def _has_column(logs: Logs) -> bool:
    return "conn" in logs and "label" in logs["conn"].collect_schema()
