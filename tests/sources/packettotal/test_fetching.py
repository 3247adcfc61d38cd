"""Captures of PacketTotal in the workspace: checked, labelled by the user alone, each one once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ptml.catalog import catalog, read_provenance
from ptml.engine import LocalEngine
from ptml.errors import DownloadError, MissingInput, SettingsError
from ptml.manifest import read_manifest
from ptml.parse.stage import parse
from ptml.settings import AddSettings
from ptml.sources.http import Client
from ptml.sources.own import add
from ptml.sources.packettotal.api import PacketTotal
from ptml.sources.packettotal.fetching import Wish, fetch_packettotal, wanted_ids
from ptml.sources.packettotal.live import Live
from ptml.sources.packettotal.waiting import Patience
from tests.packettotal.corpus import Capture, corpus
from tests.packettotal.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.workspace import Workspace

EMOTET, OTHER = corpus()[:2]
MALICIOUS = Wish(label="malicious", family="emotet")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Give a running server."""
    with LoopbackServer() as running:
        yield running


@pytest.fixture
def api(server: LoopbackServer) -> Iterator[PacketTotal]:
    """Give the API with pauses that begin small."""
    with Client(allow_private=True) as client:
        yield PacketTotal(Live(client, server.url, server.service.key), Patience(20, 0.01))


def capture_id(capture: Capture) -> str:
    """Give the id that a capture has in every workspace."""
    return f"c{hashlib.sha256(capture.pcap).hexdigest()[:16]}"


def test_fetched_capture_is_in_the_catalog_with_its_tables(workspace: Workspace, api: PacketTotal) -> None:
    """Hashes, label and origin are listed; the raw folder has tables and capture and nothing carved."""
    report = fetch_packettotal(workspace, api, [EMOTET.md5], MALICIOUS)
    assert report.done == (capture_id(EMOTET),)
    [row] = catalog(workspace)
    assert (row["name"], row["label"], row["family"], row["label_method"], row["label_level"]) == (
        "20180815Emotetinfectionp.pcap", "malicious", "emotet", "option", "capture",
    )  # fmt: skip
    assert (row["md5"], row["sha256"]) == (EMOTET.md5, hashlib.sha256(EMOTET.pcap).hexdigest())
    [origin] = read_provenance(workspace).to_dicts()
    assert (origin["source"], origin["source_id"]) == ("packettotal", EMOTET.md5)
    folder = workspace.raw("packettotal", capture_id(EMOTET))
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names == {"capture.pcap", *(f"{log}.csv" for log in EMOTET.tables)}
    assert list(workspace.scratch.iterdir()) == []


def test_tables_become_logs(workspace: Workspace, api: PacketTotal) -> None:
    """Parsed, each connection has Zeek's names and types, and no line is lost."""
    fetch_packettotal(workspace, api, [EMOTET.md5], MALICIOUS)
    report = parse(workspace, engine=LocalEngine(1))
    assert report.counts["quarantined"] == 0
    manifest = read_manifest(workspace, "parse", capture_id(EMOTET))
    assert manifest is not None
    frame = manifest.scan(workspace, "logs/conn").collect()
    assert frame.height == len(EMOTET.visits)
    first = frame.sort("ts").row(0, named=True)
    assert (first["ts"].isoformat(), first["id.resp_h"], first["id.resp_p"], first["orig_ip_bytes"]) == (
        "2018-08-15T14:15:11.250000+00:00", "10.8.15.1", 53, 71,
    )  # fmt: skip
    assert manifest.scan(workspace, "logs/intel").collect()["Indicator"].to_list() == [
        "emotet-invoice-15.example"
    ]


def test_query_names_what_is_fetched(api: PacketTotal) -> None:
    """Named ids come first, then what a deep search finds, the best first, each once, as many as wanted."""
    found = wanted_ids(api, [OTHER.md5.upper()], query="emotet", limit=3)
    assert len(found) == len(set(found)) <= 4
    assert found[0] == OTHER.md5
    assert len(wanted_ids(api, query="emotet", limit=50)) == 6
    with pytest.raises(SettingsError, match="nothing to fetch"):
        wanted_ids(api)
    with pytest.raises(MissingInput, match="no capture matches 'xyzzy'"):
        wanted_ids(api, query="xyzzy")


