"""The page on an audit: the light first, then each check with what it means and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.report.environment import NOTHING, count, plural, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIGHTS = {
    "red": ("Red", "Figures of a model that learns from this say little about new networks."),
    "amber": ("Amber", "Usable, if what is listed here is kept in mind."),
    "green": ("Green", "No check found anything that would make a model look better than it is."),
}
ORDER = (*LIGHTS, None)


@dataclass(frozen=True, slots=True)
class LevelFindings:
    """One level's findings as the page shows them.

    Attributes:
        level: ``connection`` or ``capture``.
        light: The level's light.
        data: Counts of its dataset.
        findings: What the checks found, in their order.
    """

    level: str
    light: str
    data: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]]

    @property
    def title(self) -> str:
        """Head the level."""
        return f"{self.level.capitalize()}s"

    @property
    def counts(self) -> str:
        """Say in a sentence what was looked at."""
        rows, malicious = count(self.data["rows"]), count(self.data["malicious"])
        captures = plural(self.data["captures"], "capture", "captures")
        return f"{rows} {self.level}s of {captures}, {malicious} of them malicious."

    @property
    def ranked(self) -> list[Mapping[str, Any]]:
        """List the findings, worst first."""
        return sorted(self.findings, key=lambda finding: ORDER.index(finding["light"]))

    def number(self, light: str | None) -> int:
        """Count the findings of a light."""
        return sum(finding["light"] == light for finding in self.findings)


def cell(value: object) -> object:
    """Write a figure: whole numbers with gaps, others to four places; text and null as they are.

    >>> cell(0.25), cell(None) == NOTHING
    ('0.25', True)
    """
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return count(value) if isinstance(value, int) else value


def render_audit(data: Mapping[str, Any]) -> str:
    """Make one self-contained HTML page of an audit.

    Args:
        data: The content of `audit.json`.

    >>> render_audit({"ptml_version": "1", "light": "green", "levels": {}}).startswith("<!doctype html>")
    True
    """
    levels = [
        LevelFindings(level, found["light"], found["data"], found["findings"])
        for level, found in data["levels"].items()
    ]
    name, lead = LIGHTS[data["light"]]
    return render(
        "audit.html",
        mark=data["light"],
        headline="Is this dataset fit to learn from?",
        lead=lead,
        levels=levels,
        light_name=name,
        cell=cell,
    )
