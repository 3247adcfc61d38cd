"""Receipts: what has been fetched already, whatever became of the run that fetched it.

A receipt is written when all captures of an item are published, and before the catalog lists them: a run that
was killed in between leaves them for the next one to list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ptml.io import writing
from ptml.manifest import is_fresh, read_manifest, read_manifest_or_none
from ptml.sources.raw import STAGE as RAW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed import DataclassInstance

    from ptml.manifest import Manifest
    from ptml.sources.protocol import Delivery, Item
    from ptml.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Listing:
    """What the catalog says of a capture by itself, whoever brought it."""

    capture_id: str
    name: str
    size_bytes: int
    sha256: str | None
    md5: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an item, and when."""

    source: str
    item: str
    size: int
    sha256: str
    promise: dict[str, Any]
    captures: tuple[Listing, ...]
    fetched_at: str

    @property
    def moment(self) -> datetime:
        """Give the moment when it came."""
        return datetime.fromisoformat(self.fetched_at)


def receipt_of(
    workspace: Workspace,
    source: str,
    item: Item,
    delivery: Delivery,
    published: Mapping[str, Manifest],
) -> Receipt:
    """Make the receipt of an item whose captures are all published, some of them just now."""
    listed = []
    for one in delivery.captures:
        manifest = published.get(one.capture_id) or read_manifest(workspace, RAW, one.capture_id)
        size = sum(file.bytes for file in manifest.files) if manifest else 0
        listed.append(Listing(one.capture_id, one.name, size, one.sha256, one.md5))
    return Receipt(
        source=source,
        item=item.id,
        size=delivery.size,
        sha256=delivery.sha256,
        promise=plain(item.promise),
        captures=tuple(listed),
        fetched_at=datetime.now(UTC).isoformat(timespec="microseconds"),
    )


def plain(record: DataclassInstance) -> dict[str, Any]:
    """Give a record's fields, without the deep copy of `dataclasses.asdict`, which costs more than all else.

    >>> plain(Listing("c0", "a.pcap", 24, None, None))
    {'capture_id': 'c0', 'name': 'a.pcap', 'size_bytes': 24, 'sha256': None, 'md5': None}
    """
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def keep_receipts(workspace: Workspace, source: str, receipts: Iterable[Receipt]) -> None:
    """Add receipts to those of a source; the last one of an item holds.

    If a power cut spoils them, items are fetched once more.

    Raises:
        CannotWrite: The operating system refused.
    """
    path = workspace.receipts(source)
    values = (plain(one) | {"captures": [plain(each) for each in one.captures]} for one in receipts)
    lines = "".join(json.dumps(value) + "\n" for value in values)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" + lines)  # what a killed run broke off stays a line of its own


def read_receipts(workspace: Workspace, source: str) -> dict[str, Receipt]:
    """Read the receipts of a source, by item; lines that broke off are passed over."""
    found = {}
    try:
        lines = workspace.receipts(source).read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return {}
    for line in lines:
        try:
            value = json.loads(line)
            captures = tuple(Listing(**one) for one in value.pop("captures"))
            receipt = Receipt(captures=captures, **value)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        found[receipt.item] = receipt
    return found


def still_holds(workspace: Workspace, receipt: Receipt, item: Item) -> bool:
    """Tell whether an item's promise is still the same, and its captures are still there."""
    if receipt.promise != plain(item.promise):
        return False
    return all(published_raw(workspace, one.capture_id) for one in receipt.captures)


def published_raw(workspace: Workspace, capture_id: str) -> Manifest | None:
    """Give the manifest of a capture whose raw files are published and still lie there; None of another."""
    manifest = read_manifest_or_none(workspace, RAW, capture_id)
    there = manifest is not None and is_fresh(workspace, manifest, manifest.fingerprint)
    return manifest if there else None
