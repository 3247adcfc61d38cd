"""One value of a JSON line → what its column holds, by the field's Zeek type."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.zeektypes import ATOMS, element_type

if TYPE_CHECKING:
    from collections.abc import Callable

MILLISECONDS_FROM = 1e11  # as seconds, this is the year 5138; as milliseconds, 1973
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def typed_value(item: Any, zeek_type: str | None) -> Any:  # noqa: ANN401 - JSON in, column values out
    """Check one value and give it its type; a field of unknown type is kept as text.

    >>> typed_value(1.5, "time").isoformat(), typed_value([1], None), typed_value(80, "port")
    ('1970-01-01T00:00:01.500000+00:00', '[1]', 80)

    Raises:
        TypeError: It is of another type.
        ValueError: It is a text that does not spell the type.
        OverflowError: It is out of range.
    """
    if item is None:
        return None
    if zeek_type is None:
        return clean_text(item) if isinstance(item, str) else json.dumps(item)
    inner = element_type(zeek_type)
    if inner is not None:
        if not isinstance(item, list):
            raise TypeError(item)
        return [typed_value(element, inner) for element in item]
    return _ATOMS.get(zeek_type, _text)(item)


def clean_text(text: str) -> str:
    r"""Give text that UTF-8 can hold: bytes that were none and lone surrogates keep a spelled-out form.

    >>> clean_text("a\udcffb"), clean_text("\ud83d")
    ('a\\xffb', '\\ud83d')
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode("utf-8", errors="surrogateescape") if _only_bytes(text) else None
        if raw is None:
            return text.encode("utf-8", errors="backslashreplace").decode()
        return raw.decode("utf-8", errors="backslashreplace")
    return text


def _only_bytes(text: str) -> bool:
    return not any("\ud800" <= char < "\udc80" or "\udcff" < char <= "\udfff" for char in text)


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise TypeError(item)
    return clean_text(item)


def _real(item: object) -> float:
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        raise TypeError(item)
    return float(item)


def _moment(item: object) -> datetime:
    if isinstance(item, str):
        moment = datetime.fromisoformat(item)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    seconds = _real(item)
    factor = 1e3 if abs(seconds) >= MILLISECONDS_FROM else 1e6
    return EPOCH + timedelta(microseconds=round(seconds * factor))


def _whole(low: int, high: int) -> Callable[[object], int]:
    def check(item: object) -> int:
        if isinstance(item, bool) or not isinstance(item, int) or not low <= item <= high:
            raise TypeError(item)
        return item

    return check


def _truth(item: object) -> bool:
    if not isinstance(item, bool):
        raise TypeError(item)
    return item


_ATOMS: dict[str, Callable[[object], Any]] = {
    "time": _moment,
    "interval": _real,
    "double": _real,
    "count": _whole(0, 2**64 - 1),
    "int": _whole(-(2**63), 2**63 - 1),
    "port": _whole(0, 2**16 - 1),
    "bool": _truth,
    **{name: _text for name, dtype in ATOMS.items() if dtype == pl.String()},
}
