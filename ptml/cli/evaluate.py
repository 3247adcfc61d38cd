"""``ptml evaluate``."""

from __future__ import annotations

from typing import Annotated, Any

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
            metavar="NAME",
            help="How rows are held out: grouped (captures whole), temporal, leave-family-out, "
            "leave-source-out, or random, the unsafe control. Repeat for more; all if none is named.",
        ),
    ] = None,
    folds: Annotated[int, typer.Option(metavar="N", min=2, help="Folds, and windows of time.")] = 5,
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="Seeds to repeat every protocol with.")] = 1,
    max_splits: Annotated[
        int, typer.Option(metavar="N", min=2, help="Times that sources, and families, are held out at most.")
    ] = 10,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME-or-DIR", help="Another model, compared on the same splits. Repeat for more."
        ),
    ] = None,
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

    By captures held out whole, by time, by family and by source; and how far a random split would flatter
    it. Trains the model's spec again each time. What the data does not allow says why. Writes
    reports/<model>/ with an HTML page and JSON.

    Examples:
      ptml evaluate
      ptml evaluate --model forest --protocol grouped --protocol leave-source-out
      ptml evaluate --model forest --against hist-gradient-boosting --seeds 5
    """
    from ptml.evaluate.stage import evaluate as evaluate_model
    from ptml.settings import EvaluateSettings, checked

    values: dict[str, Any] = {
        "folds": folds,
        "seeds": seeds,
        "max_splits": max_splits,
        "against": tuple(against or ()),
    }
    if protocol:
        values["protocols"] = tuple(protocol)
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
