"""``ptml evaluate``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import (
    AsJson,
    Data,
    Force,
    Jobs,
    ModelName,
    Quiet,
    Seed,
    SetLabels,
    Track,
    engine,
    label_settings,
    tracker,
    workspace,
)
from ptml.cli._render import progress_bar, show_json
from ptml.cli._results import show_evaluation


def evaluate(
    model: ModelName = "hist-gradient-boosting",
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="grouped: captures held out whole; random: the unsafe control. Both if none is named."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of each protocol.")] = 5,
    set_: SetLabels = None,
    seed: Seed = 0,
    data: Data = None,
    track: Track = None,
    jobs: Jobs = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a model on captures it has not seen.

    And how far a random split would flatter it. Trains the model's spec again in each fold. Writes
    reports/<model>/ with an HTML page and JSON.

    Examples:
      ptml evaluate
      ptml evaluate --model forest --protocol grouped
    """
    from ptml.evaluate.stage import evaluate as evaluate_model
    from ptml.settings import EvaluateSettings, checked

    values = {"folds": folds} | ({"protocols": tuple(protocol)} if protocol else {})
    settings = checked(EvaluateSettings, values, "ptml evaluate")
    place, log = workspace(data), tracker(track)
    with progress_bar(quiet=quiet) as progress:
        result = evaluate_model(
            place,
            settings,
            model=model,
            labels=label_settings(set_),
            seed=seed,
            engine=engine(jobs),
            force=force,
            progress=progress,
        )
    if log is not None:
        log.stage(place, result)
    if as_json:
        show_json(result.to_dict())
    else:
        show_evaluation(result)
