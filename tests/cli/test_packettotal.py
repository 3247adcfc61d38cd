"""PacketTotal's own calls on the command line, against the loopback server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ptml.cli import app
from tests.packettotal.corpus import corpus
from tests.packettotal.packets import Talk, dns_query, frames, pcap
from tests.packettotal.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

EMOTET = corpus()[0]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Give a running server, and the key and base URL that lead to it."""
    with LoopbackServer() as running:
        monkeypatch.setenv("PACKETTOTAL_API_KEY", running.service.key)
        monkeypatch.setenv("PTML_PACKETTOTAL_URL", running.url)
        yield running


def ptml(*words: str, private: bool = True) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, [*words, *(["--allow-private"] if private else [])])


def test_usage_is_shown_and_as_json(server: LoopbackServer) -> None:
    """A table for people, the service's own object for machines."""
    assert "loopback" in ptml("packettotal", "usage").stdout
    assert json.loads(ptml("packettotal", "usage", "--json").stdout)["user"] == "loopback"
    assert len(server.requests) == 2


def test_analysis_warns_of_the_flag(server: LoopbackServer) -> None:
    """The flag never stands alone: it comes with how weak it is, for people and for machines."""
    shown = ptml("packettotal", "analysis", EMOTET.md5)
    assert "malicious_traffic: false; the flag is weak" in shown.stdout
    assert "10.8.15.1" in shown.stdout
    assert "ET POLICY PE EXE or DLL Windows file download HTTP" in shown.stdout
    told = json.loads(ptml("packettotal", "analysis", EMOTET.md5, "--json", "--accuracy", "high").stdout)
    assert told["malicious_traffic"] is False
    assert told["malicious_traffic_warning"].startswith("the flag is weak")
    assert server.requests[-1].target.endswith("/analysis?accuracy=high")


def test_random_and_similar(server: LoopbackServer) -> None:
    """The chosen capture says that it was chosen; similar ones are listed, the most alike first."""
    assert "selected randomly" in ptml("packettotal", "random").stdout
    found = ptml("similar", EMOTET.md5, "--intensity", "medium", "--weighting-mode", "content", "--json")
    rows = json.loads(found.stdout)["results"]
    assert [row["id"] for row in rows[:5]] == sorted(
        (one.md5 for one in corpus()[1:6]),
        key=lambda md5: (-{row["id"]: row["similarity"] for row in rows}[md5], md5),
    )
    assert "17 similar captures" in ptml("similar", EMOTET.md5).stdout
    assert "intensity=medium&weighting_mode=content" in server.of("similar")[0].target


