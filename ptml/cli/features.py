"""``ptml features``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ptml.cli._options import (
    AsJson,
    Data,
    Force,
    Jobs,
    OwnFeatures,
    Quiet,
    SetFeatures,
    engine,
    feature_settings,
    workspace,
)
from ptml.cli._render import progress_bar, show_json, show_report, show_table

if TYPE_CHECKING:
    from ptml.features.featureset import FeatureSet
    from ptml.settings import FeaturesSettings

DIFFERENT = 2


def features(
    list_: Annotated[bool, typer.Option("--list", help="List the features, and compute nothing.")] = False,
    family: Annotated[str | None, typer.Option(metavar="NAME", help="List this family only.")] = None,
    log: Annotated[str | None, typer.Option(metavar="NAME", help="List what needs this log only.")] = None,
    scope: Annotated[
        Literal["connection", "past", "capture"] | None, typer.Option(help="List this scope only.")
    ] = None,
    describe: Annotated[
        str | None, typer.Option(metavar="NAME", help="Describe one feature, and compute nothing.")
    ] = None,
    diff: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Compare a catalogue (--list --json) with this version's, or two with each other.",
        ),
    ] = None,
    capture: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this capture, by id or name; may be repeated."),
    ] = None,
    own: OwnFeatures = None,
    set_: SetFeatures = None,
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
      ptml features --list --log ssl --scope connection
      ptml features --describe orig_byte_share
      ptml features --features mine.py
      ptml features --set features.windows=[1,30,300]
      ptml features --diff catalogue-of-last-year.json
    """
    settings = feature_settings(set_)
    if not (list_ or family or log or scope or describe or diff):
        _derive(
            own, settings, data, captures=capture or (), jobs=jobs, force=force, as_json=as_json, quiet=quiet
        )
        return
    from ptml.features.own import feature_set, own_file

    known = feature_set(own_file(own), settings.reach) if settings else feature_set(own_file(own))
    if diff:
        _show_diff(diff, known, as_json=as_json)
    elif describe:
        _show_feature(describe, known, as_json=as_json)
    else:
        _show_features(known, as_json=as_json, family=family, log=log, scope=scope)


def _derive(
    own: Path | None,
    settings: FeaturesSettings | None,
    data: Path | None,
    *,
    captures: list[str] | tuple[str, ...],
    jobs: int,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from ptml.features.stage import features as derive

    with progress_bar(quiet=quiet) as progress:
        report = derive(
            workspace(data),
            settings,
            captures=captures,
            own=own,
            engine=engine(jobs),
            force=force,
            progress=progress,
        )
    show_report(report, as_json=as_json, quiet=quiet)


def _show_feature(name: str, known: FeatureSet, *, as_json: bool) -> None:
    from ptml.features.describe import describe_feature

    facts = describe_feature(name, known)
    if as_json:
        show_json(facts)
    else:
        show_table(name, ("", ""), list(facts.items()))


def _show_features(known: FeatureSet, *, as_json: bool, **wanted: str | None) -> None:
    from ptml.features.describe import list_features

    rows = list_features(known, **wanted)
    if as_json:
        show_json({"version": known.version, "features": rows})
    else:
        columns = ("name", "family", "dtype", "unit", "scope")
        show_table(f"{len(rows)} features", columns, [[row[column] for column in columns] for row in rows])


def _show_diff(paths: list[Path], known: FeatureSet, *, as_json: bool) -> None:
    from ptml.errors import SettingsError
    from ptml.features.compare import catalogue, compare, read_catalogue

    if len(paths) > DIFFERENT:
        raise SettingsError(f"--diff compares two catalogues, and got {len(paths)}")
    old, *new = [read_catalogue(path) for path in paths]
    rows = compare(old, new[0] if new else catalogue(known))
    if as_json:
        show_json({"differences": rows})
    else:
        columns = ("change", "level", "name", "fact", "old", "new")
        show_table(f"{len(rows)} differences", columns, [[row[column] for column in columns] for row in rows])
