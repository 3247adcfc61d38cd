"""Zeek's types, what they become, and how its ASCII escapes are undone.

Sources: Zeek's ASCII writer and formatter (``src/logging/writers/ascii/Ascii.cc``,
``src/threading/formatters/Ascii.cc``) and the script reference of its types.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

P = TypeVar("P", bound="PurePath")

ATOMS: dict[str, pl.DataType] = {
    "time": pl.Datetime("us", "UTC"),
    "interval": pl.Float64(),
    "double": pl.Float64(),
    "count": pl.UInt64(),
    "int": pl.Int64(),
    "port": pl.UInt16(),
    "bool": pl.Boolean(),
    "string": pl.String(),
    "addr": pl.String(),
    "subnet": pl.String(),
    "enum": pl.String(),
    "pattern": pl.String(),
    "func": pl.String(),
    "file": pl.String(),
}
_CONTAINER = re.compile(r"(?:set|vector|table)\[(\w+)\]")
_ESCAPES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_COMPRESSIONS = {".gz", ".zst", ".bz2", ".xz"}
_LOGS = {".log", ".json", ".ndjson", ".jsonl"}
_ARCHIVES = {".zip", ".7z", ".tar", ".tgz", ".tbz2", ".txz", ".tzst"}
_TABLES = {".csv", ".parquet"}
_INDICATORS = "indicators.json"  # a list that comes beside logs, for labels
TABLE_LOGS = frozenset(
    {
        "conn",
        "dhcp",
        "dnp3",
        "dns",
        "files",
        "ftp",
        "http",
        "intel",
        "irc",
        "kerberos",
        "modbus",
        "mysql",
        "notice",
        "radius",
        "rdp",
        "signature_alerts",
        "sip",
        "smtp",
        "snmp",
        "ssh",
        "ssl",
        "syslog",
        "weird",
        "x509",
    }
)
"""Logs that come as CSV or Parquet too: a table by another name is more likely a list of the user's."""
_WHEN = re.compile(
    r"(?:\d{4}-?\d{2}-?\d{2}[-_T. ]|(?<![\d-]))(?P<start>\d{2}[-_:]\d{2}[-_:]\d{2})(?!\d)"
    r"(?:[-_]\d{2}[-_:]\d{2}[-_:]\d{2}(?P<zone>[+-]\d{4})?)?"
)
_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
_LIVE = "999999"
"""Sorts after every date: the log that is being written is the latest."""


def element_type(zeek_type: str) -> str | None:
    """Give the type of a container's elements, or None for an atomic type.

    >>> element_type("vector[interval]"), element_type("addr")
    ('interval', None)
    """
    match = _CONTAINER.fullmatch(zeek_type)
    return match[1] if match else None


def polars_type(zeek_type: str) -> pl.DataType:
    """Translate a Zeek type; one that is not known is kept as text.

    >>> polars_type("set[port]")
    List(UInt16)
    >>> polars_type("opaque of cardinality")
    String
    """
    inner = element_type(zeek_type)
    if inner is not None:
        return pl.List(ATOMS.get(inner, pl.String()))
    return ATOMS.get(zeek_type, pl.String())


def unescape(text: str) -> str:
    r"""Undo Zeek's escapes; bytes that are not UTF-8 keep their ``\xHH`` spelling.

    >>> unescape(r"a\x09b"), unescape(r"C:\\dir"), unescape(r"caf\xc3\xa9"), unescape(r"\xff")
    ('a\tb', 'C:\\dir', 'café', '\\xff')
    """
    if "\\" not in text:
        return text
    pieces = re.split(r"(\\\\)", text)
    return "".join("\\" if piece == "\\\\" else _ESCAPES.sub(_decode_run, piece) for piece in pieces)


def _decode_run(match: re.Match[str]) -> str:
    raw = bytes.fromhex(match[0].replace("\\x", ""))
    return raw.decode("utf-8", errors="backslashreplace")


def log_name(path: PurePath) -> str:
    """Tell a log's name from a file's name, as Zeek, zeekctl, Corelight and others spell it.

    >>> from pathlib import PurePath
    >>> [log_name(PurePath(p)) for p in ("conn.log", "conn.10:00:00-11:00:00.log.gz", "conn.log.labeled")]
    ['conn', 'conn', 'conn']
    >>> log_name(PurePath("conn_20261123_10:00:00-11:00:00+0000.log.gz"))
    'conn'
    """
    stem = path.name.partition(".")[0]
    return re.sub(r"[_-]\d{8}[_-].*$", "", stem)


