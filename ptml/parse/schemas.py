"""What is known of Zeek's logs: the fields' types, and the column lists of its versions."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ptml.parse import knownlogs
from ptml.zeektypes import log_name

if TYPE_CHECKING:
    from pathlib import PurePath

COMMON = {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
}
"""Fields that mean the same in every log that has them."""
ADDED = {field.name: field.type for field in knownlogs.ADDED}
"""Fields that forwarders and labellers add to any log."""
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
UNNAMED, MOST_SIGNS = "unnamed", 100


def load(name: str) -> Any:  # noqa: ANN401 - each data file has its own shape
    """Read a data file of this package."""
    return json.loads(files("ptml.parse").joinpath(name).read_text("utf-8"))

@cache
def zeek_schemas() -> dict[str, dict[str, dict[str, str]]]:
    """Give the Zeek type of each field, by log: `fields` of Zeek 7 by default, `extra` of other set-ups.

    >>> zeek_schemas()["conn"]["fields"]["duration"]
    'interval'
    """
    return {
        name: {
            "fields": {field.name: field.type for field in log.fields},
            "extra": {field.name: field.type for field in log.extra},
        }
        for name, log in knownlogs.zeek_logs().items()
    }


@cache
def zeek_versions() -> dict[str, list[list[str]]]:
    """Give the column lists that other versions and set-ups of Zeek write, by log."""
    versions: dict[str, list[list[str]]] = load("zeek_versions.json")
    return versions


def column_lists(log: str) -> list[tuple[str, ...]]:
    """Give every known column list of a log, today's first.

    >>> [len(columns) for columns in column_lists("conn")]
    [21, 20, 22]
    """
    known = zeek_schemas().get(log)
    if known is None:
        return []
    return [tuple(known["fields"]), *(tuple(names) for names in zeek_versions().get(log, []))]


def default_fields(log: str) -> dict[str, str]:
    """Give the fields that Zeek writes by default: absent from a JSON line, they are unset."""
    return zeek_schemas().get(log, {"fields": {}})["fields"]


@cache
def field_types(log: str) -> dict[str, str]:
    """Give the Zeek types of all fields known of a log; of an unknown log, those that mean the same anywhere.

    >>> field_types("conn")["ip_proto"], field_types("my_log")["ts"], "duration" in field_types("my_log")
    ('count', 'time', False)
    """
    known = zeek_schemas().get(log)
    own = {**known["fields"], **known["extra"]} if known else COMMON
    return {**ADDED, **own}


@cache
def spellings(log: str) -> dict[str, str]:
    """Give other spellings of a log's fields, as forwarders and labellers write them.

    >>> spellings("conn")["id_orig_h"], spellings("conn")["detailed-label"]
    ('id.orig_h', 'detailed_label')
    """
    dotted = {name.replace(".", "_"): name for name in {**field_types(log), **COMMON} if "." in name}
    return {**dotted, "detailedlabel": "detailed_label", "detailed-label": "detailed_label"}


def guess_log(path: PurePath) -> str:
    """Tell the log from a file's name: what stands before the first dot, else a part that is a known log.

    Signs that cannot be in a dataset's name become underscores.

    >>> from pathlib import PurePath
    >>> guess_log(PurePath("output.conn.json")), guess_log(PurePath("my_ssl.log"))
    ('conn', 'my_ssl')
    >>> guess_log(PurePath("été 2026.log")), guess_log(PurePath(".log"))
    ('t_2026', 'unnamed')
    """
    name = log_name(path)
    if name in zeek_schemas():
        return name
    known = next((part for part in path.name.split(".") if part in zeek_schemas()), None)
    return known or UNSAFE.sub("_", name).lstrip("_-")[:MOST_SIGNS] or UNNAMED


def guess_known_log(path: PurePath) -> str | None:
    """Tell a log of known columns from a file's name, be it only a word of it; None if there is none.

    >>> from pathlib import PurePath
    >>> guess_known_log(PurePath("conn_top.log")), guess_known_log(PurePath("export.txt"))
    ('conn', None)
    """
    words = [guess_log(path), *re.split(r"[\W_]+", path.name)]
    return next((word for word in words if word in zeek_schemas()), None)
