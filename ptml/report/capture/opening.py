"""What lies at a path: the logs of a capture as lazy frames, and its scores where it was scored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.catalog import read_catalog
from ptml.errors import BadData, MissingInput, PtmlError
from ptml.identity import capture_id_of_logs, capture_id_of_pcap, is_pcap, is_readable_pcap
from ptml.io import read_parquet
from ptml.manifest import published
from ptml.parse.published import published_logs
from ptml.parse.scan import log_files
from ptml.parse.stage import STAGE, How, ParseTask, parse_capture
from ptml.schema import CAPTURE_SCORES, CONNECTION_SCORES
from ptml.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ptml.manifest import Manifest

CONNECTIONS, CAPTURES, RUN = "connections.parquet", "captures.parquet", "run.json"
"""Files that a folder of scores has; the last tells that it is whole."""
CONN = "conn"
NO_CONN = "no conn.log"
SEVERAL_PCAPS = "{} holds {} PCAPs and no logs; a page is on one capture, so none was read"
LOGS_GONE = "{}: its logs at {} cannot be read ({}), so only what was scored is shown"
LOGS_CHANGED = "{}: its logs at {} have changed since they were scored, so they are not shown"


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found at a path.

    Attributes:
        title: What to call it.
        logs: Zeek log → frame; each has ``capture_id``.
        names: What each capture is called, by its id; empty where all is one capture.
        scores: Rows of the table of scored connections; None where nothing was scored.
        captures: Rows of the table of scored captures.
        rows: Rows read.
        quarantined: Lines that could not be read.
        notes: What a reader should know.
    """

    title: str
    logs: dict[str, pl.LazyFrame] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    scores: pl.LazyFrame | None = None
    captures: tuple[dict[str, Any], ...] = ()
    rows: int = 0
    quarantined: int = 0
    notes: tuple[str, ...] = ()


def open_path(path: Path, scratch: Workspace, how: How) -> Opened:
    """Open Zeek logs, a PCAP, what ``ptml parse`` wrote, or what ``ptml score`` wrote.

    Args:
        path: A folder or a file.
        scratch: Where logs are parsed to; the frames read from there.
        how: How they are parsed.

    Raises:
        MissingInput: Nothing is there.
        BadData: What is there cannot be used.
        MissingTool: It is a PCAP, and there is no Zeek.
    """
    if not path.exists():
        raise MissingInput(
            f"{path} does not exist, so there is nothing to report on",
            hint="give a folder of Zeek logs, a log, a PCAP, or a folder that parse or score wrote",
        )
    if (path / CONNECTIONS).is_file() and not is_scored(path):
        raise BadData(
            f"{path} holds scores that are not whole: {CAPTURES} or {RUN} is missing",
            hint="run `ptml score` again: it goes on where it stopped",
        )
    if is_scored(path):
        return _scored(path, scratch, how)
    if (path / "manifests" / STAGE).is_dir():
        return _parsed(path)
    return _raw(path, scratch, how)


def is_scored(path: Path) -> bool:
    """Tell whether a folder is one that ``ptml score`` has finished."""
    return all((path / name).is_file() for name in (CONNECTIONS, CAPTURES, RUN))


def _raw(path: Path, scratch: Workspace, how: How) -> Opened:
    files = log_files(path) or _pcaps(path)
    pcap = len(files) == 1 and is_pcap(files[0])
    capture_id = capture_id_of_pcap(files[0]) if pcap else capture_id_of_logs(files)
    named = tuple((file.name, file) for file in files)
    manifest = parse_capture(ParseTask(scratch, capture_id, named, capture_id, how, wanted=()))
    return Opened(
        path.resolve().name,
        published_logs(scratch, manifest),
        {capture_id: path.resolve().name},
        rows=manifest.rows_out,
        quarantined=manifest.rows_in - manifest.rows_out,
        notes=manifest.notes,
    )


