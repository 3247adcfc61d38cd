"""All behaviours, in explicit tuples."""

from __future__ import annotations

from typing import Final

from ptml.sources.simulator.behaviours import (
    attack,
    command,
    infrastructure,
    intrusion,
    machines,
    names,
    office,
    profit,
    web,
)
from ptml.sources.simulator.behaviours.base import Behaviour

__all__ = ["BENIGN", "MALICIOUS", "Behaviour"]

BENIGN: Final[tuple[Behaviour, ...]] = (
    *web.BEHAVIOURS,
    *office.BEHAVIOURS,
    *names.BEHAVIOURS,
    *infrastructure.BEHAVIOURS,
    *machines.BEHAVIOURS,
)
MALICIOUS: Final[tuple[Behaviour, ...]] = (
    *command.BEHAVIOURS,
    *attack.BEHAVIOURS,
    *intrusion.BEHAVIOURS,
    *profit.BEHAVIOURS,
)
