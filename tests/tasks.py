"""Functions that worker processes can import."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import polars as pl

from ptml.errors import BadData, CannotWrite


def double(number: int) -> tuple[int, int]:
    """Give twice the number, and the process that did it."""
    return 2 * number, os.getpid()


def fail_on_three(number: int) -> int:
    """Refuse three as bad data."""
    if number == 3:
        raise BadData("three is bad", hint="try four")
    return number


def full_on_three(number: int) -> int:
    """Run out of space at three."""
    if number == 3:
        raise CannotWrite("no space")
    return number


def die_on_three(number: int) -> int:
    """Be killed at three."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def threads(_number: int) -> tuple[int, str]:
    """Tell how many threads Polars has here, and how this process was started."""
    time.sleep(0.05)
    return pl.thread_pool_size(), multiprocessing.get_start_method()


def linger(_number: int) -> None:
    """Say who this is, and take long."""
    print(os.getpid(), flush=True)  # noqa: T201 - to the test that started it
    time.sleep(600)
