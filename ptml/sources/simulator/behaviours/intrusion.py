"""Malicious: how a host is taken, data taken away, files taken hostage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator import words
from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.behaviours.web import ORDINARY
from ptml.sources.simulator.exchange import Requests, documents, http, https
from ptml.sources.simulator.lookups import contact, within_budget
from ptml.sources.simulator.records import REJ, RSTO, RSTR, S0, S1, SERVICE, SF, Flows, concat, connections

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene

_CHAIN: Final = (
    ("/article/today", "text/html", 14_000.0),
    ("/js/metrics.js", "application/javascript", 4_000.0),
    ("/search?q=offer", "text/html", 40_000.0),
    ("/media/cover.swf", "application/x-shockwave-flash", 60_000.0),
    ("/files/setup.exe", "application/x-dosexec", 320_000.0),
    ("/account/login", "text/plain", 90.0),
)
"""Landing page, redirection, gate, exploit, payload, first report."""


def exploit_kit(scene: Scene, count: int) -> Flows:
    """Follow a chain of redirections from a hacked page to an exploit and its payload."""
    chain = scene.rogue(4)
    asks = within_budget(scene, count, 0.35)
    rows = len(asks)
    step = np.arange(rows) % len(_CHAIN)
    visit = np.arange(rows) // len(_CHAIN)
    visits = int(visit[-1]) + 1
    begins, victim = scene.moments(visits), scene.pick(scene.infected(), visits)
    start = begins[visit] + step * scene.rng.integers(300_000, 4_000_000, visits)[visit]
    who, lookups = contact(scene, start, victim[visit], chain[np.minimum(step, 3)], asks)
    size = np.array([length for _, _, length in _CHAIN])[step]
    reply = (size * np.exp(scene.rng.normal(0, 0.6, rows))).astype(np.int64)
    hosts = scene.network.sites.names.gather(who.site)
    before = scene.network.sites.names.gather(chain[np.clip(step - 1, 0, 3)])
    per_host = (who.orig * 2_246_822_519 >> 9) % len(words.BROWSERS)
    requests = Requests(
        per=np.ones(rows, dtype=np.int64),
        method="GET",
        host=hosts,
        uri=pl.Series([uri for uri, _, _ in _CHAIN]).gather(step),
        user_agent=pl.Series(words.BROWSERS).gather(per_host),
        request_len=np.zeros(rows, dtype=np.int64),
        response_len=reply,
        status=scene.mostly(rows, (200, 0.85), (302, 0.1), (404, 0.05)),
        mime=pl.Series([mime for _, mime, _ in _CHAIN]).gather(step),
        referrer=pl.select(pl.lit("http://") + before + pl.lit("/")).to_series(),
    )
    return concat([lookups, http(scene, who, requests, pause=90_000, state=scene.mostly(rows, *ORDINARY))])


def exfiltrate(scene: Scene, count: int) -> Flows:
    """Send data out in pieces, over TLS or HTTP, to a server or a rented cloud."""
    asks = within_budget(scene, count, 0.15)
    rows = len(asks)
    site = np.full(rows, scene.rogue()[0])
    who, lookups = contact(scene, scene.moments(rows), scene.pick(scene.infected(2), rows), site, asks)
    piece = float(scene.fixed.choice([8_000, 60_000, 400_000, 2_000_000]))
    sent = scene.lognormal(piece, 1.2, rows)
    if scene.always(0.65):
        port = int(scene.fixed.choice([443, 443, 8443]))
        state = scene.mostly(rows, (SF, 0.85), (RSTO, 0.06), (S1, 0.03), (S0, 0.06))
        down = scene.lognormal(900, 0.8, rows)
        return concat(
            [
                lookups,
                https(scene, who, up=sent, down=down, duration=sent // 3 + 300_000, state=state, port=port),
            ]
        )
    requests = Requests(
        per=np.ones(rows, dtype=np.int64),
        method=str(scene.fixed.choice(["POST", "PUT"])),
        host=scene.network.sites.names.gather(who.site),
        uri=pl.Series([str(scene.fixed.choice(words.PAGES))]).new_from_index(0, rows),
        user_agent=str(scene.fixed.choice(words.BROWSERS + words.PROGRAMS)),
        request_len=sent,
        response_len=scene.lognormal(40, 0.5, rows),
        status=scene.mostly(rows, (200, 0.95), (500, 0.05)),
        mime="text/plain",
    )
    return concat([lookups, http(scene, who, requests, pause=200_000, state=scene.mostly(rows, *ORDINARY))])


def encrypt_shares(scene: Scene, count: int) -> Flows:
    """Find shares inside, then read every file, write it back encrypted and leave a note."""
    victim = scene.infected(1)[0]
    network = scene.network
    spread = scene.chance(0.3, count)
    target = np.where(spread, scene.pick(network.inside, count), network.servers["files"])
    there = ~spread | scene.chance(0.4, count)
    read = scene.lognormal(60_000, 1.8, count) * there
    flows = connections(
        scene.moments(count),
        {
            "orig": victim,
            "resp": target,
            "resp_p": np.where(spread & scene.chance(0.3, count), 139, 445),
            "service": SERVICE["gssapi,ntlm,smb"],
            "state": np.where(
                there,
                scene.mostly(count, (SF, 0.55), (RSTO, 0.25), (RSTR, 0.1), (S1, 0.1)),
                scene.mostly(count, (REJ, 0.5), (S0, 0.5)),
            ),
            "duration": scene.lognormal(4_000_000, 1.6, count),
            "up": np.where(spread, scene.lognormal(2_000, 0.5, count), read + 2_400),
            "down": np.where(spread, scene.lognormal(1_900, 0.5, count), read + 2_000),
            "up_messages": 8,
            "down_messages": 8,
        },
    )
    rows = np.flatnonzero(~spread)
    documents(scene, flows, rows, read[rows], source="SMB", is_orig=True)
    return flows


BEHAVIOURS: Final = (
    Behaviour(
        *("exploit-kit", "exploit-kit", "ATT&CK T1189; Grier et al. 2012; Taylor et al. 2016", exploit_kit),
        *((0.02, 0.15), "since"),
    ),
    Behaviour("exfiltration", "exfiltration", "ATT&CK T1041, T1567.002", exfiltrate, (0.02, 0.15), "since"),
    Behaviour(
        *("ransomware-smb", "ransomware-smb", "ATT&CK T1486, T1021.002; Morato et al. 2018", encrypt_shares),
        *((0.03, 0.2), "burst"),
    ),
)
