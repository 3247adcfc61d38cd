"""What an audit found: the content of `audit.json`, and the mark that models carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ptml.artifact import AuditMark
from ptml.settings import Section
from ptml.types import LIGHTS, Level, Light
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Cell: TypeAlias = int | float | str | None


class Table(Section):
    """What lies behind a finding, a few rows of it: names of columns, rows of as many cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Finding(Section):
    """What one check found.

    Attributes:
        check: The check's name.
        title: What it looks at, in a few words.
        light: `green`, `amber` or `red`; null where the data did not allow the check.
        says: What was found, in a sentence with its figures; or why it could not be checked.
        meaning: Why it matters.
        advice: What to do about it.
        bounds: Where amber and red begin.
        figures: The figures by name; null where one is unknown.
        table: Details, if there are any.
    """

    check: str
    title: str
    light: Light | None
    says: str
    meaning: str
    advice: str
    bounds: str
    figures: dict[str, Cell]
    table: Table | None = None


class LevelAudit(Section):
    """The audit of one level's dataset.

    Attributes:
        fingerprint: Hash of the dataset, its labels and the checks.
        light: The worst of the findings' lights.
        data: Rows, malicious rows, captures, rows left out by reason.
        findings: One a check, in the order of the checks.
    """

    fingerprint: str
    light: Light
    data: dict[str, Any]
    findings: tuple[Finding, ...]


class Audit(Section):
    """The content of `audit.json`.

    Attributes:
        ptml_version: Which ptml made it.
        light: The worst of the levels' lights.
        levels: The audits by level.
    """

    ptml_version: str
    light: Light
    levels: dict[Level, LevelAudit]

    @classmethod
    def of(cls, levels: dict[Level, LevelAudit]) -> Audit:
        """Put the audits of levels together.

        >>> Audit.of({}).light
        'green'
        """
        light = worst(found.light for found in levels.values())
        return cls(ptml_version=__version__, light=light, levels=levels)


def worst(lights: Iterable[Light | None]) -> Light:
    """Give the worst of some lights; what could not be checked does not count.

    >>> worst(["green", None, "amber"]), worst([])
    ('amber', 'green')
    """
    return max((light for light in lights if light is not None), key=LIGHTS.index, default="green")


def mark_of(levels: Mapping[Level, LevelAudit]) -> AuditMark:
    """Shorten an audit to what a model's manifest carries: the light, and what is not green.

    >>> mark_of({})
    AuditMark(light='green', reasons=())
    """
    reasons = [
        (finding.light, f"{finding.light}, {level}s: {finding.title}: {finding.says}")
        for level, found in levels.items()
        for finding in found.findings
        if finding.light in ("amber", "red")
    ]
    reasons.sort(key=lambda reason: reason[0] != "red")
    return AuditMark(
        light=worst(found.light for found in levels.values()), reasons=tuple(text for _, text in reasons)
    )
