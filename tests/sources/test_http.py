"""The HTTP client: patient with what passes, firm with what does not, silent on secrets."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpcore
import pytest

from ptml.errors import DownloadError, MissingInput, SettingsError
from ptml.sources.addresses import AddressRefused, CheckedBackend
from ptml.sources.asks import Ask, require_good
from ptml.sources.http import Client
from ptml.sources.patience import Retries, Stopped, Timeouts
from tests.webserver import Fault, Page, WebServer, running, web_fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["web_fixture"]

CERTIFICATE = Path(__file__).with_name("localhost.pem")
QUICK = Retries(attempts=4, first=0.001, longest=2.0)
LONG = Timeouts(connect=20.0, read=20.0, total=60.0)
SHORT = Timeouts(connect=20.0, read=0.5, total=60.0)
SECRET = "k3y-that-nobody-may-see"


def client(
    *,
    allow_private: bool = True,
    retries: Retries = QUICK,
    timeouts: Timeouts = LONG,
    pace: float = 0.0,
    ca: Path | None = None,
    backend: CheckedBackend | None = None,
) -> Client:
    """Make a client that may go to loopback and does not wait long."""
    return Client(
        allow_private=allow_private, retries=retries, timeouts=timeouts, pace=pace, ca=ca, backend=backend
    )


@contextlib.contextmanager
def tls_server() -> Iterator[tuple[str, Callable[[], int]]]:
    """Lend the URL of a page over TLS, and a count of the connections that were made."""
    web = WebServer()
    web.add("/", b"over TLS")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    accepted: list[object] = []
    plain_request = web.server.get_request

    def get_request() -> tuple[socket.socket, Any]:
        connection, address = plain_request()
        accepted.append(address)
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=True), address

    web.server.get_request = get_request  # type: ignore[method-assign]  # the documented place to wrap one
    web.thread.start()
    try:
        yield f"https://127.0.0.1:{web.server.server_port}/", lambda: len(accepted)
    finally:
        web.server.shutdown()
        web.server.server_close()


def test_one_connection_serves_many_requests(web: WebServer) -> None:
    """Connections are used again: five pages come over one."""
    url = web.add("/a", b"hello")
    with client() as http:
        answers = [http.get(url) for _ in range(5)]
    assert [answer.body for answer in answers] == [b"hello"] * 5
    assert web.connections == 1
    assert web.seen[0].headers["user-agent"].startswith("ptml/")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500),
        Fault(503),
        Fault(429),
        Fault(429, {"retry-after": "0"}),
        Fault(0),
        Fault(cut=3),
        Fault(hang=2.0),
    ],
    ids=["500", "503", "429", "429 with Retry-After", "no answer", "cut short", "hangs"],
)
def test_what_may_pass_is_tried_again(web: WebServer, fault: Fault) -> None:
    """Two faults of a kind, then the page: it comes at the third try."""
    url = web.add("/a", b"hello")
    web.faults["/a"].extend([fault, fault])
    with client(timeouts=SHORT if fault.hang else LONG) as http:
        assert http.get(url).body == b"hello"
    assert len(web.seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_other_refusals_are_final(web: WebServer, status: int) -> None:
    """Any other 4xx is asked for once, and its error has exit code 5."""
    url = web.add("/a", b"hello")
    web.faults["/a"].append(Fault(status))
    with client() as http, pytest.raises(DownloadError, match=rf"status {status}") as caught:
        http.get(url)
    assert (len(web.seen), caught.value.exit_code) == (1, 5)


def test_it_gives_up_in_the_end(web: WebServer) -> None:
    """After four tries the last answer is the answer; one that must be good is an error."""
    url = web.add("/a", b"hello")
    web.faults["/a"].extend([Fault(502)] * 8)
    with client() as http:
        assert http.send(Ask(url)).status == 502
        with pytest.raises(DownloadError, match="the host failed"):
            http.get(url)
    assert len(web.seen) == 8


def test_nobody_there_is_said_after_some_tries() -> None:
    """A port where nothing listens is tried as often as all else."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with client() as http, pytest.raises(DownloadError, match=r"refused.*tried 4 times"):
        http.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(web: WebServer, form: str) -> None:
    """In both of its forms; the next request comes no sooner."""
    url = web.add("/a", b"hello")
    asked = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    web.faults["/a"].append(Fault(429, {"retry-after": asked}))
    with client(timeouts=Timeouts(total=10.0)) as http:
        assert http.get(url).body == b"hello"
    first, second = web.seen
    assert 0.9 < second.at - first.at < 4.0


