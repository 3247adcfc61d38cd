"""Captures in, ranked tables out: the whole scoring of a batch, published whole or not at all."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.engine import LocalEngine, of_each
from ptml.errors import MissingInput, PtmlError
from ptml.features.own import own_file
from ptml.io import path_text, writing
from ptml.parse.stage import How
from ptml.schema import CAPTURE_SCORES
from ptml.score.bundle import bundled, score_bundle
from ptml.score.capture import CaptureOutcome, CaptureTask, connection_parts
from ptml.score.choice import Choice
from ptml.score.discover import find_captures
from ptml.score.earlier import earlier_captures, hash_inputs, reuse
from ptml.score.found import Skipped
from ptml.score.model import require_unit
from ptml.score.page import scores_page
from ptml.score.prior import require_prior
from ptml.score.publish import check_output, publish
from ptml.score.record import model_facts, model_record, read_evaluation, run_record
from ptml.score.sensors import find_by
from ptml.score.shift import drift_of
from ptml.score.tables import (
    ALERTS,
    CONNECTIONS,
    PARQUET,
    alert_speller,
    alerts,
    write_alerts,
    write_forms,
    write_tables,
)
from ptml.types import silent
from ptml.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ptml.artifact import Model
    from ptml.engine import Engine
    from ptml.features.own import OwnFile
    from ptml.score.found import Found
    from ptml.score.sensors import By
    from ptml.score.tables import AlertFormat, Form
    from ptml.settings import ParseSettings
    from ptml.types import JsonObject, Progress

STAGE = "score"
REPORT = "report.html"
BATCH_ROWS = 100_000
QUOTED = 3
SAME_CONTENT = "same content as {}; it is scored once"


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What scoring a batch gave, captures in the order of their table.

    Attributes:
        out: Folder of the tables.
        captures: Rows of CAPTURE_SCORES; `probability` and `verdict` are None where nothing could be scored.
        chosen: Those of the captures that `choice` shows, with the number of its `alerts` that count.
        alerts: How many alerts count, and are written.
        skipped: Paths that were left out, and why.
        unchanged: Names of captures whose scores an earlier run had left.
        in_training: How many of them the model was trained on: their scores flatter.
        totals: Counts over the batch: captures, malicious, connections, alerts, hosts, rows_read, …
        seconds: Wall time.
        warnings: How the captures that were scored now differ from the training data.
    """

    out: Path
    captures: tuple[dict[str, Any], ...]
    chosen: tuple[dict[str, Any], ...]
    alerts: int
    skipped: tuple[Skipped, ...]
    unchanged: tuple[str, ...]
    in_training: int
    totals: dict[str, int]
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        """The HTML page."""
        return self.out / REPORT

    @property
    def found_malicious(self) -> bool:
        """Tell whether a chosen capture was called malicious, or has an alert where only these are judged."""
        return any(
            row["verdict"] == "malicious" or (row["verdict"] is None and row["alerts"] > 0)
            for row in self.chosen
        )

    def to_dict(self) -> JsonObject:
        """Give the result as plain JSON values."""
        return {
            "out": path_text(self.out),
            "report": path_text(self.report),
            "captures": [dict(row) for row in self.chosen],
            "alerts": self.alerts,
            "skipped": [asdict(one) for one in self.skipped],
            "unchanged": list(self.unchanged),
            "in_training": self.in_training,
            "totals": dict(self.totals),
            "warnings": list(self.warnings),
            "seconds": self.seconds,
        }


