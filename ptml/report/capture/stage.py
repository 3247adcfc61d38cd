"""Makes the page on a capture: opens what is there, counts, draws, writes one file."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.errors import CannotWrite, SettingsError
from ptml.io import write_bytes
from ptml.parse.stage import How
from ptml.report.capture.beacons import beacons
from ptml.report.capture.events import files, notices, weirds
from ptml.report.capture.names import asked_names, met_names
from ptml.report.capture.opening import CONN, Opened, open_path
from ptml.report.capture.page import CapturePage, render_capture
from ptml.report.capture.places import Enrichment, places
from ptml.report.capture.rows import connection_table
from ptml.report.capture.shapes import COLUMNS, shaped
from ptml.report.capture.traffic import mixes, talkers, timeline, totals
from ptml.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptml.settings import ParseSettings
    from ptml.types import JsonObject

ALERTS = 200
PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Reported:
    """What was made.

    Attributes:
        page: The page.
        connections: Connections that there are.
        embedded: Connections that its table holds.
        alerts: Connections called malicious; None where nothing was scored.
        bytes: Size of the page.
        seconds: How long it took.
        notes: What a reader should know.
    """

    page: Path
    connections: int
    embedded: int
    alerts: int | None
    bytes: int
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> JsonObject:
        """Give it as JSON has it."""
        return {**asdict(self), "page": str(self.page), "notes": list(self.notes)}


def report(
    path: Path,
    *,
    out: Path | None = None,
    geo: Sequence[Path] = (),
    enrichment: Enrichment | None = None,
    parsing: ParseSettings | None = None,
) -> Reported:
    r"""Make one self-contained HTML page on a capture, scored or not.

    Args:
        path: A folder of Zeek logs, a log, a PCAP, a folder that ``ptml parse`` wrote, or one that
            ``ptml score`` wrote.
        out: The page; by default ``report.html`` in the folder, or beside the file.
        geo: Databases (.mmdb) that tell countries and networks of addresses.
        enrichment: Whom to ask over the network about addresses; by default nobody.
        parsing: How logs are read.

    Raises:
        MissingInput: Nothing is there.
        BadData: What is there cannot be used.
        MissingTool: It is a PCAP and there is no Zeek, or a database and there is no reader.
        CannotWrite: The page cannot be written.

    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "conn.log").write_text("#separator \\x09\n#fields\tuid\n#types\tstring\nC1\n")
    >>> done = report(folder)
    >>> done.page.name, done.connections
    ('report.html', 1)
    """
    started = time.perf_counter()
    page = out or (path if path.is_dir() else path.parent) / PAGE
    _check_place(page)
    with tempfile.TemporaryDirectory(prefix="ptml-report-") as scratch:
        opened = open_path(path, Workspace(Path(scratch), durable=False), How.of(parsing))
        content = _content(opened, geo, enrichment)
    html = render_capture(content).encode()
    write_bytes(page, html, page.parent)
    return Reported(
        page,
        content.totals["connections"],
        content.table.rows,
        content.alert_count,
        len(html),
        round(time.perf_counter() - started, 3),
        tuple(content.notes),
    )


def _check_place(page: Path) -> None:
    """Find out before the work is done what would stop the page from being written."""
    if page.is_dir():
        raise SettingsError(f"{page} is a folder, and a page is a file", hint=f"--out {page / PAGE}")
    if page.parent.exists() and not page.parent.is_dir():
        raise CannotWrite(f"cannot write {page}: {page.parent} is no folder", hint="choose another --out")


def _content(opened: Opened, geo: Sequence[Path], enrichment: Enrichment | None) -> CapturePage:
    logs = opened.logs
    conn = shaped(logs, CONN)
    if conn is None:
        conn = pl.LazyFrame(schema=dict(COLUMNS[CONN]))
    scores = opened.scores
    if scores is not None:
        judged = scores.select("capture_id", "uid", "probability", "verdict")
        conn = conn.join(judged, on=["capture_id", "uid"], how="left", nulls_equal=True)
    counted = totals(conn)
    found, unscored = beacons(logs) if counted["connections"] else ([], None)
    return CapturePage(
        opened=opened,
        totals=counted,
        timeline=timeline(conn),
        mixes=mixes(conn),
        talkers=talkers(conn),
        places=places(conn, geo, enrichment),
        asked=asked_names(logs),
        met=met_names(logs),
        files=files(logs),
        notices=notices(logs),
        weirds=weirds(logs),
        beacons=found,
        beacons_missing=unscored,
        alerts=[] if scores is None else _alerts(scores),
        alert_count=None if scores is None else _alert_count(scores),
        table=connection_table(
            conn, logs, total=counted["connections"], scored=scores is not None, names=opened.names
        ),
    )


def _alerts(scores: pl.LazyFrame) -> list[dict[str, Any]]:
    malicious = scores.filter(pl.col("verdict") == "malicious")
    ordered = malicious.sort("probability", "ts", "uid", descending=[True, False, False], nulls_last=True)
    return ordered.head(ALERTS).collect(engine="streaming").to_dicts()


def _alert_count(scores: pl.LazyFrame) -> int:
    malicious = scores.filter(pl.col("verdict") == "malicious")
    return int(malicious.select(pl.len()).collect(engine="streaming").item())
