"""Recorded Future Triage, as its clients use the API, from a server on loopback."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ptml.catalog import read_provenance
from ptml.errors import BadData, DownloadError, MissingInput, SettingsError
from ptml.inventory import catalog
from ptml.settings import FetchSettings
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, plan, search
from ptml.sources.registry import Network, about
from ptml.sources.triage import Triage
from tests.builders import EMPTY_PCAP, PCAP
from tests.webserver import Fault, Seen, WebServer, running, web_fixture

if TYPE_CHECKING:
    from ptml.workspace import Workspace

__all__ = ["web_fixture"]

KEY = "0123456789abcdef-secret"
SAMPLE = "240131-abcdefghij"
LOOPBACK = Network(allow_private=True)
PCAPNG = bytes.fromhex("0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000")
"""A section header and nothing more: a capture of the newer format without packets."""
OVERVIEW = f"/v0/samples/{SAMPLE}/overview.json"


@pytest.fixture(name="triage")
def triage_fixture(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """Serve a sample with three runs: a capture of either format, and none."""
    monkeypatch.setenv("PTML_TRIAGE_URL", f"{web.url}/v0")
    monkeypatch.setenv("TRIAGE_API_KEY", KEY)
    monkeypatch.setattr(Triage, "about", replace(Triage.about, pace=0.0))
    web.add(OVERVIEW, json.dumps(overview()), kind="application/json")
    web.add(f"/v0/samples/{SAMPLE}/behavioral1/dump.pcapng", PCAPNG)
    web.add(f"/v0/samples/{SAMPLE}/behavioral2/dump.pcap", PCAP)
    return web


def overview(**other: object) -> dict[str, Any]:
    """Make a sample's overview."""
    return {
        "version": "0.2.2",
        "sample": {"id": SAMPLE, "score": 10, "target": "invoice.exe", "sha256": "ab" * 32},
        "tasks": [
            {"sample": SAMPLE, "kind": "static", "name": "static1", "score": 1},
            run(1, score=10, tags=["trojan", "botnet:epoch4"], platform="windows10-2004_x64"),
            run(2, score=8),
            run(3, score=3),
        ],
        "analysis": {"score": 10, "family": ["heodo"], "tags": ["banker"]},
        "targets": [{"tasks": ["behavioral1", "behavioral3"], "score": 10, "family": ["emotet", "qakbot"]}],
        **other,
    }


def run(number: int, **facts: object) -> dict[str, Any]:
    """Make a run of the sample."""
    return {"kind": "behavioral", "name": f"behavioral{number}", "status": "reported", **facts}


def settings(*ids: str, query: str | None = None, limit: int = 100) -> FetchSettings:
    """Make settings for loopback."""
    return FetchSettings(source="triage", ids=ids, query=query, limit=limit, allow_private=True)


def samples(*numbers: int) -> list[dict[str, Any]]:
    """Make rows of a search."""
    return [
        {"id": f"240131-aaaa{number:06}", "kind": "file", "status": "reported", "filename": f"{number}.exe"}
        for number in numbers
    ]


def test_runs_of_a_sample_become_captures_with_label_and_family(
    triage: WebServer, workspace: Workspace
) -> None:
    """Score 10 and 8 are malicious with 1.0 and 0.8; the older format comes where there is no newer."""
    report = fetch(workspace, settings(SAMPLE))
    rows = {row["name"]: row for row in catalog(workspace)}
    assert list(rows) == [f"{SAMPLE}-behavioral1.pcapng", f"{SAMPLE}-behavioral2.pcap"]
    said = [
        (row["label"], row["label_method"], row["label_confidence"], row["family"], list(row["tags"]))
        for row in rows.values()
    ]
    assert said == [
        ("malicious", "sandbox", 1.0, "emotet", ["botnet:epoch4", "trojan"]),
        ("malicious", "sandbox", 0.8, "emotet", ["banker"]),  # heodo is another name of emotet
    ]
    assert rows[f"{SAMPLE}-behavioral1.pcapng"]["notes"] == (
        "score: 10; platform: windows10-2004_x64; target: invoice.exe; families: emotet, qakbot"
    )
    assert "has no capture: neither dump.pcapng nor dump.pcap" in report.failed[f"{SAMPLE}/behavioral3"]
    origins = read_provenance(workspace).sort("source_id").to_dicts()
    assert [origin["source_id"] for origin in origins] == [f"{SAMPLE}/behavioral1", f"{SAMPLE}/behavioral2"]
    assert origins[0]["citation"].endswith(f"https://tria.ge/{SAMPLE}")
    assert {seen.headers.get("authorization") for seen in triage.seen} == {f"Bearer {KEY}"}


def test_a_low_score_is_no_label(triage: WebServer, workspace: Workspace) -> None:
    """Score 3 is unknown, without confidence or family: malware that did not run scores low, too."""
    items = {item.id: item for item in plan(workspace, settings(SAMPLE)).items}
    low = items[f"{SAMPLE}/behavioral3"]
    assert (low.label, low.confidence, low.family) == ("unknown", None, None)
    assert low.notes == "score: 3; target: invoice.exe; families: emotet, qakbot"
    assert triage.paths() == [OVERVIEW]


