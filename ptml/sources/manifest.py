"""A list of URLs, anywhere on the web or on disk: CSV or JSON Lines, one capture a row.

Columns: `url`; optionally `id`, `name`, `sha256`, `md5`, `size`, `label`, `family`, `confidence`, `tags`,
`licence`, `citation`, `notes`, `password`. Others are for people. URLs may be relative to that of the list.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from ptml.errors import BadData, SettingsError, did_you_mean, quoted
from ptml.io import open_raw
from ptml.sources.delivery import deliver
from ptml.sources.downloading import Promise
from ptml.sources.protocol import About, Item
from ptml.types import LABELS, Label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.protocol import Access, Delivery, Hit, Room

COLUMNS = (
    "url",
    "id",
    "name",
    "sha256",
    "md5",
    "size",
    "label",
    "family",
    "confidence",
    "tags",
    "licence",
    "citation",
    "notes",
    "password",
)
ON_THE_WEB = re.compile(r"https?://", re.IGNORECASE)
HASHES = {"sha256": 64, "md5": 32}


class ManifestSource:
    """Captures that a list names."""

    about = About(
        name="manifest",
        title="A list of URLs (CSV or JSON Lines)",
        offers="whatever it lists: PCAPs, Zeek logs, archives of them, with hashes, labels and families",
        ids="an id is the path or URL of a list",
        terms="those of each listed file; the list's columns licence and citation say them",
        citation="as the list says",
        url="",
        pace=0.0,
        jobs=8,
    )

    def __init__(self, access: Access) -> None:
        self.access = access

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Refuse: a list is named, not searched."""
        raise SettingsError(
            f"a list cannot be searched (for {query!r}, {limit} at most)",
            hint="ptml fetch manifest LIST.csv --dry-run shows what a list names",
        )

    def info(self, identity: str) -> dict[str, Any]:
        """Count what a list names."""
        items = list(self.items(identity))
        labels = {str(label): sum(item.label == label for item in items) for label in LABELS}
        size = sum(item.promise.size or 0 for item in items)
        return {"list": identity, "files": len(items), **labels, "bytes said": size or None}

    def items(self, identity: str) -> Iterator[Item]:
        """Give what a list names.

        Raises:
            MissingInput: There is no such file.
            BadData: A row is no capture: no URL, a hash or label that is none, another number of values.
        """
        base = identity if ON_THE_WEB.match(identity) else ""
        text, where = self._read(identity)
        items: dict[str, Item] = {}
        for line, row in _rows(text, where):
            item = _item(row, base, f"{where}, line {line}")
            if item.id in items:
                raise BadData(f"{where}, line {line}: {item.id!r} is listed twice", hint="list it once")
            items[item.id] = item
        yield from items.values()

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a file of the list."""
        return deliver(self.access.client, item, room)

    def _read(self, identity: str) -> tuple[str, str]:
        if ON_THE_WEB.match(identity):
            return self.access.pages.get(identity).text(), identity
        if "://" in identity:
            raise SettingsError(
                f"{identity!r} cannot be read: a path, or an http:// or https:// URL was expected"
            )
        with open_raw(Path(identity)) as file:
            return file.read().decode("utf-8-sig", errors="replace"), identity


def _rows(text: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] == "{":
        yield from _json_rows(text, where)
        return
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if "url" not in names:
            raise BadData.missing_columns(where, ["url"], names)
        reader.fieldnames = names
        for row in reader:
            if None in row or None in row.values():
                raise BadData(f"{where}, line {reader.line_num}: another number of values than of columns")
            yield reader.line_num, {name: value.strip() for name, value in row.items() if value.strip()}
    except csv.Error as error:
        raise BadData(
            f"{where} is no CSV: {error}", hint="UTF-8, commas, a header line with `url`"
        ) from error


def _json_rows(text: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadData(f"{where}, line {number} is no JSON: {error}") from error
        if not isinstance(value, dict):
            raise BadData(f"{where}, line {number}: a JSON object was expected")
        yield number, {str(name).lower(): given for name, given in value.items() if given not in (None, "")}


def _item(row: dict[str, Any], base: str, where: str) -> Item:
    url = urljoin(base, str(row.get("url", "")))
    if not ON_THE_WEB.match(url):
        raise BadData(
            f"{where}: {row.get('url', '')!r} is no http:// or https:// URL",
            hint="a list on disk needs whole URLs; `ptml add` takes files that are there already",
        )
    last = unquote(urlsplit(url).path.rpartition("/")[2])
    name = str(row.get("name") or last or url)
    return Item(
        id=str(row.get("id") or url),
        name=name,
        url=url,
        promise=Promise(_number(row, "size", where), _hash(row, "sha256", where), _hash(row, "md5", where)),
        label=_label(row, where),
        method="manifest",
        confidence=_confidence(row, where),
        family=_text(row, "family"),
        tags=_tags(row.get("tags")),
        licence=_text(row, "licence") or _text(row, "license"),
        citation=_text(row, "citation"),
        notes=_text(row, "notes"),
        passwords=tuple(str(row["password"]).split()) if "password" in row else (),
    )


def _text(row: dict[str, Any], name: str) -> str | None:
    return " ".join(str(row[name]).split()) if name in row else None


def _tags(value: object) -> tuple[str, ...]:
    words = [str(one) for one in value] if isinstance(value, list) else str(value or "").split()
    return tuple(sorted(set(words)))


def _label(row: dict[str, Any], where: str) -> Label:
    text = str(row.get("label", "unknown")).lower()
    for label in LABELS:
        if text == label:
            return label
    raise BadData(f"{where}: label {text!r} is none of {quoted(LABELS)}", hint=did_you_mean([text], LABELS))


def _hash(row: dict[str, Any], name: str, where: str) -> str | None:
    if name not in row:
        return None
    text = str(row[name]).lower()
    if re.fullmatch(f"[0-9a-f]{{{HASHES[name]}}}", text) is None:
        raise BadData(f"{where}: {text[:80]!r} is no {name}: {HASHES[name]} hex digits were expected")
    return text


def _number(row: dict[str, Any], name: str, where: str) -> int | None:
    if name not in row:
        return None
    text = str(row[name])
    if not (text.isascii() and text.isdigit()):
        raise BadData(f"{where}: {name} {text[:80]!r} is no number of bytes")
    return int(text)


def _confidence(row: dict[str, Any], where: str) -> float | None:
    if "confidence" not in row:
        return None
    try:
        value = float(row["confidence"])
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value <= 1:
        raise BadData(f"{where}: confidence {str(row['confidence'])[:80]!r} is no number from 0 to 1")
    return value
