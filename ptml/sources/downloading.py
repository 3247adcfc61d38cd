"""Downloading a file: it goes on where it broke off, is hashed on its way, and is as promised or not kept.

A file that is not whole lies in the workspace's ``.tmp/partial/``, with what tells whether the host still
has the same, so that a later run goes on with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.errors import DownloadError
from ptml.io import CHUNK_BYTES, writing
from ptml.sources.asks import Ask, bad_status, excerpt
from ptml.sources.faults import failure
from ptml.sources.partial import Partial
from ptml.sources.patience import Deadline, Transient

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from pathlib import Path

    import httpx

    from ptml.sources.http import Client

    Moved = Callable[[int, int], None]
    """Called with (further bytes, further bytes expected); either may be negative."""

WHOLE, PART, NOT_SATISFIABLE = 200, 206, 416
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
WORTH_ANOTHER_ROUND = 1 << 16
HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Promise:
    """What a source says of a file: its size and hashes; None where it does not say."""

    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def is_hash(self) -> bool:
        """Whether there is a hash among it."""
        return self.sha256 is not None or self.md5 is not None


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that has come whole.

    Attributes:
        path: Where it lies.
        url: Where it came from, after redirects.
        size: Its bytes.
        sha256: Its hash.
        md5: Likewise, if it was promised.
        head: Its first bytes.
        resumed: Bytes of it that an earlier try had brought.
    """

    path: Path
    url: str
    size: int
    sha256: str
    md5: str | None
    head: bytes = b""
    resumed: int = 0


def nobody(_bytes: int, _expected: int) -> None:
    """Tell nobody how far it is.

    >>> nobody(1, 2)
    """


def download(
    client: Client, ask: Ask, folder: Path, promise: Promise | None = None, *, moved: Moved = nobody
) -> Downloaded:
    """Download a file into a folder, under a name that its URL gives, and check it.

    Args:
        client: What asks.
        ask: The request.
        folder: Where files lie that are not whole yet.
        promise: What the source says of the file.
        moved: Told of bytes that came, and of bytes that are to come.

    Raises:
        DownloadError: It did not come, or is not what was promised; then it is not kept.
        CannotWrite: There is no room for it.
    """
    promise = promise or Promise()
    partial = Partial(folder, ask)
    for first in (True, False):
        came = _Transfer(client, ask, partial, promise, moved)
        done = came.run()
        fault = _fault(done, promise)
        if fault is None:
            partial.forget()
            return done
        partial.clear()
        moved(-done.size, -came.expected)
        if not (first and done.resumed):  # what an earlier try had brought may be what is wrong
            raise DownloadError(
                f"{ask}: {fault}; what came was not kept",
                hint="run the same again; if it stays so, the source's list or the file has changed",
            )
    raise AssertionError


def write_whole(file: FileIO, piece: bytes) -> None:
    """Write a piece to a file without a buffer, which may take it in parts."""
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def _fault(done: Downloaded, promise: Promise) -> str | None:
    pairs = (("size", promise.size, done.size), ("sha256", promise.sha256, done.sha256))
    for name, expected, came in (*pairs, ("md5", promise.md5, done.md5)):
        if expected is not None and str(expected).lower() != str(came):
            return f"{name} {expected} was promised, {came} came"
    return None


