"""The ten calls against the loopback server: what is asked, what comes of it, and what can go wrong."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import threading
import time
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ptml.errors import DownloadError, SettingsError
from ptml.sources.addresses import CheckedBackend
from ptml.sources.http import Client
from ptml.sources.packettotal.api import LARGEST_UPLOAD, PacketTotal, search_id
from ptml.sources.packettotal.calls import Into
from ptml.sources.packettotal.functions import connected
from ptml.sources.packettotal.live import Live
from ptml.sources.packettotal.source import OWN_URL, PacketTotalSource
from ptml.sources.packettotal.waiting import Patience
from ptml.sources.pages import Pages
from ptml.sources.patience import Retries, Stopped, Timeouts
from ptml.sources.protocol import Access, Options
from ptml.sources.registry import Network
from tests.packettotal.corpus import corpus
from tests.packettotal.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EMOTET = corpus()[0]
UNKNOWN = "0" * 32


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Give a running server, and the key and base URL that lead to it."""
    with LoopbackServer() as running:
        monkeypatch.setenv("PACKETTOTAL_API_KEY", running.service.key)
        monkeypatch.setenv("PTML_PACKETTOTAL_URL", running.url)
        yield running


@pytest.fixture
def api(server: LoopbackServer) -> Iterator[PacketTotal]:
    """Give the API with little patience."""
    with impatient(server) as api:
        yield api


@contextlib.contextmanager
def impatient(
    server: LoopbackServer, seconds: float = 5.0, key: str = "loopback-key"
) -> Iterator[PacketTotal]:
    """Lend the API with waits and pauses that begin small, and a read that may take half a second."""
    retries, timeouts = Retries(first=0.01), Timeouts(read=0.5, total=10)
    with Client(allow_private=True, retries=retries, timeouts=timeouts) as client:
        yield PacketTotal(Live(client, server.url, key), Patience(seconds, 0.01), key)


def into(tmp_path: Path) -> Into:
    """Name the file that an archive is to go to."""
    return Into(tmp_path / "a.zip", tmp_path / "partial")


def test_usage_and_random(api: PacketTotal) -> None:
    """Usage comes in the service's own words; the random capture says that it is one."""
    assert api.usage()["user"] == "loopback"
    assert api.random()["message"].startswith("This PCAP was selected randomly")


def test_search_sends_the_query_whole(server: LoopbackServer, api: PacketTotal) -> None:
    """Blanks, quotes and ampersands of a query arrive, unlike with the published client."""
    found = api.search('"emotet-invoice-15.example" OR "a&b"')
    assert [one["id"] for one in found] == [EMOTET.md5]
    assert server.requests[-1].target.count("&") == 0
    assert api.search("no such thing") == []


def test_deep_search_is_begun_and_waited_for(server: LoopbackServer, api: PacketTotal) -> None:
    """Results are asked for by the known id, then the search is begun, then they are waited for."""
    server.service.preparing = 2
    found = api.deep_search("emotet")
    assert len(found) == 6
    assert [request.route for request in server.requests] == [
        "results",
        "deep",
        "results",
        "results",
        "results",
    ]
    assert server.requests[0].target == f"/v1/search/deep/results/{search_id('emotet')}"


def test_deep_search_goes_on_without_being_begun_again(server: LoopbackServer, api: PacketTotal) -> None:
    """A search that anybody began is not begun again: one request, and no quota is spent on it."""
    first = api.deep_search("emotet")
    before = len(server.requests)
    assert api.deep_search("emotet") == first
    assert [request.route for request in server.requests[before:]] == ["results"]