def test_a_host_that_asks_for_too_much_is_not_waited_for(web: WebServer) -> None:
    """An hour's wait is an error at once, which tells what the host asked."""
    url = web.add("/a", b"hello")
    web.faults["/a"].append(Fault(429, {"retry-after": "3600"}))
    began = time.monotonic()
    with client() as http, pytest.raises(DownloadError, match="asks to wait: '3600'"):
        http.get(url)
    assert time.monotonic() - began < 1.0


def test_a_request_has_a_limit_in_all(web: WebServer) -> None:
    """A body that drips, each piece in time, is still given up."""
    url = web.add("/a", bytes(1 << 20))
    web.faults["/a"].append(Fault(drip=0.2))
    with (
        client(timeouts=Timeouts(read=0.5, total=0.6)) as http,
        pytest.raises(DownloadError, match=r"longer than 0\.6 seconds"),
    ):
        http.get(url)


def test_requests_to_a_host_keep_their_distance(web: WebServer) -> None:
    """At a pace of 0.1 s, the last of four threads' requests does not arrive before 0.3 s have gone."""
    url = web.add("/a", b"hello")
    began = time.monotonic()
    with client(pace=0.1) as http:
        threads = [threading.Thread(target=http.get, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(web.seen) == 4
    assert max(seen.at for seen in web.seen) - began >= 0.3


def test_a_post_that_may_have_arrived_is_not_sent_again(web: WebServer) -> None:
    """Unless the one who asks says that it may."""
    web.add("/a", b"{}")
    web.faults["/a"].extend([Fault(0), Fault(0)])
    with client() as http:
        with pytest.raises(DownloadError, match="was not sent again"):
            http.send(Ask(web.url + "/a", "POST", body={"x": 1}))
        assert http.send(Ask(web.url + "/a", "POST", body={"x": 1}, repeatable=True)).body == b"{}"
    assert [seen.body for seen in web.seen] == [b'{"x":1}'] * 3


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", "http:///a", "//"],
)
def test_only_http_is_followed(web: WebServer, target: str) -> None:
    """A first address or a redirect of another scheme, or without a host, is refused."""
    web.add("/a", b"")
    web.faults["/a"].append(Fault(302, {"location": target}))
    with client() as http:
        with pytest.raises(DownloadError, match="GET"):
            http.get(target)
        if "://" in target and target != "http:///a":
            with pytest.raises(DownloadError, match="only http:// and https:// are followed"):
                http.get(web.url + "/a")


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "0.0.0.0",
        "224.0.0.1",
    ],
)
def test_link_local_is_refused_whatever_is_allowed(web: WebServer, host: str) -> None:
    """As a first address, as a redirect, in whatever spelling; nothing is sent there."""
    web.faults["/a"].append(Fault(302, {"location": f"http://{host}/latest/meta-data"}))
    with client(allow_private=True) as http:
        for url in (f"http://{host}/", web.url + "/a"):
            with pytest.raises(AddressRefused, match="never connected to"):
                http.get(url)
    assert len(web.seen) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.1.2.3", "192.168.0.1", "100.64.0.1", "[fd00::1]"])
def test_private_addresses_need_a_word(host: str) -> None:
    """Loopback, private and shared addresses are refused unless --allow-private is given."""
    with (
        client(allow_private=False) as http,
        pytest.raises(AddressRefused, match="--allow-private permits it"),
    ):
        http.get(f"http://{host}/")


