"""Logs anywhere → Parquet, outside of any workspace's catalog: each file is a capture of its own.

The same call can be made again and again while a folder fills.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, SettingsError
from ptml.parse.converter import Converter
from ptml.parse.filereport import FileReport, FilesReport, LogCount, Tally
from ptml.parse.finding import HINT, find_files
from ptml.parse.stage import How
from ptml.types import unseen
from ptml.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.settings import ParseSettings
    from ptml.types import ReadProgress

__all__ = ["FileReport", "FilesReport", "LogCount", "open_desk", "parse_files"]


def parse_files(
    paths: Iterable[Path],
    out: Path,
    *,
    settings: ParseSettings | None = None,
    engine: Engine | None = None,
    force: bool = False,
    progress: ReadProgress = unseen,
) -> FilesReport:
    r"""Turn Zeek logs and packet captures into typed Parquet datasets under ``<out>/logs/``.

    Each file is a capture of its own, with a manifest under ``<out>/manifests/``; lines that cannot be read
    go to ``<out>/quarantine/``. Files that were converted before are not read again.

    Args:
        paths: Logs, archives of logs, packet captures, and folders of these.
        out: Folder for the datasets.
        settings: How.
        engine: Where the work runs.
        force: Read again what has been read.
        progress: Told of bytes and rows while the work goes on.

    Raises:
        MissingInput: A path does not exist, or there is no log at all.
        SettingsError: `out` is a file or a workspace.
        WorkspaceBusy: Another run writes to `out`.
        MissingTool: There is a packet capture, and no Zeek.
        BadData: No file could be used.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "conn.log").write_text("#separator \\x09\n#fields\tuid\n#types\tstring\nC1\n")
    >>> parse_files([folder], folder / "parquet").logs
    {'conn': LogCount(rows=1, quarantined=0)}
    """
    started = time.perf_counter()
    desk = open_desk(out)
    found, left_out = find_files(paths, beside=[out])
    if not found:
        raise MissingInput("there is no log and no PCAP at these paths; nothing was done", hint=HINT)
    tally = Tally()
    with desk.locked():
        converter = Converter(desk, How.of(settings), engine or LocalEngine(), force=force)
        for outcome in converter.convert(found, progress=progress):
            tally.add(outcome)
    report = tally.report(out, left_out, time.perf_counter() - started)
    if not report.files and report.failed:
        path, why = next(iter(report.failed.items()))
        raise BadData(f"none of {len(report.failed)} files could be used: {path}: {why}")
    return report


def open_desk(out: Path) -> Workspace:
    """Choose the folder that results go to.

    Raises:
        SettingsError: It is a file, or a workspace, whose datasets belong to its catalog.
    """
    desk = Workspace(out)
    if out.exists() and not out.is_dir():
        raise SettingsError(f"{out} is a file, and the datasets need a folder", hint="choose another --out")
    if desk.catalog.exists():
        raise SettingsError(
            f"{out} is a workspace: files that its catalog does not list would be mixed with its captures",
            hint="choose another --out, or `ptml add` the files and run `ptml parse` without paths",
        )
    return desk