def test_similar_looks_at_packettotal_only_for_an_md5_that_is_not_at_hand(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """A capture's id is looked for in the workspace, and no request is made."""
    said = ptml("similar", "c00f1d3a522d98c2d", "--data", str(tmp_path / "none"))
    assert said.exit_code == 3
    assert server.requests == []


def test_what_capture_would_reveal_is_shown_before_it_is_sent(server: LoopbackServer, tmp_path: Path) -> None:
    """A dry run lists and sends nothing; without a yes the list is there too, and exit code 2."""
    path = tmp_path / "office.pcap"
    talk = Talk(1, ("10.1.2.3", 4000), ("10.1.2.1", 53), "udp", [dns_query(1, "evil\x1b[2J.example")])
    path.write_bytes(pcap((one.time, one.frame) for one in frames(talk)))
    for words, code in ((["--dry-run"], 0), ([], 2)):
        shown = ptml("packettotal", "analyze", str(path), *words)
        assert shown.exit_code == code
        assert "10.1.2.3" in shown.stdout
        assert "evil\ufffd[2J.example" in shown.stdout
    assert server.requests == []
    sent = ptml("packettotal", "analyze", str(path), "--yes", "--json", "--no-wait")
    assert json.loads(sent.stdout)["known"] is False
    assert [request.route for request in server.requests] == ["analyze"]


def test_errors_have_their_exit_codes(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong id and a missing key are bad usage; a refused key, an unknown capture are failed downloads."""
    assert ptml("packettotal", "analysis", "emotet").exit_code == 2
    assert ptml("packettotal", "analysis", "0" * 32).exit_code == 5
    refused = ptml("packettotal", "usage", private=False)
    assert (refused.exit_code, "--allow-private permits it" in refused.stderr) == (5, True)
    monkeypatch.setenv("PACKETTOTAL_API_KEY", "wrong-key")
    wrong = ptml("packettotal", "usage")
    assert (wrong.exit_code, "wrong-key" in wrong.output) == (5, False)
    monkeypatch.delenv("PACKETTOTAL_API_KEY")
    assert ptml("packettotal", "usage").exit_code == 2
    assert server.of("usage")[-1].headers["x-api-key"] == "wrong-key"


def test_trail_is_recorded_and_replayed_without_key_and_network(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was recorded can be shown again word for word; what was not is missing input."""
    trail = str(tmp_path / "trail")
    first = ptml("packettotal", "analysis", EMOTET.md5, "--record", trail)
    monkeypatch.delenv("PACKETTOTAL_API_KEY")
    monkeypatch.setenv("PTML_PACKETTOTAL_URL", "http://192.0.2.1:9/v1")
    again = ptml("packettotal", "analysis", EMOTET.md5, "--replay", trail, private=False)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert ptml("packettotal", "usage", "--replay", trail, private=False).exit_code == 3
    assert ptml("packettotal", "usage", "--replay", trail, "--record", trail).exit_code == 2
    kept = [path.read_bytes() for path in (tmp_path / "trail").iterdir() if path.name != ".lock"]
    assert [server.service.key.encode() in data for data in kept] == [False, False]


def test_search_info_and_fetch_by_the_common_commands(server: LoopbackServer, tmp_path: Path) -> None:
    """The walk: search deeply, look closer with the warning, plan, fetch, and see it in the catalog."""
    place = ["--data", str(tmp_path / "ws")]
    found = ptml("search", "packettotal", "emotet", "--deep", *place)
    assert "6 hits" in found.stdout
    assert EMOTET.md5 in found.stdout
    known = ptml("info", "packettotal", EMOTET.md5, *place)
    assert "20180815Emotetinfectionp.pcap" in known.stdout
    assert "malicious_traffic: false; the flag is weak" in known.stdout
    before = len(server.requests)
    planned = ptml("fetch", "packettotal", EMOTET.md5, "--dry-run", "--json", *place)
    assert [one["id"] for one in json.loads(planned.stdout)["would_fetch"]] == [EMOTET.md5]
    assert len(server.requests) == before
    words = ["--label", "malicious", "--family", "emotet", "--drop-pcap", "--json"]
    done = json.loads(ptml("fetch", "packettotal", EMOTET.md5, *words, *place).stdout)
    listed = json.loads(ptml("catalog", "--json", *place, private=False).stdout)["captures"]
    assert [row["capture_id"] for row in listed] == done["done"]
    assert (listed[0]["label"], listed[0]["family"], listed[0]["md5"]) == ("malicious", "emotet", EMOTET.md5)


def test_hostile_answers_do_nothing_to_the_terminal(server: LoopbackServer) -> None:
    """Control characters in whatever the service says are shown as marks."""
    evil = "evil\x1b[2J"
    server.tell(
        "info", "json:" + json.dumps({"pcap_metadata": {"md5": EMOTET.md5, "name": evil, "logs": [evil]}})
    )
    summary = {
        "top_talkers": {evil: {evil: 1}},
        "signatures": [evil],
        "external_references": [{evil: evil}],
        evil: 1,
    }
    server.tell("analysis", "json:" + json.dumps({"analysis_summary": summary}))
    server.tell("search", "json:" + json.dumps({"results": [{"id": evil, "found_in": [evil], evil: 1}]}))
    server.tell("usage", "json:" + json.dumps({evil: evil}))
    server.tell("similar", "json:" + json.dumps({"similar": {"results": [{evil: evil}]}, "intensity": evil}))
    server.tell("random", "403", "json:" + json.dumps({"message": evil}))
    for words in (
        ["info", "packettotal", EMOTET.md5],
        ["search", "packettotal", "x"],
        ["packettotal", "usage"],
        ["similar", EMOTET.md5],
        ["packettotal", "random"],
        ["packettotal", "random"],
    ):
        shown = ptml(*words)
        assert shown.exit_code in {0, 5}, shown.output
        assert "\x1b[2J" not in shown.output
