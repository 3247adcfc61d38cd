"""``ptml run``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import (
    AsJson,
    Data,
    DryRun,
    Force,
    Jobs,
    OwnFeatures,
    Quiet,
    Track,
    engine,
    tracker,
    workspace,
)
from ptml.cli._render import progress_bar, remark, show_json
from ptml.cli._results import show_stage


def run(
    pipeline: Annotated[
        str, typer.Argument(metavar="NAME-or-TOML", help="One of ptml's own pipelines, or a file.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting; may be repeated."),
    ] = None,
    from_stage: Annotated[
        str | None, typer.Option("--from", metavar="STAGE", help="Begin with this stage.")
    ] = None,
    to_stage: Annotated[
        str | None, typer.Option("--to", metavar="STAGE", help="End with this stage.")
    ] = None,
    own: OwnFeatures = None,
    data: Data = None,
    track: Track = None,
    jobs: Jobs = 0,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run the stages of a pipeline file, in order.

    Each stage does only what is new. Stopped at any moment and run again, it goes on where it stopped and
    ends the same.

    Examples:
      ptml run demo
      ptml run pipelines/own-captures.toml --set add.manifest=captures.csv
      ptml run demo --dry-run
      ptml run demo --from features --to features
    """
    from ptml.pipeline import outlook
    from ptml.pipeline import run as run_pipeline
    from ptml.settings import find_shipped, load_pipeline

    settings = load_pipeline(find_shipped("pipelines", pipeline), set_ or ())
    place = workspace(data)
    if dry_run:
        for line in outlook(settings, place, from_stage=from_stage, to_stage=to_stage):
            typer.echo(line)
        return
    log = tracker(track)
    remark(f"{settings.description} (workspace {place.root})", quiet=quiet)
    with progress_bar(quiet=quiet) as progress:
        result = run_pipeline(
            settings,
            place,
            from_stage=from_stage,
            to_stage=to_stage,
            own=own,
            engine=engine(jobs or settings.run.jobs),
            force=force,
            progress=progress,
            on_stage=None if as_json else show_stage,
        )
    if log is not None:
        for given in result.stages.values():
            log.stage(place, given)
    if as_json:
        show_json(result.to_dict())
    remark(f"done in {result.seconds:.0f} s", quiet=quiet)
