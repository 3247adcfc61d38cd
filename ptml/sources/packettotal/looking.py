"""Looking before downloading: what is known of a capture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ptml.errors import DownloadError
from ptml.sources.packettotal.summary import Summary, summary_of

if TYPE_CHECKING:
    from ptml.sources.packettotal.api import PacketTotal
    from ptml.types import JsonObject


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a capture.

    Attributes:
        info: Name, size, logs and so on, in the service's own words.
        summary: Its analysis.
        notes: What is missing and why.
    """

    info: dict[str, Any]
    summary: Summary = field(default_factory=Summary)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        return {"info": self.info, "analysis": self.summary.to_dict(), "notes": list(self.notes)}


def look(api: PacketTotal, md5: str) -> Known:
    """Tell what is known of a capture; one without an analysis is told of too.

    Raises:
        SettingsError: That is no id.
        DownloadError: It is not known there.
    """
    info = api.info(md5)
    try:
        return Known(info, summary_of(api.analysis(md5)))
    except DownloadError as error:
        return Known(info, notes=(f"no analysis: {error.message}",))
