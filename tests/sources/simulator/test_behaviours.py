from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptml.sources.simulator import BENIGN, MALICIOUS, Behaviour, CapturePlan
from ptml.sources.simulator.lookups import contact, within_budget
from ptml.sources.simulator.network import Network, build_network, is_private
from ptml.sources.simulator.records import DEFAULTS, EVENTS
from ptml.sources.simulator.scene import SECOND, Scene
from ptml.sources.simulator.text import dotted

if TYPE_CHECKING:
    from ptml.sources.simulator.records import Ints

ALL = (*BENIGN, *MALICIOUS)
PLAN = CapturePlan("sim-0000-test", 5, datetime(2026, 3, 4, 9, tzinfo=UTC), 1.0, 5, 500)
NETWORK = build_network(PLAN)
BEGINS = 1_772_600_000 * SECOND


def scene_of(seed: int, *, network: Network = NETWORK, period: float = 60.0) -> Scene:
    """An hour in which things happen evenly."""
    clock = BEGINS + np.linspace(0.0, 3600.0 * SECOND, 65)
    return Scene(
        network=network,
        rng=np.random.default_rng([seed, 1]),
        fixed=np.random.default_rng([seed, 2]),
        window=(BEGINS, BEGINS + 3600 * SECOND),
        clock=clock,
        done=np.linspace(0.0, 1.0, 65),
        period=period,
    )


@pytest.mark.parametrize("behaviour", ALL, ids=lambda behaviour: behaviour.name)
@given(count=st.integers(1, 60), seed=st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_a_behaviour_makes_exactly_what_it_is_asked_for(behaviour: Behaviour, count: int, seed: int) -> None:
    """Any number of connections from one on is met exactly, and none begins before the slice."""
    flows = behaviour.generate(scene_of(seed), count)
    assert set(flows.conn) == set(DEFAULTS)
    assert {len(column) for column in flows.conn.values()} == {count}
    assert flows.conn["start"].min() >= BEGINS
    for log, frame in flows.events.items():
        assert dict(frame.schema) == EVENTS[log]
        assert frame["row"].is_between(0, count - 1).all()
    for name in ("up", "down", "duration"):
        assert flows.conn[name].min() >= 0
    assert flows.conn["resp_p"].max() <= 65_535


def test_names_and_references() -> None:
    """Names are unique, a malicious behaviour's family is its name, and each says where it is described."""
    assert len({behaviour.name for behaviour in ALL}) == len(ALL)
    assert len(BENIGN) >= 8
    assert len(MALICIOUS) >= 10
    assert all(behaviour.family is None for behaviour in BENIGN)
    assert all(behaviour.family == behaviour.name for behaviour in MALICIOUS)
    assert all(behaviour.reference for behaviour in ALL)
    families = {behaviour.name for behaviour in MALICIOUS}
    assert families >= {
        *("http-beacon", "https-beacon", "dns-tunnel", "dga", "horizontal-scan", "vertical-scan"),
        *("brute-force", "exfiltration", "spam-bot", "exploit-kit", "ransomware-smb", "crypto-mining"),
        "p2p-bot",
    }
    assert pickle.loads(pickle.dumps(PLAN)) == PLAN


@given(seed=st.integers(0, 2**32), streams=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_ticks_without_jitter_are_regular(seed: int, streams: int) -> None:
    """Each stream ticks at one interval: the hour over its number of ticks."""
    scene = scene_of(seed)
    at, stream = scene.ticks(20 * streams, streams, 0.0)
    for one in range(streams):
        gaps = np.diff(np.sort(at[stream == one]))
        assert np.abs(gaps - 180 * SECOND).max() <= 1


def test_jitter_moves_ticks_within_their_interval() -> None:
    """With jitter 0.5 gaps spread over half to one and a half intervals."""
    at, _ = scene_of(3).ticks(600, 1, 0.5)
    gaps = np.diff(at) / (6 * SECOND)
    assert 0.5 <= gaps.min() < 0.6
    assert 1.4 < gaps.max() <= 1.5


def test_the_same_host_stays_infected() -> None:
    """Slices of one capture share victims and servers, whatever their own generator draws."""
    behaviour = next(behaviour for behaviour in MALICIOUS if behaviour.name == "https-beacon")
    first, second = scene_of(4), scene_of(4)
    second.rng.random(1_000)
    assert talkers(behaviour.generate(first, 200).conn["orig"]) == talkers(
        behaviour.generate(second, 200).conn["orig"]
    )


def talkers(addresses: Ints) -> set[int]:
    """Distinct addresses."""
    return set(addresses.tolist())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_a_contact_waits_for_its_answer(seed: int) -> None:
    """Who asks is answered with the address it then contacts, before it contacts it."""
    scene = scene_of(seed)
    asks = within_budget(scene, 50, 0.5)
    assert len(asks) + asks.sum() == 50
    start, site = scene.moments(len(asks)), scene.popular("web", len(asks))
    who, lookups = contact(scene, start, scene.pick(NETWORK.hosts, len(asks)), site, asks)
    dns = lookups.events["dns"].filter(qtype=1).sort("row")
    answered = lookups.conn["start"] + dns["rtt"].to_numpy()
    assert (who.start[asks] > answered).all()
    assert (who.start[~asks] == start[~asks]).all()
    assert lookups.conn["orig"].tolist() == who.orig[asks].tolist()
    for answers, address in zip(dns["answers"], dotted(who.resp[asks]), strict=True):
        assert address in answers.to_list()


def test_malicious_servers_look_like_others() -> None:
    """Rogue sites share provider ranges with other sites, and hosts are private while sites are not."""
    sites = NETWORK.sites
    rogue = sites.kind["rogue"]
    others = np.setdiff1d(np.arange(len(sites.names)), rogue)
    ranges = {
        name: set((sites.addresses[rows] >> 16).ravel().tolist())
        for name, rows in (("rogue", rogue), ("others", others))
    }
    assert len(ranges["rogue"] & ranges["others"]) > 0.9 * len(ranges["rogue"])
    assert is_private(NETWORK.inside).all()
    assert not is_private(sites.addresses).any()
    assert len(set(NETWORK.inside.tolist())) == len(NETWORK.inside)


@given(st.lists(st.ip_addresses(v=4), min_size=1, max_size=20))
def test_addresses_are_written_as_the_standard_library_does(addresses: list[object]) -> None:
    """Dotted text of an address is what ipaddress prints."""
    numbers = np.array([int(address) for address in addresses])  # type: ignore[call-overload]
    assert dotted(numbers).to_list() == [str(address) for address in addresses]
