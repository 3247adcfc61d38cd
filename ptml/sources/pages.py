"""Index pages, kept with what tells whether they have changed: one that has not is not sent again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptml.errors import CannotWrite
from ptml.io import write_bytes
from ptml.sources.asks import Answer, Ask, require_good

if TYPE_CHECKING:
    from ptml.sources.http import Client

NOT_MODIFIED = 304
VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of sources.

    Attributes:
        client: What asks.
        folder: Where pages are kept; None keeps none.
    """

    client: Client
    folder: Path | None = None

    def get(self, url: str, **parts: Any) -> Answer:  # noqa: ANN401 - the other fields of `Ask`
        """Get a page, the kept one where the host says that it has not changed.

        Raises:
            DownloadError: It did not come.
        """
        ask = Ask(url, **parts)
        kept = self._kept(ask)
        if kept is None:
            answer = require_good(ask, self.client.send(ask))
            self._keep(ask, answer)
            return answer
        asked = {VALIDATORS[name]: kept.headers[name] for name in VALIDATORS if name in kept.headers}
        answer = self.client.send(Ask(url, **{**parts, "headers": {**ask.headers, **asked}}))
        if answer.status == NOT_MODIFIED:
            return kept
        self._keep(ask, require_good(ask, answer))
        return answer

    def save(self, answer: Answer) -> Path:
        """Save a page for people to look at, and tell where."""
        suffix = ".html" if "html" in answer.headers.get("content-type", "") else ".txt"
        if self.folder is None:
            with tempfile.NamedTemporaryFile(prefix="ptml-page-", suffix=suffix, delete=False) as file:
                file.write(answer.body)
                return Path(file.name)
        path = self.folder / f"unexpected-{_key(Ask(answer.url))}{suffix}"
        write_bytes(path, answer.body, self.folder)
        return path

    def _keep(self, ask: Ask, answer: Answer) -> None:
        if self.folder is None or not set(VALIDATORS) & set(answer.headers):
            return
        kept = {
            name: value for name, value in answer.headers.items() if name in {*VALIDATORS, "content-type"}
        }
        head = json.dumps({"url": answer.url, "headers": kept}).encode()
        with contextlib.suppress(CannotWrite):  # it is only asked for again then
            write_bytes(self.folder / f"{_key(ask)}.page", head + b"\n" + answer.body, self.folder)

    def _kept(self, ask: Ask) -> Answer | None:
        if self.folder is None:
            return None
        try:
            head, _, body = (self.folder / f"{_key(ask)}.page").read_bytes().partition(b"\n")
            said = json.loads(head)
            return Answer(said["url"], 200, said["headers"], body)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _key(ask: Ask) -> str:
    text = json.dumps([ask.url, sorted(ask.query.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
