"""``ptml parse``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import AsJson, Data, Force, Jobs, Quiet, engine, workspace
from ptml.cli._render import progress_bar, show_report


def parse(
    capture: Annotated[
        list[str] | None, typer.Option(help="Only this capture, by id or name; may be repeated.")
    ] = None,
    data: Data = None,
    jobs: Jobs = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Turn Zeek logs into typed Parquet.

    Writes a dataset a log under logs/. Reads TSV and JSON, plain, gz or zst, told by content. Lines that
    cannot be read go to quarantine/, with file, line, offset and reason: rows read and rows set aside are
    together all data lines.

    Examples:
      ptml parse
      ptml parse --capture emotet-1 --force
    """
    from ptml.parse.stage import parse as parse_captures

    with progress_bar(quiet=quiet) as progress:
        report = parse_captures(
            workspace(data), captures=capture or (), engine=engine(jobs), force=force, progress=progress
        )
    show_report(report, as_json=as_json, quiet=quiet)
