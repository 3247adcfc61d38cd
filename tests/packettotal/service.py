"""What PacketTotal knew and answered, without the network: ten calls over the captures of `corpus`.

Written after public clients and fragments of its documentation, not after the service, which nobody can
reach any more. An answer says in ``assumed`` which part of it is attested nowhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import re
import threading
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.packettotal.answers import Answer, as_json, refusal
from tests.packettotal.corpus import Capture, corpus, kept_name

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_UPLOAD = 6_000_000
"""Bytes of the capture: whether the service counted these or those of the base64 text is not known."""
QUICK_RESULTS = 5
QUOTA = 1000


@dataclass
class Service:
    """The service's memory.

    Attributes:
        key: The one valid key.
        analysing: How often an uploaded capture is "not found" before its analysis is done.
        preparing: How often an archive, or the results of a deep search, are "not ready" at first.
    """

    key: str = "loopback-key"
    analysing: int = 2
    preparing: int = 1
    captures: dict[str, Capture] = field(default_factory=lambda: {one.md5: one for one in corpus()})
    waits: dict[str, int] = field(default_factory=dict)
    searches: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def allows(self, key: str | None) -> bool:
        """Tell whether a key is valid."""
        return key == self.key

    def usage(self) -> Answer:
        """Tell what a user has used. Attested: that there is a key `user`."""
        used = {
            "user": "loopback",
            "requests_made": self.calls,
            "requests_allowed": QUOTA,
            "subscription": "beta",
        }
        return as_json(200, used, assumed="all keys but user")

    def random(self) -> Answer:
        """Tell of a capture that was not asked for: always the first, so that tests can rely on it."""
        found = self._metadata(next(iter(self.captures.values())))
        found["message"] = "This PCAP was selected randomly, since no id was specified."
        return as_json(200, {"pcap_metadata": found})

    def info(self, md5: str) -> Answer:
        """Tell of a capture; not found while it is analysed."""
        capture = self.captures.get(md5)
        if capture is None or self._not_ready(f"info {md5}", 0):
            return refusal(404)
        return as_json(200, {"pcap_metadata": self._metadata(capture)})

    def search(self, query: str) -> Answer:
        """Find captures, the best few."""
        found = self._matches(query)[:QUICK_RESULTS]
        return as_json(200, {"result_count": len(found), "results": found}, assumed="the number of results")

    def deep(self, body: bytes) -> Answer:
        """Begin a thorough search, or point to the same one of earlier."""
        try:
            query = str(json.loads(body)["query"])
        except (ValueError, KeyError, TypeError):
            return as_json(400, {"message": "Invalid request body"}, assumed="all of it")
        search_id = hashlib.md5(query.encode(), usedforsecurity=False).hexdigest()
        with self.lock:
            known = search_id in self.searches
            self.searches[search_id] = query
        message = "Deep search exists." if known else "Deep search scheduled."
        answer = {
            "search_id": search_id,
            "message": message,
            "results_uri": f"/v1/search/deep/results/{search_id}",
        }
        return as_json(200, answer, assumed="" if known else "the message")

    def results(self, search_id: str) -> Answer:
        """Give what a thorough search has found; not ready at first."""
        if search_id not in self.searches:
            return refusal(404)
        if self._not_ready(f"results {search_id}", self.preparing):
            return as_json(202, {"message": "Deep search is running."}, assumed="all of it")
        found = self._matches(self.searches[search_id])
        return as_json(200, {"results": found, "result_count": len(found)})

    def analysis(self, md5: str) -> Answer:
        """Sum a capture up. Attested: the names and order of the blocks, and two names within them."""
        capture = self.captures.get(md5)
        if capture is None:
            return refusal(404)
        return as_json(200, {"analysis_summary": _summary(capture)}, assumed="most names within the blocks")

    def download(self, md5: str) -> Answer:
        """Give the archive of a capture; not ready at first."""
        if md5 not in self.captures:
            return refusal(404)
        if self._not_ready(f"download {md5}", self.preparing):
            return refusal(202)
        return self.stored(md5)

    def stored(self, md5: str) -> Answer:
        """Give the archive of a capture at once."""
        capture = self.captures.get(md5)
        if capture is None:
            return refusal(404)
        return Answer(200, archive(capture), "application/zip", assumed="what lies where in the archive")

    def similar(self, md5: str, intensity: str, weighting_mode: str, uncommon: str) -> Answer:
        """Find captures with the same terms. Attested: what is echoed, the count, four keys a result."""
        capture = self.captures.get(md5)
        if capture is None:
            return refusal(404)
        found = [_likeness(capture, other) for other in self.captures.values() if other.md5 != md5]
        found = sorted(
            (one for one in found if one["shared_terms"]), key=lambda one: (-one["similarity"], one["id"])
        )
        answer = {
            "similar": {"result_count": len(found), "results": found},
            "intensity": intensity or "low",
            # Whatever text stood there, "false" too, came back as true.
            "prioritize_uncommon_fields": bool(uncommon),
            "weighting_mode": weighting_mode or "behavior",
        }
        return as_json(200, answer, assumed="the four keys of a result")

    def analyze(self, body: bytes) -> Answer:
        """Take a capture in: 202 if it is new, 303 to what is known of it otherwise."""
        try:
            given = json.loads(body)
            data = base64.b64decode(given["pcap_base64"], validate=True)
        except (ValueError, KeyError, TypeError, binascii.Error):
            return as_json(400, {"message": "Invalid request body"}, assumed="all of it")
        if len(data) > LARGEST_UPLOAD:
            return as_json(413, {"message": "Request Too Long"}, assumed="all of it")
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        with self.lock:
            if md5 in self.captures:
                return as_json(
                    303, {"message": "See Other"}, assumed="body and place", Location=f"/v1/pcaps/{md5}"
                )
            name = kept_name(str(given.get("pcap_name") or md5))
            references = [("Submitted by the uploader", str(url)) for url in given.get("sources") or ()]
            self.captures[md5] = Capture(name, references=references, given=data)
            self.waits[f"info {md5}"] = self.analysing
        return as_json(202, {"id": md5, "queue": f"https://packettotal.com/app/queue?id={md5}"})

    def _not_ready(self, what: str, times: int) -> bool:
        with self.lock:
            left = self.waits.setdefault(what, times)
            self.waits[what] = max(left - 1, 0)
            return left > 0

    def _metadata(self, capture: Capture) -> dict[str, Any]:
        md5 = capture.md5
        return {
            "md5": md5,
            "name": capture.name,
            "byte_size": len(capture.pcap),
            "logs": list(capture.tables),
            "analyzed_date": capture.analyzed_date,
            # These have no /v1, though the results_uri of a deep search has it.
            "download_link": f"/pcaps/{md5}/download",
            "analysis_link": f"/pcaps/{md5}/analysis",
            "similar_pcaps_link": f"/pcaps/{md5}/similar",
            "pcap_glyph_link": f"https://s3.amazonaws.com/packettotalpub/files/{md5}/pcap-mosaic.png",
            "packettotal_link": f"https://packettotal.com/app/analysis?id={md5}",
        }

    def _matches(self, query: str) -> list[dict[str, Any]]:
        found = []
        for capture in self.captures.values():
            counts = {log: _count(query, text) for log, text in _texts(capture).items()}
            logs = [log for log, count in counts.items() if count and log != "name"]
            if any(counts.values()):
                score = round(4.5 * sum(counts.values()) + len(capture.rules), 2)
                found.append({"id": capture.md5, "found_in": logs, "match_score": score})
        return sorted(found, key=lambda one: (-one["match_score"], one["id"]))


def archive(capture: Capture) -> bytes:
    """Give the archive: capture, tables and carved files. Attested are the kinds; the places are assumed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        members = {capture.name: capture.pcap}
        members |= {f"{log}.csv": data for log, data in capture.tables.items()}
        members |= {f"carved_files/{sha1}.bin": data for sha1, data in capture.carved.items()}
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(f"{capture.md5}/{name}", (2019, 1, 1, 6, 40, 18)), data)
    return out.getvalue()