def test_what_is_there_is_not_fetched_again(
    workspace: Workspace, server: LoopbackServer, api: PacketTotal
) -> None:
    """The second time nothing goes over the network; with force it does, and nothing changes."""
    fetch_packettotal(workspace, api, [EMOTET.md5], MALICIOUS)
    before = len(server.requests)
    again = fetch_packettotal(workspace, api, [EMOTET.md5], MALICIOUS)
    assert (again.done, again.unchanged, len(server.requests)) == ((), (capture_id(EMOTET),), before)
    forced = fetch_packettotal(workspace, api, [EMOTET.md5], MALICIOUS, force=True)
    assert (forced.unchanged, len(server.of("download"))) == ((capture_id(EMOTET),), 3)
    assert len(catalog(workspace)) == 1


def test_capture_is_dropped_where_asked(workspace: Workspace, api: PacketTotal) -> None:
    """Without its capture file a capture is still the same capture, known by the file's hash."""
    report = fetch_packettotal(workspace, api, [EMOTET.md5], Wish(keep_pcap=False, carved=True))
    folder = workspace.raw("packettotal", capture_id(EMOTET))
    assert report.done == (capture_id(EMOTET),)
    assert not (folder / "capture.pcap").exists()
    assert len(list((folder / "carved").iterdir())) == 1
    assert "carved files were written: they may be live malware" in report.notes


def test_label_is_never_overwritten(workspace: Workspace, api: PacketTotal) -> None:
    """Nothing is said unless the user says it; a later label fills in, a contradiction is told, not done."""
    fetch_packettotal(workspace, api, [EMOTET.md5])
    assert catalog(workspace)[0]["label"] == "unknown"
    fetch_packettotal(workspace, api, [EMOTET.md5], MALICIOUS)
    assert (catalog(workspace)[0]["label"], catalog(workspace)[0]["family"]) == ("malicious", "emotet")
    report = fetch_packettotal(workspace, api, [EMOTET.md5], Wish(label="benign"))
    assert catalog(workspace)[0]["label"] == "malicious"
    assert report.notes == {
        "20180815Emotetinfectionp.pcap: label stays malicious, which contradicts benign": 1
    }


def test_same_capture_from_elsewhere_is_one_capture(
    workspace: Workspace, api: PacketTotal, tmp_path: Path
) -> None:
    """A capture that the user has already keeps its name, label and files, and gets a second origin."""
    own = tmp_path / "mine.pcap"
    own.write_bytes(EMOTET.pcap)
    add(workspace, AddSettings(paths=(own,), label="mixed"), engine=LocalEngine(1))
    report = fetch_packettotal(workspace, api, [EMOTET.md5], MALICIOUS)
    [row] = catalog(workspace)
    assert (row["name"], row["label"], row["source"]) == ("mine.pcap", "mixed", "own, packettotal")
    assert "mine.pcap: label stays mixed, which contradicts malicious" in report.notes
    assert (workspace.raw("own", capture_id(EMOTET)) / "mine.pcap").exists()


def test_archive_of_another_capture_is_refused(
    workspace: Workspace, server: LoopbackServer, api: PacketTotal
) -> None:
    """The capture in the archive must have the MD5 that was asked for; the others go on."""
    server.service.captures[EMOTET.md5] = OTHER
    report = fetch_packettotal(workspace, api, [EMOTET.md5, OTHER.md5], MALICIOUS)
    assert report.done == (capture_id(OTHER),)
    assert "the archive holds another capture: its MD5 is" in report.failed[EMOTET.md5]
    assert [row["md5"] for row in catalog(workspace)] == [OTHER.md5]


def test_failures_are_told_one_by_one(workspace: Workspace, server: LoopbackServer, api: PacketTotal) -> None:
    """A page in place of an archive, and an id that nobody knows, leave the others alone."""
    server.tell("download", "html")
    unknown = "0" * 32
    report = fetch_packettotal(workspace, api, [EMOTET.md5, unknown, OTHER.md5], MALICIOUS, jobs=1)
    assert report.done == (capture_id(OTHER),)
    assert "in its place came what begins with" in report.failed[EMOTET.md5]
    assert "not known there" in report.failed[unknown]
    with pytest.raises(DownloadError, match=rf"nothing was fetched: {unknown}: .*not known there"):
        fetch_packettotal(workspace, api, [unknown], MALICIOUS)


def test_an_empty_name_is_replaced_by_the_id(
    workspace: Workspace, server: LoopbackServer, api: PacketTotal
) -> None:
    """A capture without a name is called by its id."""
    server.service.captures[EMOTET.md5] = replace(EMOTET, name="")
    fetch_packettotal(workspace, api, [EMOTET.md5])
    assert catalog(workspace)[0]["name"] == EMOTET.md5
