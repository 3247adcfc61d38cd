"""Results → text or JSON. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ptml.errors import PtmlError
    from ptml.stage import StageReport
    from ptml.types import FetchProgress, Progress, ReadProgress

SHOWN = 10
PIPE_WIDTH = 140


def plain(value: object) -> str:
    r"""Make text safe to show: captures are hostile, and a terminal obeys control characters.

    >>> plain("evil\x1b[2J")
    'evil�[2J'
    """
    from ptml.text import plain_text

    return plain_text(str(value))


def show_error(error: PtmlError) -> None:
    """Show an error as its message and what to try."""
    typer.secho("Error: ", fg="red", err=True, nl=False)
    typer.echo("\n".join(plain(line) for line in str(error).splitlines()), err=True)


def show_json(value: Mapping[str, Any]) -> None:
    """Write a result for machines."""
    typer.echo(json.dumps(value, indent=1, sort_keys=True, default=str, allow_nan=False))


def remark(text: str, *, quiet: bool = False) -> None:
    """Say something beside the result."""
    if not quiet:
        typer.echo(plain(text), err=True)


def show_report(report: StageReport, *, as_json: bool, quiet: bool) -> None:
    """Show what a stage did: a line, then its remarks, then the captures that failed."""
    if as_json:
        show_json(report.to_dict())
        return
    typer.echo(describe(report))
    for line in details(report):
        remark(line, quiet=quiet)


def describe(report: StageReport) -> str:
    """Put a stage's report in one line.

    >>> from ptml.stage import StageReport
    >>> describe(StageReport("parse", done=("a",), rows_in=5, rows_out=4, counts={"quarantined": 1}))
    'parse: 1 capture done, 0 unchanged, 0 failed; 4 rows; quarantined 1 (0.0 s)'
    """
    captures = "capture" if len(report.done) == 1 else "captures"
    counts = [f"{name} {count:,}" for name, count in report.counts.items() if "_" not in name]
    rows = [f"{report.rows_out:,} rows"] if report.rows_out else []
    did = (
        f"{len(report.done)} {captures} done, {len(report.unchanged)} unchanged, {len(report.failed)} failed"
    )
    return f"{report.stage}: {'; '.join([did, *rows, *counts])} ({report.seconds:.1f} s)"


def details(report: StageReport) -> Iterator[str]:
    """Give a stage's remarks and failures, a line each, the first few of many."""
    return remarks(report.notes, report.failed, "captures")


def remarks(notes: Mapping[str, int], failures: Mapping[str, str], of: str = "files") -> Iterator[str]:
    """Give remarks and failures, a line each, the first few of many."""
    said = [f"  note: {note}" + (f" ({n} {of})" if n > 1 else "") for note, n in notes.items()]
    failed = [f"  failed: {one}: {why.replace(chr(10), ' ')}" for one, why in failures.items()]
    for lines in (said, failed):
        yield from lines[:SHOWN]
        if len(lines) > SHOWN:
            yield f"  … and {len(lines) - SHOWN} more; --json lists all"


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a table on stdout."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # As text, not as markup: titles and columns may hold what a stranger wrote, as cells do.
    table = Table(title=Text(plain(title)), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(Text(plain(column).replace("_", " ")), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else plain(value)


@contextlib.contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """Show progress on a terminal; in a pipe, nothing."""
    from ptml.types import silent

    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        known: dict[str, Any] = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in known:
                known[what] = bars.add_task(plain(what), total=total)
            bars.update(known[what], completed=done, total=total)

        yield update


@contextlib.contextmanager
def reading_bar(*, quiet: bool) -> Iterator[ReadProgress]:
    """Show bytes, rows a second and the time left on a terminal; in a pipe, nothing."""
    from ptml.types import unseen

    if quiet or not sys.stderr.isatty():
        yield unseen
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    started = time.monotonic()
    columns = BarColumn(), DownloadColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("parse", total=None, speed="")

        def update(done: int, total: int, rows: int) -> None:
            speed = f"{rows / max(time.monotonic() - started, 0.1):,.0f} rows/s"
            bars.update(bar, completed=done, total=total, speed=speed)

        yield update


@contextlib.contextmanager
def fetching_bar(*, quiet: bool) -> Iterator[FetchProgress]:
    """Show files, bytes, speed and the time left on a terminal; in a pipe, nothing."""
    from ptml.types import unwatched

    if quiet or not sys.stderr.isatty():
        yield unwatched
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as SpeedColumn

    text = TextColumn("fetch {task.fields[files]}")
    columns = text, BarColumn(), DownloadColumn(), SpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("fetch", total=None, files="")

        def update(some: int, of_bytes: int, files: int, of_files: int) -> None:
            bars.update(bar, completed=some, total=of_bytes or None, files=f"{files}/{of_files}")

        yield update
