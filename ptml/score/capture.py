"""One capture from raw logs to scored connections, in batches, by the code that training uses."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.drift.batch import Tally
from ptml.errors import BadData, MissingInput
from ptml.explain.reasons import Explainer
from ptml.features.build import iter_connection_features
from ptml.features.large import collect_capture_features
from ptml.features.small import SMALL_ROWS, held_if_small
from ptml.identity import capture_id_of_logs, capture_id_of_pcap, is_pcap
from ptml.io import json_bytes, read_parquet, writing
from ptml.parse.published import published_logs
from ptml.parse.stage import How, ParseTask, parse_capture
from ptml.schema import CONNECTION_SCORES, HOST_SCORES
from ptml.score.model import features_of, judges_captures, scoring_model
from ptml.score.parsed import parsed_manifest
from ptml.score.prior import as_learned, at_base_rate
from ptml.score.sensors import rotation_notes
from ptml.score.tables import summarise_hosts
from ptml.score.why import explain_capture, explain_connections, tally
from ptml.workspace import Workspace
from ptml.zeektypes import log_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ptml.artifact import Model
    from ptml.features.family import Logs
    from ptml.features.own import OwnFile
    from ptml.manifest import Manifest
    from ptml.score.found import Found

CONN, ROWS_CONN, ZEEK = "conn", "rows_conn", "zeek"
CONTRIBUTING = ("dns", "http", "ssl", "x509", "files")
MAX_REASONS = 20
_UNITS = 1 << 32
NO_CONN = "no conn.log among its logs: connections are what is scored"
NO_CONNECTIONS = "no connections: nothing to score, so its verdict is unknown"
NO_CAPTURE_MODEL = "the model has no part for captures: ranked by its connections alone"
OTHER_UNIT = "the model knows captures of the unit {}, and this is a {}: ranked by its connections alone"


@dataclass(frozen=True, slots=True)
class CaptureTask:
    """One capture to score, the hash of its files, the folder that its tables go to, and how it is read."""

    found: Found
    inputs: str
    folder: Path
    model: Path
    how: How
    batch_rows: int
    own: OwnFile | None = None
    base_rate: float | None = None

    @property
    def connections(self) -> Path:
        """Folder of the parts of the capture's scored connections."""
        return self.folder / "connections"

    @property
    def tally(self) -> Path:
        """What the capture looks like, to tell whether the batch has drifted."""
        return self.folder / "tally.json"

    @property
    def hosts(self) -> Path:
        """The capture's scored hosts."""
        return self.folder / "hosts.parquet"

    @property
    def pairs(self) -> Path:
        """The capture's pairs, if it has connections."""
        return self.folder / "pairs.parquet"


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """What became of one capture: its row of scores, and what was read of it."""

    capture_id: str
    connections: int
    alerts: int
    top_probability: float | None
    mean_probability: float | None
    probability: float | None
    verdict: str | None
    threshold: float | None
    family: str | None
    family_probability: float | None
    out_of_distribution: bool | None
    reasons: list[str] | None
    contributions: list[dict[str, Any]] | None
    nearest: list[str] | None
    rows_read: int
    rows_quarantined: int
    rows_left_out: int
    seconds: float
    notes: tuple[str, ...] = ()
    quarantine_reasons: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CaptureOutcome:
        """Read it back from what `run.json` says of the capture.

        Raises:
            KeyError: The record lacks something.
        """
        values = {one.name: record[one.name] for one in fields(cls)}
        return cls(**{**values, "notes": tuple(values["notes"])})


@dataclass(frozen=True, slots=True)
class Reading:
    """A capture whose logs have been parsed; what was parsed for it is there while it is open."""

    task: CaptureTask
    files: list[Path]
    manifest: Manifest
    logs: Logs
    unread: dict[str, int]
    started: float

    @property
    def is_small(self) -> bool:
        """Tell whether it can be described with others: it is small, and no user's code looks at it."""
        return self.task.own is None and CONN in self.logs and self.manifest.rows_out <= SMALL_ROWS


