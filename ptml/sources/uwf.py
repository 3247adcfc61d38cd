"""UWF-ZeekData: connections of a cyber range as Zeek logs them, by MITRE ATT&CK tactic, in Parquet or CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ptml.errors import BadData, SettingsError
from ptml.sources.delivery import deliver
from ptml.sources.indexpage import entries
from ptml.sources.protocol import About, Hit, Item, layout_changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.protocol import Access, Delivery, Room
    from ptml.types import Label

FORMATS = ("parquet", "csv")
TABLES = (".parquet", ".csv")
BENIGN = {"none", "benign"}
DEPTH = 4


class UwfZeekData:
    """Data sets of the University of West Florida."""

    about = About(
        name="uwf",
        title="UWF-ZeekData",
        offers="Zeek conn logs of a cyber range, labelled by ATT&CK tactic, in Parquet or CSV",
        ids="an id is a folder, such as UWF-ZeekData24/parquet/Discovery; a query is part of a name",
        terms="CC BY 4.0",
        citation="UWF-ZeekData, University of West Florida; doi 10.3390/data10050059",
        url="https://datasets.uwf.edu/data",
        pace=1.0,
        jobs=2,
    )

    def __init__(self, access: Access) -> None:
        self.access = access

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find folders of tactics or weeks whose path has the query in it."""
        found = 0
        for dataset in self._folders(""):
            kinds = [name for name in self._folders(dataset) if name in FORMATS]
            for kind in kinds:
                for name in self._folders(f"{dataset}/{kind}"):
                    path = f"{dataset}/{kind}/{name}"
                    if query.lower() in path.lower() and found < limit:
                        found += 1
                        yield Hit(id=path, name=name, facts={"data set": dataset, "label": _label(name)[0]})

    def info(self, identity: str) -> dict[str, Any]:
        """List what lies in a folder."""
        path = _path(identity)
        listed = self._listed(path)
        return {"url": self._url(path), "label": _label(path.rpartition("/")[2])[0], "files": listed}

    def items(self, identity: str) -> Iterator[Item]:
        """Give the tables in and below a folder; where there are both forms, the Parquet ones."""
        path = _path(identity)
        if path.endswith(TABLES):
            yield self._item(path)
            return
        count = 0
        for file in self._tables(path, DEPTH):
            count += 1
            yield self._item(file)
        if not count:
            raise BadData(f"{self._url(path)} holds no Parquet or CSV file", hint="ptml info uwf FOLDER")

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a table."""
        return deliver(self.access.client, item, room)

    def _tables(self, path: str, depth: int) -> Iterator[str]:
        listed = self._listed(path)
        yield from (f"{path}/{name}" for name in listed if name.endswith(TABLES))
        folders = [name.rstrip("/") for name in listed if name.endswith("/")]
        if set(FORMATS) <= set(folders):
            folders.remove("csv")  # the same connections once more
        for name in folders if depth else ():
            yield from self._tables(f"{path}/{name}", depth - 1)

    def _folders(self, path: str) -> list[str]:
        return [name.rstrip("/") for name in self._listed(path) if name.endswith("/")]

    def _listed(self, path: str) -> list[str]:
        answer = self.access.pages.get(self._url(path) + "/")
        listed = entries(answer)
        if not listed:
            raise layout_changed(self.access, answer, "a list of links to files or folders")
        return listed

    def _url(self, path: str) -> str:
        return f"{self.access.url}/{quote(path)}".rstrip("/")

    def _item(self, path: str) -> Item:
        folder = path.rpartition("/")[0].rpartition("/")[2]
        label, tactic = _label(folder)
        return Item(
            id=path,
            name=path.rpartition("/")[2],
            url=self._url(path),
            label=label,
            method="folder",
            family=tactic,
            tags=(path.partition("/")[0],),
            licence=self.about.terms,
            citation=self.about.citation,
            notes=f"{folder}; each row has its own label in label_tactic",
        )


def _label(folder: str) -> tuple[Label, str | None]:
    """Give label and tactic of a folder: one of a week has connections of all kinds.

    >>> _label("Credential Access"), _label("Benign"), _label("2021-12-12 - 2021-12-19")
    (('malicious', 'Credential Access'), ('benign', None), ('mixed', None))
    """
    if folder[:4].isdigit() or folder in FORMATS or folder.startswith("UWF"):
        return "mixed", None
    return ("benign", None) if folder.lower() in BENIGN else ("malicious", folder)


def _path(identity: str) -> str:
    path = identity.strip().strip("/")
    if not path or ".." in path.split("/") or "://" in path:
        raise SettingsError(f"{identity!r} is no folder of UWF-ZeekData", hint="ptml search uwf 24")
    return path
