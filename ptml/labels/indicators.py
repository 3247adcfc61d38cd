"""Indicators of a capture: addresses, domains, ports and times, from a small CSV or JSON."""

from __future__ import annotations

import csv
import ipaddress
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData, MissingInput, did_you_mean, quoted
from ptml.families import family_name
from ptml.io import sha256_json
from ptml.labels.contacts import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ptml.types import JsonObject

KEYS = (
    "capture", "address", "domain", "port", "start", "end", "label", "family", "confidence", "note"
)  # fmt: skip
CONDITIONS = ("address", "domain", "port", "start", "end")
PROTOCOLS = ("tcp", "udp", "icmp")
LAST_PORT = 65535
BARE_DAY = "20261124"  # digits alone, yet no seconds since 1970
SHOWN = 60
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Indicator:
    """A row of a list: a connection matches if all that is given holds of it.

    Attributes:
        capture: Id or name of the capture that it holds for; None: all.
        address: An address or network: of either end, or in a DNS answer.
        domain: A name, with all below it: asked of the DNS, in its answer, HTTP host, server name of TLS or
            QUIC.
        port: The responder's.
        proto: Its transport.
        start: The connection began then or later.
        end: It began then or earlier.
        label: What such a connection is.
        family: Of which family or attack.
        confidence: How sure that is, 0 to 1.
    """

    capture: str | None = None
    address: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    domain: str | None = None
    port: int | None = None
    proto: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    label: str = "malicious"
    family: str | None = None
    confidence: float | None = None


def read_indicators(path: Path) -> list[Indicator]:
    """Read a list of indicators.

    A CSV has a header with some of the keys `capture, address, domain, port, start, end, label, family,
    confidence, note`; a JSON file is an array of objects with these keys. An empty cell or null says nothing.
    Times are ISO 8601, UTC where no zone is given, or seconds since 1970.

    Raises:
        MissingInput: There is no such file.
        BadData: It is neither, a key is not known, or a value is not what its key says; with its line.
    """
    found = []
    for where, row in _rows(path):
        try:
            found.append(_indicator(row))
        except ValueError as error:
            raise BadData(
                f"{path}, {where}: {error}", hint="mend that row; docs/labels.md shows a list"
            ) from error
    return found


def fingerprint_of(indicators: Iterable[Indicator]) -> str:
    """Hash what indicators say, in whatever order they say it."""
    return sha256_json([*sorted(json.dumps(_plain(one), sort_keys=True) for one in indicators)])


def _plain(one: Indicator) -> JsonObject:
    return {name: None if value is None else str(value) for name, value in asdict(one).items()}


def indicators_for(
    indicators: Iterable[Indicator], capture_id: str, name: str | None
) -> tuple[Indicator, ...]:
    """Choose the indicators that hold for a capture: those that name it, and those that name none.

    >>> rows = [Indicator(capture="a", port=1), Indicator(capture="b", port=2), Indicator(port=3)]
    >>> [one.port for one in indicators_for(rows, "c0000000000000001", "a")]
    [1, 3]
    """
    return tuple(one for one in indicators if one.capture in (None, capture_id, name))


def check_captures(indicators: Iterable[Indicator], known: Iterable[str], where: Path) -> None:
    """Insist that each capture that is named is one that is there.

    Raises:
        BadData: One is not.
    """
    names = set(known)
    unknown = sorted({one.capture for one in indicators if one.capture is not None} - names)
    if unknown:
        raise BadData(
            f"{where}: no capture {_shown(unknown[0])} in the catalog ({len(unknown)} such names)",
            hint=did_you_mean([unknown[0][:SHOWN]], sorted(names)[:10_000]),
        )


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadData(f"{path} has more than {MOST_BYTES >> 20} MB; a list of indicators is small")
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise MissingInput(f"{path} does not exist", hint="--set labels.indicators=FILE names it") from error
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise BadData(f"{path} is not a text file in UTF-8: {error}") from error
    yield from _of_json(path, text) if path.suffix == ".json" else _of_csv(path, text)


def _of_json(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path} is not JSON: {error}", hint="or save it as CSV, named *.csv") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadData(f"{path}: an array of objects was expected, each an indicator")
    for number, row in enumerate(rows, 1):
        _check_keys(f"{path}, entry {number}", row)
        yield f"entry {number}", row


