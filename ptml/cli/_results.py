"""How the results of training, evaluating and scoring look on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from ptml.cli._render import describe, details, plain, remark, remarks, show_table

if TYPE_CHECKING:
    from ptml.artifact import FamilyManifest
    from ptml.evaluate.audit import AuditResult
    from ptml.evaluate.stage import EvaluationResult
    from ptml.parse.filereport import LogCount
    from ptml.parse.files import FilesReport
    from ptml.pipeline import StageResult
    from ptml.score.stage import ScoreResult
    from ptml.stage import StageReport
    from ptml.train.reproduce import Reproduction
    from ptml.train.stage import TrainResult

SCORE_COLUMNS = ("name", "verdict", "probability", "threshold", "mean_probability", "alerts", "connections")
SCORE_TITLES = {"mean_probability": "mean"}

SCORES_SHOWN = 25
REASONS_SHOWN, SENTENCES = 10, 3
SKIPPED_SHOWN = 20
AUDIT_COLUMNS = ("light", "level", "check", "found")
FILES_COLUMNS = ("log", "lines", "rows", "quarantined")


def show_training(result: TrainResult) -> None:
    """Show what was trained, on how much, and how its threshold did on held-out captures."""
    columns = (
        "level",
        "rows",
        "malicious",
        "captures",
        "threshold",
        "recall",
        "FPR",
        "ROC-AUC",
    )
    rows = [
        (
            level,
            part.training.rows,
            part.training.malicious,
            part.training.captures,
            part.threshold,
            part.out_of_fold.recall,
            part.out_of_fold.false_positive_rate,
            part.out_of_fold.roc_auc,
        )
        for level, part in result.manifest.levels.items()
    ]
    kept = "kept, nothing changed" if result.unchanged else f"trained in {result.seconds:.1f} s"
    show_table(f"model {result.name} ({kept}); held-out figures", columns, rows)
    for part in result.manifest.levels.values():
        if part.family is not None:
            _show_naming(part.family)
    mark = result.manifest.audit
    if mark is not None and mark.light != "green":
        remark(f"  audit of the training data: {mark.light}; `ptml audit` says why and what to do")
    typer.echo(str(result.folder))


def show_audit(result: AuditResult, *, quiet: bool = False) -> None:
    """Show what is not green or could not be checked, worst first, and where the page is."""
    rows = [
        (finding.light or "-", level, finding.title, finding.says)
        for level, finding in result.findings()
        if finding.light != "green"
    ]
    kept = "kept, nothing changed" if result.unchanged else f"audited in {result.seconds:.1f} s"
    show_table(f"audit: {result.audit.light} ({kept})", AUDIT_COLUMNS, rows)
    green = sum(finding.light == "green" for _, finding in result.findings())
    remark(f"  {green} checks are green; the page shows them, and what to do about the others", quiet=quiet)
    typer.echo(str(result.page))


def show_reproduction(result: Reproduction) -> None:
    """Show what was compared, and what differs."""
    signs = {(True, True): "same", (True, False): "same", (False, True): "DIFFERS", (False, False): "differs"}
    rows = [(one.what, signs[one.same, one.decides], one.detail) for one in result.checks]
    verdict = "reproduced" if result.reproduced else "NOT reproduced"
    show_table(f"model {result.name}: {verdict} ({result.seconds:.1f} s)", ("what", "", "detail"), rows)


def show_evaluation(result: EvaluationResult) -> None:
    """Show the figures of each protocol, why others have none, and where the page is."""
    show_table(*result.table())
    for level, found in result.evaluation.levels.items():
        for protocol, reason in found.not_possible.items():
            remark(f"  {level}s, {protocol}: not possible: {reason}")
    typer.echo(str(result.page))


def _show_naming(part: FamilyManifest) -> None:
    found = part.out_of_fold
    right = "none" if found.right is None else f"{found.right:.0%}"
    remark(
        f"  families: {len(part.families)} can be named; of {found.rows} malicious captures held out "
        f"{found.named:.0%} got a name, {right} of these the right one"
    )


def show_scores(result: ScoreResult, *, top: int | None = None, quiet: bool = False) -> None:
    """Show the captures in the order of their table, what was left out, and where the page is."""
    families = ("family",) if any(row["family"] for row in result.chosen) else ()
    columns = (*SCORE_COLUMNS, *families)
    rows = [[row[name] for name in columns] for row in result.chosen]
    titles = [SCORE_TITLES.get(name, name) for name in columns]
    order = "called malicious first, then by the mean probability of their connections"
    shown = SCORES_SHOWN if top is None else top
    show_table(f"{len(result.captures)} captures scored, {order}", titles, rows[:shown])
    if len(rows) > shown:
        remark(f"  … and {len(rows) - shown} more in {result.out / 'captures.csv'}", quiet=quiet)
    if len(rows) < len(result.captures):
        remark(
            f"  {len(result.captures) - len(rows)} are not shown: they are not among those asked for",
            quiet=quiet,
        )
    for row in result.chosen[: min(shown, REASONS_SHOWN)]:
        if row["reasons"]:
            remark(f"  {row['name']}: {'; '.join(row['reasons'][:SENTENCES])}", quiet=quiet)
    for warning in result.warnings:
        remark(f"  {warning}", quiet=quiet)
    unlike = sum(bool(row["out_of_distribution"]) for row in result.captures)
    if unlike:
        remark(f"  {unlike} of these are unlike any training capture: believe their scores less", quiet=quiet)
    if result.in_training:
        remark(
            f"  {result.in_training} of these were in the training data: their scores flatter", quiet=quiet
        )
    for one in result.skipped[:SKIPPED_SHOWN]:
        remark(f"  skipped: {one.path}: {one.reason}" if one.path else f"  {one.reason}", quiet=quiet)
    if len(result.skipped) > SKIPPED_SHOWN:
        remark(f"  … and {len(result.skipped) - SKIPPED_SHOWN} more; --json lists all", quiet=quiet)
    typer.echo(f"report: {plain(str(result.report))}")


def show_files(report: FilesReport, *, quiet: bool = False) -> None:
    """Show the lines of each log, together all lines of the files, then what else there is to say."""
    read, unchanged, failed = report.count("done"), report.count("unchanged"), len(report.failed)
    title = f"files: {read} read, {unchanged} unchanged, {failed} failed ({report.seconds:.1f} s)"
    show_counts(title, report.logs)
    for line in remarks(report.notes, report.failed):
        remark(line, quiet=quiet)
    typer.echo(f"datasets: {report.out / 'logs'}")


def show_counts(title: str, logs: Mapping[str, LogCount]) -> None:
    """Show the lines of each log, and of all."""
    lines = [(log, n.rows, n.quarantined) for log, n in logs.items()]
    lines.append(("all", sum(rows for _, rows, _ in lines), sum(aside for *_, aside in lines)))
    show_table(title, FILES_COLUMNS, [(log, rows + aside, rows, aside) for log, rows, aside in lines])


def show_stage(name: str, result: StageResult) -> None:
    """Show whatever a stage of a pipeline gave."""
    show: Callable[[Any], None] = _SHOW.get(name, show_captures)
    show(result)


def show_captures(report: StageReport) -> None:
    """Show what a stage did with each capture."""
    typer.echo(describe(report))
    for line in details(report):
        remark(line)


_SHOW: dict[str, Callable[[Any], None]] = {
    "train": show_training,
    "evaluate": show_evaluation,
    "score": show_scores,
}
