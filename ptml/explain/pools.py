"""The scores of a capture's connections, as reasons for a verdict on the capture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ptml.artifact import POOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

POOL_FAMILY = "its connections"
SAID: Mapping[str, str] = {
    "noisy_or": "taken one by one, its connections make it {p} likely that one at least is malicious",
    "top_10_mean": "its ten riskiest connections have a probability of {p} on average",
    "median": "half of its connections have a probability of {p} or more",
    "p90": "a tenth of its connections have a probability of {p} or more",
    "highest": "its riskiest connection has a probability of {p}",
}
CERTAIN = 0.999


def is_pool(name: str) -> bool:
    """Tell the scores of connections from features."""
    return name in POOLS


def pool_value(log_odds: float) -> str:
    """Write log-odds as a probability.

    >>> pool_value(0.0), pool_value(20.0), pool_value(-20.0)
    ('0.500', '>0.999', '<0.001')
    """
    share = 1 / (1 + math.exp(-log_odds))
    if share > CERTAIN:
        return f">{CERTAIN}"
    return f"<{1 - CERTAIN:.3f}" if share < 1 - CERTAIN else f"{share:.3f}"


def pool_phrase(name: str, log_odds: float) -> str:
    """Say what a pool of scores tells.

    >>> pool_phrase("median", 0.0)
    'half of its connections have a probability of 0.500 or more'
    """
    return SAID[name].format(p=pool_value(log_odds))
