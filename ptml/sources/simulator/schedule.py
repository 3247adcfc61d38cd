"""Who does how much when: shares a capture's connections out over behaviours and time slices, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ptml.sources.simulator.behaviours import BENIGN, MALICIOUS
from ptml.sources.simulator.scene import SECOND, Scene

if TYPE_CHECKING:
    from ptml.sources.simulator.behaviours import Behaviour
    from ptml.sources.simulator.network import Network
    from ptml.sources.simulator.plan import CapturePlan
    from ptml.sources.simulator.records import Floats, Ints

SLICE: Final = 120_000
"""Connections a slice; bounds memory."""

_GRID: Final = 4_096
_LEAST: Final = 4
"""Fewest connections of a malicious behaviour."""
_HOURLY: Final = np.array(
    [12, 10, 9, 9, 9, 12, 25, 50, 85, 100, 100, 95, 75, 90, 100, 98, 90, 70, 45, 35, 30, 26, 20, 15],
    dtype=np.float64,
)
"""How busy people are, by hour of the day."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole of a capture, laid out.

    Attributes:
        network: Who is there.
        seed: The plan's.
        behaviours: Those that have connections in this capture.
        totals: Connections of each.
        clock: Times (µs) at which ``done`` is known.
        done: One row a behaviour: the share of its connections that lie before each time.
        periods: Seconds between ticks, for periodic behaviours.
        edges: Positions in ``clock`` where slices begin and end.
    """

    network: Network
    seed: int
    behaviours: tuple[Behaviour, ...]
    totals: Ints
    clock: Floats
    done: Floats
    periods: Floats
    edges: Ints

    @property
    def slices(self) -> int:
        """Number of slices."""
        return len(self.edges) - 1

    @property
    def families(self) -> list[str | None]:
        """Family of each behaviour, None for benign ones."""
        return [behaviour.family for behaviour in self.behaviours]

    def window(self, place: int) -> tuple[int, int]:
        """Start and end of a slice in microseconds."""
        begins, ends = self.edges[:-1][place], self.edges[1:][place]
        return int(self.clock[begins]), int(self.clock[ends])

    def counts(self, place: int) -> list[tuple[Behaviour, int]]:
        """Connections of each behaviour in a slice; over all slices they make `totals`."""
        ends = np.floor(self.totals[:, None] * self.done[:, self.edges[place : place + 2]] + 0.5).astype(
            np.int64
        )
        return list(zip(self.behaviours, (ends[:, 1] - ends[:, 0]).tolist(), strict=True))

    def generator(self, place: int, number: int) -> np.random.Generator:
        """A generator of its own for each slice and behaviour."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(2, place, number + 1)))

    def scene(self, place: int, number: int) -> Scene:
        """What behaviour ``number`` is handed for a slice."""
        return Scene(
            network=self.network,
            rng=self.generator(place, number),
            fixed=np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(3, number))),
            window=self.window(place),
            clock=self.clock,
            done=self.done[number],
            period=float(self.periods[number]),
        )


def build_schedule(plan: CapturePlan, network: Network) -> Schedule:
    """Lay a capture out."""
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(4,)))
    chosen = [behaviour for behaviour in MALICIOUS if behaviour.name in plan.behaviours]
    behaviours = (*BENIGN, *chosen)
    periods = np.array([np.exp(rng.uniform(*np.log(behaviour.period))) for behaviour in behaviours])
    start = round(plan.started_at.timestamp() * SECOND)
    clock = start + np.linspace(0.0, plan.hours * 3600 * SECOND, _GRID + 1)
    done = np.array([_progress(behaviour, clock, rng) for behaviour in behaviours])
    totals = _totals(plan, behaviours, periods, rng)
    whole = totals @ done
    wanted = int(np.ceil(plan.connections / SLICE))
    inner = np.searchsorted(whole, np.arange(1, wanted) * plan.connections / wanted)
    edges = np.unique(np.concatenate([[0], inner, [_GRID]])).astype(np.int64)
    return Schedule(network, plan.seed, behaviours, totals, clock, done, periods, edges)


def _totals(
    plan: CapturePlan, behaviours: tuple[Behaviour, ...], periods: Floats, rng: np.random.Generator
) -> Ints:
    """Connections of each behaviour: malicious ones first, the background shares the rest by weight."""
    totals = np.zeros(len(behaviours), dtype=np.int64)
    weights = np.zeros(len(behaviours))
    malicious = [place for place, behaviour in enumerate(behaviours) if behaviour.family]
    for place, behaviour in enumerate(behaviours):
        low, high = behaviour.share
        weights[place] = np.exp(rng.uniform(np.log(low), np.log(high)))
    for place in malicious:
        wanted = weights[place] * plan.connections
        if behaviours[place].beacon:
            natural = plan.hours * 3600 / periods[place] * rng.uniform(1, 3)
            wanted = min(natural, behaviours[place].share[1] * plan.connections)
        most = plan.connections // 2 // len(malicious)
        totals[place] = min(max(_LEAST, round(wanted / len(malicious))), most)
        weights[place] = 0
    rest = plan.connections - int(totals.sum())
    ends = np.floor(np.cumsum(weights) / weights.sum() * rest + 0.5).astype(np.int64)
    totals += np.diff(ends, prepend=0)
    return totals


def _progress(behaviour: Behaviour, clock: Floats, rng: np.random.Generator) -> Floats:
    """Share of a behaviour's connections before each time of the clock, from 0 to 1."""
    middle = (clock[:-1] + clock[1:]) / 2 / SECOND
    if behaviour.profile == "office":
        rate = np.interp(middle / 3600 % 24, np.arange(25), np.append(_HOURLY, _HOURLY[0]))
    else:
        rate = np.ones(len(middle))
    if behaviour.profile == "since":
        rate[: int(rng.uniform(0.0, 0.4) * len(rate))] = 0.0
    if behaviour.profile == "burst":
        length = max(8, int(rng.uniform(0.1, 0.6) * len(rate)))
        begins = int(rng.integers(0, len(rate) - length + 1))
        rate[:begins] = 0.0
        rate[begins + length :] = 0.0
    done = np.concatenate([[0.0], np.cumsum(rate)])
    progress: Floats = done / done[-1]
    return progress
