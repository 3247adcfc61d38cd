"""Exchanges that many behaviours share: a lookup before a contact, a TLS session, HTTP requests, plain payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.sources.simulator.records import SERVICE, UDP, Bools, Flows, Ints, concat, connections, events

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene

A, AAAA, TXT, PTR = 1, 28, 16, 12
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
NO_REPLY = -1


@dataclass(slots=True)
class Contacts:
    """Connections to be made: when, who, to which site, at which of its addresses."""

    start: Ints
    orig: Ints
    site: Ints
    resp: Ints

    def __len__(self) -> int:
        return len(self.start)


def within_budget(scene: Scene, budget: int, probability: float) -> Bools:
    """Decide which contacts look their name up first, so that lookups and contacts make ``budget`` rows.

    Returns:
        One flag a contact.
    """
    asks = scene.rng.random(budget) < probability
    rows = np.cumsum(1 + asks)
    count = int(np.searchsorted(rows, budget)) + 1
    asks = asks[:count]
    if rows[count - 1] > budget:
        asks[-1] = False
    return asks


def contact(scene: Scene, start: Ints, orig: Ints, site: Ints, asks: Bools) -> tuple[Contacts, Flows]:
    """Choose the address of each contact and make the lookups that name it; contacts wait for the answer."""
    addresses = scene.network.sites.addresses
    resp = addresses[site, (scene.rng.random(len(site)) < 0.25).astype(np.int64)]
    rows = np.flatnonzero(asks)
    rtt = scene.lognormal(14_000, 0.8, len(rows))
    lookups = ask(
        scene,
        start[rows],
        orig[rows],
        scene.network.sites.names.gather(site[rows]),
        answers=(scene.network.sites.answers.gather(site[rows]), scene.network.sites.ttls.gather(site[rows])),
        rtt=rtt,
    )
    delayed = start.copy()
    delayed[rows] += rtt + scene.rng.integers(200, 4_000, len(rows))
    return Contacts(delayed, orig, site, resp), lookups


def ask(
    scene: Scene,
    start: Ints,
    orig: Ints,
    query: pl.Series,
    *,
    answers: tuple[pl.Series, pl.Series] | None,
    rtt: Ints,
    qtype: int = A,
    rcode: int | Ints = NOERROR,
    resp: int | None = None,
) -> Flows:
    """Make DNS queries to the network's resolver (or to ``resp``).

    A share of the hosts asks for the IPv6 address too, from the same socket: two rows of dns.log, one uid.
    """
    count = len(start)
    codes = np.broadcast_to(np.asarray(rcode, dtype=np.int64), (count,))
    replied = codes != NO_REPLY
    size = query.str.len_bytes().to_numpy().astype(np.int64) + 18
    reply = np.full(count, 0)
    if answers is not None:
        reply = answers[0].list.len().to_numpy().astype(np.int64) * 16
    if answers is not None and qtype != A:
        reply = reply + answers[0].list.eval(pl.element().str.len_bytes()).list.sum().to_numpy().astype(
            np.int64
        )
    both = (((orig * 40_503) >> 7) % 3 == 0) & replied & (qtype == A)
    up = size * (1 + both)
    down = (size + reply + np.where(codes > 0, 75, 0) + both * (size + 60)) * replied
    flows = connections(
        start,
        {
            "orig": orig,
            "resp": scene.network.servers["resolver"] if resp is None else resp,
            "resp_p": 53,
            "proto": UDP,
            "service": SERVICE["dns"],
            "duration": np.where(replied, rtt, 0),
            "up": up,
            "down": down,
            "up_messages": 1 + both,
            "down_messages": 1 + both,
        },
    )
    good = codes == NOERROR
    rows = np.arange(count, dtype=np.int64)
    main = events(
        "dns",
        rows,
        {
            "offset": 0,
            "query": query,
            "qtype": qtype,
            "rcode": codes,
            "rtt": rtt,
            **({} if answers is None else {"answers": answers[0], "ttls": answers[1]}),
        },
    ).with_columns(pl.when(pl.Series(good)).then(pl.col("answers", "ttls")))
    second = np.flatnonzero(both)
    also = main[second].with_columns(
        qtype=pl.lit(AAAA, pl.Int64),
        offset=pl.lit(40, pl.Int64),
        answers=pl.lit(None, pl.List(pl.String)),
        ttls=pl.lit(None, pl.List(pl.Int64)),
    )
    flows.events["dns"] = pl.concat([main, also])
    return flows


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
            "version": np.where(modern, 13, 12),
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
    """Make connections that carry HTTP; ``pause`` is the median time (µs) between requests of one connection."""
    count, total = len(who), int(requests.per.sum())
    row = np.repeat(np.arange(count), requests.per)
    first = np.concatenate([[0], np.cumsum(requests.per)[:-1]])
    depth = np.arange(total) - first[row] + 1
    rtt = scene.lognormal(25_000, 0.5, count)
    wait = scene.lognormal(pause, 0.8, total)
    offset = rtt[row] + np.cumsum(wait) - np.cumsum(wait)[first][row]
    response = np.where(requests.status == 304, 0, requests.response_len)
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


def join(*parts: Flows) -> Flows:
    """Put the parts of a behaviour together."""
    return concat(parts)
