"""A request and its answer, and how both are shown without what nobody should see."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ptml.errors import DownloadError, SettingsError
from ptml.text import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.types import JsonObject

GOOD = range(200, 300)
REFUSED = {401, 403}
NOT_FOUND = {404, 410}
TOO_MANY = 429
SHORTEST_KEY = 6
"""Shorter words are no keys, but words that a host may well use, such as Token."""
SHOWN_BYTES = 160


class BadStatus(DownloadError):
    """A host answered, but with a status that does not give what was asked for.

    Attributes:
        status: Which.
        retry_after: What the host says of when to come back.
    """

    status = 0
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes:
        url: Where to.
        method: GET or POST.
        query: Parameters, added to the URL.
        headers: Further headers.
        secrets: Headers that only this host may see.
        body: What a POST sends as JSON.
        repeatable: Whether it may be sent again once it may have arrived; None: if it is no POST.

    >>> print(Ask("https://me:pw@example.org/a?key=k"))
    GET https://example.org/a?…
    """

    url: str
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: JsonObject | None = None
    repeatable: bool | None = None

    def __post_init__(self) -> None:
        for name, value in self.secrets.items():
            if not (value.isascii() and value.isprintable()) or value != value.strip():
                raise SettingsError(
                    f"what is to be sent as {name} has characters that no header may have; nothing was sent",
                    hint="look for spaces, line ends and letters with accents in it",
                )

    def __str__(self) -> str:
        return f"{self.method} {shown_url(self.url)}"

    def hide(self, words: bytes) -> bytes:
        """Take what is secret out of a host's words: it may say a wrong key back.

        >>> Ask("https://example.org", secrets={"authorization": "Bearer k3y-k3y"}).hide(b"no key k3y-k3y")
        b'no key [key]'
        """
        for value in self.secrets.values():
            for word in sorted({value, *value.split()}, key=len, reverse=True):
                if len(word) >= SHORTEST_KEY:
                    words = words.replace(word.encode(), b"[key]")
        return words

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again once it may have arrived."""
        return self.method != "POST" if self.repeatable is None else self.repeatable


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, after redirects.

    Attributes:
        url: Where from.
        status: Its code.
        headers: Its headers, names in lower case.
        body: Its body.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def text(self) -> str:
        """Give the body as text; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Give the body's JSON.

        Raises:
            DownloadError: It is none; the message tells what came.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "nothing that says what it is").partition(";")[0]
            raise DownloadError(
                f"{shown_url(self.url)}: JSON was expected; {kind} came (status {self.status}), "
                f"{len(self.body)} bytes that begin with {excerpt(self.body)}",
                hint="check the address, and whether a proxy or a login page stands before it",
            ) from error


def require_good(ask: Ask, answer: Answer) -> Answer:
    """Let an answer through whose status says that all is well.

    Raises:
        DownloadError: It does not; the message has the host's own words, the hint what to try.
    """
    if answer.status in GOOD:
        return answer
    words = f": {excerpt(ask.hide(answer.body))}" if answer.body else ""
    raise bad_status(ask, answer.status, words, answer.headers.get("retry-after"))


def bad_status(ask: Ask, status: int, words: str = "", retry_after: str | None = None) -> BadStatus:
    """Make the error for a status that says that something is wrong, with what to try.

    >>> print(bad_status(Ask("https://example.org/a"), 404))
    GET https://example.org/a: it is not there (status 404)
    Try: check the name; it may have been moved or removed
    """
    if status in REFUSED:
        what, hint = "access was refused", "see whether the source needs a key, and whether it is valid"
    elif status in NOT_FOUND:
        what, hint = "it is not there", "check the name; it may have been moved or removed"
    elif status == TOO_MANY:
        wait = f"; it asks to wait: {excerpt(retry_after.encode())}" if retry_after else ""
        what, hint = f"too many requests, or the quota is used up{wait}", "run the same again later"
    else:
        what, hint = "the host failed", "run the same again later"
    error = BadStatus(f"{ask}: {what} (status {status}{words})", hint=hint)
    error.status, error.retry_after = status, retry_after
    return error


def excerpt(data: bytes) -> str:
    r"""Show the beginning of what came so that it cannot act on a terminal.

    >>> excerpt(b"<html>\x1b[2J")
    "'<html>\\x1b[2J'"
    """
    return repr(data[:SHOWN_BYTES].decode("utf-8", errors="replace"))
