"""Recorded Future Triage (formerly Hatching): the traffic of malware that was run in its sandbox.

A sample is run once or more often; each run (``behavioral1``, …) is an item with a capture of its own. Its
label comes from the run's score (see `label_of_score`): from 8 on malicious, with a tenth of the score as
confidence, else unknown. The family is what Triage names for what was run, and only of a run that counts as
malicious.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData, MissingInput, SettingsError, quoted
from ptml.sources.asks import NOT_FOUND, BadStatus
from ptml.sources.delivery import deliver
from ptml.sources.protocol import About, Hit, Item, layout_changed
from ptml.sources.sandbox import label_of_score, score_of, told, word_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.asks import Answer
    from ptml.sources.protocol import Access, Delivery, Room
    from ptml.types import JsonObject

SAMPLE = re.compile(r"[0-9]{6}-[a-z0-9]{4,20}")
RUN = re.compile(r"behavioral[0-9]{1,3}")
IDENTITY = re.compile(rf"(?:https?://(?:[a-z]+\.)?tria\.ge/)?({SAMPLE.pattern})(?:/({RUN.pattern}))?/?")
LARGEST_PAGE = 200
CAPTURES = ("dump.pcapng", "dump.pcap")
"""What a run's capture is called: the one with TLS keys in it first."""


class Triage:
    """Samples of Triage, and the runs of each."""

    about = About(
        name="triage",
        title="Recorded Future Triage (Hatching)",
        offers="PCAPs of malware that was run in a sandbox; score, families and tags of each run",
        ids="an id is a sample's, such as 240131-abcdefghij, or SAMPLE/behavioral1 for one run of it; a "
        "query is a family's name or Triage's own, such as family:emotet or tag:loader",
        terms="those of the account; that files may be passed on is not said: share ids, not files",
        citation="Recorded Future Triage, sample ID",
        url="https://api.tria.ge/v0",
        key="TRIAGE_API_KEY",
        pace=1.0,
        jobs=2,
    )

    def __init__(self, access: Access) -> None:
        self.access = access
        self.secrets = {"authorization": f"Bearer {access.secret}"}

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find samples, the latest first."""
        found, asked = 0, {"query": _query(query), "limit": str(min(limit, LARGEST_PAGE))}
        while True:
            answer, value = self._ask("search", asked)
            rows = value.get("data") or []
            if "data" not in value or not isinstance(rows, list):
                raise layout_changed(self.access, answer, "a list `data` of samples")
            for row in rows[: limit - found]:
                yield self._hit(row, answer)
            found, following = found + len(rows), value.get("next")
            if not rows or not following or found >= limit:
                return
            if not isinstance(following, str):
                raise layout_changed(self.access, answer, "the offset of the next page, `next`, as text")
            asked["offset"] = following

    def info(self, identity: str) -> dict[str, Any]:
        """Tell of a sample: what was run, its score, families and tags, and its runs with theirs."""
        sample, _ = _identity(identity)
        answer, overview = self._overview(sample)
        what, analysis = _part(overview, "sample"), _part(overview, "analysis")
        runs = [f"{run['name']} ({_said_of(run)})" for run in self._runs(overview, answer)]
        return {
            "sample": sample,
            "target": word_of(what.get("target")),
            "sha256": word_of(what.get("sha256")),
            "submitted": word_of(what.get("submitted") or what.get("created")),
            "score": score_of(analysis.get("score")),
            "families": list(words_of(analysis.get("family"))),
            "tags": list(words_of(analysis.get("tags"))),
            "runs": runs,
        }

    def items(self, identity: str) -> Iterator[Item]:
        """Give the runs of a sample, or the one that is named.

        Raises:
            BadData: It was not run.
            MissingInput: The named run is not among its runs.
        """
        sample, wanted = _identity(identity)
        answer, overview = self._overview(sample)
        runs = self._runs(overview, answer)
        if not runs:
            raise BadData(
                f"the sample {sample} was not run, so that there is no capture of it",
                hint=f"ptml info triage {sample}",
            )
        names = [run["name"] for run in runs]
        if wanted is not None and wanted not in names:
            raise MissingInput(f"the sample {sample} has no run {wanted!r}; it has {quoted(names)}")
        for run in runs:
            if wanted in {None, run["name"]}:
                yield self._item(sample, overview, run)

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a run's capture, in the older format where there is none in the newer.

        Raises:
            BadData: The run has no capture.
            DownloadError: It did not come.
        """
        for name in CAPTURES:
            one = replace(item, url=f"{self._place(item.id)}/{name}", name=_file_name(item.id, name))
            try:
                return deliver(self.access.client, one, room, secrets=self.secrets)
            except BadStatus as error:
                if error.status not in NOT_FOUND:
                    raise
        raise BadData(
            f"the run {item.id} has no capture: neither {' nor '.join(CAPTURES)} is there; it was left out",
            hint="a run without network, or one that failed, has none",
        )

    def _place(self, run: str) -> str:
        return f"{self.access.url}/samples/{run}"

    def _ask(self, path: str, query: dict[str, str] | None = None) -> tuple[Answer, JsonObject]:
        url = f"{self.access.url}/{path}"
        answer = self.access.client.get(url, query=query or {}, secrets=self.secrets)
        value = answer.json()
        if not isinstance(value, dict):
            raise layout_changed(self.access, answer, "a JSON object")
        return answer, value

    def _overview(self, sample: str) -> tuple[Answer, JsonObject]:
        answer, value = self._ask(f"samples/{sample}/overview.json")
        if not isinstance(value.get("analysis"), dict):
            raise layout_changed(self.access, answer, "an object `analysis` with the sample's score")
        return answer, value

    def _runs(self, overview: JsonObject, answer: Answer) -> list[dict[str, Any]]:
        tasks = overview.get("tasks") or []
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise layout_changed(self.access, answer, "a list `tasks` of objects")
        # A name becomes part of a URL; what has another form than a run's is static analysis, or no name.
        runs = [task for task in tasks if isinstance(task, dict)]
        return [run for run in runs if RUN.fullmatch(str(run.get("name")))]

    def _hit(self, row: object, answer: Answer) -> Hit:
        sample = row.get("id") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not SAMPLE.fullmatch(str(sample)):
            raise layout_changed(self.access, answer, "an `id` of each sample, such as 240131-abcdefghij")
        name = word_of(row.get("filename")) or word_of(row.get("url")) or ""
        facts = {one: word_of(row.get(one)) for one in ("kind", "status", "submitted")}
        return Hit(id=str(sample), name=name, facts=facts)

    def _item(self, sample: str, overview: JsonObject, run: dict[str, Any]) -> Item:
        analysis, name = _part(overview, "analysis"), str(run["name"])
        score = score_of(run.get("score")) or score_of(analysis.get("score"))
        label, confidence = label_of_score(score)
        families = _families(overview, name)
        return Item(
            id=f"{sample}/{name}",
            name=_file_name(f"{sample}/{name}", CAPTURES[0]),
            url=f"{self._place(f'{sample}/{name}')}/{CAPTURES[0]}",
            label=label,
            method="sandbox",
            confidence=confidence,
            family=families[0] if families and label == "malicious" else None,
            tags=tuple(sorted(words_of(run.get("tags")) or words_of(analysis.get("tags")))),
            licence=self.about.terms,
            citation=f"Recorded Future Triage, sample {sample}, https://tria.ge/{sample}",
            notes=told(
                score=score,
                platform=word_of(run.get("platform")),
                target=word_of(_part(overview, "sample").get("target")),
                families=", ".join(families),
            ),
        )


