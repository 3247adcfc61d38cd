"""TEMPORARY carrier."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

from ptml.sources.packettotal.calls import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.sources.packettotal.calls import Call


class Live:
    live = True

    def __init__(self, base: str, key: str, *, allow_private: bool) -> None:
        self.base, self.key = base, key

    def send(self, call: Call, into: Path | None = None) -> Reply:
        url = self.base + call.path + ("?" + urllib.parse.urlencode(call.query) if call.query else "")
        data = None if call.body is None else json.dumps(call.body).encode()
        request = urllib.request.Request(
            url, data, {"x-api-key": self.key, "content-type": "application/json"}, method=call.method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                body, status, headers = answer.read(), answer.status, answer.headers
        except urllib.error.HTTPError as answer:
            body, status, headers = answer.read(), answer.code, answer.headers
        names = {k.lower(): v for k, v in headers.items()}
        if into is not None and status == 200:
            into.write_bytes(body)
            return Reply(status, names, file=into)
        return Reply(status, names, body)
