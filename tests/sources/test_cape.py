"""CAPE, as its own server answers, from a server on loopback."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ptml.catalog import read_catalog, read_provenance
from ptml.errors import BadData, DownloadError, SettingsError
from ptml.inventory import catalog
from ptml.settings import FetchSettings
from ptml.sources.cape import Cape
from ptml.sources.fetch import fetch
from ptml.sources.http import LARGEST_PAGE
from ptml.sources.looking import info, plan, search
from ptml.sources.registry import Network, about
from tests.builders import PCAP
from tests.webserver import Fault, WebServer, web_fixture

if TYPE_CHECKING:
    from ptml.workspace import Workspace

__all__ = ["web_fixture"]

KEY = "0123456789abcdef0123456789abcdef01234567"
LOOPBACK = Network(allow_private=True)
DIGEST = hashlib.sha256(PCAP).hexdigest()
SHA256 = "ab" * 32
REPORT = "/apiv2/tasks/get/report/42/json/"
SHORT = "/apiv2/tasks/get/iocs/42/"
CAPTURE = "/apiv2/tasks/get/pcap/42/"
SEARCH = f"/apiv2/tasks/search/sha256/{SHA256}/"


@pytest.fixture(name="cape")
def cape_fixture(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """Serve one task with its report and capture."""
    monkeypatch.setenv("PTML_CAPE_URL", web.url)
    monkeypatch.setenv("CAPE_API_KEY", KEY)
    monkeypatch.setattr(Cape, "about", replace(Cape.about, pace=0.0))
    web.add(REPORT, json.dumps(report()), kind="application/json", validators=False)
    web.add(CAPTURE, PCAP, kind="application/vnd.tcpdump.pcap", ranges=False, validators=False)
    return web


def report(**other: object) -> dict[str, Any]:
    """Make a task's report."""
    return {
        "info": {"id": 42, "started": "2026-11-01 10:00:00", "package": "exe"},
        "target": {"category": "file", "file": {"name": "invoice.exe", "sha256": SHA256}},
        "malscore": 10.0,
        "malfamily": "Heodo",
        "network": {"pcap_sha256": DIGEST},
        "signatures": [{"name": "antivm_generic"}, {"name": None}, "x"],
        **other,
    }


def settings(*ids: str, query: str | None = None) -> FetchSettings:
    """Make settings for loopback."""
    return FetchSettings(source="cape", ids=ids, query=query, allow_private=True)


def test_a_task_becomes_a_capture_with_label_and_family(cape: WebServer, workspace: Workspace) -> None:
    """Score 10 is malicious with confidence 1.0; heodo is emotet; every request bears the token."""
    fetch(workspace, settings("42"))
    [row] = catalog(workspace)
    names = ("name", "label", "label_method", "label_confidence", "family", "sha256")
    assert tuple(row[name] for name in names) == (
        "cape-42.pcap",
        "malicious",
        "sandbox",
        1.0,
        "emotet",
        DIGEST,
    )
    assert row["notes"] == f"score: 10; target: invoice.exe; sha256: {SHA256}; families: Heodo"
    [origin] = read_provenance(workspace).to_dicts()
    assert (origin["source_id"], origin["citation"]) == ("42", f"CAPE Sandbox, {cape.url}, task 42")
    assert cape.paths() == [REPORT, CAPTURE]
    assert {seen.headers.get("authorization") for seen in cape.seen} == {f"Token {KEY}"}


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ({"detections": [{"family": "Qakbot", "details": []}, {"family": "Emotet"}]}, "Qakbot"),
        ({"detections": "Qakbot"}, "Qakbot"),
        ({"malfamily": "", "detections": {"family": "Qakbot"}}, "Qakbot"),
        ({"detections": [7, {"family": ["x"]}]}, None),
        ({"malfamily": "Qakbot", "malscore": 7.9}, None),
    ],
)
def test_the_family_in_the_forms_of_older_and_newer_cape(
    cape: WebServer, workspace: Workspace, said: dict[str, object], family: str | None
) -> None:
    """One name, a list of detections, or one; a run that does not count as malicious has none."""
    cape.add(REPORT, json.dumps(report(malfamily=None) | said))
    [item] = plan(workspace, settings("42")).items
    assert item.family == family


