"""What the page of an evaluation shows of one level, connections or captures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ptml.report.environment import count, plural
from ptml.report.naming import BY_KEY, GROUPED, MEASURES, PROTOCOLS, RANDOM, ProtocolName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN: Mapping[str, Any] = {"value": None, "low": None, "high": None, "reason": "not measured"}
HELD_OUT_BY = {"source": "leave-source-out", "family": "leave-family-out"}


@dataclass(frozen=True, slots=True)
class LevelPage:
    """One level of an evaluation.

    Attributes:
        level: Its name.
        found: Its part of `evaluation.json`.
        protocols: Results by protocol, in the order of the page, the honest one first.
    """

    level: str
    found: Mapping[str, Any]
    protocols: Mapping[str, Mapping[str, Any]]

    @property
    def title(self) -> str:
        """Name the level as the page does."""
        return f"{self.level.capitalize()}s"

    @property
    def data(self) -> Mapping[str, Any]:
        """Rows, malicious rows, captures, rows left out by reason."""
        result: Mapping[str, Any] = self.found["data"]
        return result

    @property
    def names(self) -> list[ProtocolName]:
        """How the page speaks of each protocol."""
        return [BY_KEY[key] for key in self.protocols]

    @property
    def results(self) -> list[tuple[ProtocolName, Mapping[str, Any]]]:
        """Each protocol's name and result."""
        return [(BY_KEY[key], result) for key, result in self.protocols.items()]

    @property
    def main(self) -> Mapping[str, Any]:
        """The result with captures held out, or else the first there is."""
        return self.protocols.get(GROUPED) or next(iter(self.protocols.values()))

    @property
    def main_name(self) -> ProtocolName:
        """How the page speaks of it."""
        return BY_KEY[GROUPED] if GROUPED in self.protocols else self.names[0]

    @property
    def not_possible(self) -> list[tuple[str, str]]:
        """Protocols that this data does not allow, with the reason."""
        missing: Mapping[str, str] = self.found["not_possible"]
        return [(BY_KEY[key].title if key in BY_KEY else key, reason) for key, reason in missing.items()]

    @property
    def counts(self) -> str:
        """Say in a sentence what was judged."""
        rows = plural(self.data["rows"], self.level, f"{self.level}s")
        captures = plural(self.data["captures"], "capture", "captures")
        share = self.data["malicious"] / max(self.data["rows"], 1)
        of = "" if self.level == "capture" else f" of {captures}"
        return f"{rows}{of}, {count(self.data['malicious'])} of them malicious ({share:.1%})."

    def metric(self, protocol: str, name: str = "roc_auc") -> Mapping[str, Any]:
        """Give a protocol's figure with its interval."""
        result = self.protocols.get(protocol)
        return result["metrics"].get(name, UNKNOWN) if result else UNKNOWN

    def gap(self, protocol: str, name: str = "roc_auc") -> Mapping[str, Any]:
        """Tell by how much the unsafe control looks better than a protocol."""
        figure: Mapping[str, Any] = self.found["gap"].get(protocol, {}).get(name, UNKNOWN)
        return figure

    @property
    def worst(self) -> ProtocolName | None:
        """The protocol with the widest gap to the control; None if there is none."""
        gaps = [(self.gap(name.key)["value"], name) for name in self.names if name.key != RANDOM]
        known = [(gap, name) for gap, name in gaps if gap is not None]
        return max(known, key=lambda one: one[0])[1] if known else None

    @property
    def measures(self) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
        """List each measure: name, meaning, the figures of its columns."""
        keys = {key: None for result in self.protocols.values() for key in result["metrics"]}
        ordered = [*(key for key in MEASURES if key in keys), *(key for key in keys if key not in MEASURES)]
        return [(*MEASURES.get(key, (key, "")), self._figures(key)) for key in ordered]

    @property
    def columns(self) -> list[str]:
        """Head the columns of these figures."""
        first, *others = self.names
        alike = [f"{first.title}, every capture the same"] if self._of_rows else []
        return [first.title, *alike, *(name.title for name in others)]

    @property
    def _of_rows(self) -> bool:
        return self.level != "capture"

    def _figures(self, key: str) -> list[Mapping[str, Any]]:
        first, *others = self.protocols.values()
        alike = [first["metrics_by_capture"]] if self._of_rows else []
        sets = [first["metrics"], *alike, *(other["metrics"] for other in others)]
        return [figures.get(key, UNKNOWN) for figures in sets]

    def parts(self, by: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
        """Give each source's (or family's) verdicts, and those of models that had never seen it, if any.

        Args:
            by: `source` or `family`.
        """
        unseen = self.protocols.get(HELD_OUT_BY[by], {}).get(f"per_{by}", ())
        of = {row[by]: row for row in unseen}
        return [(row, of.get(row[by])) for row in self.main[f"per_{by}"]]

    def unseen(self, by: str) -> bool:
        """Tell whether sources (or families) were held out."""
        return HELD_OUT_BY[by] in self.protocols

    @property
    def matrix(self) -> list[tuple[str, list[Mapping[str, Any]]]]:
        """Give the rows of the train and test matrix: what was learned from, and its cells."""
        matrix = self.found["matrix"]
        if matrix is None:
            return []
        return [
            (train, list(cells)) for train, cells in groupby(matrix["cells"], key=lambda cell: cell["train"])
        ]

    @property
    def detection(self) -> list[tuple[ProtocolName, Mapping[str, Any], Mapping[str, Any]]]:
        """Give detection and alerts of each protocol that has them."""
        found = [(name, result["detection"], result["alerts"]) for name, result in self.results]
        return [(name, detection, alerts) for name, detection, alerts in found if detection and alerts]

    @property
    def mistakes(self) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
        """Give the errors worth looking at by kind, false alarms first; kinds without any left out."""
        kinds = {"false_alarm": "Benign, called malicious", "missed": "Malicious, called benign"}
        of = {
            title: [one for one in self.found["mistakes"] if one["kind"] == kind]
            for kind, title in kinds.items()
        }
        return [(title, rows) for title, rows in of.items() if rows]


def level_pages(data: Mapping[str, Any]) -> list[LevelPage]:
    """Arrange an evaluation by level, its protocols in the order of the page."""
    return [
        LevelPage(
            level,
            found,
            {name.key: found["protocols"][name.key] for name in PROTOCOLS if name.key in found["protocols"]},
        )
        for level, found in data["levels"].items()
    ]
