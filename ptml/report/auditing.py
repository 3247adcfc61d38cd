"""What a page says of an audit of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORST_FIRST = ("red", "amber", "green")
UNCHECKED = "unchecked"
SENTENCES = {
    "red": "The data is not fit to learn from as it is: figures on this page may mean something else.",
    "amber": "The data has weaknesses that figures on this page may owe something to.",
    "green": "The audit of the data found nothing amiss.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """A line of the audit.

    Attributes:
        light: `red`, `amber`, `green`, or `unchecked`.
        level: Connections or captures.
        title: What was looked at.
        says: What was found.
        advice: What to do about it.
    """

    light: str
    level: str
    title: str
    says: str
    advice: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """What the page shows of an audit.

    Attributes:
        light: The worst light.
        checks: The worst first.
    """

    light: str
    checks: Sequence[Check]

    @property
    def sentence(self) -> str:
        """Say what the light means."""
        return SENTENCES[self.light]

    def found(self, *names: str) -> list[Check]:
        """Give what checks with any of these words in their titles found amiss."""
        amiss = [check for check in self.checks if check.light in ("red", "amber")]
        return [check for check in amiss if any(name in check.title.lower() for name in names)]


def audit_page(audit: Mapping[str, Any] | None) -> AuditPage | None:
    """Arrange an audit, the worst first; None where none was made.

    Args:
        audit: The content of `audit.json`.

    >>> finding = {"light": "amber", "title": "Too few groups", "says": "3 captures", "advice": "add some"}
    >>> page = audit_page({"light": "amber", "levels": {"capture": {"findings": [finding]}}})
    >>> page.checks[0].title
    'Too few groups'
    """
    if not audit:
        return None
    checks = [
        Check(one["light"] or UNCHECKED, f"{level}s", one["title"], one["says"], one["advice"])
        for level, found in audit.get("levels", {}).items()
        for one in found["findings"]
    ]
    order = {light: place for place, light in enumerate((*WORST_FIRST, UNCHECKED))}
    return AuditPage(audit["light"], sorted(checks, key=lambda check: order[check.light]))
