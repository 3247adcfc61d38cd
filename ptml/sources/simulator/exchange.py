"""Exchanges that many behaviours share: a TLS session, HTTP requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator import words
from ptml.sources.simulator.records import SERVICE, TCP, Bools, Flows, Ints, connections, events

if TYPE_CHECKING:
    from ptml.sources.simulator.lookups import Contacts
    from ptml.sources.simulator.scene import Scene

NOT_MODIFIED: Final = 304
TLS12, TLS13 = 12, 13


def https(
    scene: Scene,
    who: Contacts,
    *,
    up: Ints,
    down: Ints,
    duration: Ints,
    state: Ints | int,
    port: Ints | int = 443,
    sni: Bools | bool = True,
) -> Flows:
    """Make TLS sessions; ``up`` and ``down`` are application bytes, the handshake's are added."""
    count = len(who)
    modern = scene.rng.random(count) < scene.network.sites.modern[who.site]
    resumed = scene.chance(0.2, count) & ~modern
    up = up + 330 + scene.rng.integers(180, 420, count)
    down = down + np.where(resumed, 240, 2_600) + scene.rng.integers(0, 900, count)
    rtt = scene.lognormal(22_000, 0.5, count)
    flows = connections(
        who.start,
        {
            "orig": who.orig,
            "resp": who.resp,
            "resp_p": port,
            "service": SERVICE["ssl"],
            "state": state,
            "duration": duration + 3 * rtt,
            "up": up,
            "down": down,
            "up_messages": 3,
            "down_messages": 3,
        },
    )
    flows.events["ssl"] = events(
        "ssl",
        np.arange(count, dtype=np.int64),
        {
            "offset": rtt + scene.rng.integers(100, 900, count),
            "site": who.site,
            "version": np.where(modern, TLS13, TLS12),
            "resumed": resumed,
            "sni": np.broadcast_to(np.asarray(sni), (count,)),
        },
    )
    return flows


@dataclass(slots=True)
class Requests:
    """HTTP requests of many connections, flat: ``per`` of them for each connection, in order."""

    per: Ints
    method: pl.Series | str
    host: pl.Series
    uri: pl.Series
    user_agent: pl.Series | str | None
    request_len: Ints
    response_len: Ints
    status: Ints
    mime: pl.Series | str | None
    referrer: pl.Series | None = None


def http(
    scene: Scene, who: Contacts, requests: Requests, *, pause: int, state: Ints | int, port: Ints | int = 80
) -> Flows:
    """Make connections that carry HTTP; ``pause`` is the median time (µs) between two requests of one."""
    count, total = len(who), int(requests.per.sum())
    row = np.repeat(np.arange(count), requests.per)
    first = np.cumsum(requests.per) - requests.per
    depth = np.arange(total) - first[row] + 1
    rtt = scene.lognormal(25_000, 0.5, count)
    wait = scene.lognormal(pause, 0.8, total)
    offset = rtt[row] + np.cumsum(wait) - np.cumsum(wait)[first][row]
    response = np.where(requests.status == NOT_MODIFIED, 0, requests.response_len)
    heading = requests.uri.str.len_bytes().to_numpy().astype(np.int64) + scene.rng.integers(120, 420, total)
    up = np.bincount(row, requests.request_len + heading, count).astype(np.int64)
    down = np.bincount(row, response + scene.rng.integers(150, 380, total), count).astype(np.int64)
    last = np.bincount(row, np.where(depth == requests.per[row], offset, 0), count).astype(np.int64)
    flows = connections(
        who.start,
        {
            "orig": who.orig,
            "resp": who.resp,
            "resp_p": port,
            "service": SERVICE["http"],
            "state": state,
            "duration": last + rtt + down // 4,
            "up": up,
            "down": down,
            "up_messages": requests.per,
            "down_messages": requests.per,
        },
    )
    columns = {
        name: getattr(requests, name)
        for name in ("method", "host", "uri", "referrer", "user_agent", "request_len", "status", "mime")
    }
    flows.events["http"] = events(
        "http", row, {**columns, "offset": offset, "depth": depth, "response_len": response}
    )
    return flows


def remark(scene: Scene, flows: Flows, name: str, source: str, probability: float) -> None:
    """Note something odd in some of the TCP connections that ``flows`` holds."""
    odd = scene.chance(probability, len(flows)) & (flows.conn["proto"] == TCP)
    flows.events["weird"] = events(
        "weird", np.flatnonzero(odd), {"offset": 10, "name": name, "source": source}
    )


def documents(scene: Scene, flows: Flows, rows: Ints, sizes: Ints, *, source: str, is_orig: bool) -> None:
    """Note a document that travelled in each of the connections ``rows``."""
    count = len(rows)
    kind = scene.rng.integers(0, len(words.DOCUMENT_TYPES), count)
    stem = pl.Series(words.DOCUMENTS).gather(scene.rng.integers(0, len(words.DOCUMENTS), count))
    number = pl.Series(scene.rng.integers(1, 400, count)).cast(pl.String)
    ending = pl.Series([ending for ending, _ in words.DOCUMENT_TYPES]).gather(kind)
    folder = "shared\\" if source == "SMB" else ""
    flows.events["files"] = events(
        "files",
        rows,
        {
            "offset": 30_000,
            "source": source,
            "mime": pl.Series([mime for _, mime in words.DOCUMENT_TYPES]).gather(kind),
            "filename": folder + stem + "-" + number + "." + ending,
            "size": sizes,
            "is_orig": is_orig,
            "depth": 0 if source == "SMB" else 3,
        },
    )
