"""Makes the page on a capture: opens what is there, counts, draws, writes one file."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.errors import CannotWrite, MissingInput, SettingsError
from ptml.io import write_bytes
from ptml.parse.stage import How
from ptml.report.capture.beacons import beacons
from ptml.report.capture.events import files, notices, weirds
from ptml.report.capture.names import asked_names, met_names
from ptml.report.capture.opening import CONN, Opened, is_scored, open_path
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
PAGE, SCORED_PAGE = "report.html", "capture.html"


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
        out: The page; by default ``report.html`` in the folder or beside the file, and ``capture.html`` in
            a folder of scores.
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
    page = out or _usual_page(path)
    _check(page, geo)
    with tempfile.TemporaryDirectory(prefix="ptml-report-") as scratch:
        opened = open_path(path, Workspace(Path(scratch), durable=False), How.of(parsing))
        content = page_of(opened, geo, enrichment)
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


def _check(page: Path, geo: Sequence[Path]) -> None:
    """Find out before the work is done what would make it useless."""
    if page.is_dir():
        raise SettingsError(f"{page} is a folder, and a page is a file", hint=f"--out {page / PAGE}")
    for database in geo:
        if not database.is_file():
            raise MissingInput(f"{database} is no file; a database of addresses was expected")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(
            f"cannot make the folder {page.parent}: {error.strerror}; nothing was done",
            hint="choose another --out",
        ) from error
    if not os.access(page.parent, os.W_OK):
        raise CannotWrite(
            f"{page.parent} may not be written to; nothing was done", hint="choose another place by --out"
        )


def _usual_page(path: Path) -> Path:
    """Name the page where nobody does; in a folder of scores ``report.html`` is the page of the scores."""
    folder = path if path.is_dir() else path.parent
    return folder / (SCORED_PAGE if is_scored(path) else PAGE)


def page_of(opened: Opened, geo: Sequence[Path] = (), enrichment: Enrichment | None = None) -> CapturePage:
    """Count all that the page shows.

    Args:
        opened: The logs.
        geo: As for :func:`report`.
        enrichment: As for :func:`report`.
    """
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
