"""What an office does inside and around its servers: files, mail, directory, calls, backup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import documents, https
from ptml.sources.simulator.lookups import contact, within_budget
from ptml.sources.simulator.records import (
    REJ,
    RSTO,
    RSTR,
    S0,
    S1,
    SERVICE,
    SF,
    UDP,
    Flows,
    concat,
    connections,
)

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene


def share_files(scene: Scene, count: int) -> Flows:
    """Work on a file server: mostly reads, some writes, many short sessions."""
    start = scene.moments(count)
    orig = scene.pick(scene.network.hosts, count)
    read, written = scene.lognormal(9_000, 2.0, count), scene.lognormal(3_500, 1.6, count)
    flows = connections(
        start,
        {
            "orig": orig,
            "resp": scene.network.servers["files"],
            "resp_p": 445,
            "service": scene.mostly(count, (SERVICE["gssapi,ntlm,smb"], 0.8), (SERVICE["smb"], 0.2)),
            "state": scene.mostly(
                count, (SF, 0.55), (RSTO, 0.2), (S1, 0.1), (RSTR, 0.1), (REJ, 0.03), (S0, 0.02)
            ),
            "duration": scene.lognormal(15_000_000, 2.0, count),
            "up": written + 1_800,
            "down": read + 1_500,
            "up_messages": 8,
            "down_messages": 8,
        },
    )
    rows = np.flatnonzero(scene.chance(0.5, count))
    documents(scene, flows, rows, read[rows], source="SMB", is_orig=False)
    return flows


def mail(scene: Scene, count: int) -> Flows:
    """Fetch mail from the inside server, and let it send and relay outside."""
    fetches = int(count * 0.6)
    outbound = (count - fetches + 1) // 2
    asks = within_budget(scene, outbound, 0.4)
    server = scene.network.servers["mail"]
    inside = connections(
        scene.moments(fetches),
        {
            "orig": scene.pick(scene.network.hosts, fetches),
            "resp": server,
            "resp_p": scene.mostly(fetches, (143, 0.5), (587, 0.2), (110, 0.3)),
            "state": scene.mostly(fetches, (SF, 0.88), (RSTO, 0.07), (S1, 0.05)),
            "duration": scene.lognormal(900_000, 1.5, fetches),
            "up": scene.lognormal(420, 0.7, fetches),
            "down": scene.lognormal(2_600, 1.4, fetches),
            "up_messages": 5,
            "down_messages": 6,
            "server_first": 1,
        },
    )
    outside = len(asks)
    who, lookups = contact(
        scene,
        scene.moments(outside),
        np.full(outside, server),
        scene.popular("mail", outside),
        asks,
    )
    size = scene.lognormal(14_000, 1.6, outside)
    relayed = connections(
        who.start,
        {
            "orig": who.orig,
            "resp": who.resp,
            "resp_p": scene.mostly(outside, (25, 0.85), (587, 0.15)),
            "service": SERVICE["smtp"],
            "state": scene.mostly(outside, (SF, 0.86), (RSTR, 0.03), (S0, 0.07), (REJ, 0.04)),
            "duration": scene.lognormal(1_800_000, 1.0, outside),
            "up": size + 350,
            "down": scene.lognormal(560, 0.3, outside),
            "up_messages": 7,
            "down_messages": 8,
            "server_first": 1,
        },
    )
    rows = np.flatnonzero(scene.chance(0.7, outside))
    documents(scene, relayed, rows, size[rows], source="SMTP", is_orig=True)
    return concat([inside, lookups, relayed, _incoming(scene, count - fetches - outbound)])


def _incoming(scene: Scene, count: int) -> Flows:
    """Mail that others deliver; some of their connections are turned away."""
    size = scene.lognormal(16_000, 1.6, count)
    turned_away = scene.chance(0.2, count)
    flows = connections(
        scene.moments(count),
        {
            "orig": scene.network.sites.addresses[scene.popular("mail", count), 1],
            "resp": scene.network.servers["mail"],
            "resp_p": 25,
            "service": SERVICE["smtp"],
            "state": np.where(turned_away, RSTR, scene.mostly(count, (SF, 0.95), (RSTO, 0.05))),
            "duration": scene.lognormal(1_500_000, 1.0, count),
            "up": np.where(turned_away, 70, size + 350),
            "down": scene.lognormal(480, 0.3, count),
            "up_messages": np.where(turned_away, 3, 7),
            "down_messages": np.where(turned_away, 3, 8),
            "server_first": 1,
        },
    )
    rows = np.flatnonzero(~turned_away)
    documents(scene, flows, rows, size[rows], source="SMTP", is_orig=True)
    return flows


def sign_in(scene: Scene, count: int) -> Flows:
    """Ask the directory: Kerberos tickets and LDAP, short and many in the morning."""
    ldap = scene.chance(0.35, count)
    return connections(
        scene.moments(count),
        {
            "orig": scene.pick(scene.network.hosts, count),
            "resp": scene.network.servers["directory"],
            "resp_p": np.where(ldap, 389, 88),
            "service": np.where(ldap, SERVICE["ldap_tcp"], SERVICE["krb_tcp"]),
            "state": scene.mostly(count, (SF, 0.5), (RSTR, 0.42), (RSTO, 0.08)),
            "duration": scene.lognormal(9_000, 1.3, count),
            "up": scene.lognormal(1_100, 0.7, count),
            "down": scene.lognormal(1_500, 0.5, count),
            "up_messages": np.where(ldap, 4, 1),
            "down_messages": np.where(ldap, 4, 1),
        },
    )


def call(scene: Scene, count: int) -> Flows:
    """Telephone over IP: registrations at a regular pace, and calls of two media streams."""
    streams = int(count * 0.35)
    signals = count - streams
    start, stream = scene.ticks(signals, scene.streams_for(signals), 0.05)
    pool = scene.network.sites.kind["voip"]
    hosts, addresses = scene.network.hosts, scene.network.sites.addresses
    answered = ~scene.chance(0.05, signals)
    registered = connections(
        start,
        {
            "orig": hosts[stream % len(hosts)],
            "orig_p": 5_060,
            "resp": addresses[pool[stream % len(pool)], 0],
            "resp_p": 5_060,
            "proto": UDP,
            "service": SERVICE["sip"],
            "duration": scene.lognormal(60_000, 0.5, signals),
            "up": scene.lognormal(900, 0.3, signals),
            "down": scene.lognormal(780, 0.3, signals) * answered,
            "up_messages": 2,
            "down_messages": 2,
        },
    )
    seconds = np.minimum(scene.lognormal(80, 1.0, streams), 3_600)
    size = seconds * 50 * 172
    media = connections(
        scene.moments(streams),
        {
            "orig": scene.pick(hosts, streams),
            "orig_p": 16_384 + 2 * scene.rng.integers(0, 8_000, streams),
            "resp": addresses[scene.pick(pool, streams), 1],
            "resp_p": 16_384 + 2 * scene.rng.integers(0, 8_000, streams),
            "proto": UDP,
            "duration": seconds * 1_000_000,
            "up": size,
            "down": (size * scene.rng.uniform(0.9, 1.0, streams)).astype(np.int64),
            "up_messages": seconds * 50,
            "down_messages": seconds * 49,
        },
    )
    return concat([registered, media])


def back_up(scene: Scene, count: int) -> Flows:
    """Back up: large uploads to the file server and to a cloud."""
    local = count // 2
    size = scene.lognormal(8_000_000, 2.2, local)
    inside = connections(
        scene.moments(local),
        {
            "orig": scene.pick(scene.network.hosts, local),
            "resp": scene.network.servers["files"],
            "resp_p": scene.mostly(local, (22, 0.5), (873, 0.5)),
            "state": scene.mostly(local, (SF, 0.95), (RSTO, 0.05)),
            "duration": size // 12 + 400_000,
            "up": size,
            "down": size // 200 + 3_000,
            "up_messages": 12,
            "down_messages": 12,
        },
    )
    asks = within_budget(scene, count - local, 0.3)
    outside = len(asks)
    who, lookups = contact(
        *(scene, scene.moments(outside), scene.pick(scene.network.hosts, outside)),
        *(scene.popular("cloud", outside), asks),
    )
    sent = scene.lognormal(2_000_000, 1.8, outside)
    cloud = https(
        scene,
        who,
        up=sent,
        down=sent // 300 + 2_000,
        duration=sent // 3 + 500_000,
        state=scene.mostly(outside, (SF, 0.9), (RSTO, 0.05), (S1, 0.05)),
    )
    return concat([inside, lookups, cloud])


BEHAVIOURS: Final = (
    Behaviour("file-server", None, "MS-SMB2, Server Message Block 2 and 3", share_files, (0.04, 0.1)),
    Behaviour("mail", None, "Klensin, RFC 5321; Crispin, RFC 3501", mail, (0.03, 0.08)),
    Behaviour("directory", None, "Neuman et al., RFC 4120 Kerberos; RFC 4511 LDAP", sign_in, (0.02, 0.06)),
    Behaviour("voip", None, "Rosenberg et al., RFC 3261; RFC 3550", call, (0.01, 0.04), period=(20.0, 90.0)),
    Behaviour("backup", None, "Mell & Grance 2011, NIST SP 800-145", back_up, (0.004, 0.02), "always"),
)