@contextlib.contextmanager
def read_capture(task: CaptureTask) -> Iterator[Reading]:
    """Parse a capture's logs for as long as it is worked on.

    Raises:
        MissingInput: It has no conn.log.
        BadData: It cannot be read.
    """
    started = time.perf_counter()
    with writing(task.connections):
        task.connections.mkdir(parents=True)
    scratch = Workspace(task.folder / "workspace", durable=False)
    try:
        files = list(task.found.chosen) or task.found.files
        workspace, manifest = _parsed(task.found, files, scratch, task.how)
        unread = _quarantine_reasons(workspace, manifest)
        logs = published_logs(workspace, manifest)
        if CONN not in {*logs, *map(log_name, files)} and ZEEK not in manifest.parameters:
            raise MissingInput("; ".join([NO_CONN, *unread]))
        yield Reading(task, files, manifest, logs, unread, started)
    finally:
        shutil.rmtree(scratch.root, ignore_errors=True)


def score_capture(task: CaptureTask) -> CaptureOutcome:
    """Parse, compute features and score one capture; its tables are left in the task's folder.

    Raises:
        MissingInput: It has no conn.log.
        BadData: It cannot be used.
        ModelMismatch: The model does not fit the features.
    """
    with read_capture(task) as reading:
        return describe_and_judge(reading)


def describe_and_judge(reading: Reading) -> CaptureOutcome:
    """Compute a capture's features, a batch at a time, and score them.

    Raises:
        BadData: A user's own features fail on it.
        ModelMismatch: The model does not fit the features.
    """
    task = reading.task
    features = features_of(model_of(task), task.own)
    rows, folder = task.batch_rows, task.folder
    try:
        held = held_if_small(reading.logs, reading.manifest.rows_out, features)
        batches = (
            iter_connection_features(
                held, features=features, batch_rows=rows, folder=folder, pairs=task.pairs
            )
            if CONN in held
            else ()
        )
        return judge(
            reading,
            batches,
            lambda: collect_capture_features(held, features=features, batch_rows=rows, folder=folder),
        )
    except pl.exceptions.PolarsError as error:
        if task.own is None:
            raise
        raise BadData(f"the features of {task.own.path} fail on this capture: {error}") from error


def judge(
    reading: Reading, batches: Iterable[pl.DataFrame], capture: Callable[[], pl.DataFrame]
) -> CaptureOutcome:
    """Score a capture by its features; its tables are left in the task's folder.

    Args:
        reading: The capture.
        batches: Features of its connections.
        capture: Gives its own features, should they be needed.

    Raises:
        ModelMismatch: The model does not fit the features.
    """
    task, manifest = reading.task, reading.manifest
    explainer = _explainer(task.model, task.own)
    model = explainer.model
    counted = Tally(logs=sorted(reading.logs), zeek=_zeek(manifest))
    _write_connections(task, explainer, batches, counted)
    summary = _summarise(task)
    whole = summary["connections"] and judges_captures(model, task.found.unit)
    verdict = _score_whole(task, explainer, capture(), counted) if whole else {}
    with writing(task.tally):
        task.tally.write_bytes(json_bytes(asdict(counted)))
    return CaptureOutcome(
        capture_id=manifest.capture_id,
        **summary,
        probability=verdict.get("probability"),
        verdict=verdict.get("verdict"),
        threshold=verdict.get("threshold"),
        family=verdict.get("family"),
        family_probability=verdict.get("family_probability"),
        out_of_distribution=verdict.get("out_of_distribution"),
        reasons=verdict.get("reasons"),
        contributions=verdict.get("contributions"),
        nearest=verdict.get("nearest"),
        rows_read=manifest.rows_out,
        rows_quarantined=manifest.rows_in - manifest.rows_out,
        rows_left_out=manifest.counts.get(ROWS_CONN, 0) - summary["connections"],
        seconds=round(time.perf_counter() - reading.started, 3),
        notes=(
            *(manifest.notes if ZEEK in manifest.parameters else ()),
            *rotation_notes(reading.files),
            *_notes(model, task.found.unit, reading.logs, summary["connections"]),
        ),
        quarantine_reasons=reading.unread,
    )


def model_of(task: CaptureTask) -> Model:
    """Load a task's model, once in a worker, which scores many captures."""
    return _explainer(task.model, task.own).model


@lru_cache(maxsize=1)
def _explainer(folder: Path, own: OwnFile | None) -> Explainer:
    model = scoring_model(folder, own=own)
    return Explainer.of(model, features_of(model, own))


