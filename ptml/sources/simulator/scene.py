"""What a behaviour is handed: one time slice of one capture, and the generators it may draw from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ptml.sources.simulator.network import Network
    from ptml.sources.simulator.records import Bools, Floats, Ints

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Scene:
    """One slice of a capture, as one behaviour sees it.

    Attributes:
        network: Who is there.
        rng: For what differs from slice to slice.
        fixed: For what stays the same over the capture (intervals, sizes, who is infected): the same draws
            in the same order in every slice.
        window: Start and end of the slice, microseconds since 1970.
        clock: Times (µs) and `done` the share of the behaviour's connections that lie before them.
        done: See ``clock``.
        period: Seconds between the ticks of a periodic behaviour.
    """

    network: Network
    rng: np.random.Generator
    fixed: np.random.Generator
    window: tuple[int, int]
    clock: Floats
    done: Floats
    period: float

    def moments(self, count: int) -> Ints:
        """Draw times in the slice, denser where the behaviour is more active."""
        low, high = np.interp(self.window, self.clock, self.done)
        drawn = np.interp(self.rng.uniform(low, high, count), self.done, self.clock)
        return self._inside(drawn)

    def active(self) -> tuple[int, int]:
        """The part of the slice in which the behaviour is active at all."""
        live = np.flatnonzero(np.diff(self.done) > 0)
        begins, ends = self.clock[live[0]], self.clock[live[-1] + 1]
        return max(self.window[0], int(begins)), min(self.window[1], int(ends))

    def pick(self, pool: Ints, count: int) -> Ints:
        """Draw from a pool with equal chances."""
        return pool[self.rng.integers(0, len(pool), count)]

    def popular(self, kind: str, count: int) -> Ints:
        """Draw sites of a kind by their popularity."""
        sites = self.network.sites
        pool = sites.kind[kind]
        weights = np.cumsum(sites.popularity[pool])
        drawn: Ints = pool[np.searchsorted(weights, self.rng.random(count) * weights[-1])]
        return drawn

    def infected(self, most: int = 3) -> Ints:
        """The infected hosts of this capture: a few, any of them."""
        hosts = self.network.hosts
        wanted = int(self.fixed.integers(1, min(most, len(hosts)) + 1))
        return self.fixed.choice(hosts, size=wanted, replace=False)

    def rogue(self, count: int = 1) -> Ints:
        """The attacker's sites in this capture."""
        return self.fixed.choice(self.network.sites.kind["rogue"], size=count, replace=False)

    def lognormal(self, median: float, spread: float, count: int) -> Ints:
        """Draw sizes: log-normal around ``median``, whole, at least 1."""
        return np.maximum(1, median * np.exp(self.rng.normal(0.0, spread, count))).astype(np.int64)

    def mostly(self, count: int, *choices: tuple[int, float]) -> Ints:
        """Draw codes by their weights."""
        codes = np.array([code for code, _ in choices], dtype=np.int64)
        weights = np.cumsum([weight for _, weight in choices])
        drawn: Ints = codes[np.searchsorted(weights, self.rng.random(count) * weights[-1])]
        return drawn

    def always(self, probability: float) -> bool:
        """Throw a coin once for the whole capture."""
        return bool(self.fixed.random() < probability)

    def chance(self, probability: float, count: int) -> Bools:
        """Throw a coin ``count`` times."""
        return self.rng.random(count) < probability

    def ticks(self, count: int, streams: int, jitter: float) -> tuple[Ints, Ints]:
        """Lay ``count`` regular ticks over the active part of the slice.

        Args:
            count: Ticks over all streams.
            streams: Independent clocks, each with its own phase.
            jitter: Largest shift of a tick, as a share of the interval.

        Returns:
            The times, and the stream of each.
        """
        begins, ends = self.active()
        streams = max(1, min(streams, count))
        stream = np.arange(count, dtype=np.int64) % streams
        per_stream = np.bincount(stream, minlength=streams)[stream]
        interval = (ends - begins) / np.maximum(per_stream, 1)
        phase = self.rng.random(streams)[stream] * (1 - jitter)
        shift = self.rng.random(count) * jitter
        at = begins + (np.arange(count) // streams + phase + shift) * interval
        return self._inside(at), stream

    def streams_for(self, count: int) -> int:
        """How many clocks of `period` seconds make ``count`` ticks in the slice."""
        begins, ends = self.active()
        return max(1, round(count * self.period * SECOND / max(1, ends - begins)))

    def _inside(self, times: Floats) -> Ints:
        return np.clip(times.astype(np.int64), self.window[0], self.window[1] - 1)
