"""``ptml score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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
    parse_settings,
    workspace,
)
from ptml.cli._render import progress_bar, show_json
from ptml.cli._results import show_scores
from ptml.errors import FAIL_ON_EXIT_CODE


def score(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders of Zeek logs, single logs, PCAPs, or folders of these.")
    ],
    model: ModelName = "hist-gradient-boosting",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the results go. [default: scores/latest in --data]"),
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

    Writes tables of connections, hosts and captures (Parquet, CSV), alerts as JSON Lines and an HTML page,
    and shows the captures: those called malicious first, then by the mean probability of their connections.
    A capture that cannot be scored is reported; the others go on.

    Examples:
      ptml score /var/log/zeek/2026-11-23
      ptml score captures/ --model data/models/forest --fail-on malicious --json
    """
    from ptml.features.own import own_file
    from ptml.score.model import scoring_model
    from ptml.score.stage import score as score_captures

    parsing = parse_settings(set_)
    place = workspace(data)
    loaded = scoring_model(model, place, own=own_file(own))
    with progress_bar(quiet=quiet) as progress:
        result = score_captures(
            paths,
            model=loaded,
            out=out or place.score("latest"),
            own=own,
            parsing=parsing,
            evaluation=place.report(loaded.name) / "evaluation.json",
            engine=engine(jobs),
            base_rate=base_rate,
            force=force,
            progress=progress,
        )
    if as_json:
        show_json(result.to_dict())
    else:
        show_scores(result, quiet=quiet)
    if fail_on and result.found_malicious:
        raise typer.Exit(FAIL_ON_EXIT_CODE)
