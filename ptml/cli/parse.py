"""``ptml parse``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ptml.cli._options import AsJson, Data, Force, Jobs, Quiet, engine, workspace
from ptml.cli._render import progress_bar, reading_bar, show_json, show_report
from ptml.cli._results import show_files
from ptml.errors import SettingsError


def parse(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Logs, PCAPs and folders of them, outside any workspace; - reads a list."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the datasets of PATHS go.")] = None,
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

    Without PATHS: the captures of the workspace, into its logs/. With PATHS: these files, into DIR/logs/,
    each a capture of its own; what was converted before is not read again. Reads TSV, JSON and the other
    dialects of docs/logs.md, told by content. Lines that cannot be read go to quarantine/, with file, line,
    offset and reason: rows read and rows set aside are together all data lines.

    Examples:
      ptml parse
      ptml parse --capture emotet-1 --force
      ptml parse /var/log/zeek/2026-11-23 --out parquet
      find /var/log/zeek -name 'dns.*' | ptml parse - --out parquet --json
    """
    if not paths:
        if out is not None:
            raise SettingsError("--out says where PATHS go, and there are none", hint="give logs or folders")
        _parse_workspace(capture or [], data, jobs, force=force, as_json=as_json, quiet=quiet)
        return
    if out is None:
        raise SettingsError(
            "PATHS are converted outside of any workspace, and nothing says where to; nothing was done",
            hint="add --out DIR, or `ptml add` them to a workspace and run `ptml parse`",
        )
    if capture or data:
        raise SettingsError("--capture and --data are about a workspace, and PATHS are outside of any")
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # NumPy starts a pool else, for nothing that is used here
    from ptml.parse.files import parse_files

    with reading_bar(quiet=quiet) as progress:
        report = parse_files(_listed(paths), out, engine=engine(jobs), force=force, progress=progress)
    if as_json:
        show_json(report.to_dict())
    else:
        show_files(report, quiet=quiet)


def _parse_workspace(
    captures: list[str], data: Path | None, jobs: int, *, force: bool, as_json: bool, quiet: bool
) -> None:
    from ptml.parse.stage import parse as parse_captures

    with progress_bar(quiet=quiet) as progress:
        report = parse_captures(
            workspace(data), captures=captures, engine=engine(jobs), force=force, progress=progress
        )
    show_report(report, as_json=as_json, quiet=quiet)


def _listed(paths: list[Path]) -> list[Path]:
    """Put the paths on stdin, a line each or ended by NUL, in the place of a dash."""
    listed: list[Path] = []
    for path in paths:
        if str(path) != "-":
            listed.append(path)
            continue
        text = sys.stdin.buffer.read()
        names = text.split(b"\x00") if b"\x00" in text else text.splitlines()
        listed += [Path(os.fsdecode(name)) for name in names if name.strip()]
    return listed
