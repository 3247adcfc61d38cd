"""Waiting for what is not ready yet: pauses that grow, and an end to patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.errors import DownloadError
from ptml.sources.patience import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ptml.sources.packettotal.calls import Reply

LONGEST_PAUSE = 60.0
GROWTH = 1.6


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait.

    Attributes:
        seconds: In all.
        first: The first pause.

    >>> list(Patience(10, 1).pauses())
    [1, 1.6, 2.56, 4.096, 0.744]
    """

    seconds: float = 600.0
    first: float = 1.0

    def pauses(self) -> Iterator[float]:
        """Give the pauses, each longer than the one before, that together last as long as patience does."""
        left, pause = self.seconds, self.first
        while left > 0:
            yield round(min(pause, left), 3)
            left -= pause
            pause = min(pause * GROWTH, LONGEST_PAUSE)


def wait_for(
    what: str,
    ask: Callable[[], Reply],
    ready: Callable[[Reply], bool],
    patience: Patience,
    rest: Callable[[float], None],
) -> Reply:
    """Ask again and again until what is asked for is ready.

    Args:
        what: What is waited for, for the message.
        ask: Asks once.
        ready: Tells whether a reply is what was waited for.
        patience: How long to wait.
        rest: Passes the time.

    Raises:
        DownloadError: It was not ready in time.
    """
    asked = 1
    reply = ask()
    for pause in patience.pauses():
        if ready(reply):
            return reply
        rest(max(pause, min(retry_after(reply.headers.get("retry-after")) or 0.0, LONGEST_PAUSE)))
        reply = ask()
        asked += 1
    if ready(reply):
        return reply
    raise DownloadError(
        f"{what} was not ready after {patience.seconds:g} seconds: it was asked for {asked} times, "
        f"the last answer had status {reply.status}",
        hint="run the same again later, it goes on from there; --wait SECONDS waits longer",
    )