def rotation_key(path: PurePath) -> tuple[str, str, str]:
    """Give a sort key that puts the rotated parts of a log in the order of their times.

    The date may stand in the file's name or in a folder's, as zeekctl does; a log without a time is the one
    that is being written, and comes last. Of numbered parts (``conn.log.2``) the higher number is older.

    >>> from pathlib import PurePath
    >>> names = ["conn.log", "2026-11-24/conn.00:00:00-01:00:00.log.gz", "conn.2026-11-23-10-00-00.log"]
    >>> sorted(names, key=lambda name: rotation_key(PurePath(name)))
    ['conn.2026-11-23-10-00-00.log', '2026-11-24/conn.00:00:00-01:00:00.log.gz', 'conn.log']
    >>> sorted(["conn.log.1", "conn.log.10.gz", "conn.log"], key=lambda name: rotation_key(PurePath(name)))
    ['conn.log.10.gz', 'conn.log.1', 'conn.log']
    """
    numbered = re.search(r"\.log\.(\d{1,5})(?:\.|$)", path.name)
    if numbered:
        return (_LIVE, f"{99_999 - int(numbered[1]):05d}", path.as_posix())
    found = _WHEN.search(path.name)
    days = [match for part in path.parts for match in _DATE.finditer(part)]
    if found is None and not days:
        return (_LIVE, _LIVE, path.as_posix())
    day = "".join(days[-1].groups()) if days else ""
    start = re.sub(r"\D", "", found["start"]) if found else ""
    if found and found["zone"] and day:
        moment = datetime.strptime(f"{day}{start}{found['zone']}", "%Y%m%d%H%M%S%z").astimezone(UTC)
        day, start = moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")
    return (day, start or _LIVE, path.as_posix())


def may_be_live(path: PurePath) -> bool:
    """Tell by its name whether a sensor may be writing to a log still: nothing says that it was rotated.

    >>> from pathlib import PurePath
    >>> [may_be_live(PurePath(p)) for p in ("current/conn.log", "conn.log.1", "conn.log.gz")]
    [True, False, False]
    >>> may_be_live(PurePath("2026-11-24/conn.00:00:00-01:00:00.log"))
    False
    """
    return rotation_key(path)[1] == _LIVE and path.suffix not in _COMPRESSIONS


def looks_like_log(path: PurePath) -> bool:
    """Tell by its name whether a file may be a Zeek log, or an archive of such.

    >>> from pathlib import PurePath
    >>> [looks_like_log(PurePath(p)) for p in ("conn.log.gz", "dns.json", "conn.log.labeled", "a.pcap")]
    [True, True, True, False]
    >>> [looks_like_log(PurePath(p)) for p in ("logs.tar.xz", "a.zip", "conn.csv", "part-00000-a.parquet")]
    [True, True, True, True]
    >>> [looks_like_log(PurePath(p)) for p in ("labels.csv", ".conn.log", "indicators.json")]
    [False, False, False]
    """
    suffixes = {suffix for suffix in path.suffixes if suffix not in _COMPRESSIONS}
    if path.name.startswith(".") or path.name == _INDICATORS:
        return False
    if suffixes & _TABLES:
        return log_name(path) in TABLE_LOGS or path.name.startswith("part-")  # as Spark names its files
    return bool(suffixes & (_LOGS | _ARCHIVES))


def looks_like_archive(path: PurePath) -> bool:
    """Tell by its name whether a file may be an archive.

    >>> from pathlib import PurePath
    >>> [looks_like_archive(PurePath(p)) for p in ("day.tar.gz", "day.zip", "conn.log.gz")]
    [True, True, False]
    """
    return bool(_ARCHIVES & set(path.suffixes))


def logs_among(paths: Iterable[P]) -> list[P]:
    """Choose the files of a folder that may be logs, the oldest first.

    Archives count only where there is no log beside them: they are copies of the others as likely as not.

    >>> from pathlib import PurePath
    >>> [path.name for path in logs_among([PurePath("b.log"), PurePath("day.zip"), PurePath("a.pcap")])]
    ['b.log']
    >>> [path.name for path in logs_among([PurePath("day.zip"), PurePath("a.pcap")])]
    ['day.zip']
    """
    logs = sorted((path for path in paths if looks_like_log(path)), key=rotation_key)
    return [path for path in logs if not looks_like_archive(path)] or logs