def test_what_ran_something_else_does_not_inherit_the_samples_family(
    triage: WebServer, workspace: Workspace
) -> None:
    """A target without a family has none, though the sample as a whole has one."""
    targets = [{"tasks": ["behavioral1"], "family": []}]
    triage.add(OVERVIEW, json.dumps(overview(targets=targets)))
    families = [item.family for item in plan(workspace, settings(SAMPLE)).items]
    assert families == [None, "heodo", None]


def test_search_follows_the_offset_of_the_next_page(triage: WebServer) -> None:
    """Three pages of two; a bare word is a family; no more is asked for than is wanted."""
    pages = {"": ([1, 2], "2024 a&b"), "2024 a&b": ([3, 4], "c"), "c": ([5], None)}

    def answer(seen: Seen) -> tuple[int, dict[str, str], bytes]:
        asked = parse_qs(urlsplit(seen.path).query)
        numbers, following = pages[asked.get("offset", [""])[0]]
        return 200, {}, json.dumps({"data": samples(*numbers), "next": following}).encode()

    triage.answers["/v0/search"] = answer
    assert [hit.name for hit in search("triage", "emotet", limit=9, network=LOOPBACK)] == [
        "1.exe",
        "2.exe",
        "3.exe",
        "4.exe",
        "5.exe",
    ]
    asked = [parse_qs(urlsplit(seen.path).query) for seen in triage.seen]
    assert asked[0] == {"query": ["family:emotet"], "limit": ["9"]}
    assert asked[1]["offset"] == ["2024 a&b"]
    triage.seen.clear()
    assert len(list(search("triage", "tag:loader AND score:10", limit=3, network=LOOPBACK))) == 3
    assert [parse_qs(urlsplit(seen.path).query)["query"] for seen in triage.seen] == [
        ["tag:loader AND score:10"],
        ["tag:loader AND score:10"],
    ]


def test_a_query_fetches_what_it_finds(triage: WebServer, workspace: Workspace) -> None:
    """`--query` with `--limit 1` ends with one capture."""
    row = samples(1)[0] | {"id": SAMPLE}
    triage.add("/v0/search", json.dumps({"data": [row], "next": None}))
    report = fetch(workspace, settings(query="emotet", limit=1))
    assert (len(report.done), report.failed) == (1, {})


def test_nothing_found_is_no_fault(triage: WebServer, workspace: Workspace) -> None:
    """A search may end with null in place of a list; a fetch of it is missing input."""
    triage.add("/v0/search", json.dumps({"data": None, "next": None}))
    assert list(search("triage", "nosuch", network=LOOPBACK)) == []
    with pytest.raises(MissingInput, match="triage has nothing for 'nosuch'"):
        fetch(workspace, settings(query="nosuch"))


@pytest.mark.usefixtures("triage")
def test_info_tells_of_the_sample_and_its_runs() -> None:
    """Score, families and each run with its score; static analysis is no run."""
    facts = info("triage", f"https://tria.ge/{SAMPLE}", network=LOOPBACK)
    assert (facts["target"], facts["score"], facts["families"]) == ("invoice.exe", 10.0, ["heodo"])
    assert facts["runs"] == [
        "behavioral1 (windows10-2004_x64, reported, score 10)",
        "behavioral2 (reported, score 8)",
        "behavioral3 (reported, score 3)",
    ]


@pytest.mark.usefixtures("triage")
def test_one_run_can_be_named(workspace: Workspace) -> None:
    """SAMPLE/behavioral2 is that run alone; one that is not there is missing input."""
    items = plan(workspace, settings(f"{SAMPLE}/behavioral2")).items
    assert [item.id for item in items] == [f"{SAMPLE}/behavioral2"]
    failed = plan(workspace, settings(f"{SAMPLE}/behavioral9")).failed[f"{SAMPLE}/behavioral9"]
    assert isinstance(failed, MissingInput)


def test_a_sample_that_was_not_run_is_said(triage: WebServer, workspace: Workspace) -> None:
    """Static analysis alone leaves no capture."""
    triage.add(OVERVIEW, json.dumps(overview(tasks=[{"name": "static1"}])))
    with pytest.raises(BadData, match="was not run, so that there is no capture"):
        fetch(workspace, settings(SAMPLE))


