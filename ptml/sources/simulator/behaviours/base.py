"""What a behaviour is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.sources.simulator.records import Flows
    from ptml.sources.simulator.scene import Scene


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Something that hosts do, as columns of connections.

    Attributes:
        name: Unique name; a malicious behaviour's is its family.
        family: None for benign behaviours.
        reference: Paper, report, standard or ATT&CK technique that describes it.
        generate: Makes exactly the given number of connections for a scene.
        share: Smallest and largest share of a capture's connections, drawn anew for each capture.
        profile: When it happens: in ``office`` hours, ``always``, ``since`` an infection, in one ``burst``.
        period: Shortest and longest interval (s) between ticks, for what is periodic.
        beacon: The number of connections follows from the period; ``share`` only limits it.
    """

    name: str
    family: str | None
    reference: str
    generate: Callable[[Scene, int], Flows]
    share: tuple[float, float]
    profile: Literal["office", "always", "since", "burst"] = "office"
    period: tuple[float, float] = (60.0, 60.0)
    beacon: bool = False
