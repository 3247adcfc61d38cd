"""``ptml parse``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ptml.cli._options import (
    AsJson,
    Data,
    Force,
    Jobs,
    Quiet,
    SetParse,
    engine,
    listed,
    parse_settings,
    workspace,
)
from ptml.cli._render import progress_bar, reading_bar, show_json, show_report
from ptml.cli._results import show_files
from ptml.cli._watch import watch as watch_folder
from ptml.errors import SettingsError

if TYPE_CHECKING:
    from ptml.settings import ParseSettings


def parse(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Logs, PCAPs and folders of them, outside any workspace; - reads a list, by line or NUL.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the datasets of PATHS go.")] = None,
    watch: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Convert what is in this folder and what comes, until SIGINT or SIGTERM."
        ),
    ] = None,
    settle: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="SECONDS", help="A file unchanged for so long is finished. [default: 10]"
        ),
    ] = None,
    capture: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this capture, by id or name; may be repeated."),
    ] = None,
    set_: SetParse = None,
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

    With --watch: reads each file of a folder once it can no longer grow, for as long as it is let. A log
    that ends with #close is read at once, any other when it has lain unchanged for --settle seconds; if it
    changes later, it is read again. One line a file on stderr; with --json, one object a line on stdout,
    the sum last. A signal lets the file in work be finished, a second one does not.

    Examples:
      ptml parse
      ptml parse --capture emotet-1 --force
      ptml parse /var/log/zeek/2026-11-23 --out parquet
      ptml parse large.pcap --out parquet --set parse.zeek_seconds=14400 --set parse.zeek_memory_gb=24
      ptml parse --watch /var/log/zeek --out parquet
      find /var/log/zeek -name 'dns.*' -print0 | ptml parse - --out parquet --json
    """
    settings = parse_settings(set_)
    if watch is not None:
        if paths or capture or data or force:
            raise SettingsError("--watch DIR is not for use with PATHS, --capture, --data or --force")
        _few_threads()
        watch_folder(watch, out, settle=settle, settings=settings, jobs=jobs, as_json=as_json, quiet=quiet)
        return
    if settle is not None:
        raise SettingsError("--settle is about --watch DIR, which was not given")
    if not paths:
        if out is not None:
            raise SettingsError("--out says where PATHS go, and there are none", hint="give logs or folders")
        _parse_workspace(capture or [], data, settings, jobs, force=force, as_json=as_json, quiet=quiet)
        return
    if out is None:
        raise SettingsError(
            "PATHS are converted outside of any workspace, and nothing says where to; nothing was done",
            hint="add --out DIR, or `ptml add` them to a workspace and run `ptml parse`",
        )
    if capture or data:
        raise SettingsError("--capture and --data are about a workspace, and PATHS are outside of any")
    _few_threads()
    from ptml.parse.files import parse_files

    with reading_bar(quiet=quiet) as progress:
        report = parse_files(
            listed(paths), out, settings=settings, engine=engine(jobs), force=force, progress=progress
        )
    if as_json:
        show_json(report.to_dict())
    else:
        show_files(report, quiet=quiet)


def _few_threads() -> None:
    """Keep NumPy from starting a pool of threads, for nothing that is used here."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _parse_workspace(
    captures: list[str],
    data: Path | None,
    settings: ParseSettings | None,
    jobs: int,
    *,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from ptml.parse.stage import parse as parse_captures

    with progress_bar(quiet=quiet) as progress:
        report = parse_captures(
            workspace(data), settings, captures=captures, engine=engine(jobs), force=force, progress=progress
        )
    show_report(report, as_json=as_json, quiet=quiet)
