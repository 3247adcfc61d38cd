"""``ptml audit``."""

from __future__ import annotations

from typing import Annotated, Literal

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
    dataset_settings,
    engine,
    label_settings,
    workspace,
)
from ptml.cli._render import progress_bar, show_json
from ptml.cli._results import show_audit
from ptml.errors import FAIL_ON_EXIT_CODE


def audit(
    level: Annotated[
        list[str] | None, typer.Option(metavar="LEVEL", help="connection or capture; both if none is named.")
    ] = None,
    spec: Annotated[
        str,
        typer.Option(metavar="NAME-or-TOML", help="Model spec that says which features and rows count."),
    ] = "hist-gradient-boosting",
    fail_on: Annotated[
        Literal["amber", "red"] | None, typer.Option(help="Exit with 10 if the light is this one or worse.")
    ] = None,
    dataset: DatasetFile = None,
    set_: SetTraining = None,
    seed: Seed = 0,
    data: Data = None,
    jobs: Jobs = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tell whether a dataset is fit to learn from.

    Looks for duplicates across captures, labels that contradict each other, single features, ports, sources,
    times and hosts that give the label away, floods, drift and scarcity. Green, amber or red, with what it
    means and what to do. Writes reports/audit/ with an HTML page and JSON; docs/audit.md explains each check.

    Examples:
      ptml audit
      ptml audit --level capture --fail-on red --json
    """
    from ptml.evaluate.audit import audit as audit_workspace
    from ptml.settings import AuditSettings, checked

    values = {"spec": spec, "dataset": dataset_settings(dataset, set_)} | (
        {"levels": tuple(level)} if level else {}
    )
    settings = checked(AuditSettings, values, "ptml audit")
    with progress_bar(quiet=quiet) as progress:
        result = audit_workspace(
            workspace(data),
            settings,
            labels=label_settings(set_, "dataset"),
            seed=seed,
            engine=engine(jobs),
            force=force,
            progress=progress,
        )
    if as_json:
        show_json(result.to_dict())
    else:
        show_audit(result, quiet=quiet)
    if fail_on and result.hits(fail_on):
        raise typer.Exit(FAIL_ON_EXIT_CODE)
