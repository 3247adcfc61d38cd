"""What a capture cannot have seen: the beginning of what was under way, the end of what went on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator.records import OTH, RSTO, RSTR, S1, SERVICE, SF, TCP, Flows
from ptml.sources.simulator.scene import SECOND
from ptml.sources.simulator.transport import unopened

if TYPE_CHECKING:
    from ptml.sources.simulator.records import Bools

_OPENING: Final = 90 * SECOND
_LONG: Final = 20 * SECOND
_LEFT: Final = 5 * SECOND
_PAUSE: Final = 30 * SECOND
"""Longest time between the last packet seen of an open connection and the end of the capture."""


def silence(flows: Flows) -> Flows:
    """Take away what cannot have been seen: service and events of connections that carried no payload."""
    conn = dict(flows.conn)
    quiet = unopened(conn) | (conn["up"] + conn["down"] == 0)
    conn["service"] = np.where(quiet, 0, conn["service"])
    return _without_events(Flows(conn, flows.events), quiet)


def cut(flows: Flows, begins: int, ends: int, rng: np.random.Generator) -> Flows:
    """Cut connections at the ends of a capture.

    Half of the long ones that start in its first moments were under way before: no handshake was seen, so
    state ``OTH`` and no service. Those that would outlast it are open when it ends: ``S1``.

    Args:
        flows: Connections.
        begins: Start of the capture, microseconds.
        ends: Its end.
        rng: Decides which of the first ones were under way.
    """
    conn = dict(flows.conn)
    lasting = (conn["proto"] == TCP) & np.isin(conn["state"], (SF, S1, RSTO, RSTR))
    under_way = lasting & (conn["start"] < begins + _OPENING) & (conn["duration"] > _LONG)
    under_way &= rng.integers(0, 2, len(flows)) > 0
    over = (conn["start"] + conn["duration"] > ends) & (conn["service"] != SERVICE["http"])
    left = ends - conn["start"] - rng.integers(0, _PAUSE, len(flows))
    shown = np.minimum(conn["duration"], np.maximum(left, _LEFT))
    conn["duration"] = np.where(over, shown, conn["duration"])
    conn["state"] = np.where(under_way, OTH, np.where(over & lasting, S1, conn["state"]))
    conn["service"] = np.where(under_way, 0, conn["service"])
    return _without_events(Flows(conn, flows.events), under_way)


def _without_events(flows: Flows, gone: Bools) -> Flows:
    kept = pl.Series(~gone)
    flows.events = {log: frame.filter(kept.gather(frame["row"])) for log, frame in flows.events.items()}
    return flows
