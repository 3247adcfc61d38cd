"""CAPE: the traffic of malware that was run in this sandbox, at capesandbox.com or on one's own instance.

A task is one run, with one capture. Its label comes from the report's score (see `label_of_score`): from 8
on malicious, with a tenth of the score as confidence, else unknown. The family is the report's `malfamily`,
in newer ones `detections`, and only of a run that counts as malicious. CAPE says with status 200 what went
wrong: the bytes that came tell whether they are a capture.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ptml.errors import DownloadError, SettingsError
from ptml.io import open_raw, writing
from ptml.sources.asks import Ask, BadStatus
from ptml.sources.downloading import Promise, download
from ptml.sources.opening import open_fetched
from ptml.sources.protocol import About, Delivery, Hit, Item, layout_changed
from ptml.sources.sandbox import label_of_score, score_of, told, word_of, words_of
from ptml.text import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.sources.asks import Answer
    from ptml.sources.protocol import Access, Room
    from ptml.types import JsonObject

TASK = re.compile(r"[0-9]{1,12}")
HEX = re.compile(r"[0-9a-f]+")
HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
SHA256 = re.compile(r"[0-9a-f]{64}")
ASKS_A_MINUTE = 5
LARGEST_ERROR = 1 << 16


class CapeError(DownloadError):
    """CAPE's own word for why something cannot be had."""


class Cape:
    """Tasks of a CAPE sandbox."""

    about = About(
        name="cape",
        title="CAPE Sandbox",
        offers="a PCAP of each malware that was run; score and family; PTML_CAPE_URL names an own instance",
        ids="an id is a task's number; a query is the SHA-256 (or SHA-1, MD5) of what was run",
        terms="those of the instance; that files may be passed on is not said: share ids, not files",
        citation="CAPE Sandbox, with the instance's address and the task's number",
        url="https://capesandbox.com",
        key="CAPE_API_KEY",
        pace=60.0 / ASKS_A_MINUTE,
        jobs=1,
    )

    def __init__(self, access: Access) -> None:
        self.access = access
        self.url = access.url.removesuffix("/apiv2")
        self.secrets = {"authorization": f"Token {access.secret}"}

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find the tasks that ran a file, by its hash.

        Raises:
            SettingsError: That is no hash.
        """
        digest = query.strip().lower()
        kind = HASHES.get(len(digest))
        if kind is None or not HEX.fullmatch(digest):
            raise SettingsError(
                f"{query!r} is no hash: CAPE is searched by the SHA-256, SHA-1 or MD5 of what was run",
                hint=f"ptml search cape {64 * '0'}",
            )
        answer, tasks = self._ask(f"tasks/search/{kind}/{digest}/")
        if not isinstance(tasks, list):
            raise layout_changed(self.access, answer, "a list `data` of tasks")
        for task in tasks[:limit]:
            yield self._hit(task, answer)

    def info(self, identity: str) -> dict[str, Any]:
        """Tell of a task: what was run, when, and what came of it."""
        task = _identity(identity)
        report = self._report(task)
        what, run = _part(report, "target"), _part(report, "info")
        file = _part(what, "file")
        return {
            "task": int(task),
            "target": word_of(file.get("name")) or word_of(what.get("url")),
            "sha256": word_of(file.get("sha256")),
            "started": word_of(run.get("started")),
            "package": word_of(run.get("package")),
            "score": score_of(report.get("malscore")),
            "families": list(_families(report)),
            "signatures": [name for name in map(_name, _list(report, "signatures")) if name],
        }

    def items(self, identity: str) -> Iterator[Item]:
        """Give the one capture of a task, with the hash that the report has of it."""
        task = _identity(identity)
        report = self._report(task)
        score, families = score_of(report.get("malscore")), _families(report)
        label, confidence = label_of_score(score)
        what = _part(report, "target")
        file, digest = _part(what, "file"), str(_part(report, "network").get("pcap_sha256") or "")
        yield Item(
            id=task,
            name=f"cape-{task}.pcap",
            url=f"{self.url}/apiv2/tasks/get/pcap/{task}/",
            promise=Promise(sha256=digest if SHA256.fullmatch(digest) else None),
            label=label,
            method="sandbox",
            confidence=confidence,
            family=families[0] if families and label == "malicious" else None,
            licence=self.about.terms,
            citation=f"CAPE Sandbox, {self.url}, task {task}",
            notes=told(
                score=score,
                target=word_of(file.get("name")) or word_of(what.get("url")),
                sha256=word_of(file.get("sha256")),
                families=", ".join(families),
            ),
        )

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a task's capture.

        Raises:
            CapeError: CAPE says why there is none.
            DownloadError: It did not come, or is another than the report says.
            BadData: What came is no capture.
        """
        # The promise is checked afterwards: what CAPE says in a capture's place has no hash to go by.
        ask = Ask(item.url, secrets=self.secrets)
        came = download(self.access.client, ask, room.partial, moved=room.moved)
        path = room.scratch / "fetched"
        with writing(path):
            came.path.replace(path)
        _refuse_error(item, path)
        opened = open_fetched(path, item.name, room.scratch / "opened", room.passwords)
        if item.promise.sha256 not in {None, came.sha256}:
            raise DownloadError(
                f"{ask}: sha256 {item.promise.sha256} was promised by the report, {came.sha256} came; "
                "what came was not kept",
                hint="run the same again; if it stays so, the report is older than the capture",
            )
        return Delivery(tuple(opened.captures), came.size, came.sha256, tuple(dict.fromkeys(opened.notes)))

    def _report(self, task: str) -> JsonObject:
        """Get a task's report; the short one where the whole one is too much."""
        try:
            answer, report = self._ask(f"tasks/get/report/{task}/json/")
        except (BadStatus, CapeError):
            raise
        except DownloadError as first:
            try:
                answer, report = self._ask(f"tasks/get/iocs/{task}/")
            except DownloadError:
                raise first from None
        if not isinstance(report, dict) or not isinstance(report.get("info"), dict):
            raise layout_changed(self.access, answer, "a report, as an object with `info`")
        return report

    def _ask(self, path: str) -> tuple[Answer, Any]:
        """Ask, and give what is there: `data` where it is wrapped in that."""
        answer = self.access.client.get(f"{self.url}/apiv2/{path}", secrets=self.secrets)
        value = answer.json()
        if isinstance(value, dict) and value.get("error"):
            raise _error(shown_url(answer.url), value)
        wrapped = isinstance(value, dict) and {"error", "data"} <= set(value)
        return answer, value["data"] if wrapped else value

    def _hit(self, task: object, answer: Answer) -> Hit:
        number = task.get("id") if isinstance(task, dict) else None
        if not isinstance(task, dict) or not TASK.fullmatch(str(number)):
            raise layout_changed(self.access, answer, "an `id` of each task, a number")
        facts = {one: word_of(task.get(one)) for one in ("category", "status", "package", "added_on")}
        return Hit(id=str(number), name=word_of(task.get("target")) or "", facts=facts)