def _texts(capture: Capture) -> dict[str, str]:
    tables = {log: data.decode().lower() for log, data in capture.tables.items()}
    return tables | {"name": capture.name.lower()}


def _count(query: str, text: str) -> int:
    """Count a query's terms in a text: words and quoted phrases, joined by OR unless AND stands between."""
    count = 0
    for group in re.split(r"\s+OR\s+", query):
        terms = [phrase or word for phrase, word in re.findall(r'"([^"]*)"|(\S+)', group)]
        wanted = [term.rpartition(":")[2].lower() for term in terms if term != "AND"]
        hits = [text.count(term) for term in wanted if term]
        if hits and all(hits):
            count += sum(hits)
    return count


def _likeness(one: Capture, other: Capture) -> dict[str, Any]:
    mine, theirs = _terms(one), _terms(other)
    similarity = round(len(mine & theirs) / max(len(mine | theirs), 1), 4)
    shared = sorted(mine & theirs)
    return {"id": other.md5, "name": other.name, "similarity": similarity, "shared_terms": shared}


def _terms(capture: Capture) -> set[str]:
    return {*capture.rules, *(visit.name for visit in capture.visits if visit.name)}


def _summary(capture: Capture) -> dict[str, Any]:
    visits = capture.visits
    http = [visit for visit in visits if visit.service == "http"]
    summary = {
        "top_talkers": {
            "destination_ips": _shares(visit.talk.resp[0] for visit in visits),
            "source_ips": _shares(visit.talk.orig[0] for visit in visits),
        },
        # An early user tells that statistics came as text that held JSON.
        "connection_statistics": {
            "destination_ports": json.dumps(_shares(str(visit.talk.resp[1]) for visit in visits)),
            "transport_protocols": json.dumps(_shares(visit.talk.proto for visit in visits)),
            "services": json.dumps(_shares(visit.service or "-" for visit in visits)),
        },
        "dns_statistics": {
            "queries": _shares(visit.name for visit in visits if visit.service == "dns"),
            "answers": _shares(visit.answer for visit in visits if visit.service == "dns"),
        },
        "file_statistics": {"mime_types": _shares("application/msword" for visit in visits if visit.carried)},
        "signatures": sorted(set(capture.rules)),
        "external_references": [{"title": title, "url": url} for title, url in capture.references],
        "malicious_traffic": capture.malicious_traffic,
        "accuracy": "perfect",
    }
    if http:  # it came last, after the accuracy, so probably it was added where there was an http log
        summary["http_statistics"] = {"hosts": _shares(visit.name for visit in http)}
    return summary


def _shares(values: Iterable[str]) -> dict[str, float]:
    """Give the share of each value, in percent, the largest first."""
    seen = list(values)
    counts = {value: seen.count(value) for value in seen}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {value: round(100 * count / len(seen), 2) for value, count in ordered}


def other_capture(capture: Capture) -> Capture:
    """Give a capture that claims to be another."""
    return replace(capture, given=capture.pcap + b"\0")
