"""Uploading: nothing is sent without a yes and a named base URL, and what would be revealed is told first."""

from __future__ import annotations

import gzip
import hashlib
import json
from base64 import b64decode
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData, MissingTool, SettingsError
from ptml.sources.packettotal import uploading
from ptml.sources.packettotal.functions import packettotal_analyze, packettotal_upload
from ptml.sources.packettotal.uploading import examine
from ptml.sources.registry import Network
from ptml.sources.upload.reveal import reveal
from tests.packettotal.corpus import corpus
from tests.packettotal.packets import Talk, dns_query, frames, pcap
from tests.packettotal.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EMOTET = corpus()[0]
LOCAL = Network(allow_private=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Give a running server, and the key and base URL that lead to it."""
    with LoopbackServer() as running:
        monkeypatch.setenv("PACKETTOTAL_API_KEY", running.service.key)
        monkeypatch.setenv("PTML_PACKETTOTAL_URL", running.url)
        yield running


def office(path: Path) -> Path:
    """Write a capture of one's own: a host asks for the address of its printer."""
    talk = Talk(1, ("10.1.2.3", 4000), ("10.1.2.1", 53), "udp", [dns_query(1, "printer.corp.example")])
    path.write_bytes(pcap((one.time, one.frame) for one in frames(talk)))
    return path


def test_nothing_is_sent_without_a_yes(server: LoopbackServer, tmp_path: Path) -> None:
    """Looking is free; sending without a yes is an error that says why."""
    path = office(tmp_path / "office.pcap")
    found = examine(path)
    assert set(found.revealed.private) == {"10.1.2.3", "10.1.2.1"}
    assert list(found.revealed.names) == [("DNS", "printer.corp.example")]
    with pytest.raises(SettingsError, match=r"nothing was sent: uploads become public.*\n.*--yes"):
        packettotal_upload(found, LOCAL)
    assert server.requests == []


def test_nothing_is_sent_to_a_base_url_that_nobody_named(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The service's own address does not count: it has to be named."""
    monkeypatch.delenv("PTML_PACKETTOTAL_URL")
    with pytest.raises(SettingsError, match="an upload needs a base URL that was named; nothing was sent"):
        packettotal_analyze(office(tmp_path / "office.pcap"), LOCAL, yes=True)
    assert server.requests == []


def test_capture_is_sent_and_its_analysis_waited_for(server: LoopbackServer, tmp_path: Path) -> None:
    """The bytes arrive as they are, decompressed, without the file's name, which may tell something too."""
    path = office(tmp_path / "office.pcap")
    packed = tmp_path / "anna-at-corp.pcap.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    done = packettotal_analyze(packed, LOCAL, yes=True, sources=["https://blog.example/a"])
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    assert (done.id, done.known) == (md5, False)
    assert done.info is not None
    assert done.info["name"] == f"{md5[:24]}.pcap"
    [sent] = server.of("analyze")
    body = json.loads(sent.body)
    assert sorted(body) == ["pcap_base64", "sources"]
    assert b64decode(body["pcap_base64"]) == path.read_bytes()
    assert b"anna" not in sent.body


def test_copy_with_other_addresses_is_sent_in_place_of_the_capture(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """What arrives has none of the private addresses; names are still there, and the copy's list says so."""
    path, copy = office(tmp_path / "office.pcap"), tmp_path / "copy.pcap"
    done = packettotal_analyze(path, LOCAL, yes=True, copy_to=copy, wait=False)
    sent = b64decode(json.loads(server.of("analyze")[0].body)["pcap_base64"])
    assert sent == copy.read_bytes()
    assert b"\x0a\x01\x02\x03" not in sent
    assert set(done.examined.revealed.private).isdisjoint({"10.1.2.3", "10.1.2.1"})
    assert list(reveal(copy).names) == [("DNS", "printer.corp.example")]
    assert done.examined.original is not None
    assert "10.1.2.3" in done.examined.original.private
    with pytest.raises(SettingsError, match=r"copy\.pcap exists; nothing was written or sent"):
        examine(path, copy_to=copy)


def test_known_capture_is_not_waited_for_twice(server: LoopbackServer, tmp_path: Path) -> None:
    """What the service has already is told at once."""
    path = tmp_path / "emotet.pcap"
    path.write_bytes(EMOTET.pcap)
    done = packettotal_analyze(path, LOCAL, yes=True)
    assert (done.id, done.known) == (EMOTET.md5, True)
    assert len(server.of("analyze")) == 1


def test_what_is_no_capture_is_not_sent(server: LoopbackServer, tmp_path: Path) -> None:
    """A document is refused by its first bytes, whatever it is called."""
    path = tmp_path / "salaries.pcap"
    path.write_text("a list of salaries")
    with pytest.raises(BadData, match=r"salaries\.pcap is no packet capture; nothing was sent"):
        packettotal_analyze(path, LOCAL, yes=True)
    assert server.requests == []


def test_extra_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the libraries that look into captures there is no upload, and the message names the extra."""
    assert all(find_spec(name) is not None for name in uploading.NEEDED)
    monkeypatch.setattr(uploading, "NEEDED", ("dpkt", "no_such_library"))
    with pytest.raises(MissingTool, match=r"needs no_such_library.*\n.*ptml\[upload\]"):
        examine(office(tmp_path / "office.pcap"))
