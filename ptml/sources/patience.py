"""How long to wait for a host, how often to try again, and how fast to ask it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import tenacity

from ptml.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that things may take.

    Attributes:
        connect: Until a connection stands.
        read: Between two pieces of an answer.
        total: A request in all, with what is waited before it is tried again.
        file: A file in all, likewise.
    """

    connect: float = 10.0
    read: float = 60.0
    total: float = 600.0
    file: float = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is tried again, and how long is waited before.

    Attributes:
        attempts: Times that it is tried, the first included.
        first: Seconds that the first wait lasts at most; the next ones twice as long each.
        longest: Seconds of the longest wait; a host that asks for more is not waited for.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 120.0


class Transient(Exception):
    """Something failed that may go well the next time.

    Args:
        reason: What failed.
        after: Seconds that the host asks to wait.
    """

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after
        self.tries = 1


class Stopped(DownloadError):
    """The user stopped it."""


class Deadline:
    """A moment after which nothing is waited for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Give the seconds that are left, 0 at least."""
        return max(self.end - time.monotonic(), 0.0)


def persist(
    attempt: Callable[[], T], retries: Retries, *, deadline: Deadline, stopping: threading.Event
) -> T:
    """Try until it goes well: after each `Transient` wait, with jitter or as the host asks, and try again.

    Raises:
        Transient: The last one, when it has been tried often enough, or the wait would be too long.
    """
    try:
        return attempt()  # most go well at once, and need none of what follows
    except Transient as error:
        first = iter((error,))
    jitter = tenacity.wait_random_exponential(multiplier=retries.first, max=retries.longest)

    def wait(state: tenacity.RetryCallState) -> float:
        return min(max(jitter(state), _asked(state)), deadline.left)

    def stop(state: tenacity.RetryCallState) -> bool:
        too_long = _asked(state) > min(retries.longest, deadline.left)
        return state.attempt_number >= retries.attempts or too_long or not deadline.left or stopping.is_set()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Transient),
        wait=wait,
        stop=stop,
        sleep=tenacity.sleep_using_event(stopping),
        reraise=True,
    )
    try:
        return retrying(lambda: _once_more(first, attempt))
    except Transient as error:
        error.tries = retrying.statistics["attempt_number"]
        raise


def _once_more(failed: Iterator[Transient], attempt: Callable[[], T]) -> T:
    """Fail as the first try did, which has been made already; else try."""
    for error in failed:
        raise error
    return attempt()


def _asked(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (error.after if isinstance(error, Transient) else None) or 0.0


def retry_after(text: str | None) -> float | None:
    """Read a Retry-After header, in either of its forms, as seconds from now; None if it says nothing.

    >>> retry_after("120")
    120.0
    >>> retry_after("Wed, 21 Oct 2015 07:28:00 GMT")
    0.0
    >>> retry_after("soon") is None
    True
    """
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


@dataclass(slots=True)
class Pace:
    """Keeps requests to one host apart.

    Attributes:
        seconds: Between the beginnings of two requests.

    >>> Pace(2.0).reserve("example.org"), Pace(2.0).reserve("example.org")
    (0.0, 0.0)
    >>> pace = Pace(2.0)
    >>> pace.reserve("example.org"), round(pace.reserve("example.org")), pace.reserve("example.net")
    (0.0, 2, 0.0)
    """

    seconds: float
    free: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self, host: str) -> float:
        """Take the host's next free moment, and tell in how many seconds it is."""
        with self.lock:
            now = time.monotonic()
            moment = max(self.free.get(host, now), now)
            self.free[host] = moment + self.seconds
            return moment - now

    def hold(self, host: str, seconds: float) -> None:
        """Let nobody ask the host for some seconds."""
        with self.lock:
            self.free[host] = max(self.free.get(host, 0.0), time.monotonic() + seconds)
