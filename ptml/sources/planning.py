"""Which files a fetch would bring, which are there already, and what cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from ptml.errors import BadData, MissingInput, PtmlError
from ptml.sources.protocol import Options
from ptml.sources.receipt import read_receipts, still_holds
from ptml.sources.registry import about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.settings import FetchSettings
    from ptml.sources.protocol import Item, Source
    from ptml.sources.receipt import Receipt
    from ptml.workspace import Workspace


@dataclass(slots=True)
class Plan:
    """What a fetch would do.

    Attributes:
        items: What would be fetched.
        known: What has been, and its receipt.
        failed: Ids that cannot be had, and why.
    """

    items: list[Item] = field(default_factory=list)
    known: list[tuple[Item, Receipt]] = field(default_factory=list)
    failed: dict[str, PtmlError] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Give the bytes that would come, as far as the source says."""
        return sum(item.promise.size or 0 for item in self.items)


def plan_fetch(workspace: Workspace, source: Source, settings: FetchSettings, *, force: bool = False) -> Plan:
    """Ask a source what there is to fetch, and look at what is there already.

    Raises:
        MissingInput: A search found nothing.
        DownloadError: The search did not work.
    """
    plan = Plan()
    receipts = {} if force else read_receipts(workspace, settings.source)
    ids: set[str] = set()
    urls: dict[str, str] = {}
    for item in islice(_items(source, settings, plan), settings.limit):
        if item.id in ids:
            continue  # two ids of the user's lead to it
        ids.add(item.id)
        if item.url in urls:
            plan.failed[item.id] = BadData(f"it has the same URL as {urls[item.url]!r}, which is fetched")
            continue
        urls[item.url] = item.id
        receipt = receipts.get(item.id)
        if receipt is not None and still_holds(workspace, receipt, item):
            plan.known.append((item, receipt))
        else:
            plan.items.append(item)
    return plan


def options_of(settings: FetchSettings) -> Options:
    """Tell what a fetch asks of its source beyond the ordinary; a query is to find all that there is."""
    return Options(
        url=settings.url,
        deep=settings.query is not None and "deep" in about(settings.source).options,
        wait=settings.wait,
        record=settings.record,
        replay=settings.replay,
        drop_pcap=settings.drop_pcap,
        carved=settings.carved,
    )


def _items(source: Source, settings: FetchSettings, plan: Plan) -> Iterator[Item]:
    for identity in _ids(source, settings):
        try:
            for item in source.items(identity):
                yield _labelled(item, settings)
        except PtmlError as error:
            plan.failed[identity] = error


def _ids(source: Source, settings: FetchSettings) -> Iterator[str]:
    yield from dict.fromkeys(settings.ids)
    if settings.query is not None:
        found = [hit.id for hit in source.search(settings.query, settings.limit)]
        if not found and not settings.ids:
            raise MissingInput(
                f"{settings.source} has nothing for {settings.query!r}; nothing was fetched",
                hint=f"ptml search {settings.source} QUERY shows what a query finds",
            )
        yield from found


def _labelled(item: Item, settings: FetchSettings) -> Item:
    """Let the user's own word stand over the source's."""
    if settings.label is not None:
        item = replace(item, label=settings.label, level="capture", method="option", confidence=None)
    return item if settings.family is None else replace(item, family=settings.family)
