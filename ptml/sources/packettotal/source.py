"""PacketTotal as a source: search, info, similar captures, and archives fetched and taken apart."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ptml.errors import DownloadError, SettingsError
from ptml.identity import capture_id_of_logs, capture_id_of_sha256
from ptml.io import sha256_file, writing
from ptml.sources.opening import shown_name
from ptml.sources.packettotal.api import PacketTotal, checked_id
from ptml.sources.packettotal.calls import Into
from ptml.sources.packettotal.live import Live
from ptml.sources.packettotal.looking import look
from ptml.sources.packettotal.record import Recorder, Replayer
from ptml.sources.packettotal.unpack import unpack
from ptml.sources.packettotal.waiting import Patience
from ptml.sources.protocol import About, Captured, Delivery, Hit, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.packettotal.calls import Carrier
    from ptml.sources.packettotal.unpack import Unpacked
    from ptml.sources.protocol import Access, Room

NAME = "packettotal"
OWN_URL = "https://api.packettotal.com/v1"
GONE = "the service was reported down in 2021; --url or PTML_PACKETTOTAL_URL names a server that is like it"
PACE = 0.2
"""Seconds between two requests; what the service allowed is not known."""


class PacketTotalSource:
    """Captures with their analysis, by the API that PacketTotal had."""

    about = About(
        name=NAME,
        title="PacketTotal",
        offers="analysed captures: PCAP, Zeek logs as CSV, alerts, carved files; reported down since 2021, "
        "so a compatible server or a recording",
        ids="an id is the MD5 of a capture; a query is words or Lucene's language",
        terms="not stated; uploads were public",
        citation="PacketTotal, capture ID",
        url=OWN_URL,
        key="PACKETTOTAL_API_KEY",
        pace=PACE,
        options=("deep", "wait", "record", "replay", "drop_pcap", "carved"),
    )

    def __init__(self, access: Access) -> None:
        self.access = access
        self.api = PacketTotal(_carrier(access), Patience(access.options.wait), access.secret)

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find captures, the best first; all of them if the search is to be deep.

        Raises:
            DownloadError: No sound answer came, or a deep search was not ready in time.
        """
        found = self.api.deep_search(query) if self.access.options.deep else self.api.search(query)
        for row in found[:limit]:
            facts = {name: value for name, value in row.items() if name != "id"}
            yield Hit(id=row["id"], name="", facts=facts)

    def info(self, identity: str) -> dict[str, Any]:
        """Tell what is known of a capture, its analysis included.

        Raises:
            SettingsError: That is no id.
            DownloadError: It is not known there.
        """
        return look(self.api, identity).to_dict()

    def similar(self, identity: str, limit: int) -> Iterator[Hit]:
        """Find captures that share terms with one, the nearest first."""
        for row in islice(self.api.similar(identity)["results"], limit):
            yield Hit(id=str(row.get("id", "")), name="", facts={k: v for k, v in row.items() if k != "id"})

    def items(self, identity: str) -> Iterator[Item]:
        """Name the one archive that there is of a capture; nothing is asked for that.

        Raises:
            SettingsError: That is no id.
        """
        md5 = checked_id(identity)
        yield Item(
            id=md5,
            name=md5,
            url=f"{self.access.url}/pcaps/{md5}/download",
            licence=self.about.terms,
            citation=f"PacketTotal, capture {md5}",
        )

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch an archive, wait while it is built, and take it apart.

        Raises:
            DownloadError: It is not known there, was not ready in time, or holds another capture.
            BadData: It is no sound archive, or holds neither tables nor a capture.
        """
        options = self.access.options
        info = self.api.info(item.id)
        path, folder = room.scratch / "archive.zip", room.scratch / "opened"
        self.api.download(item.id, Into(path, room.partial, room.moved))
        with writing(folder):
            folder.mkdir()
        found = unpack(path, folder, item.id, keep_pcap=not options.drop_pcap, carved=options.carved)
        if found.pcap_sha256 is None and found.strangers:
            raise DownloadError(
                f"the archive holds another capture: its MD5 is {found.strangers[0]}; it was not kept",
                hint="try again later, and see the base URL",
            )
        name = shown_name(str(info.get("name") or item.id))
        captured = Captured(name, found.files, _capture_id(found), found.pcap_sha256, item.id)
        return Delivery((captured,), path.stat().st_size, sha256_file(path), tuple(found.notes))


def _capture_id(found: Unpacked) -> str:
    if found.pcap_sha256 is not None:
        return capture_id_of_sha256(found.pcap_sha256)
    return capture_id_of_logs(path for name, path in found.files.items() if name.endswith(".csv"))


def _carrier(access: Access) -> Carrier:
    options = access.options
    if options.replay is not None:
        if options.record is not None:
            raise SettingsError("--record and --replay exclude each other", hint="choose one")
        return Replayer(options.replay)
    parts = urlsplit(access.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            f"{access.url!r} is no base URL of an API",
            hint=f"such as {OWN_URL}: http or https, host, version",
        )
    live = Live(access.client, access.url, access.secret, GONE if access.url == OWN_URL else None)
    return live if options.record is None else Recorder(live, options.record, access.secret)