def _of_csv(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        keys = [key.strip() for key in next(reader, [])]
        if not keys:
            raise BadData(f"{path} is empty; a header line with some of {quoted(KEYS)} was expected")
        _check_keys(f"{path}, line 1", keys)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(keys):
                raise BadData(f"{path}, line {reader.line_num}: {len(cells)} values for {len(keys)} columns")
            yield f"line {reader.line_num}", dict(zip(keys, cells, strict=True))
    except csv.Error as error:
        raise BadData(f"{path}, line {reader.line_num} is not CSV: {error}") from error


def _check_keys(where: str, keys: Iterable[str]) -> None:
    unknown = [key for key in keys if key not in KEYS]
    if unknown:
        raise BadData(
            f"{where}: {_shown(unknown[0])} is not a key of an indicator",
            hint=did_you_mean([unknown[0][:SHOWN]], KEYS),
        )


def _indicator(row: dict[str, Any]) -> Indicator:
    text = {key: _text(key, value) for key, value in row.items() if value is not None}
    given = {key: value for key, value in text.items() if value}
    if not any(key in given for key in CONDITIONS):
        raise ValueError(f"nothing to match: give one of {quoted(CONDITIONS)}")
    port, proto = _port(given["port"]) if "port" in given else (None, None)
    start, end = (_time(key, given[key]) if key in given else None for key in ("start", "end"))
    if start is not None and end is not None and end < start:
        raise ValueError(f"end {end.isoformat()} is before start {start.isoformat()}")
    return Indicator(
        capture=given.get("capture"),
        address=_network(given["address"]) if "address" in given else None,
        domain=_domain(given["domain"]) if "domain" in given else None,
        port=port,
        proto=proto,
        start=start,
        end=end,
        label=_label(given.get("label", "malicious")),
        family=family_name(given.get("family")),
        confidence=_confidence(given["confidence"]) if "confidence" in given else None,
    )


def _text(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(  # noqa: TRY004 - of the data, and told with its line
            f"{key} is {type(value).__name__} where text or a number was expected"
        )
    return str(value).strip()


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"address {_shown(text)} is neither an address nor a network") from error


def _domain(text: str) -> str:
    name = text.lower().removeprefix("*.").strip(".")
    if not name or len(name) > LONGEST_NAME or any(letter.isspace() or letter in "/:@" for letter in name):
        raise ValueError(f"domain {_shown(text)} is not a name such as evil.example")
    return name


def _port(text: str) -> tuple[int, str | None]:
    number, _, proto = text.lower().partition("/")
    digits = number.isascii() and number.isdigit() and len(number) <= len(str(LAST_PORT))
    if not digits or int(number) > LAST_PORT:
        raise ValueError(f"port {_shown(text)} is not a number from 0 to 65535, or such as 4444/tcp")
    if proto and proto not in PROTOCOLS:
        hint = did_you_mean([proto[:SHOWN]], PROTOCOLS)
        raise ValueError(f"port {_shown(text)} has a protocol that is none of {quoted(PROTOCOLS)}; {hint}")
    return int(number), proto or None


def _time(key: str, text: str) -> datetime:
    try:
        moment = (
            datetime.fromtimestamp(float(text), UTC)
            if text.replace(".", "", 1).isdigit() and len(text) != len(BARE_DAY)
            else datetime.fromisoformat(text)
        )
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{key} {_shown(text)} is no time such as 2026-11-24T17:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _label(text: str) -> str:
    label, known = text.lower(), ("malicious", "benign")
    if label not in known:
        raise ValueError(
            f"label {_shown(text)} is none of {quoted(known)}; {did_you_mean([label[:SHOWN]], known)}"
        )
    return label


def _confidence(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"confidence {_shown(text)} is no number") from error
    if not 0 <= value <= 1:
        raise ValueError(f"confidence {_shown(text)} is not from 0 to 1")
    return value


def _shown(text: str) -> str:
    """Quote a text so that it can neither act on a terminal nor fill it."""
    return ascii(text if len(text) <= SHOWN else text[:SHOWN] + "…")
