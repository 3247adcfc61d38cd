"""Loops over arrays, compiled by numba when there is enough to do.

Importing numba takes longer than scoring a small capture, so it is imported on first use, and a function that
is compiled is one that plain Python can run as well: one implementation, two ways to run it.
"""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FEWEST_ROWS = 2000
"""From so many rows on a compiled function pays."""


@cache
def compiled(function: Callable[..., Any], *helpers: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function; the machine code is kept on disk where there is a place for it.

    Args:
        function: A function of a module, over numbers and arrays.
        helpers: Functions of the same module that it calls; each may call those before it.

    >>> compiled(_twice_sum, _twice)(3, 4)
    14
    """
    from numba import njit  # noqa: PLC0415 - it takes a second

    made: dict[str, Callable[..., Any]] = {}
    for one in (*helpers, function):
        assert isinstance(one, FunctionType)
        copy = FunctionType(one.__code__, {**one.__globals__, **made}, one.__name__, one.__defaults__)
        copy.__qualname__, copy.__module__ = one.__qualname__, one.__module__
        try:
            made[one.__name__] = njit(cache=True)(copy)
        except RuntimeError:  # neither the package's folder nor the user's can be written
            made[one.__name__] = njit(copy)
    return made[function.__name__]


def runner(rows: int, function: Callable[..., Any], *helpers: Callable[..., Any]) -> Callable[..., Any]:
    """Choose how to run a function: as it is on few rows, else compiled.

    >>> runner(10, _twice_sum, _twice) is _twice_sum
    True
    """
    return function if rows < FEWEST_ROWS else compiled(function, *helpers)


def _twice(number: int) -> int:
    return 2 * number


def _twice_sum(one: int, other: int) -> int:
    return _twice(one + other)
