"""Claims about reading one step ahead."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ptml.parse.ahead import one_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_next_is_fetched_while_one_is_held() -> None:
    """While the first item is worked on, the second is fetched, and no third."""
    fetched = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(fetched):
            event.set()
            yield number

    ahead = one_ahead(items())
    assert next(ahead) == 0
    assert fetched[1].wait(10)
    assert not fetched[2].is_set()
    assert list(ahead) == [1, 2]


def test_error_comes_after_what_was_before_it() -> None:
    """What came before an error is given first."""

    def items() -> Iterator[int]:
        yield 1
        raise ValueError("then this")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="then this"):
        next(ahead)
