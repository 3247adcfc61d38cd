"""Waiting: pauses grow, patience ends, and a server that says how long is heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ptml.errors import DownloadError
from ptml.sources.packettotal.calls import Reply
from ptml.sources.packettotal.waiting import Patience, wait_for


def waited(replies: list[Reply], patience: Patience) -> tuple[Reply, list[float]]:
    """Wait for a reply with 200, and give it with the pauses that were made."""
    slept: list[float] = []
    left = iter(replies)
    reply = wait_for("it", lambda: next(left), lambda one: one.status == 200, patience, slept.append)
    return reply, slept


def test_pauses_grow_and_end() -> None:
    """They start as asked, grow, never exceed a minute, and together last as long as patience does."""
    pauses = list(Patience(600, 1).pauses())
    assert pauses[:4] == [1, 1.6, 2.56, 4.096]
    assert max(pauses) == 60
    assert sum(pauses) == pytest.approx(600, abs=0.01)
    assert list(Patience(0).pauses()) == []


def test_what_is_ready_is_not_waited_for() -> None:
    """The first reply that is ready is taken, without a pause, also where there is no patience at all."""
    assert waited([Reply(200)], Patience(0)) == (Reply(200), [])
    assert waited([Reply(202), Reply(202), Reply(200)], Patience(60)) == (Reply(200), [1, 1.6])


def test_end_of_patience_is_an_error_that_says_what_to_do() -> None:
    """It names what was waited for, how often it was asked for, and the last status."""
    with pytest.raises(
        DownloadError, match=r"it was not ready after 2 seconds.*3 times.*status 202\nTry: run"
    ):
        waited([Reply(202)] * 9, Patience(2))


def test_server_that_says_how_long_is_heard_within_reason() -> None:
    """Retry-After in seconds or as a date makes a pause longer, but never longer than a minute."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    replies = [Reply(202, {"retry-after": text}) for text in ("5", soon, "86400", "nonsense")]
    _, slept = waited([*replies, Reply(200)], Patience(300))
    assert slept[0] == 5
    assert 7 <= slept[1] <= 9
    assert slept[2:] == [60, 4.096]