def score(
    paths: Sequence[Path],
    *,
    model: Model,
    out: Path,
    evaluation: Path | None = None,
    names: Mapping[Path, str] | None = None,
    own: Path | None = None,
    parsing: ParseSettings | None = None,
    batch_rows: int = BATCH_ROWS,
    engine: Engine | None = None,
    base_rate: float | None = None,
    force: bool = False,
    by: By | None = None,
    choice: Choice | None = None,
    alert_format: AlertFormat = "plain",
    also: Sequence[Form] = (),
    found: Sequence[Found] | None = None,
    progress: Progress = silent,
) -> ScoreResult:
    """Score captures and write ranked tables, alerts and a page.

    A path is a folder of Zeek logs, a single log, an archive, a PCAP, a folder that holds such, or one that
    `ptml parse` wrote to. A capture without conn.log, or one that cannot be read, is reported as skipped and
    the others go on. One with a conn.log but no connections has a row with null probability and null verdict:
    unknown, not benign. Of equal captures only the first is scored.

    Args:
        paths: Where the captures are.
        model: What judges them.
        out: Folder for the results; files of other names in it are left alone.
        evaluation: The model's `evaluation.json`, if there is one: the page says what it found.
        names: What to call captures whose folder does not tell.
        own: The Python file of one's own features, where the model was trained with one.
        parsing: How logs are read, and what Zeek may use.
        batch_rows: Connections held in memory at a time.
        engine: Where the work runs.
        base_rate: Share of malicious rows to expect here, to which probabilities are turned
            (:mod:`ptml.score.prior`); None for that of the training data.
        force: Score again what an earlier run with the same model left in `out`.
        by: What a capture is where sensors never stop; a folder or a file if None.
        choice: Which alerts are written and which captures are shown; all if None.
        alert_format: How alerts are spelled: plainly, or by the Elastic Common Schema.
        also: Forms that all tables are written in beside Parquet.
        found: Captures that were found already, in place of `paths`.
        progress: Told after each capture.

    Raises:
        MissingInput: A path does not exist, or none held anything that could be scored.
        BadData: `evaluation` is not one.
        ModelMismatch: The model was trained on other features or on captures of another unit, or knows no
            base rate to correct.
        SettingsError: `out` is a file.
        WorkspaceBusy: Another run writes to `out`.
        CannotWrite: The operating system refused; earlier results stay as they were.
    """
    started, began = time.perf_counter(), datetime.now(UTC)
    check_output(out)
    require_prior(model, base_rate)
    measured = read_evaluation(evaluation, model)
    captures, skipped = (list(found), []) if found is not None else _find(paths, by, out, names)
    for unit in sorted({one.unit for one in captures}):
        require_unit(model, unit, own_file(own))
    choice = choice or Choice()
    desk = Workspace(out)
    with desk.locked(), desk.scratch_folder() as scratch:
        tasks = _tasks(captures, scratch, model, How.of(parsing), batch_rows=batch_rows, own=own_file(own))
        tasks = [replace(task, base_rate=base_rate) for task in tasks]
        earlier = {} if force else earlier_captures(out, model_record(model, base_rate))
        reused = [(task, reuse(task, earlier[task.inputs], out)) for task in tasks if task.inputs in earlier]
        todo = [task for task in tasks if task.inputs not in earlier]
        done, faults = _score(todo, engine or LocalEngine(), progress)
        outcomes, repeats = _distinct([*reused, *done])
        skipped = [*skipped, *faults, *repeats]
        if not outcomes:
            raise _nothing_scored(skipped)
        ranked, hosts = write_tables(
            scratch,
            _capture_rows(outcomes),
            connections=[part for task, _ in outcomes for part in connection_parts(task.folder)],
            hosts=[task.hosts for task, _ in outcomes],
            pairs=[(outcome.capture_id, task.pairs) for task, outcome in outcomes if task.pairs.exists()],
        )
        counted = choice.of_alerts(alerts(scratch / CONNECTIONS, ranked))
        spell = alert_speller(alert_format, model_record(model), began)
        raised = write_alerts(scratch / ALERTS, counted, spell)
        run = run_record(
            model,
            outcomes,
            skipped,
            ranked=ranked,
            hosts=hosts,
            began=began,
            base_rate=base_rate,
            drift=drift_of(model, [task.tally for task, _ in done]),
        )
        run |= {"choice": choice.to_dict(), "alert_format": alert_format, "alerts_written": raised}
        page = scores_page(scratch, run, model_facts=model_facts(model), evaluation=measured)
        with writing(scratch / REPORT):
            (scratch / REPORT).write_text(page, "utf-8")
        chosen = _chosen(ranked, choice, scratch / CONNECTIONS)
        files = (*PARQUET, *write_forms(scratch, also), ALERTS, REPORT)
        seconds = round(time.perf_counter() - started, 3)
        publish(scratch, files, out, {**run, "seconds": seconds})
    return ScoreResult(
        out=out,
        captures=tuple(ranked.to_dicts()),
        chosen=tuple(chosen),
        alerts=raised,
        skipped=tuple(skipped),
        unchanged=tuple(task.found.name for task, _ in reused),
        in_training=run["totals"]["in_training"],
        totals=run["totals"],
        warnings=tuple(run["drift"]["warnings"]) if run["drift"] else (),
        seconds=seconds,
    )


