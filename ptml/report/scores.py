"""The page on a batch of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.report.environment import count, plural, probability, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over the whole batch, of which the page may show only the riskiest rows."""

    captures: int
    malicious: int
    connections: int
    alerts: int
    hosts: int
    rows: int
    quarantined: int
    in_training: int = 0


@dataclass(frozen=True, slots=True)
class ScoresPage:
    """All that the page shows, riskiest first.

    Attributes:
        captures: Rows of the table of captures; `in_training` tells those that the model was trained on.
        hosts: Rows of the table of hosts, with the capture's `name`.
        alerts: Rows of connections called malicious, with the capture's `name`.
        reading: One a capture: `name`, `rows_read`, `rows_quarantined`, `rows_left_out`, `connections`,
            `notes`.
        skipped: One for each path left out: `path`, `reason`.
        totals: Counts over everything, shown or not.
        model_facts: Name and value of what is known of the model.
        connection_threshold: The model's threshold for connections.
        evaluation: In a sentence, how the model did on captures it had not seen; None if nobody measured.
        audit: What the audit said of the data that the model learned from.
        warnings: How these captures differ from that data.
    """

    captures: Sequence[Mapping[str, Any]]
    hosts: Sequence[Mapping[str, Any]]
    alerts: Sequence[Mapping[str, Any]]
    reading: Sequence[Mapping[str, Any]]
    skipped: Sequence[Mapping[str, Any]]
    totals: Totals
    model_facts: Sequence[tuple[str, object]]
    connection_threshold: float | None
    evaluation: str | None = None
    audit: Mapping[str, Any] | None = None
    warnings: Sequence[str] = ()

    @property
    def headline(self) -> str:
        """Say in one line what was found."""
        captures = plural(self.totals.captures, "capture", "captures")
        if all(row["verdict"] is None for row in self.captures):
            return f"{plural(self.totals.alerts, 'alert', 'alerts')} in {captures}"
        return f"{self.totals.malicious or 'None'} of {captures} called malicious"

    @property
    def lead(self) -> str:
        """Say which capture to look at first."""
        first = next((row for row in self.captures if row["top_probability"] is not None), None)
        if first is None:
            return "No connection was scored, so nothing is known about these captures."
        chance = first["probability"] if first["probability"] is not None else first["top_probability"]
        alerts = plural(first["alerts"], "alert", "alerts")
        of = plural(first["connections"], "connection", "connections")
        return f"Look first at {first['name']}: probability {probability(chance)}, {alerts} among {of}."

    @property
    def flattered(self) -> str | None:
        """Say how many captures the model was trained on; None if it has seen none of them."""
        seen, captures = self.totals.in_training, self.totals.captures
        if not seen:
            return None
        of = plural(captures, "capture", "captures")
        return f"{count(seen)} of {of} {'was' if seen == 1 else 'were'} in training"

    @property
    def has_reasons(self) -> bool:
        """Tell whether any alert says why it was raised, or that it is unlike the training data."""
        return any(row.get("reasons") or row.get("out_of_distribution") for row in self.alerts)


def render_scores(page: ScoresPage) -> str:
    """Make one self-contained HTML page of a batch of scores.

    >>> totals = Totals(0, 0, 0, 0, 0, 0, 0)
    >>> page = ScoresPage([], [], [], [], [], totals, [], None)
    >>> render_scores(page).startswith("<!doctype html>")
    True
    """
    return render("scores.html", page=page)
