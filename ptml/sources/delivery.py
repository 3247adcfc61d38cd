"""The usual way to fetch an item: download its file, check it, take it apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.sources.asks import Ask
from ptml.sources.downloading import download
from ptml.sources.opening import open_fetched
from ptml.sources.protocol import Captured, Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.sources.http import Client
    from ptml.sources.protocol import Item, Room


def deliver(client: Client, item: Item, room: Room, *, secrets: Mapping[str, str] | None = None) -> Delivery:
    """Download an item's file and find the captures in it.

    Args:
        client: What asks.
        item: What to fetch.
        room: Where it may be worked on.
        secrets: Headers that only the item's host may see.

    Raises:
        DownloadError: It did not come, or is not what was promised.
        BadData: It holds no capture, is broken or is encrypted.
    """
    ask = Ask(item.url, secrets=secrets or {})
    came = download(client, ask, room.partial, item.promise, moved=room.moved)
    words = tuple(dict.fromkeys([*room.passwords, *item.passwords]))
    captures: list[Captured] = []
    try:
        opened = open_fetched(
            came.path,
            item.name,
            room.scratch / "opened",
            words,
            hashes=(came.sha256, came.md5),
            head=came.head,
        )
        captures += opened.captures
    finally:
        if not any(came.path in one.files.values() for one in captures):  # it was but the wrapping
            came.path.unlink(missing_ok=True)
    notes = tuple(dict.fromkeys(opened.notes))
    return Delivery(tuple(captures), came.size, came.sha256, notes)
