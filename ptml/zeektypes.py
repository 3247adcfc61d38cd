"""Zeek's types, what they become, and how its ASCII escapes are undone.

Sources: Zeek's ASCII writer and formatter (``src/logging/writers/ascii/Ascii.cc``,
``src/threading/formatters/Ascii.cc``) and the script reference of its types.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import PurePath

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
_COMPRESSIONS = {".gz", ".zst"}


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
    return re.sub(r"_\d{8}_.*$", "", stem)


def looks_like_log(path: PurePath) -> bool:
    """Tell by its name whether a file may be a Zeek log.

    >>> from pathlib import PurePath
    >>> [looks_like_log(PurePath(p)) for p in ("conn.log.gz", "dns.json", "conn.log.labeled", "a.pcap")]
    [True, True, True, False]
    """
    suffixes = [suffix for suffix in path.suffixes if suffix not in _COMPRESSIONS]
    return bool({".log", ".json", ".ndjson"} & set(suffixes)) and not path.name.startswith(".")
