"""Malicious: how implants talk to those who command them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator import words
from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import Requests, http, https
from ptml.sources.simulator.lookups import (
    NO_REPLY,
    NOERROR,
    NXDOMAIN,
    TXT,
    A,
    Contacts,
    ask,
    contact,
    within_budget,
)
from ptml.sources.simulator.network import public_addresses
from ptml.sources.simulator.records import REJ, RSTO, RSTR, S0, S1, SF, TCP, UDP, Flows, concat, connections
from ptml.sources.simulator.text import BASE32, random_text

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene

_ENDINGS: Final = ((SF, 0.8), (RSTO, 0.08), (RSTR, 0.03), (S0, 0.06), (REJ, 0.03))


def _beacon(scene: Scene, count: int, lookups: float) -> tuple[Contacts, Flows]:
    """Wake up at an interval with jitter, sleep for a while now and then, and contact the server."""
    victims, servers = scene.infected(), scene.rogue(int(scene.fixed.integers(1, 3)))
    jitter = float(scene.fixed.choice([0.0, 0.1, 0.2, 0.5, 0.9]))
    asks = within_budget(scene, count, lookups)
    start, stream = scene.ticks(len(asks), len(victims), jitter)
    site = servers[(stream + scene.chance(0.1, len(asks))) % len(servers)]
    return contact(scene, start, victims[stream], site, asks)


def beacon_http(scene: Scene, count: int) -> Flows:
    """Poll a server over HTTP: small requests, mostly the same, now and then a task or a module."""
    who, lookups = _beacon(scene, count, float(scene.fixed.uniform(0.05, 0.4)))
    size = float(scene.fixed.uniform(0, 900))
    get = scene.always(0.5)
    uri = str(scene.fixed.choice(words.PAGES))
    agent = str(scene.fixed.choice(words.BROWSERS + words.PROGRAMS))
    port = int(scene.fixed.choice([80, 80, 80, 8080, 443, 8000]))
    rows = len(who)
    tasked = scene.chance(float(scene.fixed.uniform(0.02, 0.15)), rows)
    reply = np.where(tasked, scene.lognormal(60_000, 1.6, rows), scene.lognormal(90, 0.6, rows))
    upload = scene.lognormal(size + 30, 0.4, rows)
    requests = Requests(
        per=np.ones(rows, dtype=np.int64),
        method="GET" if get else "POST",
        host=scene.network.sites.names.gather(who.site),
        uri=pl.Series([uri]).new_from_index(0, rows),
        user_agent=agent,
        request_len=np.where(tasked | (not get), upload, 0) if not get else np.zeros(rows, dtype=np.int64),
        response_len=reply,
        status=scene.mostly(rows, (200, 0.9), (204, 0.04), (404, 0.06)),
        mime=str(scene.fixed.choice(["text/html", "text/plain", "image/png", "text/json"])),
    )
    return concat(
        [lookups, http(scene, who, requests, pause=2_000, state=scene.mostly(rows, *_ENDINGS), port=port)]
    )


def beacon_https(scene: Scene, count: int) -> Flows:
    """Poll a server over TLS, often with a valid certificate; a task or an upload now and then."""
    who, lookups = _beacon(scene, count, float(scene.fixed.uniform(0.05, 0.4)))
    rows = len(who)
    up, down = float(scene.fixed.uniform(150, 2_500)), float(scene.fixed.uniform(100, 5_000))
    tasked = scene.chance(float(scene.fixed.uniform(0.02, 0.15)), rows)
    return concat(
        [
            lookups,
            https(
                scene,
                who,
                up=np.where(tasked, scene.lognormal(20_000, 1.5, rows), scene.lognormal(up, 0.25, rows)),
                down=np.where(tasked, scene.lognormal(50_000, 1.6, rows), scene.lognormal(down, 0.25, rows)),
                duration=scene.lognormal(float(scene.fixed.uniform(1e5, 8e6)), 0.8, rows),
                state=scene.mostly(rows, *_ENDINGS),
                port=int(scene.fixed.choice([443, 443, 443, 8443, 4443])),
                sni=scene.always(0.8),
            ),
        ]
    )


def tunnel(scene: Scene, count: int) -> Flows:
    """Carry data in DNS names and TXT answers, by way of the ordinary resolver."""
    victims = scene.infected(2)
    parent = scene.network.sites.names.gather(np.full(count, scene.rogue()[0]))
    long = int(scene.fixed.integers(24, 56))
    qtype = int(scene.fixed.choice([TXT, TXT, A]))
    label = random_text(scene.rng, scene.rng.integers(max(12, long - 14), long + 1, count), BASE32)
    data = random_text(scene.rng, scene.lognormal(60, 0.7, count).clip(4, 220), BASE32)
    answers = (
        pl.select(pl.concat_list(data)).to_series()
        if qtype == TXT
        else pl.Series([["127.0.0.1"]], dtype=pl.List(pl.String)).new_from_index(0, count)
    )
    ttls = pl.Series([[int(scene.fixed.choice([1, 30, 60]))]], dtype=pl.List(pl.Int64)).new_from_index(
        0, count
    )
    return ask(
        *(scene, scene.moments(count), scene.pick(victims, count), label + "." + parent),
        answers=(answers, ttls),
        rtt=scene.lognormal(45_000, 0.6, count),
        qtype=qtype,
        rcode=scene.mostly(count, (NOERROR, 0.9), (NXDOMAIN, 0.07), (NO_REPLY, 0.03)),
    )


def generate_domains(scene: Scene, count: int) -> Flows:
    """Try generated names until one exists, then contact it: many NXDOMAIN, in bursts."""
    victims = scene.infected(2)
    lucky = max(1, count // 12)
    asks = within_budget(scene, lucky, 0.7)
    server = scene.rogue()
    begins = scene.moments(len(asks))
    who, found = contact(scene, begins, scene.pick(victims, len(asks)), np.full(len(asks), server[0]), asks)
    sessions = https(
        scene,
        who,
        up=scene.lognormal(900, 0.6, len(who)),
        down=scene.lognormal(2_500, 1.2, len(who)),
        duration=scene.lognormal(800_000, 1.0, len(who)),
        state=scene.mostly(len(who), *_ENDINGS),
    )
    tries = count - lucky
    low = int(scene.fixed.integers(6, 14))
    spelled = scene.always(0.4)
    word = random_text(scene.rng, scene.rng.integers(low, low + 6, tries), "abcdefghijklmnopqrstuvwxyz")
    if spelled:
        pick = scene.rng.integers(0, len(words.WORDS), (2, tries))
        word = pl.Series(words.WORDS).gather(pick[0]) + pl.Series(words.WORDS).gather(pick[1])
    ending = pl.Series(words.TLDS).gather(scene.rng.integers(0, len(words.TLDS), tries))
    asked = ask(
        *(scene, scene.moments(tries), scene.pick(victims, tries), word + "." + ending),
        answers=None,
        rtt=scene.lognormal(30_000, 0.8, tries),
        rcode=scene.mostly(tries, (NXDOMAIN, 0.95), (NO_REPLY, 0.05)),
    )
    return concat([found, sessions, asked])


def peer_bot(scene: Scene, count: int) -> Flows:
    """Keep in touch with other bots: a list of peers, many gone, small messages on high ports."""
    victims = scene.infected()
    peers = public_addresses(scene.fixed, int(scene.fixed.integers(60, 900)))
    ports = scene.fixed.integers(1_025, 65_000, len(peers))
    datagram = scene.always(0.6)
    place = scene.rng.integers(0, len(peers), count)
    alive = ((place * 2_654_435_761 >> 7) % 100 < int(scene.fixed.integers(35, 75))) & scene.chance(
        0.95, count
    )
    module = scene.chance(0.05, count)
    return connections(
        scene.moments(count),
        {
            "orig": scene.pick(victims, count),
            "resp": peers[place],
            "resp_p": ports[place],
            "proto": UDP if datagram else TCP,
            "state": np.where(alive, scene.mostly(count, (SF, 0.75), (RSTO, 0.15), (S1, 0.1)), S0),
            "duration": scene.lognormal(900_000, 1.5, count),
            "up": scene.lognormal(float(scene.fixed.uniform(60, 400)), 0.4, count),
            "down": np.where(
                alive,
                np.where(module, scene.lognormal(90_000, 1.4, count), scene.lognormal(320, 0.8, count)),
                0,
            ),
            "up_messages": 1 + scene.mostly(count, (0, 0.5), (1, 0.3), (2, 0.2)),
        },
    )


BEHAVIOURS: Final = (
    Behaviour(
        *("http-beacon", "http-beacon", "ATT&CK T1071.001, T1029; Hu et al. 2016 BAYWATCH", beacon_http),
        *((0.02, 0.3), "since", (5.0, 600.0)),
        beacon=True,
    ),
    Behaviour(
        *("https-beacon", "https-beacon", "ATT&CK T1573.002; Anderson & McGrew 2016", beacon_https),
        *((0.02, 0.3), "since", (5.0, 600.0)),
        beacon=True,
    ),
    Behaviour(
        "dns-tunnel", "dns-tunnel", "ATT&CK T1071.004; Born & Gustafson 2010", tunnel, (0.03, 0.2), "since"
    ),
    Behaviour("dga", "dga", "ATT&CK T1568.002; Plohmann et al. 2016", generate_domains, (0.03, 0.2), "since"),
    Behaviour("p2p-bot", "p2p-bot", "Rossow et al. 2013, P2PWNED", peer_bot, (0.03, 0.2), "since"),
)
