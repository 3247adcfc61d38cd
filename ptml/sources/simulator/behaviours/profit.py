"""Malicious: how infected hosts are turned into money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import documents, https, remark
from ptml.sources.simulator.lookups import contact, within_budget
from ptml.sources.simulator.network import public_addresses
from ptml.sources.simulator.records import REJ, RSTO, RSTR, S0, S1, SERVICE, SF, Flows, concat, connections

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene


def send_spam(scene: Scene, count: int) -> Flows:
    """Send mail from a workstation to the mail servers of the world; many refuse."""
    victims = scene.infected(2)
    asks = within_budget(scene, count, 0.25)
    rows = len(asks)
    who, lookups = contact(
        scene, scene.moments(rows), scene.pick(victims, rows), scene.popular("mail", rows), asks
    )
    elsewhere = ~asks & scene.chance(0.7, rows)
    resp = np.where(elsewhere, public_addresses(scene.rng, rows), who.resp)
    size = scene.lognormal(float(scene.fixed.uniform(1_500, 12_000)), 0.5, rows)
    refused = scene.chance(0.25, rows)
    sent = connections(
        who.start,
        {
            "orig": who.orig,
            "resp": resp,
            "resp_p": scene.mostly(rows, (25, 0.9), (587, 0.1)),
            "service": SERVICE["smtp"],
            "state": scene.mostly(rows, (SF, 0.7), (RSTR, 0.08), (S0, 0.14), (REJ, 0.08)),
            "duration": scene.lognormal(2_200_000, 0.9, rows),
            "up": np.where(refused, 90, size + 260),
            "down": scene.lognormal(430, 0.4, rows),
            "up_messages": np.where(refused, 3, 6),
            "down_messages": np.where(refused, 4, 7),
            "server_first": 1,
        },
    )
    rows_sent = np.flatnonzero(~refused & scene.chance(0.6, rows))
    documents(scene, sent, rows_sent, size[rows_sent], source="SMTP", is_orig=True)
    return concat([lookups, sent])


def mine(scene: Scene, count: int) -> Flows:
    """Mine coins: sessions with a pool, reconnected now and then, a share every few seconds."""
    asks = within_budget(scene, count, 0.3)
    rows = len(asks)
    victims, pool = scene.infected(), scene.rogue(2)
    start, stream = scene.ticks(rows, len(victims), 0.6)
    site = pool[scene.chance(0.3, rows).astype(np.int64)]
    who, lookups = contact(scene, start, victims[stream], site, asks)
    seconds = np.minimum(scene.lognormal(float(scene.fixed.uniform(20, 300)), 1.4, rows), 7_200)
    shares = 2 + seconds // int(scene.fixed.integers(8, 40))
    duration, up, down = seconds * 1_000_000, 230 * shares, 310 * shares
    state = scene.mostly(rows, (SF, 0.5), (S1, 0.12), (RSTO, 0.15), (RSTR, 0.13), (S0, 0.07), (REJ, 0.03))
    if scene.always(0.5):
        return concat([lookups, https(scene, who, up=up, down=down, duration=duration, state=state)])
    plain = connections(
        who.start,
        {
            "orig": who.orig,
            "resp": who.resp,
            "resp_p": int(scene.fixed.choice([3_333, 4_444, 8_080, 80, 443])),
            "state": state,
            "duration": duration,
            "up": up,
            "down": down,
            "up_messages": shares,
            "down_messages": shares,
        },
    )
    remark(scene, plain, "bad_HTTP_request", "HTTP", 0.1 * scene.always(0.5))
    return concat([lookups, plain])


BEHAVIOURS: Final = (
    Behaviour(
        "spam-bot", "spam-bot", "Ramachandran & Feamster 2006; ATT&CK T1496", send_spam, (0.03, 0.2), "since"
    ),
    Behaviour(
        *("crypto-mining", "crypto-mining", "ATT&CK T1496.001; Caprolu et al. 2021", mine),
        *((0.02, 0.12), "since"),
    ),
)
