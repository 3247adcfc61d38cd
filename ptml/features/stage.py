"""Captures' parsed logs → feature tables in bounded memory: small captures together, large ones alone."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq

from ptml.catalog import require_captures, select_captures
from ptml.engine import LocalEngine, attempt
from ptml.errors import BadData, MissingInput, PtmlError
from ptml.features.build import iter_connection_features
from ptml.features.inputs import COLUMNS
from ptml.features.large import collect_capture_features
from ptml.features.own import feature_set, own_file
from ptml.features.small import SMALL_ROWS, held_if_small
from ptml.features.together import describe_together
from ptml.io import writing
from ptml.manifest import Publication, fingerprint, read_manifest
from ptml.parse.published import published_logs
from ptml.settings import FeaturesSettings
from ptml.stage import StageReport, run_stage
from ptml.types import STANDARD_WINDOWS, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping, Sequence
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.features.featureset import FeatureSet
    from ptml.features.own import OwnFile
    from ptml.features.together import Described
    from ptml.manifest import Manifest
    from ptml.types import Progress, Windows
    from ptml.workspace import Workspace

STAGE = "features"
VERSION = "2"
CONNECTIONS = "features/connection"
CAPTURES = "features/capture"
PAIRS = "features/pairs"
BUNDLE_ROWS = 250_000
"""Rows of all logs of the captures that are described at once."""
HELPFUL_LOGS = ("dns", "files", "http", "ssl", "x509")


@dataclass(frozen=True, slots=True)
class FeaturesTask:
    """One capture whose features are to be derived."""

    workspace: Workspace
    parsed: Manifest
    batch_rows: int
    own: OwnFile | None = None
    windows: Windows = STANDARD_WINDOWS

    @property
    def features(self) -> FeatureSet:
        """Tell which features."""
        return feature_set(self.own, self.windows)

    @property
    def carried(self) -> dict[str, str]:
        """What a table of features says of itself, in the metadata of its Parquet files."""
        return {"ptml.features": self.features.version, "ptml.features_schema": VERSION}

    @property
    def capture_id(self) -> str:
        """Tell which capture."""
        return self.parsed.capture_id

    @property
    def fingerprint(self) -> str:
        """Hash all that determines the output; the batch size does not."""
        return fingerprint(
            STAGE, VERSION, {"features": self.features.version}, {"parse": self.parsed.fingerprint}
        )


def features(
    workspace: Workspace,
    settings: FeaturesSettings | None = None,
    *,
    captures: Collection[str] = (),
    own: Path | None = None,
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> StageReport:
    """Derive the features of every connection and of every capture from the parsed logs.

    Args:
        workspace: Where the catalog and the parsed logs are.
        settings: How.
        captures: Ids or names; all if empty.
        own: A Python file with features of one's own; see :func:`ptml.features.own.feature_set`.
        engine: Where the work runs.
        force: Derive again what is there.
        progress: Told after each capture.

    Raises:
        MissingInput: No workspace, no captures, nothing parsed, or a capture named that is not there.
        WorkspaceBusy: Another run holds the workspace.
        BadData: No capture has connections, or the file of features holds none.
        SettingsError: The file of features has another kind of name.
    """
    settings = settings or FeaturesSettings()
    file = own_file(own)
    catalog = select_captures(require_captures(workspace), captures)
    with workspace.locked():
        parsed = {name: read_manifest(workspace, "parse", name) for name in catalog["capture_id"]}
        tasks = [
            FeaturesTask(workspace, m, settings.batch_rows, file, settings.reach)
            for m in parsed.values()
            if m is not None
        ]
        if not tasks:
            raise MissingInput(f"nothing in {workspace.root} has been parsed", hint="run `ptml parse` first")
        report = run_stage(
            workspace,
            STAGE,
            tasks,
            derive_bundle,
            engine=engine or LocalEngine(),
            bundles=bundled,
            force=force,
            progress=progress,
        )
        unparsed = {name: "not parsed: see what `ptml parse` said" for name, m in parsed.items() if m is None}
    report.failed.update(unparsed)
    return report.require_output()


def pairs(workspace: Workspace, captures: Collection[str] = ()) -> pl.LazyFrame:
    """Read the table of pairs that the features stage wrote: ``ptml schema pairs`` shows its columns.

    Args:
        workspace: Where it is.
        captures: Ids or names; all if empty.

    Raises:
        MissingInput: No workspace, no captures, a capture named that is not there, or no features yet.
    """
    catalog = select_captures(require_captures(workspace), captures)
    manifests = (read_manifest(workspace, STAGE, name) for name in catalog["capture_id"])
    tables = [one.scan(workspace, PAIRS) for one in manifests if one and PAIRS in one.datasets()]
    if not tables:
        raise MissingInput(f"{workspace.root} has no table of pairs", hint="run `ptml features` first")
    return pl.concat(tables)


def bundled(tasks: Sequence[FeaturesTask]) -> list[Sequence[FeaturesTask]]:
    """Put small captures with the same logs together, as many as are quickly in memory."""
    bundles: list[list[FeaturesTask]] = []
    open_ones: dict[Hashable, list[FeaturesTask]] = {}
    rows: defaultdict[Hashable, int] = defaultdict(int)
    for task in tasks:
        logs, own = tuple(task.parsed.datasets()), task.parsed.rows_out
        alone = task.own is not None or own > SMALL_ROWS
        if alone or logs not in open_ones or rows[logs] + own > BUNDLE_ROWS:
            bundles.append([])
            if not alone:
                open_ones[logs], rows[logs] = bundles[-1], 0
        (bundles[-1] if alone else open_ones[logs]).append(task)
        rows[logs] += 0 if alone else own
    return list(bundles)


def derive_bundle(tasks: Sequence[FeaturesTask]) -> list[Manifest | PtmlError]:
    """Derive the features of captures at once; where one of them is bad, of each by itself.

    Raises:
        CannotWrite: The operating system refused.
    """
    if len(tasks) > 1:
        try:
            return _derive_together(tasks)
        except (BadData, MissingInput, pl.exceptions.PolarsError):
            pass  # whose fault it is shows where each stands alone
    return [attempt(derive, task) for task in tasks]


def _derive_together(tasks: Sequence[FeaturesTask]) -> list[Manifest | PtmlError]:
    began = time.perf_counter()
    logs = {task.capture_id: published_logs(task.workspace, task.parsed) for task in tasks}
    found = dict(describe_together(logs, tasks[0].features))
    each = (time.perf_counter() - began) / len(tasks)
    return [
        _publish_described(task, logs[task.capture_id], found[task.capture_id], seconds=each)
        for task in tasks
    ]


def _publish_described(
    task: FeaturesTask, logs: Mapping[str, pl.LazyFrame], found: Described, *, seconds: float
) -> Manifest:
    with task.workspace.scratch_folder() as folder:
        started = time.perf_counter() - seconds
        publication = Publication(
            task.workspace, STAGE, task.capture_id, task.fingerprint, folder, started=started
        )
        _write(publication, CONNECTIONS, found.connections, task.carried)
        _write(publication, PAIRS, found.pairs)
        _write(publication, CAPTURES, found.capture, task.carried)
        return _published(publication, task, logs, found.connections.height)


def derive(task: FeaturesTask) -> Manifest:
    """Derive one capture's features and publish them.

    Raises:
        MissingInput: It has no connections.
        CannotWrite: The operating system refused.
    """
    logs = published_logs(task.workspace, task.parsed)
    if "conn" not in logs:
        raise MissingInput("no conn.log: without connections there are no features")
    with task.workspace.scratch_folder() as folder:
        publication = Publication(task.workspace, STAGE, task.capture_id, task.fingerprint, folder)
        try:
            held = held_if_small(logs, task.parsed.rows_out, task.features)
            rows = _write_connections(publication, held, task)
            _write_capture(publication, held, task)
        except pl.exceptions.PolarsError as error:
            if task.own is None:
                raise
            raise BadData(f"the features of {task.own.path} fail on this capture: {error}") from error
        return _published(publication, task, logs, rows)


def _published(
    publication: Publication, task: FeaturesTask, logs: Mapping[str, pl.LazyFrame], rows: int
) -> Manifest:
    read = task.parsed.counts["rows_conn"]
    return publication.publish(
        inputs={"parse": task.parsed.fingerprint},
        parameters={
            "features": task.features.version,
            "windows": asdict(task.windows),
            "own_features": {"file": task.own.path.name, "sha256": task.own.sha256} if task.own else None,
        },
        rows_in=read,
        rows_out=rows,
        notes=_notes(logs),
        counts={"left out (no uid, or a uid seen before)": read - rows},
    )


def _notes(logs: Mapping[str, pl.LazyFrame]) -> list[str]:
    """Say which logs are not there: a line each for those of most captures, one for all that are rarer."""
    rarer = sorted(log for log in COLUMNS if log not in (*HELPFUL_LOGS, "conn", *logs))
    notes = [f"no {log}.log: its features are null" for log in HELPFUL_LOGS if log not in logs]
    if rarer:
        notes.append(f"nor any of {', '.join(rarer)}: theirs are null too")
    return [*notes, *(_lacking(log, frame) for log, frame in sorted(logs.items()) if _lacking(log, frame))]


def _lacking(log: str, frame: pl.LazyFrame) -> str:
    """Say which fields a log lacks that features look at; nothing where it has them all."""
    there = frame.collect_schema()
    fields = [name for name in COLUMNS.get(log, ()) if name not in there]
    return (
        f"{log}.log has no {', '.join(fields)}: features that rest on them alone are null" if fields else ""
    )


def _write_connections(publication: Publication, logs: Mapping[str, pl.LazyFrame], task: FeaturesTask) -> int:
    """Write the batches as row groups of one file, so that memory does not grow with it; and the pairs."""
    pending = publication.new_part(CONNECTIONS, 0)
    pairs = publication.new_part(PAIRS, 0)
    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        batches = iter_connection_features(
            logs,
            features=task.features,
            batch_rows=task.batch_rows,
            folder=publication.folder,
            pairs=pairs.temporary,
        )
        for frame in batches:
            table = frame.drop("capture_id").to_arrow(compat_level=pl.CompatLevel.oldest())
            table = table.replace_schema_metadata(task.carried)
            with writing(pending.temporary):
                writer = writer or pq.ParquetWriter(
                    pending.temporary, table.schema, compression="zstd", compression_level=1
                )
                writer.write_table(table)
            rows += frame.height
    finally:
        if writer is not None:
            with writing(pending.temporary):
                writer.close()
    pending.rows = rows
    pairs.rows = pq.ParquetFile(pairs.temporary).metadata.num_rows
    return rows


def _write_capture(publication: Publication, logs: Mapping[str, pl.LazyFrame], task: FeaturesTask) -> None:
    frame = collect_capture_features(
        logs, features=task.features, batch_rows=task.batch_rows, folder=publication.folder
    )
    _write(publication, CAPTURES, frame, task.carried)


def _write(
    publication: Publication, dataset: str, frame: pl.DataFrame, carried: dict[str, str] | None = None
) -> None:
    pending = publication.new_part(dataset, frame.height)
    with writing(pending.temporary):
        frame.drop("capture_id").write_parquet(
            pending.temporary, compression="zstd", compression_level=1, metadata=carried
        )
