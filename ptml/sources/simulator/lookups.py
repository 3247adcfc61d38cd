"""Looking names up: before a contact, or for the lookup's own sake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator.records import SERVICE, UDP, Bools, Flows, Ints, connections, events

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene

A, AAAA, TXT, PTR = 1, 28, 16, 12
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
NO_REPLY = -1
_HEADER: Final = 18
_SOA: Final = 60
"""Bytes of a query beyond its name, and of the record that a negative reply carries."""
_SECOND_ADDRESS: Final = 0.25
"""How often a host uses the second address of an answer."""


@dataclass(slots=True)
class Contacts:
    """Connections to be made: when, who, to which site, at which of its addresses."""

    start: Ints
    orig: Ints
    site: Ints
    resp: Ints

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: Ints) -> Contacts:
        """The contacts at these positions."""
        return Contacts(self.start[rows], self.orig[rows], self.site[rows], self.resp[rows])


def within_budget(scene: Scene, budget: int, probability: float) -> Bools:
    """Decide which contacts look their name up first, so that lookups and contacts make ``budget`` rows.

    Returns:
        One flag a contact.
    """
    asks = scene.rng.random(budget) < probability
    if not budget:
        return asks
    rows = np.cumsum(1 + asks)
    count = int(np.searchsorted(rows, budget)) + 1
    asks = asks[:count]
    if rows[count - 1] > budget:
        asks[-1] = False
    return asks


def contact(scene: Scene, start: Ints, orig: Ints, site: Ints, asks: Bools) -> tuple[Contacts, Flows]:
    """Choose the address of each contact and make the lookups that name it; contacts wait for the answer."""
    addresses = scene.network.sites.addresses
    resp = addresses[site, scene.chance(_SECOND_ADDRESS, len(site)).astype(np.int64)]
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
    resp: int | Ints | None = None,
    port: int | Ints = 53,
) -> Flows:
    """Make DNS queries to the network's resolver (or to ``resp``).

    A share of the hosts asks for the IPv6 address too, from the same socket: two rows of dns.log, one uid.

    Args:
        scene: The slice.
        start: When each query is sent.
        orig: Who sends it.
        query: The names.
        answers: Answers and their times to live, kept where the reply says NOERROR.
        rtt: Time (µs) until the reply.
        qtype: Type asked for.
        rcode: What the reply says, `NO_REPLY` for none.
        resp: Whom it is sent to.
        port: At which port.
    """
    codes = np.broadcast_to(np.asarray(rcode, dtype=np.int64), start.shape)
    replied = codes != NO_REPLY
    both = ((orig * 40_503) >> 7) % 3 == 0
    both &= replied & (qtype == A)
    size = query.str.len_bytes().to_numpy().astype(np.int64) + _HEADER
    reply = size + _answer_bytes(answers, qtype, len(start)) + np.where(codes > 0, _SOA, 0)
    flows = connections(
        start,
        {
            "orig": orig,
            "resp": scene.network.servers["resolver"] if resp is None else resp,
            "resp_p": port,
            "proto": UDP,
            "service": SERVICE["dns"],
            "duration": np.where(replied, rtt, 0),
            "up": size * (1 + both),
            "down": (reply + both * (size + _SOA)) * replied,
            "up_messages": 1 + both,
            "down_messages": 1 + both,
        },
    )
    columns = {"offset": 0, "query": query, "qtype": qtype, "rcode": codes, "rtt": rtt}
    if answers is not None:
        columns |= {"answers": answers[0], "ttls": answers[1]}
    main = events("dns", np.arange(len(start), dtype=np.int64), columns).with_columns(
        pl.when(pl.Series(codes == NOERROR)).then(pl.col("answers", "ttls"))
    )
    also = main[np.flatnonzero(both)].with_columns(
        pl.lit(AAAA, pl.Int64).alias("qtype"),
        pl.lit(40, pl.Int64).alias("offset"),
        pl.lit(None, pl.List(pl.String)).alias("answers"),
        pl.lit(None, pl.List(pl.Int64)).alias("ttls"),
    )
    flows.events["dns"] = pl.concat([main, also])
    return flows


def _answer_bytes(answers: tuple[pl.Series, pl.Series] | None, qtype: int, count: int) -> Ints:
    """Bytes of the answers: 16 for an address behind a compressed name, else the text's own."""
    if answers is None:
        return np.zeros(count, dtype=np.int64)
    size = answers[0].list.len() * 16
    if qtype != A:
        size += answers[0].list.eval(pl.element().str.len_bytes()).list.sum()
    return size.to_numpy().astype(np.int64)
