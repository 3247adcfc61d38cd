"""``ptml train``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import (
    AsJson,
    Data,
    DatasetFile,
    Force,
    Jobs,
    Quiet,
    Seed,
    SetTraining,
    Track,
    dataset_settings,
    engine,
    label_settings,
    tracker,
    workspace,
)
from ptml.cli._render import progress_bar, show_json
from ptml.cli._results import show_training


def train(
    spec: Annotated[
        str, typer.Option(metavar="NAME-or-TOML", help="Model spec: one of ptml's own, or a file.")
    ] = "hist-gradient-boosting",
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the model; else the spec's.")
    ] = None,
    folds: Annotated[
        int, typer.Option(metavar="N", min=2, help="Grouped folds for calibration and threshold.")
    ] = 5,
    max_false_positive_rate: Annotated[
        float,
        typer.Option(
            metavar="X", min=0, max=1, help="Share of benign connections that may be called malicious."
        ),
    ] = 0.01,
    level: Annotated[
        list[str] | None, typer.Option(metavar="LEVEL", help="connection or capture; both if none is named.")
    ] = None,
    dataset: DatasetFile = None,
    set_: SetTraining = None,
    seed: Seed = 0,
    data: Data = None,
    track: Track = None,
    jobs: Jobs = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a classifier from features and labels.

    One of connections and one of captures.

    Probabilities are calibrated on captures held out whole, and the threshold is chosen on sources held out
    whole where there are enough. The model is saved without pickle, with a manifest of what it was trained
    on. docs/labels.md tells how connections get their labels.

    Examples:
      ptml train
      ptml train --spec random-forest --name forest
      ptml train --set labels.policy=inherit-filtered
      ptml train --dataset periods.toml --set 'dataset.exclude_sources=["lab"]'
    """
    from ptml.settings import TrainSettings, checked
    from ptml.train.stage import train as train_model

    values = {
        "spec": spec,
        "name": name,
        "folds": folds,
        "max_false_positive_rate": max_false_positive_rate,
        "dataset": dataset_settings(dataset, set_),
    }
    chosen = {"levels": tuple(level)} if level else {}
    settings = checked(TrainSettings, values | chosen, "ptml train")
    place, log = workspace(data), tracker(track)
    with progress_bar(quiet=quiet) as progress:
        result = train_model(
            place,
            settings,
            labels=label_settings(set_, "dataset"),
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
        show_training(result)
