"""What machines do without people: telemetry, builds, peers that share downloads and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator import words
from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import Requests, http, https, remark
from ptml.sources.simulator.lookups import contact, within_budget
from ptml.sources.simulator.network import public_addresses
from ptml.sources.simulator.records import REJ, RSTO, RSTR, S0, S1, SF, TCP, UDP, Flows, concat, connections

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene


def report(scene: Scene, count: int) -> Flows:
    """Send telemetry: sensors and programs call home at regular times, some over plain HTTP or MQTT."""
    asks = within_budget(scene, count, 0.12)
    start, stream = scene.ticks(len(asks), scene.streams_for(len(asks)), float(scene.fixed.uniform(0.0, 0.4)))
    inside = np.concatenate([scene.network.things, scene.network.hosts])
    pool = np.concatenate([scene.network.sites.kind["telemetry"], scene.network.sites.kind["cloud"][:4]])
    who, lookups = contact(scene, start, inside[stream % len(inside)], pool[stream * 5 % len(pool)], asks)
    kind = stream % 4
    size = (300 + stream * 7_919 % 3_000).astype(np.float64)
    wobble = np.exp(scene.rng.normal(0, 0.08, len(who)))
    parts = [np.flatnonzero(kind == code) for code in (0, 1)]
    secure = np.flatnonzero(kind > 1)
    state = scene.mostly(len(who), (SF, 0.85), (RSTO, 0.04), (S0, 0.06), (REJ, 0.03), (RSTR, 0.02))
    plain, queue = who.take(parts[0]), who.take(parts[1])
    posted = Requests(
        per=np.ones(len(plain), dtype=np.int64),
        method="POST",
        host=scene.network.sites.names.gather(plain.site),
        uri=pl.Series(["/v2/ingest", "/collect", "/api/report", "/t.gif"]).gather(stream[parts[0]] % 4),
        user_agent=pl.Series(words.PROGRAMS).gather(stream[parts[0]] % len(words.PROGRAMS)),
        request_len=(size * wobble)[parts[0]].astype(np.int64),
        response_len=scene.lognormal(60, 1.0, len(plain)) * (stream[parts[0]] % 3 > 0),
        status=scene.mostly(len(plain), (200, 0.85), (204, 0.1), (503, 0.05)),
        mime="text/json",
    )
    messages = connections(
        queue.start,
        {
            "orig": queue.orig,
            "resp": queue.resp,
            "resp_p": np.where(queue.site % 2 == 0, 1_883, 4_001 + queue.site),
            "state": state[parts[1]],
            "duration": scene.lognormal(700_000, 1.5, len(queue)),
            "up": (size * wobble)[parts[1]].astype(np.int64) // 3,
            "down": 4 + queue.site % 90,
        },
    )
    sealed = https(
        scene,
        who.take(secure),
        up=(size * wobble)[secure].astype(np.int64),
        down=scene.lognormal(420, 0.5, len(secure)),
        duration=scene.lognormal(400_000, 1.0, len(secure)),
        state=state[secure],
        port=np.where(stream[secure] % 6 == 0, 8_883, 443),
        sni=stream[secure] % 7 > 0,
    )
    cleartext = http(scene, plain, posted, pause=1_000, state=state[parts[0]])
    remark(scene, cleartext, "line_terminated_with_single_CR", "CONTENTLINE", 0.01)
    remark(scene, messages, "bad_HTTP_request", "HTTP", 0.02)
    return concat([lookups, cleartext, messages, sealed])


def build(scene: Scene, count: int) -> Flows:
    """Build software: bursts of downloads from package registries."""
    asks = within_budget(scene, count, 0.06)
    rows = len(asks)
    burst = np.arange(rows) // 40
    begins = scene.moments(int(burst[-1]) + 1)
    start = begins[burst] + scene.rng.integers(0, 90_000_000, rows)
    builders = np.append(scene.network.hosts[:2], scene.network.servers["build"])
    who, lookups = contact(scene, start, scene.pick(builders, rows), scene.popular("registry", rows), asks)
    return concat(
        [
            lookups,
            https(
                scene,
                who,
                up=scene.lognormal(900, 0.6, rows),
                down=scene.lognormal(90_000, 1.9, rows),
                duration=scene.lognormal(700_000, 1.2, rows),
                state=scene.mostly(rows, (SF, 0.9), (RSTO, 0.06), (S1, 0.04)),
            ),
        ]
    )


def share_with_peers(scene: Scene, count: int) -> Flows:
    """Exchange with peers: update sharing, games and calls; many of the addresses do not answer."""
    hosts = scene.network.hosts
    peers = public_addresses(scene.fixed, 600)
    lively = scene.chance(0.55, count)
    datagram = scene.chance(0.6, count)
    moved = scene.chance(0.2, count)
    size = np.where(moved, scene.lognormal(60_000, 1.8, count), scene.lognormal(140, 0.7, count))
    active = hosts[: max(1, len(hosts) // 3)]
    return connections(
        scene.moments(count),
        {
            "orig": scene.pick(active, count),
            "resp": scene.pick(peers, count),
            "resp_p": np.where(scene.chance(0.3, count), 7_680, scene.rng.integers(1_025, 65_000, count)),
            "proto": np.where(datagram, UDP, TCP),
            "state": np.where(lively, scene.mostly(count, (SF, 0.7), (RSTO, 0.2), (RSTR, 0.1)), S0),
            "duration": scene.lognormal(2_000_000, 1.8, count),
            "up": size,
            "down": np.where(lively, scene.lognormal(900, 2.0, count), 0),
            "up_messages": 1 + scene.mostly(count, (0, 0.5), (1, 0.3), (2, 0.2)),
        },
    )


BEHAVIOURS: Final = (
    Behaviour(
        *(
            "telemetry",
            None,
            "Sivanathan et al. 2019, Classifying IoT devices",
            report,
            (0.05, 0.12),
            "always",
        ),
        period=(15.0, 900.0),
    ),
    Behaviour("build", None, "Zimmermann et al. 2019, Small world with high risks: npm", build, (0.01, 0.05)),
    Behaviour(
        "peers", None, "Cohen 2003, Incentives build robustness in BitTorrent", share_with_peers, (0.01, 0.05)
    ),
)