def test_without_a_key_nothing_is_asked(triage: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable."""
    monkeypatch.delenv("TRIAGE_API_KEY")
    with pytest.raises(SettingsError, match="TRIAGE_API_KEY is not set; nothing was asked"):
        info("triage", SAMPLE, network=LOOPBACK)
    assert triage.seen == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(401, body=b'{"error":"UNAUTHORIZED"}'), r"access was refused \(status 401: .*UNAUTHORIZED"),
        (Fault(403), r"access was refused \(status 403"),
        (Fault(429, {"retry-after": "3600"}), "the quota is used up; it asks to wait: '3600'"),
        (Fault(404, body=b'{"error":"NOT_FOUND"}'), r"it is not there \(status 404: .*NOT_FOUND"),
        (Fault(200, {"content-type": "text/html"}, b"<html>log in"), "JSON was expected; text/html came"),
    ],
)
def test_a_refusal_says_what_it_is_and_never_the_key(triage: WebServer, fault: Fault, said: str) -> None:
    """A wrong key, one without the right, a used-up quota, an unknown sample, a page for people."""
    triage.faults[OVERVIEW].extend([fault] * 9)
    with pytest.raises(DownloadError, match=said) as caught:
        info("triage", SAMPLE, network=LOOPBACK)
    assert KEY not in str(caught.value)


def test_a_refused_capture_is_not_taken_for_a_missing_one(triage: WebServer, workspace: Workspace) -> None:
    """403 on the newer format is said, and the older is not asked for."""
    path = f"/v0/samples/{SAMPLE}/behavioral1/dump.pcapng"
    triage.faults[path].append(Fault(403))
    with pytest.raises(DownloadError, match="access was refused"):
        fetch(workspace, settings(f"{SAMPLE}/behavioral1"))
    assert triage.paths()[-1] == path


def test_the_key_does_not_follow_a_redirect_to_another_host(triage: WebServer, workspace: Workspace) -> None:
    """A capture that is served from a store elsewhere comes, and the store sees no key."""
    with running() as store:
        elsewhere = store.add("/store/x", EMPTY_PCAP)
        path = f"/v0/samples/{SAMPLE}/behavioral1/dump.pcapng"
        triage.faults[path].append(Fault(302, {"location": elsewhere}))
        assert len(fetch(workspace, settings(f"{SAMPLE}/behavioral1")).done) == 1
    assert [("authorization" in seen.headers) for seen in store.seen] == [False]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (OVERVIEW, [1], "a JSON object was looked for"),
        (OVERVIEW, {"tasks": []}, "an object `analysis`"),
        (OVERVIEW, overview(tasks={"a": 1}), "a list `tasks` of objects"),
        ("/v0/search", {"hits": []}, "a list `data` of samples"),
        ("/v0/search", {"data": [{"id": "../../v0/users"}]}, "an `id` of each sample"),
        ("/v0/search", {"data": samples(1), "next": {"a": 1}}, "the offset of the next page"),
    ],
)
def test_an_answer_of_another_form_is_saved_and_named(
    triage: WebServer, workspace: Workspace, path: str, body: object, said: str
) -> None:
    """The error names what was looked for; an id that would lead elsewhere is never asked for."""
    triage.add(path, json.dumps(body))
    with pytest.raises(DownloadError, match=said):
        fetch(workspace, settings(SAMPLE) if path == OVERVIEW else settings(query="emotet"))
    [saved] = workspace.pages.glob("unexpected-*")
    assert json.loads(saved.read_text()) == body
    assert {urlsplit(seen).path for seen in triage.paths()} == {path}


def test_hostile_names_reach_neither_urls_nor_terminals(triage: WebServer, workspace: Workspace) -> None:
    """A run with a path for a name is no run; control characters go; odd values are passed over."""
    tasks = [run(1, score="10", tags=["a\x1b[2J\nb", 7]), {"name": "../../admin"}, {"name": ["behavioral2"]}]
    sample = {"target": "a\x1b[31m\n\u202eexe.pdf"}
    bad = overview(tasks=tasks, sample=sample, targets=["x"], analysis={"score": True, "family": {"a": 1}})
    triage.add(OVERVIEW, json.dumps(bad))
    [item] = plan(workspace, settings(SAMPLE)).items
    assert (item.id, item.tags) == (f"{SAMPLE}/behavioral1", ("a[2J b",))
    assert (item.label, item.family, item.notes) == ("unknown", None, "target: a[31m exe.pdf")
    assert info("triage", SAMPLE, network=LOOPBACK)["target"] == "a[31m exe.pdf"


@pytest.mark.parametrize(
    "identity", ["../../etc", "240131-ABC", f"https://evil.example/{SAMPLE}", f"{SAMPLE}/x"]
)
def test_what_is_no_sample_is_a_usage_error(triage: WebServer, identity: str) -> None:
    """An id that is none is refused before anything is asked."""
    with pytest.raises(SettingsError, match="is no sample of Triage"):
        info("triage", identity, network=LOOPBACK)
    assert triage.seen == []


def test_private_addresses_are_refused_as_ever(triage: WebServer) -> None:
    """The key does not leave for a loopback address without a word."""
    with pytest.raises(DownloadError, match="loopback; --allow-private permits it"):
        info("triage", SAMPLE)
    assert triage.seen == []


def test_the_list_of_sources_tells_what_triage_needs() -> None:
    """Its key's variable, its pace, and that files are not to be passed on."""
    what = about("triage")
    assert (what.needs, what.pace) == ("a key in TRIAGE_API_KEY", 1.0)
    assert "share ids, not files" in what.terms
