"""Calls over the network, by the client that all sources share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.io import writing
from ptml.sources.asks import Ask
from ptml.sources.faults import failure
from ptml.sources.packettotal.calls import READY, Reply
from ptml.sources.patience import Deadline, Transient

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from ptml.sources.http import Client
    from ptml.sources.packettotal.calls import Call

KEY_HEADER = "x-api-key"


class Live:
    """Carries calls over the network.

    Args:
        client: What asks the host.
        base: The API's base URL, without a slash at its end.
        key: The key; it stays at home when a redirect leaves the host.
    """

    live = True

    def __init__(self, client: Client, base: str, key: str) -> None:
        self.client = client
        self.base = base
        self.key = key

    def send(self, call: Call, into: Path | None = None) -> Reply:
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
        if into is None:
            answer = self.client.send(ask)
            return Reply(answer.status, answer.headers, answer.body)
        return self._fetch(ask, into)

    def _fetch(self, ask: Ask, into: Path) -> Reply:
        deadline = Deadline(self.client.timeouts.total)
        last: list[Reply] = []

        def attempt() -> Reply:
            last.clear()
            with self.client.open(ask, deadline) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                if response.status_code == READY:
                    self._write(ask, response, deadline, into)
                    return Reply(READY, headers, file=into)
                body = b"".join(self.client.pieces(ask, response, deadline))
                last.append(Reply(response.status_code, headers, body))
                self.client.raise_if_transient(ask, response)
            return last[0]

        try:
            return self.client.persist(attempt, deadline)
        except Transient as error:
            if last:
                return last[0]
            raise failure(ask, error) from error

    def _write(self, ask: Ask, response: httpx.Response, deadline: Deadline, into: Path) -> None:
        with writing(into), into.open("wb") as file:
            for piece in self.client.pieces(ask, response, deadline):
                file.write(piece)