def test_info_analysis_and_similar(server: LoopbackServer, api: PacketTotal) -> None:
    """Each is asked for by id; the rare fields are only mentioned when they are wanted."""
    assert api.info(EMOTET.md5.upper())["name"] == EMOTET.name
    assert api.analysis(EMOTET.md5, "high")["accuracy"] == "perfect"
    found = api.similar(EMOTET.md5, intensity="medium", weighting_mode="content")
    assert found["prioritize_uncommon_fields"] is False
    assert (found["intensity"], found["weighting_mode"]) == ("medium", "content")
    assert api.similar(EMOTET.md5, prioritize_uncommon_fields=True)["prioritize_uncommon_fields"] is True
    assert [request.target.partition("?")[2] for request in server.requests] == [
        "",
        "accuracy=high",
        "intensity=medium&weighting_mode=content",
        "intensity=low&weighting_mode=behavior&prioritize_uncommon_fields=true",
    ]
    assert len(found["results"]) == found["result_count"]


def test_download_waits_while_the_archive_is_built(
    server: LoopbackServer, api: PacketTotal, tmp_path: Path
) -> None:
    """After any number of 202 the archive comes, the key is with each request, and it is the capture's."""
    server.tell("download", "202x3")
    path = api.download(EMOTET.md5, into(tmp_path))
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert f"{EMOTET.md5}/conn.csv" in archive.namelist()
    assert len(server.of("download")) == 5
    assert {request.headers["x-api-key"] for request in server.of("download")} == {server.service.key}


def test_key_stays_at_home_when_a_redirect_leaves(
    server: LoopbackServer, api: PacketTotal, tmp_path: Path
) -> None:
    """The archive comes from another host, and that host does not get the key."""
    server.tell("download", "303")
    assert api.download(EMOTET.md5, into(tmp_path)).read_bytes()[:2] == b"PK"
    [request] = server.of("store")
    assert "x-api-key" not in request.headers
    assert server.service.key not in str(request)


def test_upload_of_a_new_capture_is_waited_for(server: LoopbackServer, api: PacketTotal) -> None:
    """It is accepted, not found while it is analysed, and then known by its MD5 and the name given."""
    data = EMOTET.pcap + bytes(16)
    done = api.analyze(data, name="office.pcap", sources=["https://blog.example/a"])
    assert (done.id, done.known) == (hashlib.md5(data, usedforsecurity=False).hexdigest(), False)
    assert api.analysed(done.id)["name"] == "office.pcap"
    assert [request.route for request in server.requests] == ["analyze", "info", "info", "info"]


def test_upload_of_a_known_capture_leads_to_it(server: LoopbackServer, api: PacketTotal) -> None:
    """The service points to what it knows, and no second analysis is waited for."""
    done = api.analyze(EMOTET.pcap)
    assert (done.id, done.known, done.queue) == (EMOTET.md5, True, None)
    assert [request.method for request in server.requests] == ["POST", "GET"]


def test_id_that_is_not_the_captures_is_told(server: LoopbackServer, api: PacketTotal) -> None:
    """A service that calls an upload by another id than its MD5 has got something else."""
    server.tell("analyze", 'json:{"id": "00000000000000000000000000000000", "queue": "x"}')
    with pytest.raises(DownloadError, match=r"calls the capture '0{32}', but its MD5 is [0-9a-f]{32}"):
        api.analyze(EMOTET.pcap + bytes(16))


def test_too_large_a_capture_is_not_sent(server: LoopbackServer, api: PacketTotal) -> None:
    """The documented limit is kept before anything goes over the network."""
    with pytest.raises(SettingsError, match=r"more than 6,000,000 bytes.*nothing was sent"):
        api.analyze(bytes(LARGEST_UPLOAD + 1))
    assert server.requests == []


@pytest.mark.parametrize("status", ["401", "403"])
def test_wrong_key_is_told_without_telling_it(server: LoopbackServer, status: str) -> None:
    """Both ways to refuse a key say where it comes from, not what it is, and are not tried again."""
    server.tell("usage", status)
    match = rf"the key was refused \(status {status}.*\n.*PACKETTOTAL_API_KEY"
    with impatient(server, key="wrong-key-1234") as api, pytest.raises(DownloadError, match=match) as told:
        api.usage()
    assert "wrong-key-1234" not in str(told.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("", "PACKETTOTAL_API_KEY is not set; nothing was asked"),
        ("  ", "PACKETTOTAL_API_KEY is not set; nothing was asked"),
        ("two\r\nlines", "characters that no header may have; nothing was sent"),
        ("clé", "characters that no header may have; nothing was sent"),
    ],
)
def test_missing_key_is_told_before_anything_is_asked(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, key: str, match: str
) -> None:
    """Without a key, or with what cannot be one, nothing goes over the network."""
    monkeypatch.setenv("PACKETTOTAL_API_KEY", key)
    with pytest.raises(SettingsError, match=match), connected(Network(allow_private=True)) as api:
        api.usage()
    assert server.requests == []


