"""Calls over the network, by the client that all sources share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.errors import DownloadError
from ptml.io import writing
from ptml.sources.asks import Ask, BadStatus
from ptml.sources.downloading import download
from ptml.sources.packettotal.calls import READY, Reply
from ptml.sources.patience import Stopped

if TYPE_CHECKING:
    from ptml.sources.http import Client
    from ptml.sources.packettotal.calls import Call, Into

KEY_HEADER = "x-api-key"


class Live:
    """Carries calls over the network.

    Args:
        client: What asks the host.
        base: The API's base URL, without a slash at its end.
        key: The key; it stays at home when a redirect leaves the host.
        hint: What to try where no answer comes; None: what the client says.
    """

    def __init__(self, client: Client, base: str, key: str, hint: str | None = None) -> None:
        self.client = client
        self.base = base
        self.key = key
        self.hint = hint

    def pause(self, seconds: float) -> None:
        """Wait, unless the user stops it.

        Raises:
            Stopped: The user did.
        """
        if self.client.stopping.wait(seconds):
            raise Stopped("stopped while it waited", hint="run the same again, it goes on from there")

    def send(self, call: Call, into: Into | None = None) -> Reply:
        """Carry a call.

        Raises:
            DownloadError: No answer came, or it leads where nobody should go.
        """
        ask = Ask(
            self.base + call.path,
            method=call.method,
            query=call.query,
            secrets={KEY_HEADER: self.key},
            body=call.body,
            repeatable=True,  # a search and an upload are known by what they hold: twice is once
        )
        try:
            return self._ask(ask) if into is None else self._fetch(ask, into)
        except DownloadError as error:
            raise type(error)(error.message, hint=self.hint or error.hint) from error

    def _ask(self, ask: Ask) -> Reply:
        answer = self.client.send(ask)
        return Reply(answer.status, answer.headers, answer.body)

    def _fetch(self, ask: Ask, into: Into) -> Reply:
        try:
            done = download(self.client, ask, into.partial, moved=into.moved)
        except BadStatus as error:
            return Reply(
                error.status, {} if error.retry_after is None else {"retry-after": error.retry_after}
            )
        with writing(into.path):
            done.path.replace(into.path)
        return Reply(READY, {"content-length": str(done.size)}, file=into.path)
