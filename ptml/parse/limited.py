"""Running another program on hostile input: in a folder of its own, under limits, without a shell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.io import writing

if TYPE_CHECKING:
    from collections.abc import Sequence

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0
TAIL_BYTES = 4096
MAX_FILES = 10_000
INHERITED = {"PATH", "HOME", "USER", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "XDG_RUNTIME_DIR"}
INHERITED_PREFIXES = ("LC_", "ZEEK", "DOCKER_", "CONTAINER")
NO_MEMORY = ("bad_alloc", "out of memory", "Cannot allocate memory", "MemoryError")
SIGNALS_OF_LIMITS = {
    "SIGKILL": "was killed, as happens for want of memory",
    "SIGXCPU": "used up its CPU time",
    "SIGXFSZ": "wrote a file that was too large",
}
"""By name: Windows has none of them, and imports this too."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use.

    Attributes:
        seconds: Time by the clock; twice that of CPU time, as it may have threads.
        memory_bytes: Memory.
        output_bytes: All files that it writes.
    """

    seconds: float = 3600.0
    memory_bytes: int = 8 << 30
    output_bytes: int = 64 << 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended by itself: its exit code (a signal's number below zero) and its last words."""

    code: int
    said: str


def run_limited(command: Sequence[str], folder: Path, scratch: Path, limits: Limits) -> Ended:
    """Run a program until it ends.

    Args:
        command: The program's path and its arguments.
        folder: Where it works; nothing else should lie there.
        scratch: Where what it says is kept.
        limits: What it may use.

    Raises:
        BadData: It reached a limit, and was stopped.
    """
    scale = (limits.memory_bytes, limits.output_bytes, int(2 * limits.seconds) + 1)
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, scale), *command]
    with (
        writing(scratch),
        (scratch / "stdout").open("wb") as stdout,
        (scratch / "stderr").open("wb") as stderr,
        subprocess.Popen(  # noqa: S603 - a list of arguments, no shell; the program is the user's own
            launch,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            process_group=0,  # Ctrl-C is ours to handle, and its children end with it
        ) as process,
    ):
        try:
            reached = _wait(process, [folder, scratch], limits)
        finally:
            _stop(process)
    said = _tail(scratch / "stderr")
    reached = reached or _limit_behind(process.returncode, said) or _too_much([folder, scratch], limits)
    if reached:
        raise BadData(
            f"{Path(command[0]).name} {reached}, and was stopped; nothing of the capture was kept",
            hint="cut the capture into smaller ones (editcap -c); or raise the limit: "
            "--set parse.zeek_seconds=…, parse.zeek_memory_gb=… or parse.zeek_output_gb=…",
        )
    return Ended(process.returncode, said)


def _environment(folder: Path) -> dict[str, str]:
    """Leave out what the program has no use for, such as keys: it reads what an attacker wrote."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIXES)
    }
    return kept | {"TZ": "UTC", "TMPDIR": str(folder)}


def _wait(process: subprocess.Popen[bytes], folders: Sequence[Path], limits: Limits) -> str | None:
    """Wait until the program ends; if it first reaches a limit, say which."""
    deadline = time.monotonic() + limits.seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
            return None
        if time.monotonic() > deadline:
            return f"took more than {limits.seconds:g} seconds"
        if too_much := _too_much(folders, limits):
            return too_much


def _too_much(folders: Sequence[Path], limits: Limits) -> str | None:
    files, size = _written(folders)
    if size >= limits.output_bytes:  # the system lets one file grow just so far
        return f"wrote {limits.output_bytes} bytes or more"
    return f"wrote more than {MAX_FILES} files" if files > MAX_FILES else None


def _written(folders: Sequence[Path]) -> tuple[int, int]:
    files = size = 0
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                with suppress(OSError):  # renamed just now
                    size += (Path(place) / name).lstat().st_size
                    files += 1
    return files, size


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program and its children, gently at first: a container passes the signal on."""
    if process.poll() is not None:
        return
    for how, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


def _limit_behind(code: int, said: str) -> str | None:
    """Tell an end that a limit brought about from one that the capture did."""
    name = signal.Signals(-code).name if code < 0 else ""
    if name in SIGNALS_OF_LIMITS:
        return SIGNALS_OF_LIMITS[name]
    return "ran out of memory" if code and any(text in said for text in NO_MEMORY) else None


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode("utf-8", errors="backslashreplace").strip()
