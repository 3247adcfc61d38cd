"""The loopback PacketTotal server: a real HTTP server before `service`, and a second one as object store."""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

from tests.packettotal.answers import Answer, Orders, ordered, refusal
from tests.packettotal.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

MD5 = r"(?P<id>[0-9a-f]{32})"
PATHS = (
    ("GET", re.compile("/v1/usage"), "usage"),
    ("GET", re.compile("/v1/search"), "search"),
    ("POST", re.compile("/v1/search/deep"), "deep"),
    ("GET", re.compile(f"/v1/search/deep/results/{MD5}"), "results"),
    ("GET", re.compile("/v1/pcaps"), "random"),
    ("GET", re.compile(f"/v1/pcaps/{MD5}"), "info"),
    ("GET", re.compile(f"/v1/pcaps/{MD5}/analysis"), "analysis"),
    ("GET", re.compile(f"/v1/pcaps/{MD5}/download"), "download"),
    ("GET", re.compile(f"/v1/pcaps/{MD5}/similar"), "similar"),
    ("POST", re.compile("/v1/analyze/base64"), "analyze"),
    ("GET", re.compile(f"/store/{MD5}"), "store"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came.

    Attributes:
        route: What it asked for; empty if that is nothing known.
        method: Its method.
        target: Path and query, undecoded.
        headers: Its headers, names in lower case.
        body: Its body.
        at: When it came, on a clock that only goes forward.
    """

    route: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


class LoopbackServer:
    """Serves on 127.0.0.1 while it is open; ``tell`` says what to answer out of the ordinary.

    >>> with LoopbackServer() as server:
    ...     server.tell("usage", "429:1", "500x2")
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, service: Service | None = None, port: int = 0) -> None:
        self.service = service or Service()
        self.orders = Orders()
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self.doors = [_Door(self, port), _Door(self, 0)]

    @property
    def url(self) -> str:
        """Give the API's base, with the version, without a slash at its end."""
        return f"http://127.0.0.1:{self.doors[0].server_port}/v1"

    @property
    def store(self) -> str:
        """Give the object store's base: another host, as far as a client can tell."""
        return f"http://localhost:{self.doors[1].server_port}/store"

    @property
    def variables(self) -> dict[str, str]:
        """Give the environment that leads a client here."""
        return {"PTML_PACKETTOTAL_URL": self.url, "PACKETTOTAL_API_KEY": self.service.key}

    def tell(self, route: str, *orders: str) -> None:
        """Say what to answer next on a route; see `answers`."""
        self.orders.add(route, *orders)

    def of(self, route: str) -> list[Request]:
        """Give the requests that came on a route."""
        return [request for request in self.requests if request.route == route]

    def __enter__(self) -> Self:
        """Begin to serve."""
        for door in self.doors:
            threading.Thread(target=door.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving, and let go of whoever waits."""
        self.stopping.set()
        for door in self.doors:
            door.shutdown()
            door.server_close()

    def answer(self, request: Request) -> Answer | None:
        """Give the answer to a request; None to say nothing at all."""
        order = self.orders.next(request.route) if request.route else "404"
        if order == "hang":
            self.stopping.wait(60)
            return None
        if order == "cut":
            whole = self._truth(request)
            return Answer(whole.status, whole.body, whole.type, whole.headers, cut=True)
        if order == "ok":
            return self._truth(request)
        return ordered(order, self._elsewhere(request))

    def _elsewhere(self, request: Request) -> str:
        parts = urlsplit(request.target).path.split("/")
        return f"{self.store}/{parts[3]}" if request.route == "download" else request.target

    def _truth(self, request: Request) -> Answer:
        service, path = self.service, urlsplit(request.target).path
        if request.route == "store":
            return service.stored(path.rpartition("/")[2])
        if not service.allows(request.headers.get("x-api-key")):
            return refusal(401 if request.route == "analyze" else 403)
        service.calls += 1
        # The stray quotation mark of the published client arrives within a value, and does no harm there.
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        md5 = found[0] if (found := re.findall(r"[0-9a-f]{32}", path)) else ""
        calls: dict[str, Callable[[], Answer]] = {
            "usage": service.usage,
            "search": lambda: service.search(query.get("query", "")),
            "deep": lambda: service.deep(request.body),
            "results": lambda: service.results(md5),
            "random": service.random,
            "info": lambda: service.info(md5),
            "analysis": lambda: service.analysis(md5),
            "download": lambda: service.download(md5),
            "similar": lambda: service.similar(
                md5,
                query.get("intensity", ""),
                query.get("weighting_mode", ""),
                query.get("prioritize_uncommon_fields", ""),
            ),
            "analyze": lambda: service.analyze(request.body),
        }
        return calls[request.route]()


class _Door(ThreadingHTTPServer):
    """A port where the server can be reached."""

    daemon_threads = True

    def __init__(self, owner: LoopbackServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.owner = owner

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: _Door
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by the library
        """Keep the requests for the tests rather than on the terminal."""

    def _serve(self) -> None:
        owner = self.server.owner
        path = urlsplit(self.path).path
        routes = (name for method, form, name in PATHS if method == self.command and form.fullmatch(path))
        headers = {name.lower(): text for name, text in self.headers.items()}
        # A body is read whatever its type is said to be: the published client sends none.
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(next(routes, ""), self.command, self.path, headers, body)
        owner.requests.append(request)
        answer = owner.answer(request)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        length = {"Content-Type": answer.type, "Content-Length": str(len(answer.body))}
        marks = {"X-Loopback-Assumed": answer.assumed} if answer.assumed else {}
        for name, text in {**length, **marks, **answer.headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
        if answer.cut:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