def _pcaps(path: Path) -> list[Path]:
    found = sorted(one for one in path.iterdir() if one.is_file() and is_readable_pcap(one))
    if len(found) > 1:
        raise BadData(SEVERAL_PCAPS.format(path, len(found)), hint=f"give one of them, such as {found[0]}")
    if not found:
        raise MissingInput(
            f"{path} holds no Zeek log (*.log, *.json, also .gz and .zst) and no PCAP",
            hint="give a folder of Zeek logs, a log, a PCAP, or a folder that parse or score wrote",
        )
    return found


def _parsed(path: Path) -> Opened:
    """Open a workspace, whose captures stand apart, or a folder of files that are parts of one."""
    place = Workspace(path)
    manifests = list(published(place, STAGE))
    if not manifests:
        raise MissingInput(
            f"{path} is a folder of ptml, and no log has been parsed in it yet", hint="run `ptml parse`"
        )
    names = _catalogued(place, [manifest.capture_id for manifest in manifests])
    return Opened(
        path.resolve().name,
        _united([published_logs(place, manifest) for manifest in manifests], one=not names),
        names,
        rows=sum(manifest.rows_out for manifest in manifests),
        quarantined=sum(manifest.rows_in - manifest.rows_out for manifest in manifests),
        notes=tuple(dict.fromkeys(_notes(manifests))),
    )


def _notes(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Give what was noted, but that a file is no conn.log: what is missing is for the page to say."""
    return (note for manifest in manifests for note in manifest.notes if note != NO_CONN)


def _catalogued(place: Workspace, captures: Iterable[str]) -> dict[str, str]:
    if not place.catalog.exists():
        return {}
    called = dict(read_catalog(place).select("capture_id", "name").iter_rows())
    return {one: called.get(one) or one for one in captures}


def _scored(path: Path, scratch: Workspace, how: How) -> Opened:
    captures = CAPTURE_SCORES.check(read_parquet(path / CAPTURES)).to_dicts()
    scores = CONNECTION_SCORES.check(read_parquet(path / CONNECTIONS).head(0))
    table = pl.scan_parquet(path / CONNECTIONS, glob=False, hive_partitioning=False)
    table = table.select(pl.col(name).cast(dtype) for name, dtype in scores.schema.items())
    found = [_logs_of(row, scratch, how) for row in captures]
    bare = [row["capture_id"] for row, one in zip(captures, found, strict=True) if CONN not in one.logs]
    logs = [one.logs for one in found if one.logs]
    if bare:
        keys = ("capture_id", "uid", "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
        logs.append({CONN: table.filter(pl.col("capture_id").is_in(bare)).select(keys)})
    return Opened(
        path.resolve().name,
        _united(logs, one=False),
        {row["capture_id"]: row["name"] for row in captures},
        table,
        tuple(captures),
        rows=sum(one.rows for one in found),
        quarantined=sum(one.quarantined for one in found),
        notes=tuple(note for one in found for note in one.notes),
    )


def _logs_of(row: Mapping[str, Any], scratch: Workspace, how: How) -> Opened:
    """Open the logs of a scored capture again, where they still lie; else say so."""
    none = Opened(row["name"])
    try:
        found = open_path(Path(row["path"]), scratch, how)
    except PtmlError as error:
        return replace(none, notes=(LOGS_GONE.format(row["name"], row["path"], error.message),))
    if row["capture_id"] not in found.names:
        return replace(none, notes=(LOGS_CHANGED.format(row["name"], row["path"]),))
    return found


def _united(logs: Iterable[Mapping[str, pl.LazyFrame]], *, one: bool) -> dict[str, pl.LazyFrame]:
    """Unite the logs of captures by name; as of one capture if asked to."""
    parts: dict[str, list[pl.LazyFrame]] = {}
    for capture in logs:
        for log, frame in capture.items():
            parts.setdefault(log, []).append(frame)
    united = {log: pl.concat(frames, how="diagonal_relaxed") for log, frames in sorted(parts.items())}
    same = pl.lit(None, pl.String).alias("capture_id")
    return {log: frame.with_columns(same) for log, frame in united.items()} if one else united
