"""Reading one step ahead: while one batch is written, the next is read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield what an iterator yields, while a thread fetches the next; at most one item waits.

    Raises:
        Exception: What the iterator raises, once all that came before has been yielded.

    >>> list(one_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    done = object()
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, done)
        while (item := following.result()) is not done:
            following = thread.submit(next, items, done)
            yield item  # type: ignore[misc]  # all but the mark are of the iterator