class ToServer(httpcore.SyncBackend):
    """Connects to a server on loopback, whatever address it is told, and keeps what it was told."""

    def __init__(self, web: WebServer) -> None:
        self.port = web.server.server_port
        self.told: list[str] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect."""
        assert port
        self.told.append(host)
        return super().connect_tcp("127.0.0.1", self.port, timeout, local_address, socket_options)


@pytest.mark.parametrize("target", ["http://10.255.255.1/", "http://inside.example/"])
def test_a_redirect_to_a_private_address_is_refused(web: WebServer, target: str) -> None:
    """Each hop is checked: the first host is public, the second is private or resolves to such an address."""
    names = {"public.example": ["192.0.43.8"], "inside.example": ["10.255.255.1"]}
    inner = ToServer(web)
    backend = CheckedBackend(
        allow_private=False, resolver=lambda host, _port: names.get(host, [host]), inner=inner
    )
    web.faults["/a"].append(Fault(302, {"location": target}))
    with client(backend=backend) as http, pytest.raises(AddressRefused, match=r"10\.255\.255\.1 .*private"):
        http.get("http://public.example/a")
    assert (web.paths(), inner.told) == (["/a"], ["192.0.43.8"])


def test_a_name_is_asked_for_once_and_its_checked_address_is_used(web: WebServer) -> None:
    """A name that becomes private when it is asked for again is never asked for again."""
    web.add("/a", b"hello")
    answers = iter([["192.0.43.8"], ["127.0.0.1"]])
    inner = ToServer(web)
    backend = CheckedBackend(allow_private=False, resolver=lambda *_: next(answers), inner=inner)
    with client(backend=backend) as http:
        assert http.get("http://rebind.example/a").body == b"hello"
    assert inner.told == ["192.0.43.8"]
    with client(backend=backend) as http, pytest.raises(AddressRefused, match=r"127\.0\.0\.1 \(loopback"):
        http.get("http://rebind.example/a")


def test_a_host_with_one_good_address_is_reached_by_it(web: WebServer) -> None:
    """Of several addresses those that are refused are passed over."""
    web.add("/a", b"hello")
    inner = ToServer(web)
    backend = CheckedBackend(
        allow_private=False, resolver=lambda *_: ["10.0.0.1", "169.254.1.1", "192.0.43.8"], inner=inner
    )
    with client(backend=backend) as http:
        assert http.get("http://mixed.example/a").body == b"hello"
    assert inner.told == ["192.0.43.8"]


def test_an_unknown_host_is_not_tried_again() -> None:
    """A name that does not exist is an error that says so."""

    def nobody(host: str, _port: int) -> list[str]:
        raise DownloadError(f"the host {host!r} is unknown")

    backend = CheckedBackend(allow_private=False, resolver=nobody)
    with (
        client(backend=backend) as http,
        pytest.raises(DownloadError, match=r"'nowhere\.invalid' is unknown"),
    ):
        http.get("http://nowhere.invalid/")


@pytest.mark.parametrize(("leaves", "expected"), [(True, None), (False, SECRET)])
def test_secrets_stay_behind_when_a_redirect_leaves_the_host(
    web: WebServer, leaves: bool, expected: str | None
) -> None:
    """Another port is another host; on the same host the secret is kept."""
    with running() as other, client() as http:
        web.add("/b", b"hello")
        other.add("/b", b"hello")
        target = (other if leaves else web).url + "/b"
        web.faults["/a"].append(Fault(303, {"location": target}))
        answer = http.send(Ask(web.url + "/a", secrets={"x-api-key": SECRET}))
        assert (answer.body, answer.url) == (b"hello", target)
        arrived = (other if leaves else web).seen[-1]
        assert arrived.headers.get("x-api-key") == expected
        assert web.seen[0].headers["x-api-key"] == SECRET


def test_a_body_is_not_carried_to_another_host(web: WebServer) -> None:
    """A 307 that would send an upload elsewhere is refused; 303 asks there without it."""
    with running() as other, client() as http:
        other.add("/b", b"{}")
        web.faults["/a"].extend(
            [Fault(307, {"location": other.url + "/b"}), Fault(303, {"location": other.url + "/b"})]
        )
        ask = Ask(web.url + "/a", "POST", body={"x": 1})
        with pytest.raises(DownloadError, match="would send the request's body"):
            http.send(ask)
        assert other.seen == []
        assert http.send(ask).body == b"{}"
        assert (other.seen[0].method, other.seen[0].body) == ("GET", b"")


def test_redirects_end(web: WebServer) -> None:
    """A page that leads to itself is left after five redirects."""
    web.faults["/a"].extend([Fault(302, {"location": "/a"})] * 20)
    with client() as http, pytest.raises(DownloadError, match="more than 5 times"):
        http.get(web.url + "/a")
    assert len(web.seen) == 6


def test_secrets_are_in_no_error_and_no_log(web: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, neither the message nor any log at any level has the key."""
    caplog.set_level(logging.DEBUG)
    web.faults["/a"].extend(
        [
            Fault(401, body=f"no such key: {SECRET}".encode()),
            *[Fault(0)] * 4,
            Fault(302, {"location": "ftp://x/"}),
        ]
    )
    said = []
    with client() as http:
        for _ in range(3):
            ask = Ask(f"{web.url}/a", secrets={"authorization": f"Bearer {SECRET}"})
            with pytest.raises(DownloadError, match="/a") as caught:
                require_good(ask, http.send(ask))
            said += [str(caught.value), repr(ask)]
    assert [text for text in [*said, caplog.text] if SECRET in text] == []


