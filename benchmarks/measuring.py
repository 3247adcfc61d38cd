"""Running a command in a fresh process, and what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import resource


@dataclass(frozen=True, slots=True)
class Measure:
    """One process and its children: wall and CPU seconds, and the peak memory of the largest in MiB."""

    wall: float
    cpu: float
    peak: float


def measure(*command: str) -> Measure:
    """Run a command in a fresh process and measure it and its children.

    Raises:
        CalledProcessError: It failed.
    """
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Measure(time.perf_counter() - started, used.ru_utime + used.ru_stime, _peak_mib(used))


def ptml(*arguments: str, jobs: int = 1, pinned: bool = False) -> Measure:
    """Measure one ptml command.

    Args:
        arguments: The command.
        jobs: Processes; 0 means one a core.
        pinned: Whether it may use one core only (Linux).
    """
    on_one_core = ("taskset", "--cpu-list", "0") if pinned else ()
    command = (sys.executable, "-m", "ptml", *arguments, "--jobs", str(jobs), "--quiet", "--json")
    return measure(*on_one_core, *command)


def _peak_mib(used: resource.struct_rusage) -> float:
    """Give peak memory in MiB: Linux counts kilobytes, macOS bytes."""
    return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
