"""Starts a program under limits of the operating system; run by its path, with Python's own library alone.

``python -I -S launch.py MEMORY FILE SECONDS PROGRAM [ARGUMENT…]``: bytes of memory, bytes of the largest
file and CPU seconds. The process becomes the program. Setting limits between fork and exec, in the parent's
own code (``preexec_fn``), can deadlock in a process with threads, which Polars has; setting them from outside
(``prlimit``) comes after the program has begun, and only Linux can do it.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

ADDRESS_SPACE = 4
"""Address space for each byte of memory: threads reserve far more than they use."""


def limit(kind: int, value: int) -> None:
    """Set a limit, unless a lower one holds already."""
    _, highest = resource.getrlimit(kind)
    value = value if highest == resource.RLIM_INFINITY else min(value, highest)
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError) as error:  # macOS knows some of them by name only
        print(f"a limit could not be set: {error}", file=sys.stderr)  # noqa: T201 - a program of its own


def main() -> None:
    """Set the limits and become the program."""
    memory, file, seconds = (int(text) for text in sys.argv[1:4])
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_DATA, memory)
    limit(resource.RLIMIT_AS, memory * ADDRESS_SPACE)
    limit(resource.RLIMIT_FSIZE, file)
    limit(resource.RLIMIT_CPU, seconds)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # as Python has them, and the program would inherit them
        signal.signal(ignored, signal.SIG_DFL)
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 - no shell, which is the point


if __name__ == "__main__":
    main()
