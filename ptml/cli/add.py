"""``ptml add``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ptml.cli._options import AsJson, Data, DryRun, Force, Jobs, Quiet, engine, workspace
from ptml.cli._render import progress_bar, show_json, show_report, show_table
from ptml.types import Label


def add(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help="Folders of Zeek logs, each one capture; single logs; PCAPs."
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="A list of captures: name, label; path, family, source, … if known."
        ),
    ] = None,
    folder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Where a row's capture lies beside the list, such as 'zeek/{name}'; repeatable.",
        ),
    ] = None,
    label: Annotated[Label | None, typer.Option(help="Label of PATHS.")] = None,
    family: Annotated[str | None, typer.Option(metavar="NAME", help="Malware family of PATHS.")] = None,
    data: Data = None,
    jobs: Jobs = 0,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Bring in your own labelled captures.

    A capture is a folder of Zeek logs, or a PCAP, which `ptml parse` hands to Zeek. It is known by its
    content: added twice, it is still one. The label is malicious, benign, mixed or unknown, and holds for the
    whole capture. A folder with a labels.parquet (uid, label, family; `ptml simulate
    --out` writes one) beside its logs keeps the label of each connection.

    Examples:
      ptml add zeek/emotet-1 --label malicious --family emotet
      ptml add --manifest captures.csv
    """
    from ptml.settings import AddSettings, checked
    from ptml.sources.listing import plan
    from ptml.sources.own import add as add_captures

    values = {"manifest": manifest, "paths": paths or (), "label": label, "family": family}
    settings = checked(AddSettings, values | ({"folders": folder} if folder else {}), "ptml add")
    if dry_run:
        listed, missing = plan(settings)
        if as_json:
            show_json({"would_add": [str(one.path) for one in listed], "missing": missing})
        else:
            show_table(
                f"would add {len(listed)}; {len(missing)} cannot be added",
                ("name", "label", "family", "path"),
                [(one.name, one.label, one.family, one.path) for one in listed],
            )
        return
    with progress_bar(quiet=quiet) as progress:
        report = add_captures(workspace(data), settings, engine=engine(jobs), force=force, progress=progress)
    show_report(report, as_json=as_json, quiet=quiet)
