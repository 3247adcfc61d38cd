"""PacketTotal as a source: searched, asked, fetched into the workspace, recorded and replayed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ptml.catalog import read_provenance
from ptml.engine import LocalEngine
from ptml.errors import DownloadError, MissingInput, SettingsError
from ptml.inventory import catalog
from ptml.manifest import read_manifest
from ptml.parse.stage import parse
from ptml.settings import AddSettings, FetchSettings
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, plan, search
from ptml.sources.own import add
from ptml.sources.protocol import FindsSimilar, Options
from ptml.sources.registry import Network, about, opened
from tests.packettotal.corpus import Capture, corpus
from tests.packettotal.server import LoopbackServer
from tests.packettotal.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.stage import StageReport
    from ptml.workspace import Workspace

EMOTET, OTHER = corpus()[:2]
LOCAL = Network(allow_private=True)
UNKNOWN = "0" * 32


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Give a running server, and the key and base URL that lead to it."""
    with LoopbackServer(Service(preparing=0)) as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


def fetched(workspace: Workspace, *ids: str, force: bool = False, **settings: object) -> StageReport:
    """Fetch captures of the loopback server."""
    values = {"source": "packettotal", "ids": ids, "allow_private": True} | settings
    return fetch(workspace, FetchSettings.model_validate(values), force=force)


def capture_id(capture: Capture) -> str:
    """Give the id that a capture has in every workspace."""
    return f"c{hashlib.sha256(capture.pcap).hexdigest()[:16]}"


def test_source_tells_about_itself() -> None:
    """It needs a key, and the offer does not hide that the service is gone."""
    assert about("packettotal").needs == "a key in PACKETTOTAL_API_KEY"
    assert "reported down since 2021" in about("packettotal").offers


def test_search_finds_the_best_few_or_all(server: LoopbackServer) -> None:
    """A plain search gives five of the six, a deep one all, and neither more than wanted."""
    few = search("packettotal", "emotet", network=LOCAL)
    deep = search("packettotal", "emotet", network=LOCAL, options=Options(deep=True))
    assert (len(few), len(deep)) == (5, 6)
    assert [hit.id for hit in few] == [hit.id for hit in deep[:5]]
    assert sorted(few[0].facts) == ["found_in", "match_score"]
    assert len(search("packettotal", "emotet", limit=2, network=LOCAL)) == 2
    assert len(server.of("search")) == 2


def test_info_has_the_analysis_with_it(server: LoopbackServer) -> None:
    """One answer tells what the capture is and sums it up; where there is no analysis it says so."""
    known = info("packettotal", EMOTET.md5, network=LOCAL)
    assert known["info"]["name"] == "20180815Emotetinfectionp.pcap"
    assert known["analysis"]["malicious_traffic_warning"].startswith("the flag is weak")
    server.tell("analysis", "404")
    known = info("packettotal", EMOTET.md5, network=LOCAL)
    assert known["notes"] == [
        f"no analysis: GET /pcaps/{EMOTET.md5}/analysis: not known there (status 404: 'Not Found')"
    ]
    assert known["analysis"]["signatures"] == []


@pytest.mark.usefixtures("server")
def test_similar_captures_by_the_common_shape() -> None:
    """The source is one that knows which captures are alike."""
    with opened("packettotal", LOCAL) as (source, _):
        assert isinstance(source, FindsSimilar)
        assert [hit.id in {one.md5 for one in corpus()[1:6]} for hit in source.similar(EMOTET.md5, 3)] == [
            True
        ] * 3


@pytest.mark.usefixtures("server")
def test_fetched_capture_is_in_the_catalog_with_its_tables(workspace: Workspace) -> None:
    """Hashes, label and origin are listed; the raw folder has tables and capture and nothing carved."""
    report = fetched(workspace, EMOTET.md5, label="malicious", family="emotet")
    assert report.done == (capture_id(EMOTET),)
    assert report.notes == {"carved and other files stayed in the archive, which is not kept": 1}
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
    assert list(workspace.partial.iterdir()) == []


@pytest.mark.usefixtures("server")
def test_tables_become_logs(workspace: Workspace) -> None:
    """Parsed, each connection has Zeek's names and types, and no line is lost."""
    fetched(workspace, EMOTET.md5)
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
    intel = manifest.scan(workspace, "logs/intel").collect()
    assert intel["Indicator"].to_list() == ["emotet-invoice-15.example"]


def test_query_fetches_all_that_it_finds(workspace: Workspace, server: LoopbackServer) -> None:
    """A query is a deep search, so that more than the best few come; the user's word is their label."""
    server.service.preparing = 1
    report = fetched(workspace, query="emotet", limit=50, label="malicious", family="emotet", drop_pcap=True)
    assert report.done == tuple(sorted(capture_id(one) for one in corpus()[:6]))
    assert {(row["label"], row["family"]) for row in catalog(workspace)} == {("malicious", "emotet")}
    assert list(workspace.root.rglob("capture.pcap")) == []
    assert len(server.of("deep")) == 1
    with pytest.raises(MissingInput, match="packettotal has nothing for 'xyzzy'"):
        fetched(workspace, query="xyzzy")


