"""The logs of sensors that never stop, cut into captures by hour, day, file or sensor.

A sensor is known by the folder that its logs lie in, but for folders that only name a time. Files are never
cut: one belongs to the hour in which it begins, by its name or else by its first line.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ptml.errors import BadData, MissingInput
from ptml.identity import capture_id_of_sha256, is_readable_pcap
from ptml.io import path_text
from ptml.parse.finding import find_files
from ptml.parse.reader import read_log
from ptml.score.discover import require_paths
from ptml.score.found import Found, Skipped, at
from ptml.score.parsed import Origin, of_origins, origins, parsed_root
from ptml.zeektypes import TABLE_LOGS, log_name, rotation_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

By = Literal["hour", "day", "file", "sensor"]
UNITS: dict[By, str] = {"hour": "sensor-hour", "day": "sensor-day", "file": "file", "sensor": "sensor"}
CONN = "conn"
NO_TIME = "no time in its name nor in its first lines tells which {} it belongs to"
NO_CONNECTIONS = "{} logs were left out: taken file by file, only those that hold connections are scored"
GAP = "no conn.log for {} of {} rotations between {} and {} ({}): nothing was seen then, or files are missing"
SNIFF_BYTES = 1 << 16
TOLD_GAPS = 5
FEWEST_PARTS = 3
_TIME_FOLDER = re.compile(r"\d{1,4}|\d{4}-?\d{2}-?\d{2}|current", re.IGNORECASE)
_DAY = re.compile(r"\d{8}")
_START = re.compile(r"\d{6}")


def find_by(
    by: By, paths: Sequence[Path], *, beside: Sequence[Path] = ()
) -> tuple[list[Found], list[Skipped]]:
    """Find the captures of sensors at some paths.

    Args:
        by: What a capture is.
        paths: Folders and files of sensors; also what `ptml parse --out` made of these.
        beside: Folders that are never searched.

    Raises:
        MissingInput: A path does not exist.

    >>> find_by("day", [])
    ([], [])
    """
    require_paths(paths)
    found: list[Found] = []
    skipped: list[Skipped] = []
    for path in paths:
        home = parsed_root(path)
        if home is not None:
            _group(by, home, list(origins(home)), found, skipped)
    files, left_out = find_files([path for path in paths if parsed_root(path) is None], beside=beside)
    skipped += [Skipped("", f"{why}: {count}") for why, count in left_out.items() if count]
    _group(by, None, [Origin(file.path, "") for file in files], found, skipped)
    return found, skipped


def _group(
    by: By, home: Path | None, files: list[Origin], found: list[Found], skipped: list[Skipped]
) -> None:
    if by == "file":
        holding = [one for one in files if _may_hold_connections(one.path)]
        found += [_file(home, one) for one in holding]
        if len(holding) < len(files):
            skipped.append(Skipped("", NO_CONNECTIONS.format(len(files) - len(holding))))
        return
    groups: dict[tuple[Path, str], list[Origin]] = defaultdict(list)
    for one in files:
        period = period_of(one.path, by)
        if period is None:
            skipped.append(Skipped(path_text(one.path), NO_TIME.format(by)))
        else:
            groups[sensor_of(one.path), period].append(one)
    found += [_sensor(by, home, *key, parts) for key, parts in sorted(groups.items())]


def _may_hold_connections(path: Path) -> bool:
    return log_name(path) == CONN or log_name(path) not in TABLE_LOGS


def _file(home: Path | None, one: Origin) -> Found:
    if home is not None:
        return of_origins(home, one.path.name, path_text(one.path), [one])
    return at(one.path, one.path)


def _sensor(by: By, home: Path | None, sensor: Path, period: str, parts: list[Origin]) -> Found:
    name = f"{path_text(Path(sensor.name))} {period}".strip()
    path = f"{path_text(sensor)} {period}".strip()
    paths = tuple(sorted((part.path for part in parts), key=rotation_key))
    whole = of_origins(home, name, path, parts) if home else Found(sensor, name, path, chosen=paths)
    return replace(whole, capture_id=sensor_capture_id(sensor, period), unit=UNITS[by])


def sensor_of(path: Path) -> Path:
    """Tell the sensor that wrote a log: its folder, or the first above that does not only name a time.

    >>> sensor_of(Path("/logs/zeek/2026-11-23/conn.00:00:00-01:00:00.log.gz")).as_posix()
    '/logs/zeek'
    >>> sensor_of(Path("/logs/zeek/2026/11/23/conn.log")) == sensor_of(Path("/logs/zeek/current/conn.log"))
    True
    """
    folder = path.absolute().parent
    while _TIME_FOLDER.fullmatch(folder.name) and folder != folder.parent:
        folder = folder.parent
    return folder


def sensor_capture_id(sensor: Path, period: str) -> str:
    """Name a capture of a growing sensor: it stays the same capture while files are added.

    >>> from pathlib import PurePosixPath
    >>> one = sensor_capture_id(Path("/logs/zeek"), "2026-11-23")
    >>> one == sensor_capture_id(Path("/logs/zeek"), "2026-11-24"), len(one)
    (False, 17)
    """
    text = f"{path_text(sensor)}\t{period}"
    return capture_id_of_sha256(hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())


def period_of(path: Path, by: By) -> str | None:
    """Tell the hour or the day that a file belongs to: by its name, else by its first line; None if unknown.

    >>> name = Path("zeek/2026-11-23/conn.05:00:00-06:00:00.log.gz")
    >>> period_of(name, "hour"), period_of(name, "day"), period_of(name, "sensor")
    ('2026-11-23T05', '2026-11-23', '')
    """
    if by == "sensor":
        return ""
    begun = rotation_time(path)
    day_known = _DAY.fullmatch(rotation_key(path)[0])
    if begun is None and not (by == "day" and day_known):
        begun = first_time(path)
        if begun is None:
            return None
    elif begun is None:
        begun = datetime.strptime(rotation_key(path)[0], "%Y%m%d")  # noqa: DTZ007 - a day only, of the name
    return begun.strftime("%Y-%m-%dT%H" if by == "hour" else "%Y-%m-%d")


def rotation_time(path: Path) -> datetime | None:
    """Tell from a rotated log's name when it begins; UTC, unless it says otherwise; None if it is silent.

    >>> rotation_time(Path("2026-11-23/conn.05:00:00-06:00:00.log.gz")).isoformat()
    '2026-11-23T05:00:00'
    >>> rotation_time(Path("conn.log")) is None
    True
    """
    day, start, _ = rotation_key(path)
    if not (_DAY.fullmatch(day) and _START.fullmatch(start)):
        return None
    try:
        return datetime.strptime(day + start, "%Y%m%d%H%M%S")  # noqa: DTZ007 - UTC throughout, by definition
    except ValueError:  # no such day or hour: it is a name like any other
        return None


def first_time(path: Path) -> datetime | None:
    """Tell when a log begins, by its first lines; None if they tell nothing."""
    if is_readable_pcap(path):
        return None
    try:
        for batch in read_log(path, block_bytes=SNIFF_BYTES):
            if "ts" in batch.frame.columns and batch.frame["ts"].count():
                first = batch.frame["ts"].drop_nulls()[0]
                return first.replace(tzinfo=None) if isinstance(first, datetime) else None
    except (BadData, MissingInput):
        return None
    return None


def rotation_notes(files: Iterable[Path]) -> tuple[str, ...]:
    """Say which rotations of conn.log are missing between the first and the last.

    >>> day = [Path(f"2026-11-23/conn.{h:02}:00:00-{h + 1:02}:00:00.log.gz") for h in (0, 1, 2, 5)]
    >>> rotation_notes(day)[0].partition(":")[0]
    'no conn.log for 2 of 6 rotations between 2026-11-23T00'
    """
    times = sorted(
        {begun for path in files if log_name(path) == CONN and (begun := rotation_time(path)) is not None}
    )
    if len(times) < FEWEST_PARTS:
        return ()
    [(step, _)] = Counter(late - early for early, late in pairwise(times)).most_common(1)
    gone = [moment for early, late in pairwise(times) for moment in _between(early, late, step)]
    if not gone:
        return ()
    told = ", ".join(f"{moment:%Y-%m-%dT%H:%M}" for moment in gone[:TOLD_GAPS])
    more = ", …" if len(gone) > TOLD_GAPS else ""
    first, last = (f"{moment:%Y-%m-%dT%H:%M}" for moment in (times[0], times[-1]))
    return (GAP.format(len(gone), len(times) + len(gone), first, last, told + more),)


def _between(early: datetime, late: datetime, step: timedelta) -> Iterator[datetime]:
    """Count at most as many as a year of hours: names may say anything."""
    moment = early + step
    for _ in range(366 * 24):
        if moment >= late:
            return
        yield moment
        moment += step
