"""The ten calls of PacketTotal's API v1.

Paths, parameters and bodies are those of its published SDK and documentation fragments; what nobody has
attested is read with tolerance. The service itself was reported down in 2021, and none of this was ever run
against it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from ptml.archive import ZIP_MAGICS
from ptml.errors import DownloadError, SettingsError, quoted
from ptml.io import open_raw
from ptml.sources.asks import SHOWN_BYTES, excerpt
from ptml.sources.packettotal.calls import NOT_FOUND, READY, Call, check, json_of
from ptml.sources.packettotal.waiting import Patience, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.sources.packettotal.calls import Carrier, Into, Reply

Intensity = Literal["minimal", "low", "medium", "high"]
Weighting = Literal["behavior", "content"]
MD5 = re.compile(r"[0-9a-f]{32}")
LARGEST_UPLOAD = 6_000_000


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of an upload.

    Attributes:
        id: The capture's id.
        known: Whether it was there already.
        queue: Where its analysis can be watched, by the service's own words.
    """

    id: str
    known: bool
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class PacketTotal:
    """The API.

    Attributes:
        carrier: What carries its calls.
        patience: How long to wait for what is not ready.
        secret: The key, to keep it out of messages.
    """

    carrier: Carrier
    patience: Patience = field(default_factory=Patience)
    secret: str = ""

    def usage(self) -> dict[str, Any]:
        """Tell what the key's owner has used, in the service's own words.

        Raises:
            DownloadError: The key was refused, or no sound answer came.
        """
        return self._get("/usage")

    def search(self, query: str) -> list[dict[str, Any]]:
        """Find the captures that match best.

        Args:
            query: A term, or Lucene's language.

        Returns:
            ``id``, ``found_in`` (logs) and ``match_score`` of each; scores of two queries cannot be compared.
        """
        return self._results(*self._asked("/search", query=query))

    def deep_search(self, query: str) -> list[dict[str, Any]]:
        """Find all captures that match.

        Its results are first asked for by the id that is known beforehand, so that a search that was begun
        earlier, by anybody, goes on; only else is it begun.

        Raises:
            DownloadError: It was not ready in time; asked again later, it goes on.
        """
        wanted = search_id(query)
        reply = self._deep_results(wanted)
        if reply.status != READY:
            call = Call("POST", "/search/deep", body={"query": query})
            told = json_of(call, check(call, self.carrier.send(call), self.secret)).get("search_id")
            wanted = told if isinstance(told, str) and MD5.fullmatch(told) else wanted
            reply = wait_for(
                f"the deep search {wanted}",
                lambda: self._deep_results(wanted),
                lambda reply: reply.status == READY,
                self.patience,
                self.carrier.pause,
            )
        call = Call("GET", f"/search/deep/results/{wanted}")
        return self._results(call, json_of(call, reply))

    def info(self, capture: str) -> dict[str, Any]:
        """Tell of a capture: name, size, logs, when it was analysed.

        Raises:
            SettingsError: That is no id.
            DownloadError: It is not known there, or still being analysed.
        """
        return self._metadata(*self._asked(f"/pcaps/{checked_id(capture)}"))

    def random(self) -> dict[str, Any]:
        """Tell of a capture that the service chooses."""
        return self._metadata(*self._asked("/pcaps"))

    def analysis(self, capture: str, accuracy: str | None = None) -> dict[str, Any]:
        """Sum a capture up: talkers, statistics, signatures, references.

        Args:
            capture: Its id.
            accuracy: Of the statistics; ``high`` is the one value that is known.
        """
        query = {"accuracy": accuracy} if accuracy else {}
        call, value = self._asked(f"/pcaps/{checked_id(capture)}/analysis", **query)
        return _object(call, value, "analysis_summary")

    def download(self, capture: str, into: Into) -> Path:
        """Fetch a capture's archive; wait while it is built.

        Raises:
            DownloadError: It is not known there, or was not ready in time.
        """
        call = Call("GET", f"/pcaps/{checked_id(capture)}/download")
        wait_for(
            f"the archive of {capture}",
            lambda: check(call, self.carrier.send(call, into), self.secret),
            # Any other success means that it exists but is not ready.
            lambda reply: reply.status == READY,
            self.patience,
            self.carrier.pause,
        )
        with open_raw(into.path) as file:
            head = file.read(SHOWN_BYTES)
        if not head.startswith(ZIP_MAGICS):
            into.path.unlink()
            raise DownloadError(
                f"the archive of {capture}: in its place came what begins with {excerpt(head)}",
                hint="see whether the base URL is that of the API, and whether a proxy stands before it",
            )
        return into.path

    def similar(
        self,
        capture: str,
        *,
        intensity: Intensity = "low",
        weighting_mode: Weighting = "behavior",
        prioritize_uncommon_fields: bool = False,
    ) -> dict[str, Any]:
        """Find captures that share terms with one.

        Args:
            capture: Its id.
            intensity: How thoroughly; ``high`` was known to run out of time.
            weighting_mode: By behaviour or by content.
            prioritize_uncommon_fields: Whether rare terms count for more.

        Returns:
            ``results`` of four keys each, ``result_count``, and what the service says that it did.
        """
        query: dict[str, str] = {"intensity": intensity, "weighting_mode": weighting_mode}
        if prioritize_uncommon_fields:  # the service took any text, "false" too, as true
            query["prioritize_uncommon_fields"] = "true"
        call, value = self._asked(f"/pcaps/{checked_id(capture)}/similar", **query)
        found = _object(call, value, "similar")
        done = {name: value[name] for name in (*query, "prioritize_uncommon_fields") if name in value}
        return {"results": _rows(call, found), "result_count": found.get("result_count"), **done}

    def analyze(self, data: bytes, *, name: str | None = None, sources: Sequence[str] = ()) -> Uploaded:
        """Upload a capture, which makes it public, for good.

        Args:
            data: Its bytes.
            name: What it is to be called; else its id.
            sources: URLs of articles on it.

        Raises:
            SettingsError: It is larger than the service took.
            DownloadError: It was refused.
        """
        if len(data) > LARGEST_UPLOAD:
            raise SettingsError(
                f"the capture has more than {LARGEST_UPLOAD:,} bytes, as no upload could; nothing was sent",
                hint="cut it, for example with editcap -c of Wireshark",
            )
        body: dict[str, Any] = {"pcap_base64": base64.b64encode(data).decode()}
        body |= {"pcap_name": name} if name else {}
        body |= {"sources": list(sources)} if sources else {}
        call = Call("POST", "/analyze/base64", body=body)
        value = json_of(call, check(call, self.carrier.send(call), self.secret))
        known = value.get("pcap_metadata")
        told = known.get("md5") if isinstance(known, dict) else value.get("id")
        own = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if told is not None and told != own:
            raise DownloadError(
                f"{call}: the service calls the capture {str(told)[:64]!r}, but its MD5 is {own}",
                hint="see the base URL; the upload may have been changed on its way",
            )
        queue = value.get("queue")
        return Uploaded(own, isinstance(known, dict), queue if isinstance(queue, str) else None)

    def analysed(self, capture: str) -> dict[str, Any]:
        """Wait until a capture that was uploaded is analysed, and tell of it.

        Raises:
            DownloadError: It was not ready in time.
        """
        call = Call("GET", f"/pcaps/{checked_id(capture)}")
        reply = wait_for(
            f"the analysis of {capture}",
            lambda: self._unless_not_found(call),
            lambda reply: reply.status == READY,
            self.patience,
            self.carrier.pause,
        )
        return self._metadata(call, json_of(call, reply))

    def _deep_results(self, wanted: str) -> Reply:
        return self._unless_not_found(Call("GET", f"/search/deep/results/{wanted}"))

    def _unless_not_found(self, call: Call) -> Reply:
        reply = self.carrier.send(call)
        return reply if reply.status == NOT_FOUND else check(call, reply, self.secret)

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        return self._asked(path, **query)[1]

    def _asked(self, path: str, **query: str) -> tuple[Call, dict[str, Any]]:
        call = Call("GET", path, query)
        return call, json_of(call, check(call, self.carrier.send(call), self.secret))

    def _metadata(self, call: Call, value: dict[str, Any]) -> dict[str, Any]:
        found = _object(call, value, "pcap_metadata")
        if not isinstance(found.get("md5"), str):
            raise _unlike(call, "md5", found)
        return found

    def _results(self, call: Call, value: dict[str, Any]) -> list[dict[str, Any]]:
        found = _rows(call, value)
        lacking = next((row for row in found if not isinstance(row.get("id"), str)), None)
        if lacking is not None:
            raise _unlike(call, "id", lacking)
        return found