def _query(query: str) -> str:
    """Take a single word for a family's name; what is more is Triage's own language.

    >>> _query("emotet"), _query("tag:loader AND score:10"), _query("cobalt strike")
    ('family:emotet', 'tag:loader AND score:10', 'cobalt strike')
    """
    text = query.strip()
    return f"family:{text}" if re.fullmatch(r"[\w.-]+", text) else text


def _identity(identity: str) -> tuple[str, str | None]:
    """Give a sample's id and the run that is named, if one is.

    >>> _identity("240131-abcdefghij"), _identity("https://tria.ge/240131-abcdefghij/behavioral2")
    (('240131-abcdefghij', None), ('240131-abcdefghij', 'behavioral2'))
    """
    found = IDENTITY.fullmatch(identity.strip())
    if found is None:
        raise SettingsError(
            f"{identity!r} is no sample of Triage: an id such as 240131-abcdefghij was expected",
            hint="ptml search triage emotet finds some",
        )
    return found[1], found[2]


def _file_name(run: str, capture: str) -> str:
    return f"{run.replace('/', '-')}.{capture.rpartition('.')[2]}"


def _part(value: JsonObject, name: str) -> dict[str, Any]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _families(overview: JsonObject, run: str) -> tuple[str, ...]:
    """Name the families of what a run ran; those of the whole sample where that is not told."""
    targets = overview.get("targets")
    for target in targets if isinstance(targets, list) else []:
        if isinstance(target, dict) and run in words_of(target.get("tasks")):
            return words_of(target.get("family"))
    return words_of(_part(overview, "analysis").get("family"))


def _said_of(run: dict[str, Any]) -> str:
    score = score_of(run.get("score"))
    said = (word_of(run.get("platform")), word_of(run.get("status")), score and f"score {score:g}")
    return ", ".join(one for one in said if one) or "nothing is said of it"
