"""``ptml parse --watch``: a line for each file as it is converted, and an end when a signal comes."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from ptml.cli._render import remark
from ptml.cli._results import show_counts
from ptml.errors import SettingsError

if TYPE_CHECKING:
    from ptml.parse.filereport import Failure, FileReport
    from ptml.settings import ParseSettings

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def watch(
    folder: Path,
    out: Path | None,
    *,
    settle: float | None,
    settings: ParseSettings | None,
    jobs: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Watch a folder until a signal comes."""
    if out is None:
        raise SettingsError(
            f"{folder} is to be watched, and nothing says where the datasets go; nothing was done",
            hint="add --out DIR",
        )
    from ptml.engine import LocalEngine
    from ptml.parse.watch import SETTLE_SECONDS, watch_files

    with asked_to_stop() as stopped:
        remark(f"watching {folder}; stop with Ctrl-C", quiet=quiet)
        report = watch_files(
            folder,
            out,
            settle=SETTLE_SECONDS if settle is None else settle,
            settings=settings,
            engine=LocalEngine(jobs, shielded=True),
            stopped=stopped,
            tell=_show_json if as_json else lambda outcome: _show(outcome, quiet=quiet),
        )
    if as_json:
        json_line({"sum": report.to_dict()})
        return
    title = (
        f"files: {report.files['done']} read, {report.files['unchanged']} unchanged, "
        f"{report.files['failed']} failed ({report.seconds:.1f} s)"
    )
    show_counts(title, dict(sorted(report.logs.items())))
    again = report.taken_back
    if again.rows or again.quarantined:
        remark(
            f"  {again.rows + again.quarantined:,} of these lines were read again: their files grew",
            quiet=quiet,
        )
    typer.echo(f"datasets: {report.out / 'logs'}")


@contextlib.contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether a signal has come; a second one has its usual effect."""
    heard: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        _restore()

    def _restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        signal.signal(number, hear)
    try:
        yield lambda: bool(heard)
    finally:
        _restore()


def _show(outcome: FileReport | Failure, *, quiet: bool) -> None:
    from ptml.parse.filereport import Failure

    if isinstance(outcome, Failure):
        remark(f"failed: {outcome.path}: {outcome.why.replace(chr(10), ' ')}")
    elif outcome.state == "done":
        logs = ", ".join(f"{log} {n.rows:,}" for log, n in sorted(outcome.logs.items()) if n.rows)
        aside = f"; quarantined {outcome.total.quarantined:,}" if outcome.total.quarantined else ""
        again = " (has grown: its beginning was taken back)" if outcome.taken_back else ""
        remark(f"{outcome.path}: {logs or 'no rows'}{aside}{again}", quiet=quiet)


def _show_json(outcome: FileReport | Failure) -> None:
    from ptml.parse.filereport import Failure

    if isinstance(outcome, Failure) or outcome.state == "done":
        json_line(outcome.to_dict())


def json_line(value: dict[str, Any]) -> None:
    """Write one object on one line."""
    typer.echo(json.dumps(value, sort_keys=True, default=str, allow_nan=False))