def test_quota_that_is_used_up_is_told(server: LoopbackServer, api: PacketTotal) -> None:
    """After some more tries the service's own words and what to do are in the message."""
    server.tell("usage", "429x50")
    with pytest.raises(DownloadError, match=r"quota is used up \(status 429: 'Too Many Requests'\)\n.*usage"):
        api.usage()
    assert 1 < len(server.requests) < 10


@pytest.mark.parametrize("orders", [("429:1",), ("429:date",), ("500",), ("504", "500"), ("cut",)])
def test_passing_trouble_is_got_over(
    server: LoopbackServer, api: PacketTotal, orders: tuple[str, ...]
) -> None:
    """Too many requests, a failure, a time-out at the gateway and a body cut short are tried again."""
    server.tell("usage", *orders)
    assert api.usage()["user"] == "loopback"
    assert len(server.requests) == len(orders) + 1


def test_unknown_capture_is_told(server: LoopbackServer, api: PacketTotal, tmp_path: Path) -> None:
    """An id that nobody knows is an error of its own, asked for once; what is no id is not asked for."""
    with pytest.raises(DownloadError, match=r"GET /pcaps/0{32}: not known there \(status 404"):
        api.info(UNKNOWN)
    with pytest.raises(DownloadError, match="not known there"):
        api.download(UNKNOWN, into(tmp_path))
    assert len(server.requests) == 2
    for wrong in ("emotet", "../usage", "0" * 31, "0" * 31 + "g", "a" * 31 + "\n"):
        with pytest.raises(SettingsError, match="is no id of a capture"):
            api.info(wrong)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("order", "match"),
    [
        ("html", r"a JSON object was expected; text/html came \(status 200\).*'<!doctype html>"),
        ("json:[1, 2]", r"a JSON object was expected; application/json came.*'\[1, 2\]'"),
        ("json:{", "a JSON object was expected"),
        ("json:", "a JSON object was expected; application/json came .*, 0 bytes"),
    ],
)
def test_what_is_no_json_object_is_shown(
    server: LoopbackServer, api: PacketTotal, order: str, match: str
) -> None:
    """A page, a list, half an object and nothing each say what came in place of an object."""
    server.tell("usage", order)
    with pytest.raises(DownloadError, match=match):
        api.usage()


def test_answers_of_another_form_name_what_is_missing(server: LoopbackServer, api: PacketTotal) -> None:
    """Where the attested outline is missing, the message has its name and what was there."""
    server.tell("info", 'json:{"metadata": {}}')
    server.tell("search", 'json:{"results": [{"md5": 1}]}')
    server.tell("similar", 'json:{"similar": {"results": 7}}')
    with pytest.raises(DownloadError, match=r"no 'pcap_metadata'.*it has 'metadata'"):
        api.info(EMOTET.md5)
    with pytest.raises(DownloadError, match=r"no 'id'.*it has 'md5'"):
        api.search("x")
    with pytest.raises(DownloadError, match="no 'results'"):
        api.similar(EMOTET.md5)


def test_page_in_place_of_an_archive_is_no_archive(
    server: LoopbackServer, api: PacketTotal, tmp_path: Path
) -> None:
    """A download that is no zip is told by its bytes."""
    server.tell("download", "html")
    with pytest.raises(DownloadError, match=r"in its place came what begins with '<!doctype html>"):
        api.download(EMOTET.md5, into(tmp_path))


