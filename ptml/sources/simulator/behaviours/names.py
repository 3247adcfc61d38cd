"""Names: what hosts ask the resolver all day, and what they call out to their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.lookups import NO_REPLY, NOERROR, NXDOMAIN, PTR, SERVFAIL, TXT, A, ask
from ptml.sources.simulator.records import UDP, Flows, Ints, concat, connections
from ptml.sources.simulator.text import BASE32, LOWER, dotted, random_text

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene

_LLMNR: Final = (0xE00000FC, 5_355)
_MDNS: Final = (0xE00000FB, 5_353)
_SSDP: Final = (0xEFFFFFFA, 1_900)


def _answered(text: pl.Series, ttl: int) -> tuple[pl.Series, pl.Series]:
    ttls = pl.Series([[ttl]], dtype=pl.List(pl.Int64)).new_from_index(0, len(text))
    return pl.select(pl.concat_list(text)).to_series(), ttls


def _reversed(addresses: Ints) -> Ints:
    parts = [((addresses >> shift) & 255) << (24 - shift) for shift in (0, 8, 16, 24)]
    return parts[0] | parts[1] | parts[2] | parts[3]


def _ordinary_sites(scene: Scene) -> Ints:
    return np.concatenate([pool for kind, pool in scene.network.sites.kind.items() if kind != "rogue"])


def resolve(scene: Scene, count: int) -> Flows:
    """Ask for names all day: known ones, search suffixes that do not exist, reverse names, virus look-ups."""
    kinds = np.bincount(scene.mostly(count, (0, 0.5), (1, 0.24), (2, 0.08), (3, 0.1), (4, 0.08)), minlength=5)
    known, suffixed, reverse, hashed, probes = (int(kind) for kind in kinds)
    sites, domain = scene.network.sites, scene.network.domain
    pool = _ordinary_sites(scene)
    site = scene.pick(pool, known)
    word = sites.names.gather(scene.pick(pool, suffixed))
    chance = random_text(scene.rng, scene.rng.integers(7, 15, probes), LOWER)
    digest = random_text(scene.rng, scene.rng.integers(24, 56, hashed), BASE32)
    vendor = sites.names.gather(scene.pick(sites.kind["antivirus"], hashed))
    asked = scene.pick(scene.network.inside, reverse)
    owner = "host-" + dotted(asked).str.replace_all(".", "-", literal=True) + "." + domain
    pieces = (
        (sites.names.gather(site), (sites.answers.gather(site), sites.ttls.gather(site)), A, NOERROR, 0.97),
        (word + "." + domain, None, A, NXDOMAIN, 0.93),
        (dotted(_reversed(asked)) + ".in-addr.arpa", _answered(owner, 3600), PTR, NOERROR, 0.7),
        (digest + "." + vendor, _answered(digest, 300), TXT, NOERROR, 0.8),
        (chance, None, A, NXDOMAIN, 0.96),
    )
    flows = []
    for query, answers, qtype, rcode, share in pieces:
        size = len(query)
        codes = scene.mostly(size, (rcode, share), (NO_REPLY, 0.01), (SERVFAIL, 0.01), (NXDOMAIN, 0.01))
        flows.append(
            ask(
                *(scene, scene.moments(size), scene.pick(scene.network.inside, size), query),
                answers=answers,
                rtt=scene.lognormal(9_000, 1.0, size),
                qtype=qtype,
                rcode=codes,
            )
        )
    return concat(flows)


def discover(scene: Scene, count: int) -> Flows:
    """Call out for neighbours: names by multicast that nobody answers, and services by SSDP."""
    announced = count // 3
    asked = count - announced
    by_mdns = scene.chance(0.4, asked)
    word = random_text(scene.rng, scene.rng.integers(5, 12, asked), LOWER)
    name = pl.select(pl.when(pl.Series(by_mdns)).then(word + ".local").otherwise(word)).to_series()
    everyone = scene.network.inside
    names = ask(
        *(scene, scene.moments(asked), scene.pick(everyone, asked), name),
        answers=None,
        rtt=np.zeros(asked, dtype=np.int64),
        rcode=NO_REPLY,
        resp=np.where(by_mdns, _MDNS[0], _LLMNR[0]),
        port=np.where(by_mdns, _MDNS[1], _LLMNR[1]),
    )
    names.conn["orig_p"] = np.where(by_mdns, _MDNS[1], -1)
    repeats = scene.mostly(announced, (1, 0.4), (3, 0.4), (4, 0.2))
    services = connections(
        scene.moments(announced),
        {
            "orig": scene.pick(everyone, announced),
            "resp": _SSDP[0],
            "resp_p": _SSDP[1],
            "proto": UDP,
            "duration": (repeats - 1) * 1_003_000 + scene.rng.integers(0, 9_000, announced),
            "up": repeats * scene.rng.integers(133, 182, announced),
            "up_messages": repeats,
        },
    )
    return concat([names, services])


BEHAVIOURS: Final = (
    Behaviour("names", None, "Jung et al. 2002, DNS performance, caching", resolve, (0.08, 0.16), "always"),
    Behaviour("discovery", None, "RFC 4795 LLMNR; RFC 6762 mDNS", discover, (0.02, 0.06), "always"),
)