def _write_connections(
    task: CaptureTask, explainer: Explainer, batches: Iterable[pl.DataFrame], counted: Tally
) -> None:
    model = explainer.model
    for number, batch in enumerate(batches):
        if batch.is_empty():
            continue
        tally(explainer, counted, batch, "connection")
        scored = explain_connections(explainer, batch, model.score(batch, level="connection"))
        scored = at_base_rate(scored, model.manifest.level("connection"), task.base_rate)
        scored = scored.with_columns(_shown(batch))
        part = task.connections / f"part-{number:05d}.parquet"
        with writing(part):
            CONNECTION_SCORES.check(scored).write_parquet(part, compression="zstd", compression_level=1)


def _shown(batch: pl.DataFrame) -> list[pl.Series]:
    """Give what an alert says of its connection beside the key."""
    return [batch[name].cast(pl.String) for name in ("proto", "service")]


def _summarise(task: CaptureTask) -> dict[str, Any]:
    parts = connection_parts(task.folder)
    hosts = HOST_SCORES.check(summarise_hosts(parts).collect()).sort("host")
    with writing(task.hosts):
        hosts.write_parquet(task.hosts, compression="zstd")
    return {
        "connections": int(hosts["connections"].sum()),
        "alerts": int(hosts["alerts"].sum()),
        "top_probability": hosts["probability"].max(),
        "mean_probability": _mean_probability(parts),
    }


def _mean_probability(parts: list[Path]) -> float | None:
    """Average whole units of 2**-32: a sum of floats would vary with the order in its last digits."""
    if not parts:
        return None
    units = (pl.col("probability") * _UNITS).round(0).cast(pl.Int64)
    scores = pl.scan_parquet(parts, glob=False, hive_partitioning=False)
    total, rows = scores.select(units.sum().alias("total"), pl.len()).collect(engine="streaming").row(0)
    return float(total / rows / _UNITS)


def _score_whole(
    task: CaptureTask, explainer: Explainer, features: pl.DataFrame, counted: Tally
) -> dict[str, Any]:
    model = explainer.model
    tally(explainer, counted, features, "capture")
    parts = connection_parts(task.folder)
    scores = (
        pl.scan_parquet(parts, glob=False, hive_partitioning=False)
        .select("capture_id", "probability")
        .collect()
    )
    scores = as_learned(scores, model.manifest.level("connection"), task.base_rate)
    verdict = at_base_rate(
        model.score_captures(features, scores), model.manifest.level("capture"), task.base_rate
    )
    told = explain_capture(explainer, features, scores)
    if verdict["verdict"][0] != "malicious":
        told |= {"reasons": None, "contributions": None}
    else:
        told |= model.name_families(features).row(0, named=True)
    return verdict.row(0, named=True) | told


def _parsed(found: Found, files: list[Path], scratch: Workspace, how: How) -> tuple[Workspace, Manifest]:
    """Parse a capture's files, unless `ptml parse` has done that."""
    if found.parsed:
        return parsed_manifest(found)
    pcap = len(files) == 1 and is_pcap(files[0])
    content = capture_id_of_pcap(files[0]) if pcap else capture_id_of_logs(files)
    capture_id = found.capture_id or content
    named = tuple((path.name, path) for path in files)
    return scratch, parse_capture(ParseTask(scratch, capture_id, named, content, how))


def _notes(model: Model, unit: str, logs: Logs, connections: int) -> tuple[str, ...]:
    if not connections:
        return (NO_CONNECTIONS,)
    missing = [log for log in CONTRIBUTING if log not in logs]
    notes = [f"no {', '.join(f'{log}.log' for log in missing)}: their features are null"] if missing else []
    if "capture" not in model.levels:
        notes.append(NO_CAPTURE_MODEL)
    elif not judges_captures(model, unit):
        notes.append(OTHER_UNIT.format(model.manifest.unit, unit))
    return tuple(notes)


def _zeek(manifest: Manifest) -> str | None:
    """Tell which Zeek made the logs, where ptml ran it."""
    said = manifest.parameters.get(ZEEK)
    return None if said is None else str(said)


def _quarantine_reasons(workspace: Workspace, manifest: Manifest) -> dict[str, int]:
    parts = [read_parquet(path).select("reason") for path in manifest.paths(workspace, "quarantine")]
    if not parts:
        return {}
    counted = pl.concat(parts).group_by("reason").len().sort("len", "reason", descending=[True, False])
    return dict(counted.head(MAX_REASONS).iter_rows())


def connection_parts(folder: Path) -> list[Path]:
    """List the parts of a capture's scored connections, in the order of its conn.log."""
    return sorted((folder / "connections").glob("part-*.parquet"))
