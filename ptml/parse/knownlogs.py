"""Zeek's logs as data: `logs/NAME.json` has the type and meaning of each field of a log.

A file holds what Zeek 7 writes by default, in its order (`fields`), and what other versions, scripts and
packages add (`extra`); `source` names the script of Zeek or the package that writes the log or the field.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ptml.errors import BadData, quoted
from ptml.zeektypes import ATOMS, element_type


@dataclass(frozen=True, slots=True)
class LogField:
    """A field of a log: name, Zeek's type, meaning, and what adds it where Zeek 7 by default does not."""

    name: str
    type: str
    meaning: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ZeekLog:
    """A log: what it is about, which script or package writes it, its default fields and those of others."""

    name: str
    meaning: str
    source: str
    fields: tuple[LogField, ...]
    extra: tuple[LogField, ...]


ADDED = (
    LogField("_path", "string", "name of the log", "forwarders"),
    LogField("_system_name", "string", "name of the sensor", "forwarders"),
    LogField("_node_name", "string", "node of the cluster that wrote the line", "forwarders"),
    LogField("_write_ts", "time", "when the line was written", "forwarders"),
    LogField("label", "string", "label of the row, as its source spells it", "labelled logs"),
    LogField("detailed_label", "string", "kind of attack, as its source spells it", "labelled logs"),
)
"""Fields that forwarders and labellers add to any log."""


@cache
def zeek_logs() -> dict[str, ZeekLog]:
    """Give every known log by name.

    >>> zeek_logs()["quic"].meaning, len(zeek_logs()["conn"].fields)
    ('QUIC connections', 21)
    """
    paths = sorted(files("ptml.parse").joinpath("logs").iterdir(), key=lambda path: path.name)
    names = [path.name.removesuffix(".json") for path in paths]
    return {name: read_log(name, path.read_text("utf-8")) for name, path in zip(names, paths, strict=True)}


def read_log(name: str, text: str) -> ZeekLog:
    """Read the file of a log.

    Args:
        name: Name of the log.
        text: What its file holds.

    Raises:
        BadData: Something is missing, unknown, empty or said twice.

    >>> field = '{"type": "time", "meaning": "when"}'
    >>> read_log("x", f'{{"meaning": "m", "source": "s", "fields": {{"ts": {field}}}, "extra": {{}}}}').fields
    (LogField(name='ts', type='time', meaning='when', source=None),)
    """
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        raise BadData(f"logs/{name}.json: {error}", hint="correct the file") from error
    _expect(name, data, {"meaning", "source", "fields", "extra"})
    fields = tuple(_field(name, key, value, {"type", "meaning"}) for key, value in data["fields"].items())
    extra = tuple(
        _field(name, key, value, {"type", "meaning", "source"}) for key, value in data["extra"].items()
    )
    twice = {field.name for field in fields} & {field.name for field in extra}
    if twice:
        raise BadData(f"logs/{name}.json has in both fields and extra: {quoted(sorted(twice))}")
    return ZeekLog(name, data["meaning"], data["source"], fields, extra)


def _field(log: str, name: str, value: Any, keys: set[str]) -> LogField:  # noqa: ANN401 - checked here
    _expect(f"{log}: {name}", value, keys)
    if (element_type(value["type"]) or value["type"]) not in ATOMS:
        raise BadData(f"logs/{log}: {name} has the type {value['type']!r}, which is none of Zeek's")
    return LogField(name, value["type"], value["meaning"], value.get("source"))


def _expect(what: str, value: Any, keys: set[str]) -> None:  # noqa: ANN401 - checked here
    """Refuse what is not an object of exactly these keys, its texts not empty."""
    if not isinstance(value, dict) or value.keys() != keys:
        raise BadData(f"logs/{what}: expected the keys {quoted(sorted(keys))}, got {quoted(value)}")
    empty = [key for key in keys - {"fields", "extra"} if not (isinstance(value[key], str) and value[key])]
    if empty:
        raise BadData(f"logs/{what}: no text in {quoted(sorted(empty))}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of pairs, and refuse a key that comes twice."""
    whole = dict(pairs)
    if len(whole) < len(pairs):
        twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        raise ValueError(f"said twice: {quoted(twice)}")
    return whole
