"""Stratosphere's Malware Capture Facility and IoT-23: folders of captures on a plain web server.

Of a folder its packet captures are fetched or, where it has none, the logs that Zeek made, with the label of
each connection if they have one. Malware itself lies there too, in zips that are never fetched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ptml.errors import BadData, DownloadError, SettingsError
from ptml.labelfile import FILE
from ptml.sources.delivery import deliver
from ptml.sources.indexpage import entries
from ptml.sources.labelledlog import labels_of_log
from ptml.sources.opening import shown_name
from ptml.sources.protocol import About, Captured, Hit, Item, layout_changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.protocol import Access, Delivery, Room
    from ptml.types import Label

PCAP = re.compile(r"\.(pcap|pcapng|cap)(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
LABELLED = "conn.log.labeled"
LOG_FOLDERS = ("bro/", "zeek/")
KINDS: tuple[tuple[str, Label], ...] = (
    ("ctu-malware", "malicious"),
    ("ctu-iot-malware", "mixed"),
    ("ctu-mixed", "mixed"),
    ("ctu-normal", "benign"),
    ("ctu-honeypot", "benign"),
)


class Stratosphere:
    """Captures of the Stratosphere Laboratory."""

    about = About(
        name="stratosphere",
        title="Stratosphere: Malware Capture Facility, IoT-23",
        offers="long PCAPs of malware and of normal hosts; IoT-23's Zeek logs, labelled by connection",
        ids="an id is a folder, such as CTU-Normal-12 or IoT-23-Dataset/IndividualScenarios/…; a query is a "
        "part of a folder's name or of a malware's",
        terms="free with citation (IoT-23: CC BY 4.0)",
        citation="Stratosphere Laboratory, CTU Prague, https://www.stratosphereips.org/datasets-overview",
        url="https://mcfp.felk.cvut.cz/publicDatasets",
        pace=1.0,
        jobs=2,
    )

    def __init__(self, access: Access) -> None:
        self.access = access

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find captures in the site's index by name or malware."""
        found = 0
        for one in self._index():
            name, malware = str(one.get("Capture_Name") or ""), str(one.get("Malware") or "")
            if name and query.lower() in f"{name} {malware}".lower() and found < limit:
                found += 1
                facts = {
                    "malware": shown_name(malware) if malware else None,
                    "date": one.get("Infection_Date"),
                }
                yield Hit(id=name, name=shown_name(name), facts=facts)

    def info(self, identity: str) -> dict[str, Any]:
        """List what lies in a folder."""
        path = _path(identity)
        return {"url": self._url(path), "label": _label(path), "files": self._listed(path)}

    def items(self, identity: str) -> Iterator[Item]:
        """Give a folder's packet captures, else its Zeek logs.

        Raises:
            BadData: It has neither.
        """
        path = _path(identity)
        if PCAP.search(path) or path.endswith(".labeled"):
            yield self._item(path)
            return
        listed = self._listed(path)
        files = [f"{path}/{name}" for name in listed if PCAP.search(name)] or list(self._logs(path, listed))
        if not files:
            raise BadData(
                f"{self._url(path)} has neither a packet capture nor {LABELLED}",
                hint="ptml info stratosphere FOLDER lists it; a folder below it may",
            )
        for file in files:
            yield self._item(file)

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a file; the labels of connections that are within a log are put beside it."""
        delivery = deliver(self.access.client, item, room)
        if item.level != "connection":
            return delivery
        with_labels = []
        for one in delivery.captures:
            [log] = one.files.values()
            labels = labels_of_log(log, room.scratch / FILE)
            with_labels.append(Captured(one.name, {**one.files, FILE: labels}, one.capture_id))
        return type(delivery)(tuple(with_labels), delivery.size, delivery.sha256, delivery.notes)

    def _logs(self, path: str, listed: list[str]) -> Iterator[str]:
        for folder in LOG_FOLDERS:
            if folder in listed and LABELLED in self._listed(f"{path}/{folder.rstrip('/')}"):
                yield f"{path}/{folder}{LABELLED}"

    def _index(self) -> list[dict[str, Any]]:
        answer = self.access.pages.get(f"{self.access.url}/datasets.json")
        value = answer.json()
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise layout_changed(self.access, answer, "a list of captures, each an object")
        if value and not any("Capture_Name" in one for one in value):
            raise layout_changed(self.access, answer, "a `Capture_Name` of each capture")
        return value

    def _malware(self, path: str) -> str | None:
        """Give the malware of a folder by the site's index, which some copies of the site lack."""
        try:
            index = self._index()
        except DownloadError:
            return None
        names = {str(one.get("Capture_Name")): one.get("Malware") for one in index}
        found = next((names[part] for part in path.split("/") if part in names), None)
        return shown_name(str(found)) if found else None

    def _listed(self, path: str) -> list[str]:
        answer = self.access.pages.get(self._url(path) + "/")
        listed = entries(answer)
        if not listed:
            raise layout_changed(self.access, answer, "a list of links to files or folders")
        return listed

    def _url(self, path: str) -> str:
        return f"{self.access.url}/{quote(path)}"

    def _item(self, path: str) -> Item:
        label = _label(path)
        labelled = path.endswith(".labeled")
        folder = next((part for part in path.split("/") if _kind(part)), path.rpartition("/")[0])
        return Item(
            id=path,
            name=f"{folder}/{path.rpartition('/')[2]}",
            url=self._url(path),
            label=label,
            level="connection" if labelled else "capture",
            method="folder",
            family=self._malware(path) if label in {"malicious", "mixed"} else None,
            licence="CC BY 4.0" if "IoT-23" in path else self.about.terms,
            citation=self.about.citation,
            notes=None if labelled else "labelled as a whole: much of a malware capture is background",
        )


def _kind(part: str) -> Label | None:
    return next((label for start, label in KINDS if part.lower().startswith(start)), None)


def _label(path: str) -> Label:
    """Give the label of a folder by what its name begins with.

    >>> _label("CTU-Malware-Capture-Botnet-42/a.pcap"), _label("CTU-Normal-12"), _label("other")
    ('malicious', 'benign', 'unknown')
    """
    kinds = [_kind(part) for part in path.split("/")]
    return next((kind for kind in kinds if kind), "unknown")


def _path(identity: str) -> str:
    path = identity.strip().strip("/")
    if not path or ".." in path.split("/") or "://" in path:
        raise SettingsError(f"{identity!r} is no folder there", hint="ptml search stratosphere QUERY")
    return path
