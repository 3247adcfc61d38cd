"""Zenodo: any record, by its number; size and MD5 of each file are promised by its API."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ptml.errors import BadData, MissingInput, SettingsError, quoted
from ptml.sources.delivery import deliver
from ptml.sources.downloading import Promise
from ptml.sources.opening import may_hold_captures, shown_name
from ptml.sources.protocol import About, Hit, Item, layout_changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.asks import Answer
    from ptml.sources.protocol import Access, Delivery, Room

IDENTITY = re.compile(
    r"(?:https?://zenodo\.org/records?/|(?:https?://doi\.org/)?10\.5281/zenodo\.)?(\d+)(?:/(.+))?"
)
MD5 = re.compile(r"md5:([0-9a-f]{32})")
LARGEST_PAGE = 25
FILES_SHOWN = 8


class Zenodo:
    """Records of Zenodo."""

    about = About(
        name="zenodo",
        title="Zenodo",
        offers="research data of all kinds, captures among them; sizes and MD5 of files",
        ids="an id is a record's number or DOI, or NUMBER/FILE for one file of it; a query is Zenodo's own",
        terms="those of each record, which the provenance names",
        citation="the record's DOI, which the provenance names",
        url="https://zenodo.org",
        pace=1.0,
        jobs=2,
    )

    def __init__(self, access: Access) -> None:
        self.access = access

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find records."""
        found, page = 0, 1
        size = min(limit, LARGEST_PAGE)
        while found < limit:
            answer = self.access.client.get(
                f"{self.access.url}/api/records", query={"q": query, "size": str(size), "page": str(page)}
            )
            value = answer.json()
            hits = value.get("hits", {}).get("hits") if isinstance(value, dict) else None
            if not isinstance(hits, list):
                raise layout_changed(self.access, answer, "a list `hits.hits` of records")
            for record in hits:
                yield self._hit(record, answer)
            found, page = found + len(hits), page + 1
            if len(hits) < size:
                return

    def info(self, identity: str) -> dict[str, Any]:
        """Tell of a record: title, date, licence, DOI, and its files with their sizes."""
        record, answer = self._record(_number(identity)[0])
        metadata = record.get("metadata") or {}
        files = [f"{file['key']} ({file['size']:,} bytes)" for file in self._files(record, answer)]
        return {
            "title": metadata.get("title"),
            "published": metadata.get("publication_date"),
            "licence": _licence(metadata),
            "cite": _citation(record),
            "files": files,
        }

    def items(self, identity: str) -> Iterator[Item]:
        """Give the files of a record that may hold captures, or the one that is named.

        Raises:
            BadData: None may.
            MissingInput: The named one is not among them.
        """
        number, wanted = _number(identity)
        record, answer = self._record(number)
        files = self._files(record, answer)
        keys = [str(file["key"]) for file in files]
        if wanted is not None and wanted not in keys:
            raise MissingInput(f"record {number} has no file {wanted!r}; it has {quoted(keys[:FILES_SHOWN])}")
        chosen = [file for file in files if wanted == file["key"] or (wanted is None and _may_hold(file))]
        if not chosen:
            raise BadData(
                f"record {number} has no file whose name is that of a capture, a log or an archive; it has "
                f"{quoted(keys[:FILES_SHOWN])}",
                hint=f"ptml fetch zenodo {number}/FILE fetches one all the same",
            )
        for file in chosen:
            yield self._item(number, record, file)

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a file of a record."""
        return deliver(self.access.client, item, room)

    def _record(self, number: str) -> tuple[dict[str, Any], Answer]:
        answer = self.access.pages.get(f"{self.access.url}/api/records/{number}")
        value = answer.json()
        if not isinstance(value, dict):
            raise layout_changed(self.access, answer, "a record, as a JSON object")
        return value, answer

    def _files(self, record: dict[str, Any], answer: Answer) -> list[dict[str, Any]]:
        files = record.get("files")
        if not isinstance(files, list) or not all(_is_file(file) for file in files):
            raise layout_changed(self.access, answer, "a list `files`, each with `key` and `size`")
        return list(files)

    def _hit(self, record: object, answer: Answer) -> Hit:
        if not isinstance(record, dict) or not isinstance(record.get("id"), int | str):
            raise layout_changed(self.access, answer, "an `id` of each record")
        metadata = record.get("metadata") or {}
        files = record.get("files") or []
        facts = {
            "published": metadata.get("publication_date"),
            "licence": _licence(metadata),
            "files": len(files),
            "bytes": sum(file.get("size") or 0 for file in files),
        }
        return Hit(id=str(record["id"]), name=shown_name(str(metadata.get("title") or "")), facts=facts)

    def _item(self, number: str, record: dict[str, Any], file: dict[str, Any]) -> Item:
        told = MD5.fullmatch(str(file.get("checksum") or ""))
        return Item(
            id=f"{number}/{file['key']}",
            name=shown_name(str(file["key"])),
            url=f"{self.access.url}/api/records/{number}/files/{quote(str(file['key']))}/content",
            promise=Promise(size=file["size"], md5=told[1] if told else None),
            licence=_licence(record.get("metadata") or {}),
            citation=_citation(record),
        )


def _number(identity: str) -> tuple[str, str | None]:
    """Give a record's number and the file that is named, if one is.

    >>> _number("7965515"), _number("10.5281/zenodo.7965515/a.zip")
    (('7965515', None), ('7965515', 'a.zip'))
    """
    found = IDENTITY.fullmatch(identity.strip())
    if found is None:
        raise SettingsError(
            f"{identity!r} is no record of Zenodo", hint="give its number, its DOI, or NUMBER/FILE"
        )
    return found[1], found[2]


def _is_file(file: object) -> bool:
    return isinstance(file, dict) and isinstance(file.get("key"), str) and isinstance(file.get("size"), int)


def _may_hold(file: dict[str, Any]) -> bool:
    return may_hold_captures(PurePosixPath(str(file["key"])))


def _licence(metadata: dict[str, Any]) -> str | None:
    licence = metadata.get("license")
    told = licence.get("id") if isinstance(licence, dict) else licence
    return shown_name(str(told)) if told else None


def _citation(record: dict[str, Any]) -> str | None:
    metadata = record.get("metadata") or {}
    creators = [str(one.get("name")) for one in metadata.get("creators") or [] if isinstance(one, dict)]
    parts = ["; ".join(creators), metadata.get("title"), record.get("doi") or metadata.get("doi")]
    return ". ".join(shown_name(str(part)) for part in parts if part) or None
