"""What every source is: it tells about itself, searches, informs, lists what there is to fetch, and fetches.

A source is one file with one class of this shape, and one line in `registry.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ptml.errors import DownloadError
from ptml.sources.downloading import Promise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from ptml.sources.asks import Answer
    from ptml.sources.downloading import Moved
    from ptml.sources.http import Client
    from ptml.sources.pages import Pages
    from ptml.types import Label, LabelLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be asked of a source beyond the ordinary; one that has no use for it says so.

    Attributes:
        url: Where the source is, in place of its own address and of that in the environment.
        deep: Whether a search is to find all, rather than the best few.
        wait: Seconds to wait for what is not ready yet.
        record: A folder to keep every call and its answer in.
        replay: A folder to answer from, without a network and without a key.
        drop_pcap: Whether the packet capture is to be left out where there are logs of it.
        carved: Whether files that were carved out of traffic are to be kept.
    """

    url: str | None = None
    deep: bool = False
    wait: float = 600.0
    record: Path | None = None
    replay: Path | None = None
    drop_pcap: bool = False
    carved: bool = False

    def beyond(self, known: Collection[str]) -> list[str]:
        """Name the options that are used and are none of those that a source knows; any knows its URL.

        >>> Options(deep=True, url="http://localhost").beyond(()), Options(deep=True).beyond(["deep"])
        (['--deep'], [])
        """
        used = {one.name for one in fields(self) if getattr(self, one.name) != one.default}
        return sorted("--" + name.replace("_", "-") for name in used - {"url", *known})


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What people want to know before they use a source.

    Attributes:
        name: What it is called on the command line.
        title: What it is called in full.
        offers: What it has.
        ids: What an id is here, and what a query.
        terms: What may be done with what it has.
        citation: How to cite it.
        url: Where it is; `PTML_<NAME>_URL` names another place that is laid out alike.
        key: The environment variable with the key that it needs; None if it needs none.
        pace: Seconds that it is left alone between two requests.
        jobs: Files at a time that it is asked for at most.
        options: Which of `Options` it has a use for.
    """

    name: str
    title: str
    offers: str
    ids: str
    terms: str
    citation: str
    url: str
    key: str | None = None
    pace: float = 1.0
    jobs: int = 4
    options: tuple[str, ...] = ()

    @property
    def needs(self) -> str:
        """Tell what it needs."""
        return f"a key in {self.key}" if self.key else "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something that a search found: an id to be fetched, and what is said of it."""

    id: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file to fetch that is a capture, or holds some, and what its source says of it.

    Attributes:
        id: What the source calls it; no two of a source have the same.
        name: What people call it.
        url: Where it is.
        promise: Its size and hashes, where the source says.
        label: Of the captures in it.
        level: Whether the label holds for captures as wholes, or connections have their own.
        method: How the source came to the label.
        confidence: How sure it is, 0 to 1.
        family: Malware family.
        tags: Free words.
        licence: Its terms.
        citation: How to cite it.
        notes: What else there is to say.
        passwords: What to try where it is encrypted.
    """

    id: str
    name: str
    url: str
    promise: Promise = field(default_factory=Promise)
    label: Label = "unknown"
    level: LabelLevel = "capture"
    method: str = "source"
    confidence: float | None = None
    family: str | None = None
    tags: tuple[str, ...] = ()
    licence: str | None = None
    citation: str | None = None
    notes: str | None = None
    passwords: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture that was in what has been fetched.

    Attributes:
        name: What people call it.
        files: Name within the capture → where it lies now.
        capture_id: Its id.
        sha256: Of the packet capture, decompressed; None for logs.
        md5: Likewise.
        hashes: SHA-256 of files as they lie there, by name, where it is known already.
    """

    name: str
    files: dict[str, Path]
    capture_id: str
    sha256: str | None = None
    md5: str | None = None
    hashes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of an item.

    Attributes:
        captures: What it held.
        size: Its bytes.
        sha256: Its hash.
        notes: What else there is to say.
    """

    captures: tuple[Captured, ...]
    size: int
    sha256: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """What a source works with.

    Attributes:
        client: What asks hosts.
        pages: Keeps index pages.
        url: Where the source is, without a slash at its end.
        secret: Its key; empty if it needs none.
        options: What is asked of it beyond the ordinary.
    """

    client: Client
    pages: Pages
    url: str
    secret: str = field(default="", repr=False)
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Room:
    """Where an item may be worked on.

    Attributes:
        scratch: An empty folder, removed afterwards.
        partial: Where files lie that are not whole yet; they outlast a run.
        moved: Told of bytes that came, and of bytes that are to come.
        passwords: The user's own, to be tried where something is encrypted.
    """

    scratch: Path
    partial: Path
    moved: Moved
    passwords: Sequence[str] = ()


class Source(Protocol):
    """A source of labelled captures. Made with an `Access`."""

    about: About

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find ids by a query, the best first, `limit` at most.

        Raises:
            DownloadError: The source did not answer as expected.
            SettingsError: It cannot be searched, or not by this query.
        """
        ...

    def info(self, identity: str) -> dict[str, Any]:
        """Tell of an id: names and values, as the source says.

        Raises:
            DownloadError: It is not known there, or the source did not answer as expected.
        """
        ...

    def items(self, identity: str) -> Iterator[Item]:
        """List the files that are to be fetched for an id.

        Raises:
            DownloadError: It is not known there, or the source did not answer as expected.
        """
        ...

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a file and take it apart.

        Raises:
            DownloadError: It did not come, or is not what was promised.
            BadData: It holds no capture.
        """
        ...


@runtime_checkable
class FindsSimilar(Protocol):
    """A source that knows which captures are alike."""

    def similar(self, identity: str, limit: int) -> Iterator[Hit]:
        """Find ids of captures that are like one, the nearest first."""
        ...


def layout_changed(access: Access, answer: Answer, wanted: str) -> DownloadError:
    """Make the error for a page that is not laid out as it was; it is saved for whoever looks into it."""
    saved = access.pages.save(answer)
    return DownloadError(
        f"{answer.url}: the layout has changed: {wanted} was looked for and not found; the page was saved "
        f"as {saved}",
        hint="open it and see what it is; if the source has changed for good, its adapter has to",
    )
