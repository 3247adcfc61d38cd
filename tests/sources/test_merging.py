"""Listing what was fetched: quick, and without a word lost."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from ptml.catalog import read_catalog, read_provenance
from ptml.sources.merging import list_captures
from ptml.sources.protocol import Item
from ptml.sources.receipt import Listing, Receipt, keep_receipts, read_receipts

if TYPE_CHECKING:
    from ptml.types import Label
    from ptml.workspace import Workspace

MOMENT = "2026-11-24T00:00:00+00:00"


def fetched(number: int, label: Label = "benign", family: str | None = None) -> tuple[Item, Receipt]:
    """Make an item and its receipt."""
    item = Item(id=str(number), name=str(number), url=f"http://x/{number}", label=label, family=family)
    listing = Listing(f"c{number:016x}", str(number), 1, "0" * 64, None)
    return item, Receipt("a", item.id, 1, "0" * 64, asdict(item.promise), (listing,), MOMENT)


def test_ten_thousand_rows_take_seconds(workspace: Workspace) -> None:
    """A first source, a second one with the same captures, and that once more: each in under five seconds."""
    workspace.scratch.mkdir()
    pairs = [fetched(number) for number in range(10_000)]
    for source in ("a", "b", "b"):
        began = time.process_time()
        assert list_captures(workspace, source, pairs) == []
        assert time.process_time() - began < 5
    assert (read_catalog(workspace).height, read_provenance(workspace).height) == (10_000, 20_000)


@pytest.mark.parametrize(
    ("first", "second", "kept", "said"),
    [
        (
            ("benign", None),
            ("malicious", None),
            ("benign", None),
            "b says malicious, the catalog keeps benign",
        ),
        (("unknown", None), ("malicious", "emotet"), ("malicious", "emotet"), None),
        (("malicious", None), ("malicious", "emotet"), ("malicious", "emotet"), None),
        (("malicious", "emotet"), ("malicious", None), ("malicious", "emotet"), None),
        (("malicious", "emotet"), ("unknown", None), ("malicious", "emotet"), None),
        (
            ("malicious", "emotet"),
            ("malicious", "qakbot"),
            ("malicious", "emotet"),
            "b says malicious (qakbot), the catalog keeps malicious (emotet)",
        ),
    ],
)
def test_what_a_second_source_says(
    workspace: Workspace,
    first: tuple[Label, str | None],
    second: tuple[Label, str | None],
    kept: tuple[Label, str | None],
    said: str | None,
) -> None:
    """It fills in what nobody knew; where it differs it is told, and noted once, however often it says it."""
    workspace.scratch.mkdir()
    list_captures(workspace, "a", [fetched(1, *first)])
    remarks = [list_captures(workspace, "b", [fetched(1, *second)]) for _ in range(2)]
    [row] = read_catalog(workspace).to_dicts()
    assert (row["label"], row["family"]) == kept
    assert remarks == [[f"1: {said}"] if said else []] * 2
    assert row["notes"] == (said.partition(",")[0] if said else None)


def test_receipts_that_broke_off_are_passed_over(workspace: Workspace) -> None:
    """A line without its end, and nonsense, cost no other receipt; the last one of an item holds."""
    receipts = [fetched(number)[1] for number in range(3)]
    keep_receipts(workspace, "a", receipts[:2])
    path = workspace.receipts("a")
    path.write_text(path.read_text() + '{"source": "a", "item": "9", "si')
    keep_receipts(workspace, "a", [receipts[2], receipts[0]])
    path.write_text(path.read_text() + "[1]\n{}\n")
    assert read_receipts(workspace, "a") == {str(number): receipts[number] for number in range(3)}
    assert read_receipts(workspace, "b") == {}
