"""Claims about asking ipinfo, on a server of our own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ptml.errors import SettingsError
from ptml.sources.http import Client
from ptml.sources.ipinfo import Told, ask_ipinfo, is_public, token
from ptml.sources.patience import Retries, Timeouts
from tests.webserver import Fault, WebServer, web_fixture

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["web_fixture"]

KEY = "k3y-that-nobody-may-see"
NZ = {"ip": "8.8.8.8", "asn": "AS64500", "as_name": "Example", "country_code": "NZ", "country": "New Zealand"}
PLACE = {"country": "New Zealand", "asn": "AS64500", "as_name": "Example"}
TWO = ["8.8.8.8", "9.9.9.9"]


def ask(web: WebServer, cache: Path, addresses: Iterable[str]) -> Told:
    """Ask the server on loopback, without waiting long."""
    client = Client(
        allow_private=True,
        retries=Retries(attempts=2, first=0.001, longest=0.01),
        timeouts=Timeouts(connect=5, read=0.3, total=2),
    )
    return ask_ipinfo(addresses, KEY, cache, client=client, url=web.url)


def serve(web: WebServer, *addresses: str) -> None:
    """Tell the same of each address."""
    for address in addresses:
        web.add(f"/lite/{address}", json.dumps(NZ | {"ip": address}), kind="application/json")


def test_an_address_is_asked_about_once(web: WebServer, tmp_path: Path) -> None:
    """The token goes in a header and not in the address; the second time the file answers."""
    serve(web, *TWO)
    cache = tmp_path / "cache" / "ipinfo.json"
    assert ask(web, cache, [*TWO, "8.8.8.8"]) == Told({"8.8.8.8": PLACE, "9.9.9.9": PLACE}, 2)
    assert [seen.headers["authorization"] for seen in web.seen] == [f"Bearer {KEY}"] * 2
    assert KEY not in "".join(web.paths()) + cache.read_text()
    assert ask(web, cache, TWO).asked == 0
    assert len(web.seen) == 2


def test_nobody_is_asked_about_private_and_reserved_addresses(web: WebServer, tmp_path: Path) -> None:
    """Private, loopback, link-local, documentation, multicast, mapped, zoned, broken: no request at all."""
    own = ["10.0.0.1", "192.168.1.1", "127.0.0.1", "169.254.1.1", "192.0.2.1", "224.0.0.251", "0.0.0.0"]
    six = ["fe80::1", "fd00::1", "::1", "::ffff:10.0.0.1", "2001:db8::1", "2600::1%?me", "../me", ""]
    assert ask(web, tmp_path / "c.json", [*own, *six]) == Told({}, 0)
    assert web.seen == []
    assert is_public("2600::1")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(429, {"retry-after": "3600"}), "too many requests"),
        (Fault(500), "status 500"),
        (Fault(403), "access was refused"),
        (Fault(200, body=b"<html>login</html>"), "JSON was expected"),
        (Fault(200, body=b"[1]"), "an object was expected"),
        (Fault(200, hang=1.0), "0.3 s"),
        (Fault(0), ""),
    ],
    ids=["quota", "broken", "refused", "html", "list", "slow", "gone"],
)
def test_at_the_first_failure_no_more_is_asked(
    web: WebServer, tmp_path: Path, fault: Fault, said: str
) -> None:
    """What was told until then is kept, the fault is told without the key, and no third address is tried."""
    serve(web, *TWO, "1.1.1.1")
    web.faults["/lite/9.9.9.9"].extend([fault] * 2)
    told = ask(web, tmp_path / "c.json", [*TWO, "1.1.1.1"])
    assert told.places == {"8.8.8.8": PLACE}
    assert told.fault is not None
    assert said in told.fault
    assert KEY not in told.fault
    assert "/lite/1.1.1.1" not in web.paths()
    web.faults.clear()
    assert ask(web, tmp_path / "c.json", TWO).places.keys() == set(TWO)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"8.8.8.8": 5, "9.9.9.9": {"asn": 7}}'])
def test_a_damaged_cache_is_begun_anew(web: WebServer, tmp_path: Path, content: bytes) -> None:
    """What cannot be read in the file is not believed, and does not stop the asking."""
    serve(web, *TWO)
    cache = tmp_path / "c.json"
    cache.write_bytes(content)
    assert ask(web, cache, ["8.8.8.8"]).places == {"8.8.8.8": PLACE}
    assert json.loads(cache.read_text())["8.8.8.8"] == PLACE


def test_hostile_words_are_plain_and_short(web: WebServer, tmp_path: Path) -> None:
    """A network's name comes from outside: what acts on a terminal is marked, and it is cut."""
    web.add("/lite/8.8.8.8", json.dumps({"country": "\x1b[2J", "as_name": "x" * 10_000, "asn": 5}))
    (place,) = ask(web, tmp_path / "c.json", ["8.8.8.8"]).places.values()
    assert place == {"country": "\ufffd[2J", "as_name": "x" * 120}


def test_without_a_token_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable."""
    monkeypatch.setenv("IPINFO_TOKEN", "  ")
    with pytest.raises(SettingsError, match="IPINFO_TOKEN is not set"):
        token()
