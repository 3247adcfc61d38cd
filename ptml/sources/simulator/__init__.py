"""Writes labelled captures as Zeek logs: the embedded default source, test data and load generator.

>>> from ptml.sources.simulator import MALICIOUS, plan_captures
>>> plan_captures(captures=2, hours=1, hosts=4, connections=100, seed=1)[0].name[:9]
'sim-0000-'
>>> len(MALICIOUS) >= 10
True
"""

from __future__ import annotations

from ptml.sources.simulator.behaviours import BENIGN, MALICIOUS, Behaviour
from ptml.sources.simulator.capture import WrittenCapture, write_capture
from ptml.sources.simulator.plan import CapturePlan, plan_captures

__all__ = [
    "BENIGN",
    "MALICIOUS",
    "Behaviour",
    "CapturePlan",
    "WrittenCapture",
    "plan_captures",
    "write_capture",
]