@pytest.mark.parametrize("value", [7.9, 0, -1, 11, "10", True, None, float("nan")])
def test_a_low_score_or_none_is_no_label(cape: WebServer, workspace: Workspace, value: object) -> None:
    """Below 8, and what is no number from 0 to 10, is unknown without confidence."""
    cape.add(REPORT, json.dumps(report(malscore=value)))
    [item] = plan(workspace, settings("42")).items
    assert (item.label, item.confidence, item.family) == ("unknown", None, None)


@pytest.mark.parametrize("error", [False, []])
def test_search_by_hash_finds_the_tasks_that_ran_a_file(
    cape: WebServer, workspace: Workspace, error: object
) -> None:
    """A newer CAPE says with an empty list that nothing went wrong; `--query` fetches what is found."""
    tasks = [{"id": 42, "target": "invoice.exe", "status": "reported"}, {"id": 43, "target": "a\x1b[2J"}]
    cape.add(SEARCH, json.dumps({"error": error, "data": tasks}))
    hits = list(search("cape", SHA256.upper(), network=LOOPBACK))
    assert [(hit.id, hit.name, hit.facts["status"]) for hit in hits] == [
        ("42", "invoice.exe", "reported"),
        ("43", "a[2J", None),
    ]
    assert [hit.id for hit in search("cape", SHA256, limit=1, network=LOOPBACK)] == ["42"]
    assert len(fetch(workspace, settings(query=SHA256)).done) == 1


def test_info_tells_what_was_run_and_what_came_of_it(cape: WebServer) -> None:
    """Target, score, families and the names of signatures; the URL may name the API itself."""
    facts = info("cape", "042", network=LOOPBACK)
    assert facts == {
        "task": 42,
        "target": "invoice.exe",
        "sha256": SHA256,
        "started": "2026-11-01 10:00:00",
        "package": "exe",
        "score": 10.0,
        "families": ["Heodo"],
        "signatures": ["antivm_generic"],
    }
    assert cape.paths() == [REPORT]


def test_the_address_may_be_that_of_the_api(cape: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With /apiv2/ at its end, or without, it is the same instance."""
    monkeypatch.setenv("PTML_CAPE_URL", f"{cape.url}/apiv2/")
    assert info("cape", "42", network=LOOPBACK)["task"] == 42


def test_a_report_that_is_too_large_is_asked_for_in_short(cape: WebServer, workspace: Workspace) -> None:
    """The short one has score and family, but no hash; where it is not to be had, the first error stays."""
    cape.add(REPORT, json.dumps(report(behavior="x" * LARGEST_PAGE)))
    short = report()
    del short["network"]
    cape.add(SHORT, json.dumps({"error": False, "data": short}))
    [item] = plan(workspace, settings("42")).items
    assert (item.family, item.promise.sha256) == ("Heodo", None)
    del cape.pages[SHORT]
    failed = plan(workspace, settings("42")).failed["42"]
    assert f"more than {LARGEST_PAGE} bytes came" in str(failed)


def test_an_error_in_a_captures_place_says_cape_own_words(cape: WebServer, workspace: Workspace) -> None:
    """Status 200 with `error: true` is no capture, and the words are made harmless; nothing is kept."""
    said = {"error": True, "error_value": "PCAP does\x1b[2J not exist"}
    cape.add(CAPTURE, json.dumps(said), kind="application/json", validators=False)
    with pytest.raises(DownloadError, match=r"task 42: CAPE says that it cannot: 'PCAP does\[2J not exist'"):
        fetch(workspace, settings("42"))
    assert read_catalog(workspace).is_empty()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (REPORT, {"error": True, "error_value": "Task does not exist"}, "'Task does not exist'"),
        (REPORT, {"error": True}, "it does not say what"),
        (SEARCH, {"error": True, "error_value": "Task Search API is Disabled"}, "Search API is Disabled"),
        (SEARCH, {"error": ["no such hash"], "data": []}, "it does not say what"),
    ],
)
def test_an_unknown_task_is_an_error_at_status_200(
    cape: WebServer, path: str, value: object, said: str
) -> None:
    """CAPE answers 200 and says in JSON what went wrong; it is asked once."""
    cape.add(path, json.dumps(value))
    with pytest.raises(DownloadError, match=said):
        info("cape", "42", network=LOOPBACK) if path == REPORT else search("cape", SHA256, network=LOOPBACK)
    assert cape.paths() == [path]


def test_a_capture_other_than_the_report_says_is_refused(cape: WebServer, workspace: Workspace) -> None:
    """The report's SHA-256 and the capture differ: nothing is listed."""
    cape.add(CAPTURE, PCAP[:-1] + b"x", validators=False)
    with pytest.raises(DownloadError, match=f"sha256 {DIGEST} was promised by the report"):
        fetch(workspace, settings("42"))
    assert read_catalog(workspace).is_empty()


def test_a_page_in_a_captures_place_is_said(cape: WebServer, workspace: Workspace) -> None:
    """The bytes tell, whatever the content type says; JSON that is no error is no capture either."""
    for body in (b"<html>log in</html>", b'{"data": 1}', b"{ nonsense", b""):
        cape.add(CAPTURE, body, kind="application/vnd.tcpdump.pcap", validators=False)
        with pytest.raises(BadData, match="holds no capture"):
            fetch(workspace, settings("42"))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            Fault(401, body=b'{"detail":"Invalid token."}'),
            r"access was refused \(status 401: .*Invalid token",
        ),
        (Fault(403), r"access was refused \(status 403"),
        (Fault(404), r"it is not there \(status 404"),
        (Fault(429, {"retry-after": "3600"}), "the quota is used up; it asks to wait: '3600'"),
        (Fault(200, {"content-type": "text/html"}, b"<html>log in"), "JSON was expected; text/html came"),
    ],
)
def test_a_refusal_says_what_it_is_and_never_the_key(cape: WebServer, fault: Fault, said: str) -> None:
    """A wrong key, one without the right, no such page, a used-up quota, a page for people."""
    cape.faults[REPORT].extend([fault] * 9)
    with pytest.raises(DownloadError, match=said) as caught:
        info("cape", "42", network=LOOPBACK)
    assert KEY not in str(caught.value)