def test_patience_ends(server: LoopbackServer, tmp_path: Path) -> None:
    """What stays unready is given up after the time limit, with what to do."""
    server.tell("download", "202x500")
    match = r"was not ready after 0\.3 seconds.*status 202\nTry: run the same again"
    with impatient(server, 0.3) as api, pytest.raises(DownloadError, match=match):
        api.download(EMOTET.md5, into(tmp_path))


def test_wait_ends_when_the_user_stops_it(server: LoopbackServer, tmp_path: Path) -> None:
    """However long the next pause would be, it is over at once."""
    server.tell("download", "202x5")
    with Client(allow_private=True) as client:
        patient = PacketTotal(Live(client, server.url, "loopback-key"), Patience(600, 300))
        timer = threading.Timer(0.3, client.stop)
        timer.start()
        began = time.monotonic()
        with pytest.raises(Stopped, match="stopped while it waited"):
            patient.download(EMOTET.md5, into(tmp_path))
        timer.join()
    assert time.monotonic() - began < 10


def test_numbers_that_json_does_not_have_stay_text(server: LoopbackServer, api: PacketTotal) -> None:
    """What is no number for JSON can be shown again as JSON all the same."""
    server.tell("usage", 'json:{"used": NaN, "left": -Infinity, "rate": 1e999}')
    assert json.dumps(api.usage(), allow_nan=False) == '{"used": "NaN", "left": "-Infinity", "rate": "1e999"}'


def test_silence_is_tried_again_and_then_told(
    server: LoopbackServer, api: PacketTotal, tmp_path: Path
) -> None:
    """A server that says nothing gets other chances; one that never speaks is an error."""
    server.tell("usage", "hang")
    server.tell("store", "cut", "hang")
    server.tell("download", "303x3")
    assert api.usage()["user"] == "loopback"
    assert api.download(EMOTET.md5, into(tmp_path)).read_bytes()[-22:-18] == b"PK\5\6"
    server.tell("usage", "hangx20")
    with pytest.raises(DownloadError, match=r"/v1/usage: nothing came for 0\.5 seconds \(tried 5 times\)"):
        api.usage()


def test_redirect_to_elsewhere_is_refused(server: LoopbackServer, api: PacketTotal, tmp_path: Path) -> None:
    """A redirect to a file or to a link-local address is not followed."""
    for place in ("file:///etc/passwd", "http://169.254.169.254/latest/meta-data/"):
        server.tell("download", f"303:{place}")
        with pytest.raises(DownloadError, match=r"only http|link-local"):
            api.download(EMOTET.md5, into(tmp_path))
    assert not (tmp_path / "a.zip").exists()


def test_loopback_has_to_be_allowed(server: LoopbackServer) -> None:
    """A base URL on this machine is refused unless private addresses are allowed."""
    with connected() as api, pytest.raises(DownloadError, match="--allow-private permits it"):
        api.usage()
    assert server.requests == []


def test_service_that_is_gone_is_said_to_be() -> None:
    """Where the service's own address does not answer, the hint tells of its end and what to do."""
    backend = CheckedBackend(allow_private=False, resolver=lambda _host, _port: ["169.254.1.1"])
    with Client(backend=backend) as client:
        access = Access(client, Pages(client), OWN_URL, "k")
        with pytest.raises(
            DownloadError, match=r"link-local.*\nTry: the service was reported down in 2021"
        ) as told:
            PacketTotalSource(access).api.usage()
        elsewhere = replace(access, url="http://lab.example/v1")
        with pytest.raises(DownloadError, match="link-local") as other:
            PacketTotalSource(elsewhere).api.usage()
    assert "PTML_PACKETTOTAL_URL" in str(told.value)
    assert "2021" not in str(other.value)


@pytest.mark.parametrize(
    "url", ["ftp://a.example/v1", "a.example/v1", "https://", "https://a.example/v1?x=1"]
)
def test_base_url_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A base URL is http or https, has a host and no query."""
    monkeypatch.setenv("PACKETTOTAL_API_KEY", "k")
    with pytest.raises(SettingsError, match="is no base URL of an API"), connected(options=Options(url=url)):
        pass