def search_id(query: str) -> str:
    """Give the id of a deep search: the same for everybody who asks the same.

    >>> search_id("botnet OR malware")
    '089f9e75d8142e185e84e8668da4b9b8'
    """
    return hashlib.md5(query.encode(), usedforsecurity=False).hexdigest()


def checked_id(capture: str) -> str:
    """Let a capture's id through: the MD5 of the capture, in lower case.

    >>> checked_id("D210F4DBEA97949F694E849507951881")
    'd210f4dbea97949f694e849507951881'

    Raises:
        SettingsError: It is something else.
    """
    lower = capture.strip().lower()
    if MD5.fullmatch(lower) is None:
        raise SettingsError(
            f"{quote(capture[:64])!r} is no id of a capture: 32 hexadecimal digits were expected, its MD5",
            hint="`ptml search packettotal QUERY` lists ids; md5sum makes one of a file",
        )
    return lower


def _object(call: Call, value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise _unlike(call, name, value)
    return found


def _rows(call: Call, value: dict[str, Any]) -> list[dict[str, Any]]:
    found = value.get("results")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _unlike(call, "results", value)
    return found


def _unlike(call: Call, name: str, value: dict[str, Any]) -> DownloadError:
    return DownloadError(
        f"{call}: the answer has no {name!r} as it was documented; it has {quoted(list(value)[:20])}",
        hint="see whether the base URL is that of the API; --record DIR keeps the answer for a look",
    )
