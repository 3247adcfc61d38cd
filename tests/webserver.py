"""A web server on loopback that serves given pages and, when told, misbehaves."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping
    from socketserver import BaseServer


@dataclass(slots=True)
class Page:
    """What lies at a path; its ETag is its hash.

    Attributes:
        body: Its bytes.
        kind: Its content type.
        ranges: Whether a part of it may be asked for.
        validators: Whether it has an ETag and a date.
    """

    body: bytes
    kind: str = "application/octet-stream"
    ranges: bool = True
    validators: bool = True

    @property
    def etag(self) -> str:
        """Tell this body from others."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass(frozen=True, slots=True)
class Fault:
    """How one request is answered in place of what it asked for.

    Attributes:
        status: The status; 0 closes the connection without a word, 200 serves the page.
        headers: Its headers.
        body: Its body; None: a few words.
        hang: Seconds to wait before anything is said.
        cut: Close the connection after so many bytes of the body.
        drip: Seconds to wait after each 64 KiB of the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    hang: float = 0.0
    cut: int | None = None
    drip: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived: header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


MODIFIED = "Tue, 24 Nov 2026 00:00:00 GMT"
PIECE = 1 << 16


class WebServer:
    """The server: its pages and the faults of the next requests, by path, and what it has seen."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.answers: dict[str, Callable[[Seen], tuple[int, dict[str, str], bytes]]] = {}
        self.seen: list[Seen] = []
        self.connections = 0
        self.stopped = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Give its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def add(
        self,
        path: str,
        body: bytes | str,
        *,
        kind: str = "application/octet-stream",
        ranges: bool = True,
        validators: bool = True,
    ) -> str:
        """Put a page there and give its URL."""
        data = body.encode() if isinstance(body, str) else body
        self.pages[path] = Page(data, kind, ranges, validators)
        return self.url + path

    def paths(self) -> list[str]:
        """List the paths that were asked for, in order."""
        return [seen.path for seen in self.seen]


@contextlib.contextmanager
def running() -> Iterator[WebServer]:
    """Lend a server that runs."""
    server = WebServer()
    server.thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.server.shutdown()
        server.server.server_close()
        server.thread.join()


@pytest.fixture(name="web")
def web_fixture() -> Iterator[WebServer]:
    """Lend a server that runs."""
    with running() as server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(
        self, web: WebServer, request: socket.socket, address: tuple[str, int], server: BaseServer
    ) -> None:
        self.web = web
        web.connections += 1
        super().__init__(request, address, server)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    def do_POST(self) -> None:
        """Answer."""
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, body, time.monotonic())
        self.web.seen.append(seen)
        path = self.path.partition("?")[0]
        faults = self.web.faults[path]
        fault = faults.popleft() if faults else Fault()
        self.web.stopped.wait(fault.hang)
        if fault.status == 0:
            self.close_connection = True
        elif fault.status != 200 or fault.body is not None:
            words = f"told to say {fault.status}".encode()
            self._send(fault.status, {}, words if fault.body is None else fault.body, fault)
        elif path in self.web.answers:
            self._send(*self.web.answers[path](seen), fault)
        else:
            self._send(*_page(self.web.pages.get(path), headers), fault)

    def _send(self, status: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers, **fault.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            sent = body if fault.cut is None else body[: fault.cut]
            if not fault.drip:
                self.wfile.write(sent)
            for start in range(0, len(sent) if fault.drip else 0, PIECE):
                self.wfile.write(sent[start : start + PIECE])
                self.wfile.flush()
                self.web.stopped.wait(fault.drip)
            if fault.cut is not None:
                self.close_connection = True


def _page(page: Page | None, asked: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    if page is None:
        return 404, {"content-type": "text/plain"}, b"no such page"
    headers = {"content-type": page.kind}
    if page.validators:
        headers |= {"etag": page.etag, "last-modified": MODIFIED}
    if page.validators and asked.get("if-none-match") == page.etag:
        return 304, headers, b""
    wanted = asked.get("range", "")
    if page.ranges and wanted.startswith("bytes=") and asked.get("if-range", page.etag) == page.etag:
        start = int(wanted.removeprefix("bytes=").partition("-")[0])
        if start >= len(page.body):
            return 416, headers | {"content-range": f"bytes */{len(page.body)}"}, b""
        headers["content-range"] = f"bytes {start}-{len(page.body) - 1}/{len(page.body)}"
        return 206, headers, page.body[start:]
    return 200, headers, page.body