def test_a_host_that_asks_for_a_short_rest_is_given_it(cape: WebServer, workspace: Workspace) -> None:
    """429 with Retry-After: 1 on the capture is waited for, and the capture comes."""
    cape.faults[CAPTURE].append(Fault(429, {"retry-after": "1"}))
    assert len(fetch(workspace, settings("42")).done) == 1
    first, second = (seen.at for seen in cape.seen if seen.path == CAPTURE)
    assert second - first >= 1.0


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (REPORT, [1], "a report, as an object with `info`"),
        (REPORT, {"malscore": 10}, "a report, as an object with `info`"),
        (SEARCH, {"error": False, "data": {"id": 42}}, "a list `data` of tasks"),
        (SEARCH, {"error": False, "data": [{"id": "../../1"}]}, "an `id` of each task"),
    ],
)
def test_an_answer_of_another_form_is_saved_and_named(
    cape: WebServer, workspace: Workspace, path: str, value: object, said: str
) -> None:
    """The error names what was looked for; an id that would lead elsewhere is never asked for."""
    cape.add(path, json.dumps(value))
    with pytest.raises(DownloadError, match=said):
        fetch(workspace, settings("42") if path == REPORT else settings(query=SHA256))
    [saved] = workspace.pages.glob("unexpected-*")
    assert json.loads(saved.read_text()) == value
    assert cape.paths() == [path]


def test_without_a_key_nothing_is_asked(cape: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable."""
    monkeypatch.delenv("CAPE_API_KEY")
    with pytest.raises(SettingsError, match="CAPE_API_KEY is not set; nothing was asked"):
        info("cape", "42", network=LOOPBACK)
    assert cape.seen == []


def test_what_is_no_task_and_no_hash_is_a_usage_error(cape: WebServer) -> None:
    """Both are refused before anything is asked."""
    for identity in ("../42", "42/../1", "-1", "٤٢", ""):
        with pytest.raises(SettingsError, match="is no task of CAPE"):
            info("cape", identity, network=LOOPBACK)
    for query in ("emotet", "g" * 64, "ab", "../" * 8 + "abcdefgh"):
        with pytest.raises(SettingsError, match="is no hash"):
            search("cape", query, network=LOOPBACK)
    assert cape.seen == []


def test_five_requests_a_minute_are_the_pace() -> None:
    """Twelve seconds between two requests, one at a time; the key's variable is named."""
    what = about("cape")
    assert (what.pace, what.jobs, what.needs) == (12.0, 1, "a key in CAPE_API_KEY")
