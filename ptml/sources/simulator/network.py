"""The network that a capture watches: hosts inside, sites outside, names and addresses.

Everything is drawn from the capture's seed. Malicious servers ("rogue" sites) come from the same provider
ranges and the same name makers as all others, so that neither tells the label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator.certificates import Certificates, issue
from ptml.sources.simulator.dice import Dice
from ptml.sources.simulator.words import PREFIXES, TLDS, WORDS

if TYPE_CHECKING:
    from ptml.sources.simulator.plan import CapturePlan
    from ptml.sources.simulator.records import Floats, Ints

KINDS: Final = {
    "web": 110,
    "cdn": 36,
    "ads": 36,
    "update": 8,
    "video": 10,
    "mail": 8,
    "sync": 6,
    "telemetry": 18,
    "registry": 12,
    "voip": 5,
    "antivirus": 3,
    "cloud": 20,
    "time": 4,
    "rogue": 32,
}
"""Kind of site to how many of it there are."""

_ALIASED: Final = 0.3
"""Share of sites whose name is an alias of another."""


@dataclass(frozen=True, slots=True)
class Sites:
    """Named servers outside; one row a site.

    Attributes:
        names: Fully qualified name.
        addresses: Two IPv4 addresses a site, as integers.
        answers: The A answers, with the alias first where there is one.
        ttls: One time to live (s) an answer.
        popularity: Relative number of visits.
        modern: Probability that a connection is TLS 1.3.
        kind: Kind to the positions of its sites.
    """

    names: pl.Series
    addresses: Ints
    answers: pl.Series
    ttls: pl.Series
    popularity: Floats
    modern: Floats
    kind: dict[str, Ints]


@dataclass(frozen=True, slots=True)
class Network:
    """Who is there.

    Attributes:
        hosts: Addresses of people's computers.
        things: Addresses of printers, cameras and sensors; monitoring and inventory poll them.
        servers: Role (``resolver files mail monitor directory build``) to an inside address.
        prefix: First address of the inside /16.
        domain: The site's own domain.
        sites: Servers outside.
        certificates: Chain a site shows and the table of certificates.
    """

    hosts: Ints
    things: Ints
    servers: dict[str, int]
    prefix: int
    domain: str
    sites: Sites
    certificates: Certificates

    @property
    def inside(self) -> Ints:
        """All addresses inside."""
        return np.concatenate([self.hosts, self.things, np.fromiter(self.servers.values(), dtype=np.int64)])


def build_network(plan: CapturePlan) -> Network:
    """Draw the network of a capture from its seed."""
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(0,)))
    prefix = _private_prefix(rng)
    roles = ("resolver", "files", "mail", "monitor", "directory", "build")
    wanted = plan.hosts + max(2, plan.hosts // 4) + len(roles)
    span = max(250, wanted * 2)
    members = prefix + 2 + rng.choice(span, size=wanted, replace=False).astype(np.int64)
    things_end = wanted - len(roles)
    domain = f"{rng.choice(WORDS)}.example"
    sites = _build_sites(rng)
    started = int(plan.started_at.timestamp())
    return Network(
        hosts=members[: plan.hosts],
        things=members[plan.hosts : things_end],
        servers=dict(zip(roles, members[things_end:].tolist(), strict=True)),
        prefix=prefix,
        domain=domain,
        sites=sites,
        certificates=issue(rng, sites.names.to_list(), _self_signed(rng, sites), started),
    )


def public_addresses(rng: np.random.Generator, count: int) -> Ints:
    """Draw global unicast IPv4 addresses.

    >>> bool((public_addresses(np.random.default_rng(1), 9) >> 24 < 224).all())
    True
    """
    first = rng.choice(_PUBLIC_FIRST, size=count).astype(np.int64)
    return (first << 24) | rng.integers(1, 2**24 - 1, size=count)


def is_private(addresses: Ints) -> np.typing.NDArray[np.bool_]:
    """Tell which addresses are RFC 1918's.

    >>> is_private(np.array([0x0A000001, 0x08080808])).tolist()
    [True, False]
    """
    private = np.zeros(addresses.shape, dtype=np.bool_)
    for first, bits in _PRIVATE:
        private |= addresses >> (32 - bits) == first >> (32 - bits)
    return private


_PRIVATE: Final = ((10 << 24, 8), (172 << 24 | 16 << 16, 12), (192 << 24 | 168 << 16, 16))
# First octets that hold no special range (RFC 6890): 100.64/10, 169.254/16, 198.18/15 and such are left out.
_PUBLIC_FIRST: Final = np.array(
    [n for n in range(1, 224) if n not in {10, 100, 127, 169, 172, 192, 198, 203}], dtype=np.int64
)


def _private_prefix(rng: np.random.Generator) -> int:
    choice = int(rng.integers(3))
    if choice == 0:
        return (10 << 24) | (int(rng.integers(256)) << 16)
    if choice == 1:
        return (172 << 24) | (int(rng.integers(16, 32)) << 16)
    return (192 << 24) | (168 << 16)


def _build_sites(rng: np.random.Generator) -> Sites:
    kinds = np.repeat(np.array(list(KINDS)), list(KINDS.values()))
    dice = Dice(rng)
    names = [_name(dice, str(kind)) for kind in kinds]
    count = len(names)
    providers = public_addresses(rng, 40) & 0xFFFF0000
    addresses = rng.choice(providers, size=(count, 2)) + rng.integers(1, 65_534, size=(count, 2))
    aliased = rng.random(count) < _ALIASED
    ttl = rng.choice([30, 60, 60, 300, 300, 300, 600, 3600], size=count)
    answers: list[list[str]] = []
    for name, pair, alias in zip(names, addresses.tolist(), aliased.tolist(), strict=True):
        dotted = [".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0)) for address in pair]
        answers.append([f"edge-{len(name)}.{name.split('.', 1)[1]}", *dotted] if alias else dotted)
    return Sites(
        names=pl.Series(names),
        addresses=addresses.astype(np.int64),
        answers=pl.Series(answers, dtype=pl.List(pl.String)),
        ttls=pl.Series(
            [[int(t)] * len(a) for t, a in zip(ttl, answers, strict=True)], dtype=pl.List(pl.Int64)
        ),
        popularity=1.0 / (1.0 + rng.permutation(count).astype(np.float64)) ** 0.8,
        modern=rng.choice([0.0, 0.3, 0.7, 0.9, 1.0], size=count),
        kind={kind: np.flatnonzero(kinds == kind) for kind in KINDS},
    )


def _name(dice: Dice, kind: str) -> str:
    """Make a name in the style of its kind; rogue ones take the style of another."""
    if kind == "rogue":
        kind = dice.pick(("web", "web", "cdn", "cloud", "telemetry", "ads"))
    one, two, tld = dice.pick(WORDS), dice.pick(WORDS), dice.pick(TLDS)
    if kind == "cdn":
        return f"d{dice.digits(8 + dice.below(14))}.{one}cdn.net"
    if kind == "cloud":
        return f"{one}-{dice.digits(6)}.{two}cloud.{tld}"
    if kind == "ads":
        return f"{dice.pick(PREFIXES[kind])}{1 + dice.below(39)}.{one}-{two}.{tld}"
    if kind == "time":
        return f"{dice.below(4)}.pool.{one}time.org"
    return f"{dice.pick(PREFIXES.get(kind, PREFIXES['web']))}.{one}{two}.{tld}"


def _self_signed(rng: np.random.Generator, sites: Sites) -> list[bool]:
    chance = np.full(len(sites.names), 0.02)
    chance[sites.kind["telemetry"]] = 0.25
    chance[sites.kind["rogue"]] = 0.25
    chance[sites.kind["voip"]] = 0.3
    return [bool(flag) for flag in rng.random(len(sites.names)) < chance]
