"""What an analysis says, read with tolerance: of most of it only the outline is attested.

Blocks of statistics may be absent, and come as objects or, as an article tells, as text that holds JSON;
numbers come as such, as text, or with a percent sign. Whether they are percent or fractions is not known, so
they stay as they came.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.types import JsonObject

TALKERS = "top_talkers"
BLOCKS = "_statistics"
READ = {TALKERS, "signatures", "external_references", "malicious_traffic", "accuracy"}
FLAG_WARNING = (
    "the flag is weak: it was false for a capture named as an Emotet infection that had four signatures, "
    "and the rule behind it is not known; it is no label"
)

Shares = dict[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """A capture summed up.

    Attributes:
        talkers: For each direction, such as ``destination_ips``, addresses and their numbers.
        statistics: For each block, such as ``dns_statistics``, its parts, each with values and their numbers.
        signatures: Titles of the rules that fired.
        references: Articles; in part the uploader's own.
        malicious_traffic: The service's flag; None where there is none. See `FLAG_WARNING`.
        accuracy: Of the statistics.
        unread: Parts that have another form than was expected, by name, as they came.
    """

    talkers: dict[str, Shares] = field(default_factory=dict)
    statistics: dict[str, dict[str, Shares]] = field(default_factory=dict)
    signatures: tuple[str, ...] = ()
    references: tuple[dict[str, str], ...] = ()
    malicious_traffic: bool | None = None
    accuracy: str | None = None
    unread: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        return {
            "top_talkers": {name: dict(shares) for name, shares in self.talkers.items()},
            "statistics": {
                block: {part: dict(shares) for part, shares in parts.items()}
                for block, parts in self.statistics.items()
            },
            "signatures": list(self.signatures),
            "external_references": [dict(one) for one in self.references],
            "malicious_traffic": self.malicious_traffic,
            "malicious_traffic_warning": FLAG_WARNING,
            "accuracy": self.accuracy,
            "unread": self.unread,
        }


def summary_of(value: Mapping[str, Any]) -> Summary:
    """Read an analysis.

    >>> one = summary_of({"top_talkers": {"destination_ips": {"192.0.2.1": "60%"}}, "accuracy": "perfect"})
    >>> one.talkers, one.malicious_traffic, one.accuracy
    ({'destination_ips': {'192.0.2.1': 60.0}}, None, 'perfect')
    """
    unread: dict[str, Any] = {}
    talkers = _parts(TALKERS, value.get(TALKERS), unread)
    blocks = [name for name in value if name.endswith(BLOCKS)]
    statistics = {name: _parts(name, value[name], unread) for name in blocks}
    unread |= {name: value[name] for name in value if name not in READ and name not in blocks}
    flag, accuracy = value.get("malicious_traffic"), value.get("accuracy")
    return Summary(
        talkers=talkers,
        statistics={name: parts for name, parts in statistics.items() if parts},
        signatures=tuple(one for one in _list(value.get("signatures")) if isinstance(one, str)),
        references=tuple(
            {str(name): str(text) for name, text in one.items()}
            for one in _list(value.get("external_references"))
            if isinstance(one, dict)
        ),
        malicious_traffic=flag if isinstance(flag, bool) else None,
        accuracy=accuracy if isinstance(accuracy, str) else None,
        unread=unread,
    )


def _parts(name: str, value: object, unread: dict[str, Any]) -> dict[str, Shares]:
    found = {}
    parts = _unwrapped(value)
    if not isinstance(parts, dict):
        if value is not None:
            unread[name] = value
        return {}
    for part, shares in parts.items():
        numbers = _shares(shares)
        if numbers is None:
            unread[f"{name}.{part}"] = shares
        else:
            found[str(part)] = numbers
    return found


def _shares(value: object) -> Shares | None:
    counted = _unwrapped(value)
    if not isinstance(counted, dict):
        return None
    numbers = {str(name): _number(number) for name, number in counted.items()}
    known = {name: number for name, number in numbers.items() if number is not None}
    if len(known) != len(numbers):
        return None
    return dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))


def _unwrapped(value: object) -> object:
    """Undo text that holds JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