def test_a_secret_that_no_header_may_have_is_refused_without_being_shown() -> None:
    """A key with a line end, as files have them, is a usage error that does not quote it."""
    with pytest.raises(SettingsError, match="x-api-key has characters") as caught:
        Ask("https://example.org", secrets={"x-api-key": SECRET + "\n"})
    assert SECRET not in str(caught.value)


def test_html_in_place_of_json_is_said(web: WebServer) -> None:
    """The error quotes what came, its control characters made harmless."""
    url = web.add("/a", b"<html>\x1b[2J Please log in", kind="text/html; charset=utf-8")
    with client() as http, pytest.raises(DownloadError, match="JSON was expected; text/html came") as caught:
        http.get(url).json()
    assert "\x1b" not in str(caught.value)


def test_a_page_that_is_too_large_is_not_kept(web: WebServer) -> None:
    """More bytes than a page may have are an error."""
    url = web.add("/a", bytes(100_000))
    with client() as http, pytest.raises(DownloadError, match="more than 50000 bytes"):
        http.send(Ask(url), largest=50_000)


def test_stopping_ends_waits_at_once(web: WebServer) -> None:
    """A thread that waits for a minute gives up when the client is told to stop."""
    url = web.add("/a", b"hello")
    web.faults["/a"].append(Fault(429, {"retry-after": "60"}))
    caught: list[Exception] = []

    def ask() -> None:
        try:
            http.get(url)
        except DownloadError as error:
            caught.append(error)

    with client(retries=Retries(longest=100), timeouts=Timeouts(total=100)) as http:
        thread = threading.Thread(target=ask)
        thread.start()
        while not web.seen:
            time.sleep(0.01)
        time.sleep(0.1)
        http.stop()
        thread.join(2.0)
    assert not thread.is_alive()
    assert isinstance(caught[0], Stopped)


def test_the_environments_proxy_is_used(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HTTP_PROXY the request goes to the proxy, in full; what is link-local is refused all the same."""
    monkeypatch.setenv("HTTP_PROXY", web.url)
    monkeypatch.setenv("http_proxy", web.url)
    web.pages["http://far.example/a"] = Page(b"by proxy")
    with client(allow_private=False) as http:
        assert http.get("http://far.example/a").body == b"by proxy"
        for host in ("169.254.169.254", "localhost", "127.0.0.1"):
            with pytest.raises(AddressRefused, match="was not connected to"):
                http.get(f"http://{host}/a")
    assert web.paths() == ["http://far.example/a"]


def test_a_certificate_that_is_not_trusted_is_said_at_once() -> None:
    """TLS failure: the error names the way to trust another certificate; nothing is tried again."""
    with tls_server() as (url, count), client() as http:
        with pytest.raises(DownloadError, match=r"not to be trusted: self.signed certificate") as caught:
            http.get(url)
        assert "--ca FILE" in str(caught.value)
        assert count() == 1


def test_a_certificate_that_is_named_is_trusted() -> None:
    """`ca` names the certificates to trust, in place of all others."""
    with tls_server() as (url, _), client(ca=CERTIFICATE) as http:
        assert http.get(url).body == b"over TLS"


def test_certificates_that_are_not_there_are_said(tmp_path: Path) -> None:
    """A file that is missing, and one that holds none."""
    with pytest.raises(MissingInput, match="does not exist"):
        client(ca=tmp_path / "none.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(SettingsError, match="holds no certificates"):
        client(ca=tmp_path / "empty.pem")
