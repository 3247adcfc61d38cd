"""Two ways to run one kernel: by Python where there are few rows, else compiled by numba.

Importing numba and fetching what it has compiled takes about a second, and compiling takes several: more than
Python needs for a few thousand rows. So numba is only loaded when a capture is large enough to repay it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    Kernel: TypeAlias = Callable[..., None]

COMPILE_FROM = 2_000
"""Rows from which on a kernel is compiled."""


def runnable(kernel: Kernel, rows: int) -> Kernel:
    """Give a kernel in the form that suits so many rows.

    >>> runnable(print, 10) is print
    True
    """
    return kernel if rows < COMPILE_FROM else _compiled(kernel)


@cache
def _compiled(kernel: Kernel) -> Kernel:
    import numba  # noqa: PLC0415 - see above

    try:
        return numba.njit(cache=True, nogil=True)(kernel)
    except RuntimeError:
        # Neither the package's folder nor one of the user's can be written to: compile for this process.
        return numba.njit(nogil=True)(kernel)
