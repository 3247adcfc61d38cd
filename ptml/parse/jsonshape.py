"""What forwarders make of a JSON log line, undone: envelopes, nesting and other spellings of names."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ptml.parse.schemas import spellings, zeek_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = dict[str, Any]
ENVELOPES = ("event", "result", "_raw", "_source", "message")
"""Fields in which Splunk (`event`, `result`, `_raw`), Elasticsearch and Filebeat put the line itself."""
MAX_DEPTH = 4
LOG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def unwrap(record: Record) -> tuple[str | None, Record, tuple[str, ...]]:
    """Take a line out of its envelopes: the log's name if it is told, the line, and what was left out.

    >>> unwrap({"conn": {"uid": "C1"}})
    ('conn', {'uid': 'C1'}, ())
    >>> unwrap({"sourcetype": "corelight_dns", "event": '{"ts": 1.5}'})
    ('dns', {'ts': 1.5}, ('sourcetype',))
    >>> unwrap({"uid": "C1", "_path": "http"})
    ('http', {'uid': 'C1', '_path': 'http'}, ())

    Raises:
        ValueError: The text in an envelope is no JSON.
    """
    log: str | None = None
    left_out: list[str] = []
    for _ in range(MAX_DEPTH):
        opened = _open(record)
        if opened is None:
            break
        key, inner = opened
        log = _told(record, key) or log
        left_out += [name for name in record if name != key]
        record = inner
    path = record.get("_path")
    return (path if isinstance(path, str) else log), record, tuple(left_out)


def is_wrapped(record: Record) -> bool:
    """Tell whether a line is inside an envelope."""
    return _open(record) is not None


def _open(record: Record) -> tuple[str, Record] | None:
    if "ts" in record:
        return None
    for key in ENVELOPES:
        inner = record.get(key)
        if isinstance(inner, str) and inner.lstrip()[:1] == "{":
            inner = json.loads(inner)
        if isinstance(inner, dict):
            return key, inner
    own = [key for key in record if key[:1] not in "@_"]
    if len(own) == 1 and isinstance(record[own[0]], dict) and own[0] in zeek_schemas():
        return own[0], record[own[0]]
    return None


def _told(record: Record, key: str) -> str | None:
    if key not in ENVELOPES:
        return key
    words = re.split(r"[^A-Za-z0-9_]|^(?:corelight|bro|zeek)_", str(record.get("sourcetype", "")))
    return next((word for word in words if word in zeek_schemas()), None)


def flat(record: Record, log: str) -> Iterator[tuple[str, Any]]:
    """Give a line's fields by Zeek's names: nested ones with dots, other spellings as Zeek's own.

    >>> dict(flat({"id": {"orig_h": "10.0.0.1"}, "id_resp_p": 80}, "conn"))
    {'id.orig_h': '10.0.0.1', 'id.resp_p': 80}
    """
    other = spellings(log)
    for name, item in _flat(record):
        yield other.get(name, name), item


def _flat(record: Record) -> Iterator[tuple[str, Any]]:
    for name, item in record.items():
        if isinstance(item, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in _flat(item))
        else:
            yield name, item
