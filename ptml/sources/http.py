"""The one HTTP client of all sources: limits on time, tries again, checks addresses, keeps secrets.

Every answer comes back, whatever its status, once trying again has no use; `Client.get` insists on a good
one. Secrets are headers that leave a request when a redirect leads to another host; no message shows them.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Self

import httpx

from ptml.errors import DownloadError
from ptml.sources.addresses import CheckedBackend
from ptml.sources.asks import TOO_MANY, Answer, Ask, require_good
from ptml.sources.connection import BUFFER, BUFFER_BYTES
from ptml.sources.faults import failure, too_long, translating
from ptml.sources.patience import (
    Deadline,
    Pace,
    Retries,
    Stopped,
    Timeouts,
    Transient,
    persist,
    retry_after,
)
from ptml.sources.transport import Transport
from ptml.text import shown_url
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ptml.sources.patience import T

SCHEMES = ("http", "https")
REDIRECTS = 5
UNAVAILABLE = 503
SERVER_ERRORS = range(500, 600)
LARGEST_PAGE = 64 << 20
CONNECTIONS = 16


class Client:
    """Asks hosts; threads may share it.

    Args:
        allow_private: Whether private and loopback addresses may be connected to.
        timeouts: How long things may take.
        retries: How often to try.
        pace: Seconds between the beginnings of two requests to one host.
        ca: A file of certificates to trust in place of all others.
        connections: How many may be open at a time.
        backend: What connects, in place of one that asks the system for the addresses of a host.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        pace: float = 0.0,
        ca: Path | None = None,
        connections: int = CONNECTIONS,
        backend: CheckedBackend | None = None,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self.retries = retries or Retries()
        self.pace = Pace(pace)
        self.stopping = threading.Event()
        self.own = threading.local()
        self.inner = httpx.Client(
            transport=Transport(
                backend or CheckedBackend(allow_private=allow_private),
                self.stopping,
                connections=connections,
                ca=ca,
            ),
            headers={"user-agent": f"ptml/{__version__}"},
            trust_env=False,  # no login from ~/.netrc; proxies and certificates are the transport's
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.inner.close()

    def stop(self) -> None:
        """Let every thread that waits or reads here give up at once."""
        self.stopping.set()

    def get(self, url: str, **parts: Any) -> Answer:  # noqa: ANN401 - the other fields of `Ask`
        """Get a page, and insist that it is good.

        Raises:
            DownloadError: No answer came, or its status says that something is wrong.
        """
        ask = Ask(url, **parts)
        return require_good(ask, self.send(ask))

    def send(self, ask: Ask, *, largest: int = LARGEST_PAGE) -> Answer:
        """Send a request, again where that may help, and read its answer into memory.

        Args:
            ask: The request.
            largest: Bytes that the answer may have.

        Returns:
            The last answer, whatever its status.

        Raises:
            DownloadError: None came, it is too large, or it leads where nobody should go.
        """
        deadline = Deadline(self.timeouts.total)
        last: list[Answer] = []

        def attempt() -> Answer:
            last.clear()
            with self.open(ask, deadline) as response:
                last.append(self._read(ask, response, deadline, largest))
                self.raise_if_transient(ask, response)
            return last[0]

        try:
            return self.persist(attempt, deadline)
        except Transient as error:
            if last:
                return last[0]
            raise failure(ask, error) from error

    def persist(self, attempt: Callable[[], T], deadline: Deadline) -> T:
        """Try until it goes well, as often and as long as this client does.

        Raises:
            Transient: It never did.
        """
        return persist(attempt, self.retries, deadline=deadline, stopping=self.stopping)

    @contextlib.contextmanager
    def open(self, ask: Ask, deadline: Deadline, *, buffered: bool = False) -> Iterator[httpx.Response]:
        """Send a request once, follow its redirects, and lend the answer, its body yet to be read.

        Args:
            ask: The request.
            deadline: When to give up.
            buffered: Whether pieces of the body may share memory: each is gone once the next one is read.

        Raises:
            DownloadError: It leads where nobody should go, or the user stopped it.
            Transient: No answer came.
        """
        request = self._request(ask)
        lent = {BUFFER: self._buffer()} if buffered else {}
        for _ in range(REDIRECTS + 1):
            self._wait_for_turn(request.url.host, deadline)
            request.extensions = {**request.extensions, "timeout": self._timeout(deadline), **lent}
            with translating(ask, self.timeouts):
                response = self.inner.send(request, stream=True)
            try:
                if response.next_request is None:
                    yield response
                    return
                request = _redirected(ask, request, response.next_request)
            finally:
                response.close()
        raise DownloadError(f"{ask}: it was redirected more than {REDIRECTS} times", hint="check the address")

    def pieces(
        self, ask: Ask, response: httpx.Response, deadline: Deadline, *, raw: bool = False
    ) -> Iterator[bytes]:
        """Read an answer's body piece by piece.

        Args:
            ask: The request.
            response: Its answer.
            deadline: When to give up.
            raw: Whether the body is wanted as it was sent, rather than decompressed.

        Raises:
            DownloadError: It took too long, or the user stopped it.
            Transient: It broke off.
        """
        with translating(ask, self.timeouts):
            for piece in response.iter_raw() if raw else response.iter_bytes():
                if self.stopping.is_set():
                    raise Stopped(f"{ask}: stopped")
                if not deadline.left:
                    raise too_long(ask, deadline)
                yield piece

    def raise_if_transient(self, ask: Ask, response: httpx.Response) -> None:
        """Turn a status that another try may better into `Transient`; let the host have its rest.

        Raises:
            Transient: It was 429 or a server's error, and the request may be repeated.
        """
        status = response.status_code
        if status not in SERVER_ERRORS and status != TOO_MANY:
            return
        after = retry_after(response.headers.get("retry-after"))
        if after is not None and after <= self.retries.longest:
            self.pace.hold(response.url.host, after)
        if ask.may_repeat or status in {TOO_MANY, UNAVAILABLE}:
            raise Transient(f"status {status}", after=after)

    def _request(self, ask: Ask) -> httpx.Request:
        try:
            request = self.inner.build_request(
                ask.method,
                ask.url,
                params=dict(ask.query) or None,
                headers={**ask.headers, **ask.secrets},
                json=ask.body,
            )
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            raise DownloadError(f"{ask}: that is no URL ({error})", hint="check the address") from error
        _check_scheme(ask, request.url)
        return request

    def _buffer(self) -> bytearray:
        """Give the thread's buffer."""
        if not hasattr(self.own, "buffer"):
            self.own.buffer = bytearray(BUFFER_BYTES)
        buffer: bytearray = self.own.buffer
        return buffer

    def _wait_for_turn(self, host: str, deadline: Deadline) -> None:
        self.stopping.wait(min(self.pace.reserve(host), deadline.left))
        if self.stopping.is_set():
            raise Stopped(f"{host}: stopped")

    def _timeout(self, deadline: Deadline) -> dict[str, float | None]:
        left = max(deadline.left, 0.001)
        read, connect = min(self.timeouts.read, left), min(self.timeouts.connect, left)
        return httpx.Timeout(connect=connect, read=read, write=read, pool=left).as_dict()

    def _read(self, ask: Ask, response: httpx.Response, deadline: Deadline, largest: int) -> Answer:
        body = bytearray()
        for piece in self.pieces(ask, response, deadline):
            body += piece
            if len(body) > largest:
                raise DownloadError(f"{ask}: more than {largest} bytes came, which is too much for a page")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(str(response.url), response.status_code, headers, bytes(body))


def _redirected(ask: Ask, old: httpx.Request, new: httpx.Request) -> httpx.Request:
    """Take a redirect's request; secrets stay behind when it leaves the host, and so does a body."""
    _check_scheme(ask, new.url)
    if _same_place(old.url, new.url):
        return new
    if new.method not in {"GET", "HEAD"}:
        raise DownloadError(
            f"{ask}: a redirect would send the request's body to {new.url.host}; it was not sent"
        )
    for name in (*ask.secrets, "authorization", "cookie"):
        if name in new.headers:
            del new.headers[name]
    return new


def _same_place(old: httpx.URL, new: httpx.URL) -> bool:
    def place(url: httpx.URL) -> tuple[str, str, int | None]:
        return url.scheme, url.host, url.port

    upgraded = place(old) == ("http", new.host, None) and place(new) == ("https", new.host, None)
    return place(old) == place(new) or upgraded


def _check_scheme(ask: Ask, url: httpx.URL) -> None:
    if url.scheme not in SCHEMES or not url.host:
        raise DownloadError(
            f"{ask}: it leads to {shown_url(str(url))}; only http:// and https:// are followed",
            hint="check the address",
        )
