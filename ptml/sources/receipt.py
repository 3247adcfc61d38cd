"""Receipts: what has been fetched already, whatever became of the run that fetched it.

A receipt is written when all captures of an item are published, and before the catalog lists them: a run that
was killed in between leaves them for the next one to list.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData, MissingInput
from ptml.io import read_json, sha256_json, writing
from ptml.manifest import is_fresh, read_manifest, read_manifest_or_none
from ptml.sources.raw import STAGE as RAW

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.manifest import Manifest
    from ptml.sources.protocol import Captured, Delivery, Item
    from ptml.workspace import Workspace

STAGE = "fetch"


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


def _path(workspace: Workspace, source: str, item: str) -> Path:
    return workspace.manifest(STAGE, f"c{sha256_json([source, item])[:16]}")


def receipt_of(workspace: Workspace, source: str, item: Item, delivery: Delivery) -> Receipt:
    """Make the receipt of an item whose captures are all published."""
    return Receipt(
        source=source,
        item=item.id,
        size=delivery.size,
        sha256=delivery.sha256,
        promise=asdict(item.promise),
        captures=tuple(_listing(workspace, one) for one in delivery.captures),
        fetched_at=datetime.now(UTC).isoformat(timespec="microseconds"),
    )


def _listing(workspace: Workspace, one: Captured) -> Listing:
    manifest = read_manifest(workspace, RAW, one.capture_id)
    size = sum(file.bytes for file in manifest.files) if manifest else 0
    return Listing(one.capture_id, one.name, size, one.sha256, one.md5)


def write_receipt(workspace: Workspace, receipt: Receipt, scratch: Path) -> None:
    """Publish a receipt; if a power cut spoils it, the item is fetched once more.

    Raises:
        CannotWrite: The operating system refused.
    """
    path, temporary = _path(workspace, receipt.source, receipt.item), scratch / "receipt.json"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(receipt)), "utf-8")
        temporary.replace(path)


def valid_receipt(workspace: Workspace, source: str, item: Item) -> Receipt | None:
    """Find the receipt of an item whose promise is the same, and whose captures are still there."""
    try:
        value = read_json(_path(workspace, source, item.id))
        captures = tuple(Listing(**one) for one in value.pop("captures"))
        receipt = Receipt(captures=captures, **value)
    except (MissingInput, BadData, KeyError, TypeError):
        return None
    same = (receipt.source, receipt.item, receipt.promise) == (source, item.id, asdict(item.promise))
    return receipt if same and all(published_raw(workspace, one.capture_id) for one in captures) else None


def published_raw(workspace: Workspace, capture_id: str) -> Manifest | None:
    """Give the manifest of a capture whose raw files are published and still lie there; None of another."""
    manifest = read_manifest_or_none(workspace, RAW, capture_id)
    there = manifest is not None and is_fresh(workspace, manifest, manifest.fingerprint)
    return manifest if there else None
