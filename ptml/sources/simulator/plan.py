"""What is to be simulated: one plan a capture, all drawn from one seed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from ptml.errors import SettingsError, did_you_mean, quoted
from ptml.sources.simulator.behaviours import MALICIOUS

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST_MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
_PER_HOST_HOUR: Final = 90
_MOST_HOSTS: Final = 20_000
_LEAST: Final = 20
"""Fewer connections than this a capture cannot hold both a behaviour and its background."""


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """Everything needed to write one capture.

    Attributes:
        name: Such as ``sim-0007-http-beacon``; benign captures ``sim-0003-benign``.
        seed: Decides everything that is drawn.
        started_at: First moment of the capture, UTC, on a workday.
        hours: Length.
        hosts: People's computers; servers, printers and sensors come on top.
        connections: Exact number of conn.log's rows.
        behaviours: Malicious behaviours, by family; none in a benign capture.
    """

    name: str
    seed: int
    started_at: datetime
    hours: float
    hosts: int
    connections: int
    behaviours: tuple[str, ...] = ()


def plan_captures(
    *,
    captures: int,
    hours: float,
    hosts: int,
    connections: int | None,
    seed: int,
    malicious_share: float = 0.5,
    families: Sequence[str] | None = None,
    exclude_families: Sequence[str] = (),
) -> list[CapturePlan]:
    """Plan captures that differ in day, hour, size and behaviour.

    Args:
        captures: How many.
        hours: Length of each.
        hosts: People's computers in each.
        connections: conn.log's rows over all captures; None takes a number fit for hosts and hours.
        seed: Same seed, same plans.
        malicious_share: Share of the captures that hold a malicious behaviour.
        families: Families to choose from; None takes all.
        exclude_families: Families to leave out, such as those kept for a test.

    Raises:
        SettingsError: A family is not known, or a number is out of range.

    >>> plans = plan_captures(captures=4, hours=1, hosts=5, connections=400, seed=7)
    >>> len(plans), sum(plan.connections for plan in plans), sum(bool(plan.behaviours) for plan in plans)
    (4, 400, 2)
    """
    _check(captures, hours, hosts, connections, malicious_share)
    chosen = _choose(families, exclude_families)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    total = connections if connections is not None else round(captures * hosts * hours * _PER_HOST_HOUR)
    sizes = _apportion(max(total, captures * _LEAST) if connections is None else total, captures, rng)
    malicious = math.ceil(captures * malicious_share)  # one capture of a family that was asked for has it
    if malicious and not chosen:
        raise SettingsError("no malicious family is left to simulate", hint="exclude fewer families")
    turns = [str(name) for name in rng.permutation(chosen)] if chosen else []
    infected = set(rng.permutation(captures)[:malicious].tolist())
    plans: list[CapturePlan] = []
    turn = itertools.cycle(turns)
    for place in range(captures):
        family = next(turn) if place in infected else None
        plans.append(
            CapturePlan(
                name=f"sim-{place:04d}-{family or 'benign'}",
                seed=int(rng.integers(2**62)),
                started_at=_workday_moment(rng),
                hours=hours,
                hosts=hosts,
                connections=sizes[place],
                behaviours=(family,) if family else (),
            )
        )
    return plans


def _check(captures: int, hours: float, hosts: int, connections: int | None, malicious_share: float) -> None:
    for name, value in (("captures", captures), ("hours", hours), ("hosts", hosts)):
        if not value > 0:
            raise SettingsError(f"{name} must be more than 0, not {value}")
    if hosts > _MOST_HOSTS:
        raise SettingsError(f"hosts must be at most {_MOST_HOSTS}, the inside is a /16, not {hosts}")
    if not 0 <= malicious_share <= 1:
        raise SettingsError(f"malicious_share must lie between 0 and 1, not {malicious_share}")
    if connections is not None and connections < captures * _LEAST:
        raise SettingsError(
            f"{connections} connections are too few for {captures} captures",
            hint=f"ask for at least {captures * _LEAST}, {_LEAST} a capture",
        )


def _choose(families: Sequence[str] | None, excluded: Sequence[str]) -> list[str]:
    known = [behaviour.name for behaviour in MALICIOUS]
    wrong = [name for name in (*(families or ()), *excluded) if name not in known]
    if wrong:
        raise SettingsError(f"no family is called {quoted(wrong)}", hint=did_you_mean(wrong, known))
    return [name for name in known if (families is None or name in families) and name not in excluded]


def _apportion(total: int, captures: int, rng: np.random.Generator) -> list[int]:
    """Share ``total`` out unevenly and exactly, no capture below the least."""
    weights = rng.uniform(0.7, 1.3, captures)
    spare = total - captures * _LEAST
    ends = np.floor(np.cumsum(weights) / weights.sum() * spare + 0.5).astype(np.int64)
    ends[-1] = spare
    return [int(size) + _LEAST for size in np.diff(ends, prepend=0)]


def _workday_moment(rng: np.random.Generator) -> datetime:
    week, day = divmod(int(rng.integers(40 * 5)), 5)
    seconds = int(rng.integers(6 * 3600, 19 * 3600))
    micro = int(rng.integers(1_000_000))
    return _FIRST_MONDAY + timedelta(weeks=week, days=day, seconds=seconds, microseconds=micro)