@dataclass(slots=True)
class _Transfer:
    """A file on its way, over as many tries as it takes."""

    client: Client
    ask: Ask
    partial: Partial
    promise: Promise
    moved: Moved
    size: int = 0
    resumed: int = 0
    expected: int = 0
    url: str = ""
    head: bytes = b""
    sha256: Any = None
    md5: Any = None

    def __post_init__(self) -> None:
        self.url = self.ask.url
        self._begin_hashes()

    def _begin_hashes(self) -> None:
        self.head = b""
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False) if self.promise.md5 else None

    def run(self) -> Downloaded:
        deadline = Deadline(self.client.timeouts.file)
        self._expect(self.promise.size or 0)
        self._take_up()
        while not self._is_all_here():
            before = self.size
            try:
                self.client.persist(lambda: self._attempt(deadline), deadline)
                break
            except Transient as error:
                # A host that cuts every so often is still followed, as long as each round brings some more.
                if self.size < before + WORTH_ANOTHER_ROUND or not deadline.left:
                    raise failure(self.ask, error) from error
        digest, md5 = self.sha256.hexdigest(), self.md5.hexdigest() if self.md5 else None
        return Downloaded(self.partial.path, self.url, self.size, digest, md5, self.head, self.resumed)

    def _is_all_here(self) -> bool:
        """Tell whether an earlier run was stopped when all had come, which the promised hash will tell."""
        return self.promise.is_hash and self.size == self.promise.size and self.resumed == self.size

    def _take_up(self) -> None:
        """Take up what an earlier run left, if the host can be asked whether it still is the same."""
        if not self.partial.size:
            self.partial.forget()
            return
        if self.partial.validator() is None and not self.promise.is_hash:
            self.partial.clear()
            return
        with self.partial.path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                self._count(piece)
        self.moved(self.size, 0)
        self.resumed = self.size

    def _attempt(self, deadline: Deadline) -> None:
        ask = Ask(
            self.ask.url,
            query=self.ask.query,
            headers={**self.ask.headers, "accept-encoding": "identity", **self._range()},
            secrets=self.ask.secrets,
        )
        with self.client.open(ask, deadline, buffered=True) as response:
            self.client.raise_if_transient(ask, response)
            self.url = str(response.url)
            if response.status_code == NOT_SATISFIABLE and self.size:
                self._start_over()
                raise Transient("the part that is here is no part of the file that is there")
            if response.status_code not in {WHOLE, PART}:
                after = response.headers.get("retry-after")
                raise bad_status(ask, response.status_code, self._words(ask, response, deadline), after)
            if self.size and not self._continues(response):
                self._start_over()
                if response.status_code == PART:
                    raise Transient("another part came than was asked for")
            if not self.size and not self.promise.is_hash:
                self.partial.remember(response.headers)
            self._write(ask, response, deadline)

    def _range(self) -> dict[str, str]:
        validator = self.partial.validator()
        if not self.size or (validator is None and not self.promise.is_hash):
            return {}
        return {"range": f"bytes={self.size}-"} | ({"if-range": validator} if validator else {})

    def _continues(self, response: httpx.Response) -> bool:
        told = CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        same = self.partial.is_of(response.headers)
        return response.status_code == PART and told is not None and int(told[1]) == self.size and same

    def _start_over(self) -> None:
        self.partial.clear()
        self.moved(-self.size, 0)
        self.size = self.resumed = 0
        self._begin_hashes()

    def _write(self, ask: Ask, response: httpx.Response, deadline: Deadline) -> None:
        length = response.headers.get("content-length", "")
        if length.isascii() and length.isdigit():
            self._expect(self.size + int(length))
        with writing(self.partial.path), self.partial.path.open("ab", buffering=0) as file:
            for piece in self.client.pieces(ask, response, deadline, raw=True):
                write_whole(file, piece)
                self._count(piece)
                self.moved(len(piece), 0)
                if self.size > (self.promise.size or self.size):
                    break  # the check of what came says so
        if response.status_code == PART and not self._is_whole(response):
            raise Transient("the host sent less than was asked for")

    def _is_whole(self, response: httpx.Response) -> bool:
        told = CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        return told is None or told[2] == "*" or self.size >= int(told[2])

    def _count(self, piece: bytes) -> None:
        if len(self.head) < HEAD_BYTES:
            self.head += bytes(piece[: HEAD_BYTES - len(self.head)])
        self.size += len(piece)
        for digest in (self.sha256, self.md5):
            if digest is not None:
                digest.update(piece)

    def _expect(self, size: int) -> None:
        self.moved(0, size - self.expected)
        self.expected = size

    def _words(self, ask: Ask, response: httpx.Response, deadline: Deadline) -> str:
        """Give the beginning of an error's body, if it is text and comes by itself."""
        if not response.headers.get("content-type", "").startswith(("text/", "application/json")):
            return ""
        with contextlib.suppress(Transient):
            piece = bytes(next(self.client.pieces(ask, response, deadline), b""))
            return f": {excerpt(ask.hide(piece))}" if piece else ""
        return ""