def _find(
    paths: Sequence[Path], by: By | None, out: Path, names: Mapping[Path, str] | None
) -> tuple[list[Found], list[Skipped]]:
    found, skipped = (
        find_by(by, paths, beside=[out]) if by else find_captures(paths, beside=[out], names=names)
    )
    if not found:
        raise _nothing_scored(skipped)
    return found, skipped


def _chosen(ranked: pl.DataFrame, choice: Choice, connections: Path) -> list[dict[str, Any]]:
    """Choose the captures to show, each with the number of its alerts that count."""
    if choice == Choice():
        return ranked.to_dicts()
    by_capture = pl.scan_parquet(connections, glob=False, hive_partitioning=False).group_by("capture_id")
    times = dict(by_capture.agg(pl.col("ts").max()).collect(engine="streaming").iter_rows())
    counts = choice.of_alerts(alerts(connections, ranked)).group_by("capture_id").len()
    raised = dict(counts.collect(engine="streaming").iter_rows())
    return [
        row | {"alerts": raised.get(row["capture_id"], 0)}
        for row in ranked.iter_rows(named=True)
        if choice.shows(row, times.get(row["capture_id"]))
    ]


Outcomes = list[tuple[CaptureTask, CaptureOutcome]]


def _tasks(
    found: Sequence[Found], scratch: Path, model: Model, how: How, *, batch_rows: int, own: OwnFile | None
) -> list[CaptureTask]:
    folder = model.folder.resolve()  # a bare name could be taken for that of another model
    return [
        CaptureTask(one, hash_inputs(one), scratch / f"{number:06d}", folder, how, batch_rows, own)
        for number, one in enumerate(found)
    ]


def _score(
    tasks: Sequence[CaptureTask], engine: Engine, progress: Progress
) -> tuple[Outcomes, list[Skipped]]:
    done: Outcomes = []
    faults: list[Skipped] = []
    progress(STAGE, 0, len(tasks))
    for bundle, results in engine.map(score_bundle, bundled(tasks)):
        for task, result in zip(bundle, of_each(results, bundle), strict=True):
            if isinstance(result, PtmlError):
                faults.append(Skipped(task.found.path, result.message))
            else:
                done.append((task, result))
        progress(STAGE, len(done) + len(faults), len(tasks))
    return done, sorted(faults, key=lambda fault: fault.path)


def _distinct(outcomes: Outcomes) -> tuple[Outcomes, list[Skipped]]:
    """Order captures by id, and of equal ones keep the first given."""
    kept: Outcomes = []
    repeats: list[Skipped] = []
    for task, outcome in sorted(outcomes, key=lambda pair: (pair[1].capture_id, pair[0].folder)):
        if kept and kept[-1][1].capture_id == outcome.capture_id:
            repeats.append(Skipped(task.found.path, SAME_CONTENT.format(kept[-1][0].found.path)))
        else:
            kept.append((task, outcome))
    return kept, repeats


def _nothing_scored(skipped: Sequence[Skipped]) -> MissingInput:
    reasons = "; ".join(f"{one.path}: {one.reason}" for one in skipped[:QUOTED]) or "no path was given"
    more = f" (and {len(skipped) - QUOTED} more)" if len(skipped) > QUOTED else ""
    return MissingInput(
        f"nothing was scored: {reasons}{more}",
        hint="give a folder of Zeek logs with a conn.log in it, or a folder of such folders",
    )


def _capture_rows(outcomes: Outcomes) -> pl.DataFrame:
    rows = [asdict(task.found) | asdict(outcome) for task, outcome in outcomes]
    return pl.DataFrame(
        {name: [row[name] for row in rows] for name in CAPTURE_SCORES.schema}, schema=CAPTURE_SCORES.schema
    )
