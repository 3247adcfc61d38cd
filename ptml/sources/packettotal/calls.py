"""A call of the API and its reply, apart from whatever carries them: the network, or a recording."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ptml.errors import DownloadError
from ptml.sources.asks import GOOD, REFUSED, TOO_MANY, excerpt
from ptml.sources.downloading import nobody

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptml.sources.downloading import Moved
    from ptml.types import JsonObject

READY, NOT_FOUND = 200, 404


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        method: GET or POST.
        path: Below the base, with a slash at its beginning.
        query: Parameters of a GET.
        body: What a POST sends as JSON.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: JsonObject | None = None

    def __str__(self) -> str:
        """Spell it for messages.

        >>> str(Call("GET", "/usage"))
        'GET /usage'
        """
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, after redirects.

    Attributes:
        status: Its code.
        headers: Its headers, names in lower case.
        body: Its body; empty if it went to a file.
        file: The file it went to.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Into:
    """Where a body is to go.

    Attributes:
        path: The file, once it is whole.
        partial: A folder for what is not whole yet.
        moved: Told of bytes that came, and of bytes that are to come.
    """

    path: Path
    partial: Path
    moved: Moved = nobody


class Carrier(Protocol):
    """What carries calls: the network, a recording, or the network while it is recorded."""

    def pause(self, seconds: float) -> None:
        """Wait before a call is made again, where that is of any use.

        Raises:
            Stopped: The user stopped it meanwhile.
        """
        ...

    def send(self, call: Call, into: Into | None = None) -> Reply:
        """Carry a call; a body that answers it with 200 goes into the file, if one is named.

        Raises:
            DownloadError: No answer came, though it was tried again.
        """
        ...


def json_of(call: Call, reply: Reply) -> dict[str, Any]:
    """Give a reply's JSON object.

    Raises:
        DownloadError: It is none; the message tells what came.
    """
    value = _json(reply.body)
    if isinstance(value, dict):
        return value
    came = reply.headers.get("content-type", "nothing that says what it is").partition(";")[0]
    raise DownloadError(
        f"{call}: a JSON object was expected; {came} came (status {reply.status}), "
        f"{len(reply.body)} bytes that begin with {excerpt(reply.body)}",
        hint="see whether the base URL is that of the API, and whether a proxy stands before it",
    )


def check(call: Call, reply: Reply, secret: str = "") -> Reply:
    """Let a reply through that says that all is well.

    Raises:
        DownloadError: The service refused; its own words are in the message, whatever form they came in.
    """
    if reply.status in GOOD:
        return reply
    words = _words(reply).replace(secret, "[key]") if secret else _words(reply)
    said = f": {words}" if words else ""
    if reply.status in REFUSED:
        raise DownloadError(
            f"{call}: the key was refused (status {reply.status}{said})",
            hint="see that PACKETTOTAL_API_KEY holds a valid key for this base URL",
        )
    if reply.status == NOT_FOUND:
        raise DownloadError(
            f"{call}: not known there (status 404{said})",
            hint="see the id: it is the MD5 of the capture; one that was just uploaded may still be analysed",
        )
    if reply.status == TOO_MANY:
        raise DownloadError(
            f"{call}: too many requests, or the quota is used up (status 429{said})",
            hint="`ptml packettotal usage` shows what is left; try again later",
        )
    raise DownloadError(f"{call}: the service failed (status {reply.status}{said})", hint="try again later")


def _json(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Read JSON, or give None; numbers that JSON does not have, or no float can hold, stay text.

    >>> _json(b'{"a": NaN, "b": 1e999, "c": 1.5}'), _json(b"<html>")
    ({'a': 'NaN', 'b': '1e999', 'c': 1.5}, None)
    """
    try:
        return json.loads(body, parse_constant=str, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _words(reply: Reply) -> str:
    """Give the service's own words: of a JSON error by one of its usual names, else the text's beginning."""
    value = _json(reply.body)
    if isinstance(value, dict):
        for name in ("message", "error", "detail"):
            if isinstance(value.get(name), str):
                return excerpt(str(value[name]).encode())
        return ""
    return excerpt(reply.body) if reply.body else ""
