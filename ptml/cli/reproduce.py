"""``ptml reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ptml.cli._options import AsJson, Data, Jobs, Quiet, engine, workspace
from ptml.cli._render import progress_bar, show_json
from ptml.cli._results import show_reproduction


def reproduce(
    model: Annotated[str, typer.Argument(metavar="NAME-or-DIR", help="A trained model.")],
    indicators: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The list of indicators, if the model's labels came from one."),
    ] = None,
    data: Data = None,
    jobs: Jobs = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a model again from its record, and compare.

    On the captures of the workspace, with the spec, settings, labels and seed that its manifest names. Says
    what differs and why; exit code 6 if the model was not reproduced. Nothing is published but labels.

    Examples:
      ptml reproduce forest
      ptml reproduce data/models/forest --json
    """
    from ptml.errors import ModelMismatch
    from ptml.train.reproduce import reproduce as reproduce_model

    with progress_bar(quiet=quiet) as progress:
        result = reproduce_model(
            workspace(data), model, indicators=indicators, engine=engine(jobs), progress=progress
        )
    if as_json:
        show_json(result.to_dict())
    else:
        show_reproduction(result)
    if not result.reproduced:
        raise typer.Exit(ModelMismatch.exit_code)
