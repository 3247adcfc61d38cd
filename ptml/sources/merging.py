"""What the catalog says once another source has had its say: nothing is overwritten, what differs is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptml.catalog import read_catalog, read_provenance, upsert
from ptml.families import family_name
from ptml.labelfile import FILE
from ptml.manifest import read_manifest_or_none
from ptml.sources.raw import STAGE as RAW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ptml.sources.protocol import Item
    from ptml.sources.receipt import Listing, Receipt
    from ptml.workspace import Workspace

SAID = ("label", "label_level", "label_method", "label_confidence", "family")


def list_captures(workspace: Workspace, source: str, fetched: Iterable[tuple[Item, Receipt]]) -> list[str]:
    """List captures and where they came from.

    A capture that is known keeps its label, unless that was unknown, or came from this very source; where
    two sources differ, a remark is returned, and kept in the capture's notes.

    Returns:
        Remarks.
    """
    known = {row["capture_id"]: row for row in read_catalog(workspace).iter_rows(named=True)}
    origins = list(read_provenance(workspace).iter_rows(named=True))
    sources: dict[str, set[str]] = {}
    for origin in origins:
        sources.setdefault(origin["capture_id"], set()).add(origin["source"])
    before = {one["capture_id"]: one for one in origins if one["source"] == source}
    rows: dict[str, dict[str, Any]] = {}
    new: dict[str, dict[str, Any]] = {}
    remarks: list[str] = []
    for item, receipt in fetched:
        for listing in receipt.captures:
            one = listing.capture_id
            row = _row(workspace, item, listing)
            old = rows.get(one) or known.get(one)
            alone = one not in rows and sources.get(one, set()) <= {source}
            rows[one] = row if old is None else merged(old, row, source, alone=alone, remarks=remarks)
            new[one] = {
                "capture_id": one,
                "source": source,
                "url": item.url,
                "source_id": item.id,
                "licence": item.licence,
                "citation": item.citation,
                "fetched_at": before[one]["fetched_at"] if one in before else receipt.moment,
            }
    changed = [row for one, row in rows.items() if row != known.get(one)]
    upsert(workspace, changed, [row for one, row in new.items() if row != before.get(one)])
    return remarks


def merged(
    old: dict[str, Any], new: dict[str, Any], source: str, *, alone: bool, remarks: list[str]
) -> dict[str, Any]:
    """Put together what was known of a capture and what a source says of it.

    Args:
        old: Its row.
        new: The row that the source alone would make.
        source: The source.
        alone: Whether all that was known came from this source, too.
        remarks: Where to tell what differs.

    >>> told: list[str] = []
    >>> row = {"name": "a", "label": "benign", "label_level": "capture", "family": None, "notes": None}
    >>> merged(row, row | {"label": "malicious"}, "zenodo", alone=False, remarks=told)["label"]
    'benign'
    >>> told
    ['a: zenodo says malicious, the catalog keeps benign']
    """
    row = {name: new[name] if value is None and name in new else value for name, value in old.items()}
    row["notes"] = old.get("notes") or new.get("notes")
    if new["label"] == "unknown" or _said(new) == _said(old):
        return row
    if old["label"] == "unknown" or (old["label"] == new["label"] and not old["family"]):
        return row | {name: new[name] for name in SAID if name in new}
    if new["label"] == old["label"] and not new["family"]:
        return row
    if alone:
        remarks.append(f"{old['name']}: it was {_said(old)}, and is now {_said(new)}")
        return row | {name: new[name] for name in SAID if name in new}
    remarks.append(f"{old['name']}: {source} says {_said(new)}, the catalog keeps {_said(old)}")
    remark = f"{source} says {_said(new)}"
    if remark not in (row["notes"] or ""):
        row["notes"] = f"{row['notes']}; {remark}" if row["notes"] else remark
    return row


def _said(row: dict[str, Any]) -> str:
    family = f" ({row['family']})" if row["family"] else ""
    level = " by connection" if row["label_level"] == "connection" else ""
    return f"{row['label']}{level}{family}"


def _row(workspace: Workspace, item: Item, listing: Listing) -> dict[str, Any]:
    labelled = item.level == "connection" and _has_labels(workspace, listing.capture_id)
    return {
        "capture_id": listing.capture_id,
        "name": listing.name,
        "label": item.label,
        "label_level": "connection" if labelled else "capture",
        "label_method": item.method if item.label != "unknown" else None,
        "label_confidence": item.confidence,
        "family": family_name(item.family),
        "tags": sorted(item.tags),
        "unit": "file",
        "md5": listing.md5,
        "sha256": listing.sha256,
        "size_bytes": listing.size_bytes,
        "started_at": None,
        "ended_at": None,
        "notes": item.notes,
    }


def _has_labels(workspace: Workspace, capture_id: str) -> bool:
    manifest = read_manifest_or_none(workspace, RAW, capture_id)
    return manifest is not None and any(file.path.endswith(f"/{FILE}") for file in manifest.files)