def _identity(identity: str) -> str:
    task = identity.strip()
    if not TASK.fullmatch(task):
        raise SettingsError(
            f"{identity!r} is no task of CAPE: its number was expected",
            hint="ptml search cape SHA256 finds the tasks that ran a file",
        )
    return str(int(task))


def _refuse_error(item: Item, path: Path) -> None:
    """See whether JSON came in a capture's place, and let it say what went wrong."""
    with open_raw(path) as file:
        head = file.read(LARGEST_ERROR)
    if not head.lstrip().startswith(b"{"):
        return
    try:
        value = json.loads(head)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict) and value.get("error"):
        raise _error(f"task {item.id}", value)


def _error(what: str, value: dict[str, Any]) -> CapeError:
    """Make the error of CAPE's own words; whether it was one, a newer CAPE says with a list."""
    words = word_of(value.get("error_value")) or word_of(value.get("error")) or "it does not say what"
    return CapeError(
        f"{what}: CAPE says that it cannot: {words!r}; it was left out",
        hint="see the task in CAPE's web pages: whether it is there, done, and its capture may be had",
    )


def _part(value: object, name: str) -> dict[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _list(value: JsonObject, name: str) -> list[Any]:
    many = value.get(name)
    return many if isinstance(many, list) else []


def _name(signature: object) -> str | None:
    return word_of(signature.get("name")) if isinstance(signature, dict) else None


def _families(report: JsonObject) -> tuple[str, ...]:
    """Name the families: older CAPE has one `malfamily`, newer a list of `detections`.

    >>> _families({"malfamily": "Emotet"}), _families({"detections": [{"family": "A"}, {"family": "B"}]})
    (('Emotet',), ('A', 'B'))
    """
    found = report.get("detections")
    many = found if isinstance(found, list) else [found]
    detected = [one.get("family") if isinstance(one, dict) else one for one in many]
    return words_of([report.get("malfamily"), *detected])
