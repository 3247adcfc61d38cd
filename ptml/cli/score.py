"""``ptml score``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ptml.cli._options import (
    AsJson,
    Data,
    Force,
    Jobs,
    ModelName,
    OwnFeatures,
    Quiet,
    SetParse,
    engine,
    listed,
    parse_settings,
    workspace,
)
from ptml.cli._render import progress_bar, remark, show_json
from ptml.cli._results import show_scores
from ptml.cli._watch import asked_to_stop, json_line
from ptml.errors import FAIL_ON_EXIT_CODE, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptml.score.found import Found
    from ptml.score.sensors import By
    from ptml.score.stage import ScoreResult
    from ptml.score.tables import Form
    from ptml.score.watch import Scorer, Told

FORMS: dict[str | None, tuple[Form, ...]] = {
    None: (),
    "csv": ("csv",),
    "jsonl": ("jsonl",),
    "both": ("csv", "jsonl"),
}


def score(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of Zeek logs, single logs, archives, PCAPs, what `ptml parse` wrote, or folders of "
            "these; - reads a list, by line or NUL."
        ),
    ] = None,
    model: ModelName = "hist-gradient-boosting",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the results go. [default: scores/latest in --data]"),
    ] = None,
    capture_by: Annotated[
        Literal["hour", "day", "file", "sensor"] | None,
        typer.Option(help="What a capture is where sensors never stop. [default: a folder or a file]"),
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Score what is in this folder and what comes, until a signal."),
    ] = None,
    settle: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="SECONDS", help="A file unchanged for so long is finished. [default: 10]"
        ),
    ] = None,
    min_probability: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Only alerts and captures at least so likely.")
    ] = 0.0,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only alerts since 2026-11-23, 2026-11-23T05:00, 24h or 7d ago."),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Show so many captures. [default: 25]")
    ] = None,
    format_: Annotated[
        Literal["plain", "ecs"],
        typer.Option("--format", help="How alerts.jsonl is spelled: plainly, or for Elastic."),
    ] = "plain",
    also: Annotated[
        Literal["csv", "jsonl", "both"] | None,
        typer.Option(help="Write every table as CSV or JSON Lines too, the connections included."),
    ] = None,
    fail_on: Annotated[
        Literal["malicious"] | None, typer.Option(help="Exit with 10 if a capture is called malicious.")
    ] = None,
    base_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-9,
            max=1 - 1e-9,
            metavar="SHARE",
            help="Share of malicious rows to expect here: turns probabilities to it, not verdicts.",
        ),
    ] = None,
    set_: SetParse = None,
    own: OwnFeatures = None,
    data: Data = None,
    jobs: Jobs = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score new captures and rank them by risk.

    Writes tables of connections, hosts, pairs and captures (Parquet, CSV), alerts as JSON Lines and an HTML
    page, and shows the captures: those called malicious first, then by the mean probability of their
    connections. A capture that cannot be scored is reported; the others go on. What an earlier run with the
    same model left in --out is not scored again.

    A folder of logs is a capture, with all that lies below it. For a sensor that never stops, --capture-by
    cuts its files into hours or days; the model has to have learned from such (docs/scoring.md).

    --min-probability and --since say which alerts are written, which captures are shown, and what --fail-on
    looks at; --top only shortens what is shown. The tables always hold everything.

    With --watch: scores each capture of a sensor, by default each hour, once its files are finished; the
    results go to a folder each in --out. Ctrl-C or SIGTERM lets the capture in work be finished.

    Examples:
      ptml score /var/log/zeek/2026-11-23
      ptml score captures/ --model data/models/forest --fail-on malicious --json
      ptml score /var/log/zeek --capture-by day --since 24h --format ecs
      find /srv/pcaps -name '*.pcap' -print0 | ptml score - --min-probability 0.9 --top 10
      ptml score --watch /var/log/zeek --capture-by file --out scores
    """
    from ptml.features.own import own_file
    from ptml.score.choice import Choice, moment
    from ptml.score.model import require_unit, scoring_model
    from ptml.score.sensors import UNITS
    from ptml.score.stage import score as score_captures

    _check(paths, watch, settle)
    choice = Choice(min_probability, moment(since) if since else None)
    parsing = parse_settings(set_)
    place = workspace(data)
    loaded = scoring_model(model, place, own=own_file(own))
    results = out or place.score("latest")
    scored = partial(
        score_captures,
        model=loaded,
        own=own,
        parsing=parsing,
        evaluation=place.report(loaded.name) / "evaluation.json",
        base_rate=base_rate,
        force=force,
        choice=choice,
        alert_format=format_,
        also=FORMS[also],
    )
    if watch is not None:
        require_unit(loaded, UNITS[capture_by or "hour"], own_file(own))

        def scorer(found: Sequence[Found], out: Path) -> ScoreResult:
            return scored((), found=found, out=out, engine=engine(1))

        malicious = _watch(watch, results, scorer, capture_by or "hour", settle, as_json=as_json, quiet=quiet)
    else:
        with progress_bar(quiet=quiet) as progress:
            result = scored(
                listed(paths or []), out=results, by=capture_by, engine=engine(jobs), progress=progress
            )
        malicious = result.found_malicious
        if as_json:
            show_json(result.to_dict())
        else:
            show_scores(result, top=top, quiet=quiet)
    if fail_on and malicious:
        raise typer.Exit(FAIL_ON_EXIT_CODE)


def _check(paths: list[Path] | None, watch: Path | None, settle: float | None) -> None:
    if watch is not None and paths:
        raise SettingsError("--watch DIR is not for use with PATHS; nothing was done")
    if watch is None and settle is not None:
        raise SettingsError("--settle is about --watch DIR, which was not given; nothing was done")
    if watch is None and not paths:
        raise SettingsError(
            "there is nothing to score: no PATHS and no --watch DIR were given",
            hint="ptml score /var/log/zeek/2026-11-23",
        )


def _watch(
    folder: Path, out: Path, scorer: Scorer, by: By, settle: float | None, *, as_json: bool, quiet: bool
) -> bool:
    """Watch a folder until a signal comes; tell whether anything malicious was found."""
    from ptml.parse.watch import SETTLE_SECONDS
    from ptml.score.watch import watch_scores

    with asked_to_stop() as stopped:
        remark(f"watching {folder}; stop with Ctrl-C", quiet=quiet)
        report = watch_scores(
            folder,
            out,
            scorer,
            by=by,
            settle=SETTLE_SECONDS if settle is None else settle,
            stopped=stopped,
            tell=(lambda told: json_line(told.to_dict())) if as_json else partial(_tell, quiet=quiet),
        )
    if as_json:
        json_line({"sum": report.to_dict()})
    else:
        counts = ", ".join(f"{report.captures[name]} {name}" for name in ("scored", "unchanged", "failed"))
        typer.echo(f"captures: {counts}; {report.captures['alerts']:,} alerts ({report.seconds:.1f} s)")
    return report.found_malicious


def _tell(told: Told, *, quiet: bool) -> None:
    if told.result is None:
        remark(f"failed: {told.found.name}: {told.why.replace(chr(10), ' ')}")
        return
    for row in told.result.chosen:
        known = row["verdict"] or "not judged"
        counts = f"{row['alerts']:,} alerts, {row['connections']:,} connections"
        remark(f"{row['name']}: {known}, {counts}; {told.out}", quiet=quiet)
