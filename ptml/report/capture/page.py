"""All that the page on a capture shows, and the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.report.capture.figures import gaps, over_time
from ptml.report.capture.opening import CONN
from ptml.report.capture.rows import LONGEST_TEXT
from ptml.report.environment import count, moment, plural, render, seconds, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ptml.report.capture.beacons import Beacon
    from ptml.report.capture.events import Files
    from ptml.report.capture.names import Names
    from ptml.report.capture.opening import Opened
    from ptml.report.capture.places import Places
    from ptml.report.capture.rows import Table
    from ptml.report.capture.traffic import Row, Timeline

SCRIPTS = ("tables.js", "connections.js")


@dataclass(frozen=True, slots=True)
class CapturePage:
    """What the page shows; a section whose log is not there is None.

    Attributes:
        opened: Where it came from.
        totals: Connections, bytes, hosts, first and last moment.
        timeline: Over time; None where no time is known.
        mixes: By protocol, service and state.
        talkers: Originators, responders, pairs.
        places: Countries and networks; None where nobody was asked.
        asked: Names asked for in DNS.
        met: Server names of TLS and QUIC.
        files: Files.
        notices: Zeek's notices.
        weirds: What Zeek found weird.
        beacons: Pairs that may beacon.
        beacons_missing: Why pairs could not be scored.
        alerts: The riskiest connections called malicious.
        alert_count: How many there are; None where nothing was scored.
        table: The connections.
    """

    opened: Opened
    totals: Row
    timeline: Timeline | None
    mixes: Mapping[str, Sequence[Row]]
    talkers: Mapping[str, Sequence[Row]]
    places: Places | None
    asked: Names | None
    met: Names | None
    files: Files | None
    notices: Sequence[Row] | None
    weirds: Sequence[Row] | None
    beacons: Sequence[Beacon]
    beacons_missing: str | None
    alerts: Sequence[Mapping[str, Any]]
    alert_count: int | None
    table: Table

    @property
    def headline(self) -> str:
        """Say in a line what it holds."""
        connections = plural(self.totals["connections"], "connection", "connections")
        if self.alert_count is None:
            return connections
        return f"{plural(self.alert_count, 'alert', 'alerts')} among {connections}"

    @property
    def lead(self) -> str:
        """Say when it was, and how much."""
        if not self.totals["connections"]:
            return "No connection was found here, so there is nothing to tell of traffic."
        if self.totals["first"] is None:
            return "No connection has a time that a calendar knows."
        return (
            f"From {moment(self.totals['first'])} to {moment(self.totals['last'])} UTC"
            f" ({seconds((self.totals['last'] - self.totals['first']).total_seconds())}),"
            f" {size(self.totals['sent'] + self.totals['received'])} of payload."
        )

    @property
    def notes(self) -> list[str]:
        """List what a reader should know before believing the page."""
        notes = list(self.opened.notes)
        if CONN not in self.opened.logs:
            notes.append("there is no conn.log, or none with a connection in it, so no traffic is shown")
        if self.opened.quarantined:
            lines = plural(self.opened.quarantined, "line", "lines")
            notes.append(f"{lines} could not be read and are not in any count")
        if self.timeline is not None and self.timeline.outside:
            notes.append(
                f"{plural(self.timeline.outside, 'connection', 'connections')} began weeks or years apart"
                " from the others, as where a clock jumps; they are counted, but not drawn over time"
            )
        if self.timeline is not None and self.timeline.unknown:
            notes.append(f"{plural(self.timeline.unknown, 'connection has', 'connections have')} no time")
        if self.places is not None:
            notes += self.places.notes
        if self.table.total > self.table.rows:
            notes.append(
                f"the table of connections holds {count(self.table.rows)} of {count(self.table.total)}, "
                f"{self.table.order}; all other figures are of all connections"
            )
        if self.table.clipped:
            texts = plural(self.table.clipped, "text", "texts")
            notes.append(f"{texts} of the table of connections cut after {LONGEST_TEXT} characters")
        return notes


def render_capture(page: CapturePage) -> str:
    """Make one self-contained HTML page."""
    drawn = [] if page.timeline is None else over_time(page.timeline)
    return render(
        "capture.html",
        SCRIPTS,
        page=page,
        figures=drawn,
        beacons=[(beacon, gaps(beacon)) for beacon in page.beacons],
    )