def test_what_is_there_is_not_asked_for_again(workspace: Workspace, server: LoopbackServer) -> None:
    """The second time nothing goes over the network, and the plan says so; with force it does."""
    fetched(workspace, EMOTET.md5)
    before = len(server.requests)
    again = fetched(workspace, EMOTET.md5.upper())
    assert (again.done, again.unchanged) == ((), (capture_id(EMOTET),))
    settings = FetchSettings(source="packettotal", ids=(EMOTET.md5, OTHER.md5), allow_private=True)
    planned = plan(workspace, settings)
    assert [item.id for item in planned.items] == [OTHER.md5]
    assert [item.id for item, _ in planned.known] == [EMOTET.md5]
    assert len(server.requests) == before
    fetched(workspace, EMOTET.md5, force=True)
    assert len(server.requests) > before


@pytest.mark.usefixtures("server")
def test_carved_files_are_written_where_asked(workspace: Workspace) -> None:
    """A carved file lies under its hash alone, and the report warns of it."""
    report = fetched(workspace, EMOTET.md5, carved=True)
    [data] = EMOTET.carved.values()
    path = (
        workspace.raw("packettotal", capture_id(EMOTET))
        / "carved"
        / f"{hashlib.sha256(data).hexdigest()}.bin"
    )
    assert path.read_bytes() == data
    assert "carved files were written: they may be live malware" in report.notes


@pytest.mark.usefixtures("server")
def test_same_capture_from_elsewhere_is_one_capture(workspace: Workspace, tmp_path: Path) -> None:
    """A capture that the user has already keeps its name, label and files, and gets a second origin."""
    own = tmp_path / "mine.pcap"
    own.write_bytes(EMOTET.pcap)
    add(workspace, AddSettings(paths=(own,), label="mixed"), engine=LocalEngine(1))
    report = fetched(workspace, EMOTET.md5, label="malicious")
    [row] = catalog(workspace)
    assert (row["name"], row["label"], row["source"]) == ("mine.pcap", "mixed", "own, packettotal")
    assert "mine.pcap: packettotal says malicious, the catalog keeps mixed" in report.notes
    assert (workspace.raw("own", capture_id(EMOTET)) / "mine.pcap").exists()


def test_failures_are_told_one_by_one(workspace: Workspace, server: LoopbackServer) -> None:
    """A page for an archive, another capture in it, an unknown id and what is none leave the others alone."""
    third, fourth = corpus()[2:4]
    server.tell("download", "html")
    server.service.captures[third.md5] = fourth
    ids = (EMOTET.md5, third.md5, UNKNOWN, "emotet", OTHER.md5)
    report = fetched(workspace, *ids, jobs=1)
    assert report.done == (capture_id(OTHER),)
    assert "in its place came what begins with '<!doctype html>" in report.failed[EMOTET.md5]
    assert f"the archive holds another capture: its MD5 is {fourth.md5}" in report.failed[third.md5]
    assert "not known there (status 404" in report.failed[UNKNOWN]
    assert "is no id of a capture" in report.failed["emotet"]
    with pytest.raises(DownloadError, match=rf"nothing was fetched from packettotal: {UNKNOWN}"):
        fetched(workspace, UNKNOWN)


def test_an_odd_name_is_made_one_line(workspace: Workspace, server: LoopbackServer) -> None:
    """A name with line ends becomes one line, and a capture without a name is called by its id."""
    server.service.captures[EMOTET.md5] = replace(EMOTET, name="two\n lines")
    server.service.captures[OTHER.md5] = replace(OTHER, name="")
    fetched(workspace, EMOTET.md5, OTHER.md5)
    assert {row["name"] for row in catalog(workspace)} == {"two lines", OTHER.md5}


def test_fetch_is_replayed_without_network_and_key(
    workspace: Workspace, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the trail of a fetch the same captures come into another workspace, byte for byte."""
    trail, other = tmp_path / "trail", replace(workspace, root=tmp_path / "other")
    first = fetched(workspace, query="emotet", limit=2, record=trail)
    for name in server.variables:
        monkeypatch.delenv(name)
    before = len(server.requests)
    again = fetched(other, query="emotet", limit=2, replay=trail)
    assert again.done == first.done
    assert len(server.requests) == before
    assert [row["sha256"] for row in catalog(other)] == [row["sha256"] for row in catalog(workspace)]
    assert all(server.service.key.encode() not in path.read_bytes() for path in trail.iterdir())
    with pytest.raises(SettingsError, match="--record and --replay exclude each other"):
        fetched(other, EMOTET.md5, record=trail, replay=trail)


def test_options_that_a_source_has_no_use_for_are_refused() -> None:
    """A list of URLs cannot be searched deeply: that is said, not passed over."""
    with pytest.raises(SettingsError, match="has no use for --deep"):
        search("manifest", "x", options=Options(deep=True))
