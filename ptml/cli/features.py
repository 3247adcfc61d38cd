"""``ptml features``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import AsJson, Data, Force, Jobs, Quiet, engine, workspace
from ptml.cli._render import progress_bar, show_json, show_report, show_table


def features(
    list_: Annotated[bool, typer.Option("--list", help="List the features, and compute nothing.")] = False,
    describe: Annotated[
        str | None, typer.Option(metavar="NAME", help="Describe one feature, and compute nothing.")
    ] = None,
    capture: Annotated[
        list[str] | None, typer.Option(help="Only this capture, by id or name; may be repeated.")
    ] = None,
    data: Data = None,
    jobs: Jobs = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Derive features of connections and captures.

    Null is not zero: where a log or a field is missing the feature is null. No feature holds an address, a
    name, a time of day, or a label.

    Examples:
      ptml features
      ptml features --list
      ptml features --describe orig_byte_share
    """
    if list_ or describe:
        _show_features(describe, as_json=as_json)
        return
    from ptml.features.stage import features as derive

    with progress_bar(quiet=quiet) as progress:
        report = derive(
            workspace(data), captures=capture or (), engine=engine(jobs), force=force, progress=progress
        )
    show_report(report, as_json=as_json, quiet=quiet)


def _show_features(name: str | None, *, as_json: bool) -> None:
    from ptml.features.describe import describe_feature, list_features

    if name is not None:
        facts = describe_feature(name)
        if as_json:
            show_json(facts)
        else:
            show_table(name, ("", ""), list(facts.items()))
        return
    rows = list_features()
    if as_json:
        show_json({"features": rows})
    else:
        columns = ("name", "family", "dtype", "unit", "scope")
        show_table(f"{len(rows)} features", columns, [[row[column] for column in columns] for row in rows])
