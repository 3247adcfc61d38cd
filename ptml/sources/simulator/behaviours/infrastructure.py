"""What keeps a network running: time, monitoring, inventory, remote administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import remark
from ptml.sources.simulator.records import (
    ICMP,
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


def keep_time(scene: Scene, count: int) -> Flows:
    """Set the clock: NTP at powers of two of seconds."""
    start, stream = scene.ticks(count, scene.streams_for(count), 0.02)
    inside, pool = scene.network.inside, scene.network.sites.kind["time"]
    answered = ~scene.chance(0.06, count)
    return connections(
        start,
        {
            "orig": inside[stream % len(inside)],
            "orig_p": np.where(stream % 2 == 0, 123, -1),
            "resp": scene.network.sites.addresses[pool[stream % len(pool)], 0],
            "resp_p": 123,
            "proto": UDP,
            "service": SERVICE["ntp"],
            "duration": scene.lognormal(24_000, 0.6, count),
            "up": 48,
            "down": 48 * answered,
        },
    )


def monitor(scene: Scene, count: int) -> Flows:
    """Watch over hosts: pings, SNMP and connection probes at regular times; some targets are down."""
    start, stream = scene.ticks(count, scene.streams_for(count), 0.1)
    inside = scene.network.inside
    target = inside[stream * 7 % len(inside)]
    icmp, snmp, web, ssh, printer = range(5)
    kind = stream % 5
    ping, probe = kind == icmp, np.isin(kind, (web, ssh, printer))
    banner = kind == ssh
    down = (target * 2_654_435_761 >> 11) % 9 == 0
    flows = connections(
        start,
        {
            "orig": scene.network.servers["monitor"],
            "orig_p": np.where(ping, 8, -1),
            "resp": target,
            "resp_p": np.choose(kind, [0, 161, 443, 22, 9_100]),
            "proto": np.choose(kind, [ICMP, UDP, TCP, TCP, TCP]),
            "service": np.where(kind == snmp, SERVICE["snmp"], np.where(banner, SERVICE["ssh"], 0)),
            "state": np.where(down, S0, scene.mostly(count, (SF, 0.5), (RSTO, 0.2), (REJ, 0.3))),
            "duration": scene.lognormal(3_000, 1.2, count),
            "up": np.where(banner, 21, np.where(probe, 0, 56)),
            "down": np.where(banner, 41, np.where(probe | down, 0, 56 + 30 * (kind == snmp))),
            "up_messages": np.where(down & probe, 1 + stream % 3, 1),
            "server_first": banner,
        },
    )
    remark(scene, flows, "active_connection_reuse", "TCP", 0.01)
    return flows


def take_inventory(scene: Scene, count: int) -> Flows:
    """Sweep the inside for devices and open ports, as inventory and vulnerability management do."""
    network = scene.network
    span = 2 * len(network.inside) + 60
    ports = np.array([22, 80, 135, 139, 443, 445, 3_389, 5_985, 8_080, 9_100, 161, 5_900])
    by_port = scene.always(0.5)
    order = np.arange(count, dtype=np.int64)
    step = order // len(ports) if by_port else order
    target = np.where(
        scene.chance(0.5, count), scene.pick(network.inside, count), network.prefix + 2 + step % span
    )
    known = np.isin(target, network.inside)
    state = np.where(known, scene.mostly(count, (REJ, 0.5), (SF, 0.2), (RSTO, 0.15), (S0, 0.15)), S0)
    spoke = scene.chance(0.5, count)
    return connections(
        np.sort(scene.moments(count)),
        {
            "orig": network.servers["monitor"],
            "resp": target,
            "resp_p": ports[order % len(ports)],
            "state": state,
            "duration": scene.lognormal(2_500, 1.3, count),
            "up": scene.lognormal(90, 0.8, count) * spoke,
            "down": scene.lognormal(260, 1.2, count) * spoke,
            "up_messages": 1 + scene.mostly(count, (0, 0.6), (1, 0.3), (2, 0.1)),
        },
    )


def administer(scene: Scene, count: int) -> Flows:
    """Administer servers by SSH: long sessions of people, and many short ones of scripts."""
    script = scene.chance(0.75, count)
    build = scene.network.servers["build"]
    servers = np.array(list(scene.network.servers.values()))
    return connections(
        scene.moments(count),
        {
            "orig": np.where(script, build, scene.pick(scene.network.hosts, count)),
            "resp": scene.pick(servers, count),
            "resp_p": scene.mostly(count, (22, 0.9), (2_222, 0.1)),
            "service": SERVICE["ssh"],
            "state": scene.mostly(count, (SF, 0.85), (RSTR, 0.05), (RSTO, 0.05), (REJ, 0.02), (RSTOS0, 0.03)),
            "duration": np.where(
                script, scene.lognormal(1_600_000, 0.8, count), scene.lognormal(3e8, 1.5, count)
            ),
            "up": np.where(script, scene.lognormal(2_600, 0.4, count), scene.lognormal(18_000, 1.5, count)),
            "down": np.where(script, scene.lognormal(3_400, 0.5, count), scene.lognormal(60_000, 1.5, count)),
            "up_messages": 10,
            "down_messages": 11,
            "server_first": 1,
        },
    )


BEHAVIOURS: Final = (
    Behaviour("time", None, "Mills et al., RFC 5905 NTP", keep_time, (0.01, 0.04), "always", (64.0, 1024.0)),
    Behaviour(
        "monitoring", None, "Case et al., RFC 1157 SNMP", monitor, (0.05, 0.12), "always", (30.0, 300.0)
    ),
    Behaviour("inventory", None, "NIST SP 800-115, network discovery", take_inventory, (0.03, 0.1), "burst"),
    Behaviour("administration", None, "Ylonen & Lonvick, RFC 4253 SSH", administer, (0.01, 0.04)),
)
