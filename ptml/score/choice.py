"""Which of the scores are shown, alerted on and judged by: the riskiest, the newest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.types import JsonObject

_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which alerts and captures count; the tables hold all of them whatever is chosen.

    Attributes:
        min_probability: Those that are at least as likely to be malicious.
        since: Alerts that began then or later, and captures with a connection that did.
    """

    min_probability: float = 0.0
    since: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        if not 0 <= self.min_probability <= 1:
            raise SettingsError(
                f"a probability lies between 0 and 1, and {self.min_probability:g} does not; nothing was done"
            )

    def of_alerts(self, alerts: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the alerts that count."""
        kept = alerts.filter(pl.col("probability") >= self.min_probability)
        return kept if self.since is None else kept.filter(pl.col("ts") >= self.since)

    def shows(self, capture: Mapping[str, Any], last: datetime | None) -> bool:
        """Tell whether a capture counts: by its probability, else by the highest of its connections.

        Args:
            capture: A row of CAPTURE_SCORES.
            last: When its last connection began; None if it has none.
        """
        risk = capture["probability"]
        if risk is None:
            risk = capture["top_probability"]
        new = self.since is None or (last is not None and last >= self.since)
        return new and (risk or 0.0) >= self.min_probability

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        since = None if self.since is None else self.since.isoformat()
        return {"min_probability": self.min_probability, "since": since}


def moment(text: str, now: datetime | None = None) -> datetime:
    """Read a moment: a day, a day and time (UTC unless it says otherwise), or how long ago.

    Args:
        text: ``2026-11-23``, ``2026-11-23T05:00``, ``30m``, ``24h``, ``7d`` or ``2w``.
        now: What "ago" counts from.

    Raises:
        SettingsError: It is none of these.

    >>> moment("2026-11-23T05:00").isoformat()
    '2026-11-23T05:00:00+00:00'
    >>> moment("24h", datetime(2026, 11, 23, 5, tzinfo=UTC)).isoformat()
    '2026-11-22T05:00:00+00:00'
    """
    try:
        if ago := _AGO.fullmatch(text):
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise SettingsError(
            f"{text!r} is no time; nothing was done", hint="write 2026-11-23, 2026-11-23T05:00, 24h or 7d"
        ) from error
