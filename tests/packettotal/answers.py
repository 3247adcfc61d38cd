"""What the loopback server can be told to answer in place of the truth, and how such orders are written.

==================  ======================================================================================
``202``             accepted, not ready
``303``             see other: for a download the object store, else the same again
``303:URL``         see there
``401`` ``403``     no valid key
``404`` ``500`` …   any other status, with the body that goes with it (assumed)
``429``             too many requests; ``429:2`` with ``Retry-After`` in seconds, ``429:date`` as a date
``hang``            says nothing until the server stops
``cut``             the true answer with half its body, then the connection is closed
``html``            a page in place of JSON, with status 200
``json:TEXT``       this text as JSON, with status 200
``ok``              the truth
==================  ======================================================================================
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

ROUTES = (
    "usage",
    "search",
    "deep",
    "results",
    "random",
    "info",
    "analysis",
    "download",
    "similar",
    "analyze",
    "store",
)
ORDER = re.compile(r"(?P<what>[a-z]+|\d{3})(?::(?P<detail>.*?))?(?:x(?P<times>\d+))?")
JSON = "application/json"
PAGE = b"<!doctype html><title>Just a moment...</title><p>Checking your browser</p>\n"
MESSAGES = {
    202: "The archive is being prepared. Try again later.",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal server error",
    504: "Endpoint request timed out",
}
"""Bodies are assumed: the usual ones of the gateway that seems to have stood before the service."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and how much of its body to send.

    Attributes:
        status: Its code.
        body: Its body, whole.
        type: What the body is said to be.
        headers: Further headers.
        cut: Whether half of the body is to be kept back.
        assumed: What of it nobody has attested.
    """

    status: int
    body: bytes = b""
    type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    assumed: str = ""


def as_json(status: int, value: object, *, assumed: str = "", **headers: str) -> Answer:
    """Give a JSON answer; underscores in the names of headers stand for hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), headers=named, assumed=assumed)


def refusal(status: int, **headers: str) -> Answer:
    """Give the answer that goes with a status."""
    message = MESSAGES.get(status, "Something went wrong")
    return as_json(status, {"message": message}, assumed="the body", **headers)


class Orders:
    """What to answer next on each route; each order is carried out once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.queues: dict[str, deque[str]] = defaultdict(deque)

    def add(self, route: str, *orders: str) -> None:
        """Line up orders for a route; ``202x3`` is three times ``202``."""
        if route not in ROUTES:
            raise ValueError(f"no route {route!r}; there are {', '.join(ROUTES)}")
        for order in orders:
            match = ORDER.fullmatch(order)
            if match is None:
                raise ValueError(f"no order {order!r}")
            once = order if match["times"] is None else order.rpartition("x")[0]
            with self.lock:
                self.queues[route] += [once] * int(match["times"] or 1)

    def next(self, route: str) -> str:
        """Take the next order for a route; ``ok`` when there is none."""
        with self.lock:
            queue = self.queues[route]
            return queue.popleft() if queue else "ok"


def ordered(order: str, location: str) -> Answer:
    """Give the answer that an order with a status, a page or a text asks for."""
    what, _, detail = order.partition(":")
    if what == "html":
        return Answer(200, PAGE, "text/html; charset=utf-8")
    if what == "json":
        return Answer(200, detail.encode())
    if what == "303":
        return as_json(303, {"message": "See Other"}, assumed="the body", Location=detail or location)
    if what == "429" and detail == "date":
        return refusal(
            429, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
        )
    return refusal(int(what), **({"Retry_After": detail} if detail else {}))
