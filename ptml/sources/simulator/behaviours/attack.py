"""Malicious: scans, guessed passwords and floods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import remark
from ptml.sources.simulator.network import public_addresses
from ptml.sources.simulator.records import (
    REJ,
    RSTO,
    RSTOS0,
    RSTR,
    S0,
    SERVICE,
    SF,
    TCP,
    UDP,
    Flows,
    connections,
)

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene


def scan_across(scene: Scene, count: int) -> Flows:
    """Try one or two ports on many addresses, inside or outside."""
    scanner = scene.infected(1)
    inside = scene.always(0.6)
    ports = scene.fixed.choice(
        [22, 23, 80, 443, 445, 3_389, 5_900, 8_080, 2_323, 6_379], size=2, replace=False
    )
    network = scene.network
    span = 2 * len(network.inside) + 60
    swept = network.prefix + 2 + scene.rng.integers(0, span, count)
    target = np.where(scene.chance(0.35, count), scene.pick(network.inside, count), swept)
    if not inside:
        target = public_addresses(scene.rng, count)
    there = np.isin(target, network.inside) if inside else scene.chance(0.35, count)
    talks = scene.chance(0.5, count)
    return connections(
        np.sort(scene.moments(count)),
        {
            "orig": scanner[0],
            "resp": target,
            "resp_p": ports[scene.chance(0.25, count).astype(np.int64)],
            "state": np.where(
                there, scene.mostly(count, (REJ, 0.4), (SF, 0.3), (RSTO, 0.25), (RSTOS0, 0.05)), S0
            ),
            "duration": scene.lognormal(4_000, 1.6, count),
            "up": scene.lognormal(120, 0.8, count) * talks,
            "down": scene.lognormal(300, 1.2, count) * talks,
            "up_messages": 1 + scene.mostly(count, (0, 0.6), (1, 0.25), (2, 0.15)),
        },
    )


def scan_ports(scene: Scene, count: int) -> Flows:
    """Try many ports on a few hosts; some are open and answer."""
    scanner = scene.infected(1)
    network = scene.network
    targets = scene.fixed.choice(network.inside, size=min(3, len(network.inside)), replace=False)
    common = np.array(
        [21, 22, 25, 53, 80, 88, 110, 135, 139, 143, 389, 443, 445, 993, 1_433, 3_306, 3_389, 8_080]
    )
    port = np.where(scene.chance(0.5, count), scene.pick(common, count), scene.rng.integers(1, 10_000, count))
    opened = (port * 40_503 + 7 >> 3) % 4 == 0
    dropped = scene.always(0.4)
    closed = (
        scene.mostly(count, (REJ, 0.25), (S0, 0.75))
        if dropped
        else scene.mostly(count, (REJ, 0.9), (S0, 0.1))
    )
    grabs = scene.chance(0.7, count)
    return connections(
        np.sort(scene.moments(count)),
        {
            "orig": scanner[0],
            "resp": scene.pick(targets, count),
            "resp_p": port,
            "state": np.where(opened, scene.mostly(count, (SF, 0.5), (RSTO, 0.4), (RSTR, 0.1)), closed),
            "duration": scene.lognormal(6_000, 1.8, count),
            "up": scene.lognormal(70, 0.8, count) * grabs,
            "down": scene.lognormal(350, 1.2, count) * grabs,
            "up_messages": 1 + scene.mostly(count, (0, 0.6), (1, 0.25), (2, 0.15)),
        },
    )


def guess_passwords(scene: Scene, count: int) -> Flows:
    """Guess SSH passwords: one short session after the other."""
    victims = scene.infected(2)
    inside = scene.always(0.6)
    servers = np.fromiter(scene.network.servers.values(), dtype=np.int64)
    targets = scene.fixed.choice(servers, size=2, replace=False)
    if not inside:
        targets = public_addresses(scene.fixed, int(scene.fixed.integers(2, 40)))
    tries = 1 + scene.mostly(count, (0, 0.3), (2, 0.5), (5, 0.2))
    return connections(
        scene.moments(count),
        {
            "orig": scene.pick(victims, count),
            "resp": scene.pick(targets, count),
            "resp_p": int(scene.fixed.choice([22, 22, 22, 2_222])),
            "service": SERVICE["ssh"],
            "state": scene.mostly(count, (SF, 0.7), (RSTO, 0.1), (RSTR, 0.12), (REJ, 0.04), (S0, 0.04)),
            "duration": scene.lognormal(1_900_000, 0.7, count) * tries // 2,
            "up": 1_700 + 160 * tries + scene.rng.integers(0, 300, count),
            "down": 2_300 + 90 * tries + scene.rng.integers(0, 300, count),
            "up_messages": 7 + tries,
            "down_messages": 8 + tries,
            "server_first": 1,
        },
    )


def flood(scene: Scene, count: int) -> Flows:
    """Flood a server with connections or datagrams, as a bot of a larger army."""
    victims = scene.infected()
    target = scene.network.sites.addresses[scene.pick(scene.network.sites.kind["web"][:1], 1)[0], 0]
    if scene.always(0.7):
        target = public_addresses(scene.fixed, 1)[0]
    datagram = scene.always(0.35)
    tired = scene.rng.random(count) < float(scene.fixed.uniform(0.2, 0.7))
    alive = scene.mostly(count, (SF, 0.6), (RSTO, 0.15), (RSTR, 0.25))
    flows = connections(
        scene.moments(count),
        {
            "orig": scene.pick(victims, count),
            "resp": target,
            "resp_p": int(scene.fixed.choice([53, 123]) if datagram else scene.fixed.choice([80, 443])),
            "proto": UDP if datagram else TCP,
            "state": np.where(tired, S0, alive),
            "duration": scene.lognormal(600_000, 1.5, count),
            "up": scene.lognormal(float(scene.fixed.uniform(80, 1_200)), 0.5, count),
            "down": np.where(tired, 0, scene.lognormal(700, 1.2, count)),
            "up_messages": 1 + scene.mostly(count, (0, 0.5), (1, 0.3), (2, 0.2)),
        },
    )
    remark(scene, flows, "active_connection_reuse", "TCP", 0.02)
    return flows


BEHAVIOURS: Final = (
    Behaviour(
        *("horizontal-scan", "horizontal-scan", "ATT&CK T1046; Jung et al. 2004 TRW", scan_across),
        *((0.03, 0.2), "burst"),
    ),
    Behaviour(
        *("vertical-scan", "vertical-scan", "ATT&CK T1046; Staniford et al. 2002 SPADE", scan_ports),
        *((0.03, 0.2), "burst"),
    ),
    Behaviour(
        *("brute-force", "brute-force", "ATT&CK T1110.001; Javed & Paxson 2013", guess_passwords),
        *((0.03, 0.2), "burst"),
    ),
    Behaviour(
        "ddos-flood", "ddos-flood", "ATT&CK T1498.001; Antonakakis et al. 2017", flood, (0.03, 0.2), "burst"
    ),
)
