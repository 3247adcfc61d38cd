"""The loopback server answers what the published SDK sent, request by request as it was recorded.

The client here is Python's own `http.client`: what goes over the wire is written out, not made by ptml, but
for the last test, which compares.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from ptml.sources.http import Client
from ptml.sources.packettotal.api import PacketTotal
from ptml.sources.packettotal.live import Live
from tests.packettotal.corpus import corpus
from tests.packettotal.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

EMOTET = corpus()[0]
SENT = {"Accept": "*/*", "User-Agent": "python-requests/2.21.0", "x-api-key": "loopback-key"}
QUERY = "botnet OR malware"
QUERY_ID = "089f9e75d8142e185e84e8668da4b9b8"
"""A query and its id, as the README of the R package has them."""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Give a server of which nothing is asked yet."""
    with LoopbackServer() as running:
        yield running


def send(
    server: LoopbackServer, method: str, target: str, body: object = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send a request as it stands, and give status, headers and body of the answer."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    with contextlib.closing(connection):
        connection.request(method, target, data, SENT | named)
        answer = connection.getresponse()
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()


def ask(server: LoopbackServer, method: str, target: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401 - JSON
    """Send a request that must be answered by JSON and 200."""
    status, _, data = send(server, method, target, body, **headers)
    assert status == 200
    return json.loads(data)


def test_search_with_the_stray_quotation_mark(server: LoopbackServer) -> None:
    """The SDK's search ends in a quotation mark, and an ampersand cuts its query short; it is found still."""
    found = ask(server, "GET", "/v1/search?query=a%20b&c&pretty=false%22")
    assert list(found) == ["result_count", "results"]
    found = ask(server, "GET", "/v1/search?query=emotet&c&pretty=false%22")
    assert found["result_count"] == len(found["results"]) == 5
    assert sorted(found["results"][0]) == ["found_in", "id", "match_score"]
    scores = [one["match_score"] for one in found["results"]]
    assert scores == sorted(scores, reverse=True)


def test_deep_search_without_a_content_type(server: LoopbackServer) -> None:
    """The body is read although the SDK does not say what it is; its id is the MD5 of the query."""
    first = ask(server, "POST", "/v1/search/deep", {"query": QUERY})
    again = ask(server, "POST", "/v1/search/deep", {"query": QUERY})
    assert "content-type" not in server.requests[0].headers
    assert again == {
        "search_id": QUERY_ID,
        "message": "Deep search exists.",
        "results_uri": f"/v1/search/deep/results/{QUERY_ID}",
    }
    assert first["search_id"] == QUERY_ID
    results = f"/v1/search/deep/results/{QUERY_ID}?pretty=false"
    assert send(server, "GET", results)[0] == 202
    found = ask(server, "GET", results)
    assert list(found) == ["results", "result_count"]
    assert found["result_count"] == 3


def test_a_content_type_on_a_get_does_no_harm(server: LoopbackServer) -> None:
    """After an upload the SDK says of every request that it is JSON, of a GET too."""
    found = ask(server, "GET", f"/v1/pcaps/{EMOTET.md5}", content_type="application/json")
    assert list(found["pcap_metadata"])[:3] == ["md5", "name", "byte_size"]
    assert found["pcap_metadata"]["md5"] == EMOTET.md5
    assert found["pcap_metadata"]["analysis_link"] == f"/pcaps/{EMOTET.md5}/analysis"
    assert found["pcap_metadata"]["name"] == "20180815Emotetinfectionp.pcap"


def test_indicators_with_an_empty_term(server: LoopbackServer) -> None:
    """The SDK drops the next-to-last of a list of indicators and asks for an empty one instead."""
    query = quote('"emotet-invoice-15.example" OR "203.0.113.81" OR ""')
    found = ask(server, "GET", f"/v1/search?query={query}&pretty=false%22")
    assert [one["id"] for one in found["results"]] == [EMOTET.md5]


def test_similar_captures_echo_what_was_asked_with_its_quirk(server: LoopbackServer) -> None:
    """Whatever the SDK sends as prioritize_uncommon_fields, even false, comes back as true."""
    path = f"/v1/pcaps/{EMOTET.md5}/similar"
    query = "intensity=low&weighting_mode=behavior&prioritize_uncommon_fields=false&pretty=false"
    found = ask(server, "GET", f"{path}?{query}")
    assert {name: found[name] for name in ("intensity", "weighting_mode", "prioritize_uncommon_fields")} == {
        "intensity": "low",
        "weighting_mode": "behavior",
        "prioritize_uncommon_fields": True,
    }
    assert ask(server, "GET", path)["prioritize_uncommon_fields"] is False
    assert found["similar"]["result_count"] == len(found["similar"]["results"]) > 0
    assert all(len(one) == 4 for one in found["similar"]["results"])


def test_upload_of_a_new_and_of_a_known_capture(server: LoopbackServer) -> None:
    """A new capture is accepted, not found while analysed, and then known; a known one is pointed to."""
    data = EMOTET.pcap + bytes(16)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    body = {"pcap_base64": base64.b64encode(data).decode(), "pcap_name": "some.pcap", "sources": []}
    status, _, answer = send(server, "POST", "/v1/analyze/base64", body, content_type="application/json")
    assert (status, json.loads(answer)["id"]) == (202, md5)
    assert [send(server, "GET", f"/v1/pcaps/{md5}")[0] for _ in range(3)] == [404, 404, 200]
    status, headers, _ = send(server, "POST", "/v1/analyze/base64", body, content_type="application/json")
    assert (status, headers["location"]) == (303, f"/v1/pcaps/{md5}")


def test_archive_is_prepared_first(server: LoopbackServer) -> None:
    """A download is accepted, and the next time the archive is there: capture, tables and carved files."""
    path = f"/v1/pcaps/{EMOTET.md5}/download"
    assert send(server, "GET", path)[0] == 202
    status, headers, data = send(server, "GET", path)
    assert (status, headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
        assert archive.read(f"{EMOTET.md5}/{EMOTET.name}") == EMOTET.pcap
    assert {"20180815Emotetinfectionp.pcap", "conn.csv", "signature_alerts.csv", "intel.csv"} < set(names)
    assert [name for name in names if name.startswith("carved_files/")] != []


def test_archive_in_an_object_store(server: LoopbackServer) -> None:
    """Told so, the server points to another host for the archive, as the SDK seems to have met it."""
    server.tell("download", "303")
    status, headers, _ = send(server, "GET", f"/v1/pcaps/{EMOTET.md5}/download")
    assert (status, urlsplit(headers["location"]).hostname) == (303, "localhost")


def test_summary_has_its_blocks_in_their_order(server: LoopbackServer) -> None:
    """Blocks come in the attested order, http last where there is http; Emotet counts as harmless."""
    found = ask(server, "GET", f"/v1/pcaps/{EMOTET.md5}/analysis")["analysis_summary"]
    assert list(found) == [
        "top_talkers", "connection_statistics", "dns_statistics", "file_statistics", "signatures",
        "external_references", "malicious_traffic", "accuracy", "http_statistics",
    ]  # fmt: skip
    assert (found["malicious_traffic"], len(found["signatures"])) == (False, 4)
    quiet = ask(server, "GET", f"/v1/pcaps/{corpus()[-1].md5}/analysis")["analysis_summary"]
    assert "http_statistics" not in quiet


def test_usage_random_and_a_wrong_key(server: LoopbackServer) -> None:
    """Usage has a user, the random capture says that it is one, and a bad key is forbidden everything."""
    assert "user" in ask(server, "GET", "/v1/usage")
    assert "message" in ask(server, "GET", "/v1/pcaps")["pcap_metadata"]
    assert send(server, "GET", "/v1/usage", x_api_key="wrong")[0] == 403
    assert send(server, "POST", "/v1/analyze/base64", {}, x_api_key="wrong")[0] == 401


def test_server_answers_as_it_is_told(server: LoopbackServer) -> None:
    """Orders are carried out one by one, with what goes with them, and then the truth comes again."""
    server.tell("usage", "202x2", "429:2", "429", "504", "html", "json:[]", "303")
    answers = [send(server, "GET", "/v1/usage") for _ in range(9)]
    assert [status for status, _, _ in answers] == [202, 202, 429, 429, 504, 200, 200, 303, 200]
    assert [headers.get("retry-after") for _, headers, _ in answers[2:4]] == ["2", None]
    assert answers[5][2].startswith(b"<!doctype html>")
    assert answers[6][2] == b"[]"
    with pytest.raises(ValueError, match="no route 'usages'"):
        server.tell("usages", "404")
    with pytest.raises(ValueError, match="no order '4O4'"):
        server.tell("usage", "4O4")


def test_server_cuts_a_body_short(server: LoopbackServer) -> None:
    """Told to, it promises the whole body and sends half of it."""
    server.tell("usage", "cut")
    with pytest.raises(http.client.IncompleteRead):
        send(server, "GET", "/v1/usage")


def test_ours_get_the_same(server: LoopbackServer) -> None:
    """What the published client's requests are answered, ptml's are too, word for word."""
    deep = f"/v1/search/deep/results/{hashlib.md5(b'emotet', usedforsecurity=False).hexdigest()}?pretty=false"
    similar = "intensity=low&weighting_mode=behavior&prioritize_uncommon_fields=false&pretty=false"
    ask(server, "POST", "/v1/search/deep", {"query": "emotet"})
    assert send(server, "GET", deep)[0] == 202
    theirs = {
        "search": ask(server, "GET", "/v1/search?query=emotet&pretty=false%22")["results"],
        "deep": ask(server, "GET", deep)["results"],
        "info": ask(server, "GET", f"/v1/pcaps/{EMOTET.md5}", content_type="application/json")[
            "pcap_metadata"
        ],
        "analysis": ask(server, "GET", f"/v1/pcaps/{EMOTET.md5}/analysis")["analysis_summary"],
        "similar": ask(server, "GET", f"/v1/pcaps/{EMOTET.md5}/similar?{similar}")["similar"]["results"],
        "random": ask(server, "GET", "/v1/pcaps")["pcap_metadata"],
    }
    with Client(allow_private=True) as client:
        api = PacketTotal(Live(client, server.url, server.service.key))
        ours = {
            "search": api.search("emotet"),
            "deep": api.deep_search("emotet"),
            "info": api.info(EMOTET.md5),
            "analysis": api.analysis(EMOTET.md5),
            "similar": api.similar(EMOTET.md5)["results"],
            "random": api.random(),
        }
    assert ours == theirs
