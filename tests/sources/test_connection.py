"""Connections give what httpcore's own give, however the bytes arrive, and copy less."""

from __future__ import annotations

import itertools
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpcore
import pytest
from httpcore._backends.sync import SyncStream
from hypothesis import given
from hypothesis import strategies as st

from ptml.sources.certificates import Certificates
from ptml.sources.connection import BUFFER, Pool
from ptml.sources.streams import StoppableBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "http://example.org/a"
TOLD = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nETag: x\r\n\r\nhello world"
ANSWERS = {
    "length": TOLD,
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    "both": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\nhello world",
    "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
    "no body": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
    "early hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" + TOLD,
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "cut": TOLD[:-3],
    "cut in the head": TOLD[:20],
    "nothing": b"",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
    "odd length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


def ours(backend: httpcore.NetworkBackend) -> Pool:
    """Make a pool of ours."""
    return Pool(Certificates(), backend, connections=2, idle=30.0)


def theirs(backend: httpcore.NetworkBackend) -> httpcore.ConnectionPool:
    """Make httpcore's own."""
    return httpcore.ConnectionPool(network_backend=backend, max_connections=2, keepalive_expiry=30.0)


def told(make: Callable[[httpcore.NetworkBackend], httpcore.ConnectionPool], pieces: list[bytes]) -> object:
    """Ask over a connection that gives these pieces; tell what came, and whether it may be used again."""
    with make(httpcore.MockBackend(pieces)) as pool:
        try:
            answer = pool.request("GET", URL)
        except httpcore.RemoteProtocolError:
            return "broken"
        used_again = [one.is_idle() for one in pool.connections]
        return answer.status, answer.headers, answer.content, answer.extensions["http_version"], used_again


@pytest.mark.parametrize("name", ANSWERS)
@given(cuts=st.lists(st.integers(1, 120)))
def test_answers_are_httpcores(name: str, cuts: list[int]) -> None:
    """Status, head, body, faults and whether the connection stays are httpcore's, wherever reads are cut."""
    data = ANSWERS[name]
    edges = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)] + [b""]
    assert told(ours, list(pieces)) == told(theirs, list(pieces))


def test_more_than_told_is_left() -> None:
    """Of what a host sends beyond what it told nothing is given, and the connection is not used again."""
    with ours(httpcore.MockBackend([TOLD + b"!HTTP/1.1 200 OK", b""])) as pool:
        assert pool.request("GET", URL).content == b"hello world"
        assert pool.connections == []


def test_unread_bodies_close() -> None:
    """A connection whose answer was not read to its end is not used again."""
    with ours(httpcore.MockBackend([TOLD, b""])) as pool, pool.stream("GET", URL) as answer:
        next(answer.iter_stream())
    assert pool.connections == []


def test_head_asks_for_no_body() -> None:
    """The answer to HEAD has a length and no body."""
    with ours(httpcore.MockBackend([TOLD[: TOLD.index(b"hello")], b""])) as pool:
        answer = pool.request("HEAD", URL)
        assert (answer.status, answer.content) == (200, b"")


@pytest.fixture
def wire() -> Iterator[tuple[httpcore.NetworkBackend, socket.socket, threading.Event]]:
    """Lend a backend whose one connection leads to the socket beside it, and what tells it to stop."""
    near, far = socket.socketpair()

    class Wire(httpcore.NetworkBackend):
        def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
            stream: httpcore.NetworkStream = SyncStream(near)
            return stream

    stopping = threading.Event()
    with near, far:
        yield StoppableBackend(Wire(), stopping), far, stopping


def read(backend: httpcore.NetworkBackend, extensions: dict[str, Any], came: bytearray) -> None:
    """Read a body piece by piece."""
    with ours(backend) as pool, pool.stream("GET", URL, extensions=extensions) as answer:
        for piece in answer.iter_stream():
            came += piece


def test_lent_buffer_holds_the_pieces(
    wire: tuple[httpcore.NetworkBackend, socket.socket, threading.Event],
) -> None:
    """With a buffer lent, the pieces lie in it, are as large as it, and are the body."""
    backend, far, _ = wire
    body = bytes(range(256)) * 10
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2560\r\n\r\n"
    far.sendall(head + body[:1])

    def write() -> None:
        for at in range(1, 2560, 100):
            far.sendall(body[at : at + 100])

    writer = threading.Timer(0.05, write)
    writer.start()
    buffer = bytearray(1000)
    came = []
    with ours(backend) as pool, pool.stream("GET", URL, extensions={BUFFER: buffer}) as answer:
        for piece in answer.iter_stream():
            came.append(bytes(piece))
            assert isinstance(piece, bytes) or piece.obj is buffer
    writer.join()
    assert [len(piece) for piece in came] == [1, 1000, 1000, 559]
    assert b"".join(came) == body


def test_what_came_before_a_cut_is_given(
    wire: tuple[httpcore.NetworkBackend, socket.socket, threading.Event],
) -> None:
    """Where a body breaks off, what is in the buffer by then is given before the fault is told."""
    backend, far, _ = wire
    far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")

    def cut() -> None:
        far.sendall(b"cd")
        far.close()

    cutter = threading.Timer(0.1, cut)
    cutter.start()
    came = bytearray()
    with pytest.raises(httpcore.RemoteProtocolError, match="received 4 bytes, expected 100"):
        read(backend, {BUFFER: bytearray(1000)}, came)
    cutter.join()
    assert came == b"abcd"


@pytest.mark.parametrize("stop", [True, False])
def test_silence_ends(
    wire: tuple[httpcore.NetworkBackend, socket.socket, threading.Event], *, stop: bool
) -> None:
    """A host that falls silent is waited for as long as was said, or until all is to stop."""
    backend, far, stopping = wire
    far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")
    extensions: dict[str, Any] = {BUFFER: bytearray(1000), "timeout": {"read": 60.0 if stop else 0.3}}
    if stop:
        stopping.set()
    came = bytearray()
    with pytest.raises(httpcore.ReadTimeout):
        read(backend, extensions, came)
    assert came == b"ab"
