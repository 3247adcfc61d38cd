"""Single draws, cheaply: a generator costs microseconds a call, so its floats come by the thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_T = TypeVar("_T")
_STOCK: Final = 4_096


class Dice:
    """Draws one value at a time.

    Args:
        rng: Where the randomness comes from.

    >>> import numpy as np
    >>> dice = Dice(np.random.default_rng(1))
    >>> dice.below(6) in range(6), dice.pick("abc") in "abc", len(dice.digits(5))
    (True, True, 5)
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._stock: list[float] = []

    def _next(self) -> float:
        if not self._stock:
            self._stock = self._rng.random(_STOCK).tolist()
        return self._stock.pop()

    def below(self, limit: int) -> int:
        """A whole number from 0 to ``limit`` - 1."""
        return int(self._next() * limit)

    def coin(self, probability: float) -> bool:
        """True with the given probability."""
        return self._next() < probability

    def pick(self, options: Sequence[_T]) -> _T:
        """One of the options."""
        return options[self.below(len(options))]

    def digits(self, count: int) -> str:
        """Hexadecimal digits."""
        return "".join([self.pick("0123456789abcdef") for _ in range(count)])
