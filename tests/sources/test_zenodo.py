"""Zenodo, as its API is documented, from a server on loopback."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from ptml.catalog import read_provenance
from ptml.errors import BadData, DownloadError, MissingInput, SettingsError
from ptml.inventory import catalog
from ptml.settings import FetchSettings
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, plan, search
from ptml.sources.registry import Network
from tests.builders import PCAP
from tests.webserver import Fault, Seen, WebServer, web_fixture

if TYPE_CHECKING:
    from ptml.workspace import Workspace

__all__ = ["web_fixture"]

LOOPBACK = Network(allow_private=True)
MD5 = hashlib.md5(PCAP).hexdigest()


@pytest.fixture(name="zenodo")
def zenodo_fixture(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """Serve one record with a capture, a read-me and a table of the user's."""
    monkeypatch.setenv("PTML_ZENODO_URL", web.url + "/")
    files = {"bot net.pcap": PCAP, "README.md": b"# read me", "table.csv": b"a,b\n"}
    for key, body in files.items():
        web.add(f"/api/records/42/files/{key.replace(' ', '%20')}/content", body)
    web.add("/api/records/42", json.dumps(record(files)), kind="application/json")
    return web


def record(files: dict[str, bytes]) -> dict[str, Any]:
    """Make a record as the API gives it."""
    return {
        "id": 42,
        "doi": "10.5281/zenodo.42",
        "metadata": {
            "title": "Botnet\ntraffic",
            "publication_date": "2023-05-25",
            "license": {"id": "cc-by-4.0"},
            "creators": [{"name": "Doe, Jane"}, {"name": "Roe, Ann"}],
        },
        "files": [
            {
                "key": key,
                "size": len(body),
                "checksum": f"md5:{hashlib.md5(body).hexdigest()}",
                "links": {"self": "https://elsewhere.example/"},
            }
            for key, body in files.items()
        ],
    }


def settings(*ids: str, query: str | None = None) -> FetchSettings:
    """Make settings for loopback."""
    return FetchSettings(source="zenodo", ids=ids, query=query, label="malicious", allow_private=True)


@pytest.mark.parametrize("identity", ["42", "10.5281/zenodo.42", "https://zenodo.org/records/42"])
def test_a_record_is_fetched_by_number_doi_or_address(
    zenodo: WebServer, workspace: Workspace, identity: str
) -> None:
    """Only files that may hold captures come; licence and citation are the record's."""
    report = fetch(workspace, settings(identity))
    [row] = catalog(workspace)
    assert (row["name"], row["label"], row["md5"], report.failed) == ("bot net.pcap", "malicious", MD5, {})
    [origin] = read_provenance(workspace).to_dicts()
    assert (origin["source"], origin["source_id"], origin["licence"]) == (
        "zenodo",
        "42/bot net.pcap",
        "cc-by-4.0",
    )
    assert origin["citation"] == "Doe, Jane; Roe, Ann. Botnet traffic. 10.5281/zenodo.42"
    assert zenodo.paths()[-1] == "/api/records/42/files/bot%20net.pcap/content"


def test_a_file_that_is_not_what_the_api_promises_is_refused(zenodo: WebServer, workspace: Workspace) -> None:
    """The API's MD5 and the file differ: nothing is listed."""
    zenodo.add("/api/records/42/files/bot%20net.pcap/content", PCAP[:-1] + b"x")
    with pytest.raises(DownloadError, match=f"md5 {MD5} was promised"):
        fetch(workspace, settings("42"))


def test_one_file_can_be_named(zenodo: WebServer, workspace: Workspace) -> None:
    """NUMBER/FILE takes one, whatever its name; one that is not there is missing input."""
    assert [item.name for item in plan(workspace, settings("42/README.md")).items] == ["README.md"]
    with pytest.raises(BadData, match="begins with '# read me'"):
        fetch(workspace, settings("42/README.md"))
    failed = plan(workspace, settings("42/none.pcap")).failed["42/none.pcap"]
    assert isinstance(failed, MissingInput)
    assert "has no file 'none.pcap'" in str(failed)
    assert zenodo.seen


def test_a_record_without_captures_says_what_it_has(zenodo: WebServer, workspace: Workspace) -> None:
    """Its files are named, and how to fetch one of them."""
    zenodo.add("/api/records/42", json.dumps(record({"a.txt": b"x"})))
    with pytest.raises(BadData, match=r"it has 'a\.txt'"):
        fetch(workspace, settings("42"))


def test_search_and_info_tell_what_the_api_says(zenodo: WebServer) -> None:
    """Two pages of hits are put together; a record's files are listed with their sizes."""
    one = record({"a.pcap": PCAP})
    pages = {"1": [one | {"id": number} for number in range(25)], "2": [one | {"id": 99}]}

    def answer(seen: Seen) -> tuple[int, dict[str, str], bytes]:
        page = seen.path.rpartition("page=")[2]
        return 200, {}, json.dumps({"hits": {"hits": pages[page]}}).encode()

    zenodo.answers["/api/records"] = answer
    hits = list(search("zenodo", "bot & net", limit=40, network=LOOPBACK))
    assert (len(hits), hits[-1].id, hits[0].name) == (26, "99", "Botnet traffic")
    assert hits[0].facts["bytes"] == len(PCAP)
    assert "q=bot+%26+net" in zenodo.seen[0].path
    facts = info("zenodo", "42", network=LOOPBACK)
    assert (facts["licence"], facts["files"][0]) == ("cc-by-4.0", f"bot net.pcap ({len(PCAP)} bytes)")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"files": "none"}, "a list `files`, each with `key` and `size` was looked for"),
        ({"id": 42}, "a list `files`"),
        ([1], "a record, as a JSON object"),
    ],
)
def test_an_answer_of_another_form_is_saved_and_named(
    zenodo: WebServer, workspace: Workspace, body: object, said: str
) -> None:
    """The error names what was looked for; the page lies in the workspace."""
    zenodo.add("/api/records/42", json.dumps(body))
    with pytest.raises(DownloadError, match=said) as caught:
        fetch(workspace, settings("42"))
    [saved] = workspace.pages.glob("unexpected-*")
    assert (json.loads(saved.read_text()), str(saved) in str(caught.value)) == (body, True)


def test_html_in_place_of_the_api_is_said(zenodo: WebServer) -> None:
    """A page for people is no record."""
    zenodo.faults["/api/records/42"].append(Fault(200, {"content-type": "text/html"}, body=b"<html>hello"))
    with pytest.raises(DownloadError, match="JSON was expected; text/html came"):
        info("zenodo", "42", network=LOOPBACK)


def test_what_is_no_record_is_a_usage_error() -> None:
    """An id that is none is refused before anything is asked."""
    with pytest.raises(SettingsError, match="is no record of Zenodo"):
        info("zenodo", "../../etc", network=LOOPBACK)
