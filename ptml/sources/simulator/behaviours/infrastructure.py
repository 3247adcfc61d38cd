"""What keeps a network running: names, time, monitoring, inventory, remote administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import NO_REPLY, NOERROR, NXDOMAIN, PTR, SERVFAIL, TXT, ask, join
from ptml.sources.simulator.records import (
    ICMP,
    REJ,
    RSTO,
    RSTOS0,
    RSTR,
    S0,
    SERVICE,
    SF,
    UDP,
    Flows,
    connections,
)
from ptml.sources.simulator.text import BASE32, HEX, dotted, random_text

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene


def _answered(text: pl.Series, ttl: int) -> tuple[pl.Series, pl.Series]:
    return pl.select(pl.concat_list(text)).to_series(), pl.Series(
        [[ttl]], dtype=pl.List(pl.Int64)
    ).new_from_index(0, len(text))


def resolve(scene: Scene, count: int) -> Flows:
    """Ask for names all day: known ones, search suffixes that do not exist, reverse names, virus look-ups."""
    kinds = np.bincount(scene.mostly(count, (0, 0.5), (1, 0.24), (2, 0.08), (3, 0.1), (4, 0.08)), minlength=5)
    known, suffixed, reverse, hashed, probes = (int(kind) for kind in kinds)
    sites = scene.network.sites
    everyone = scene.network.inside
    site = scene.pick(np.arange(len(sites.names)), known)
    names = sites.names.gather(site)
    word = sites.names.gather(scene.pick(np.arange(len(sites.names)), suffixed))
    chance = random_text(scene.rng, scene.rng.integers(7, 15, probes), "abcdefghijklmnopqrstuvwxyz")
    digest = random_text(scene.rng, scene.rng.integers(24, 56, hashed), HEX + BASE32)
    vendor = sites.names.gather(scene.pick(sites.kind["antivirus"], hashed))
    inside = dotted(scene.pick(everyone, reverse))
    pieces = (
        (names, (sites.answers.gather(site), sites.ttls.gather(site)), 1, known, (NOERROR, 0.97)),
        (word + "." + scene.network.domain, None, 1, suffixed, (NXDOMAIN, 0.93)),
        (
            inside + ".in-addr.arpa",
            _answered(inside + "." + scene.network.domain, 3600),
            PTR,
            reverse,
            (NOERROR, 0.7),
        ),
        (digest + "." + vendor, _answered(digest, 300), TXT, hashed, (NOERROR, 0.8)),
        (chance, None, 1, probes, (NXDOMAIN, 0.96)),
    )
    flows = []
    for query, answers, qtype, size, (rcode, share) in pieces:
        codes = scene.mostly(size, (rcode, share), (NO_REPLY, 0.01), (SERVFAIL, 0.01), (NXDOMAIN, 0.01))
        flows.append(
            ask(
                *(scene, scene.moments(size), scene.pick(everyone, size), query),
                answers=answers,
                rtt=scene.lognormal(9_000, 1.0, size),
                qtype=qtype,
                rcode=codes,
            )
        )
    return join(*flows)


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
    kind = stream % 5
    port = np.choose(kind, [8, 161, 443, 22, 9_100])
    down = (target * 2_654_435_761 >> 11) % 9 == 0
    probe = kind >= 2
    return connections(
        start,
        {
            "orig": scene.network.servers["monitor"],
            "orig_p": np.where(kind == 0, 8, -1),
            "resp": target,
            "resp_p": np.where(kind == 0, 0, port),
            "proto": np.where(kind == 0, ICMP, np.where(kind == 1, UDP, 0)),
            "service": np.where(kind == 1, SERVICE["snmp"], np.where(kind == 3, SERVICE["ssh"], 0)),
            "state": np.where(down, S0, scene.mostly(count, (SF, 0.5), (RSTO, 0.2), (REJ, 0.3))),
            "duration": scene.lognormal(3_000, 1.2, count),
            "up": np.where(kind == 3, 21, np.where(probe, 0, 56)),
            "down": np.where(kind == 3, 41, np.where(probe | down, 0, 56 + 30 * (kind == 1))),
            "up_messages": np.where(down & probe, 1 + stream % 3, 1),
            "server_first": kind == 3,
        },
    )


def take_inventory(scene: Scene, count: int) -> Flows:
    """Sweep the inside for devices and open ports, as inventory and vulnerability management do."""
    network = scene.network
    span = 2 * len(network.inside) + 60
    ports = np.array([22, 80, 135, 139, 443, 445, 3_389, 5_985, 8_080, 9_100, 161, 5_900])
    by_port = bool(scene.fixed.random() < 0.5)
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
    Behaviour(
        "names", None, "Jung et al. 2002, DNS performance and caching", resolve, (0.08, 0.16), "always"
    ),
    Behaviour("time", None, "Mills et al., RFC 5905 NTP", keep_time, (0.01, 0.04), "always", (64.0, 1024.0)),
    Behaviour(
        "monitoring", None, "Case et al., RFC 1157 SNMP", monitor, (0.05, 0.12), "always", (30.0, 300.0)
    ),
    Behaviour("inventory", None, "NIST SP 800-115, network discovery", take_inventory, (0.03, 0.1), "burst"),
    Behaviour("administration", None, "Ylonen & Lonvick, RFC 4253 SSH", administer, (0.01, 0.04)),
)
