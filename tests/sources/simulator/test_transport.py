from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptml.sources.simulator.edges import cut, silence
from ptml.sources.simulator.records import (
    ICMP,
    OTH,
    REJ,
    RSTO,
    S0,
    S1,
    SF,
    STATES,
    TCP,
    UDP,
    Ints,
    connections,
    events,
)
from ptml.sources.simulator.scene import SECOND
from ptml.sources.simulator.transport import HISTORIES, settle

TCP_STATES = st.sampled_from([place for place, name in enumerate(STATES) if name != "SHR"])
SIZES = st.one_of(st.just(0), st.integers(1, 3_000), st.integers(1, 10**7))


def settled(seed: int = 1, **columns: int) -> dict[str, int]:
    """One connection, settled, with its history spelled out."""
    conn = settle(connections(np.array([10**15]), columns), np.random.default_rng(seed))
    return {name: int(values[0]) for name, values in conn.items()}


def history_of(conn: dict[str, int]) -> str:
    """Text of a settled connection's history."""
    return HISTORIES[conn["history"]] or ""


@given(state=TCP_STATES, up=SIZES, down=SIZES, orig=st.integers(0, 2**32 - 1), seed=st.integers(0, 2**16))
def test_tcp_packets_and_history_agree(state: int, up: int, down: int, orig: int, seed: int) -> None:
    """Headers take 40 to 60 bytes a packet, payload fits its packets, each letter has a packet."""
    conn = settled(seed, state=state, up=up, down=down, orig=orig, duration=5_000_000)
    history = history_of(conn)
    for side in ("orig", "resp"):
        packets, size = conn[f"{side}_pkts"], conn[f"{side}_ip"]
        payload = conn["up"] if side == "orig" else conn["down"] - conn["missed"]
        resent = 1_460 * ("T" in history if side == "orig" else "t" in history)
        assert 40 * packets <= size - payload <= 60 * packets + resent
        assert payload <= 1_460 * packets
        letters = [
            letter for letter in history if letter.isupper() == (side == "orig") and letter not in "gG"
        ]
        assert (packets > 0) == bool(letters)
        assert packets >= sum(letter.lower() in "shfr" for letter in letters)
    assert ("D" in history) == (conn["up"] > 0)
    assert ("d" in history) == (conn["down"] > 0)
    assert (conn["duration"] == -1) == (conn["orig_pkts"] + conn["resp_pkts"] == 1)
    assert (conn["orig_bytes"] == -1) == (conn["duration"] == -1) == (conn["resp_bytes"] == -1)


@given(up=st.integers(1, 10**6), down=SIZES, proto=st.sampled_from([UDP, ICMP]))
def test_datagrams_have_28_header_bytes(up: int, down: int, proto: int) -> None:
    """UDP and ICMP packets carry 20 bytes of IP and 8 of their own; the state says who was heard."""
    conn = settled(proto=proto, up=up, down=down)
    assert conn["orig_ip"] - conn["up"] == 28 * conn["orig_pkts"]
    assert conn["resp_ip"] - conn["down"] == 28 * conn["resp_pkts"]
    heard = "SF" if down else "S0"
    assert STATES[conn["state"]] == (heard if proto == UDP else "OTH")
    assert history_of(conn) == (("Dd" if down else "D") if proto == UDP else "")


def test_states_by_hand() -> None:
    """A refused connection is one SYN and one RST, a half-open scan SYN, SYN-ACK, RST, a lone SYN unset."""
    refused = settled(state=REJ, up=500, orig=0, duration=300)
    assert (history_of(refused), refused["orig_pkts"], refused["resp_pkts"]) == ("Sr", 1, 1)
    assert (refused["orig_ip"], refused["resp_ip"], refused["orig_bytes"]) == (52, 40, 0)
    half_open = settled(state=RSTO, orig=0, duration=300)
    assert (history_of(half_open), half_open["orig_pkts"], half_open["resp_pkts"]) == ("ShR", 2, 1)
    alone = settled(state=S0, orig=0, duration=0)
    assert (history_of(alone), alone["orig_pkts"], alone["duration"], alone["orig_bytes"]) == ("S", 1, -1, -1)


def test_repeated_syns_back_off() -> None:
    """Three SYNs span three seconds: one, then two more."""
    spans = {
        conn["orig_pkts"]: conn["duration"] // SECOND
        for seed in range(40)
        if (conn := settled(seed, state=S0, up_messages=3))
    }
    assert spans == {1: -1, 2: 1, 3: 3}


def lasting(start: int, duration: int) -> dict[str, Ints]:
    """What is left of a long TLS session in a capture of 1000 seconds that begins at 0."""
    flows = connections(np.full(50, start), {"duration": duration, "service": 3, "up": 900, "down": 900})
    flows.events["ssl"] = events(
        "ssl",
        np.arange(50),
        {"offset": 10, "site": 1, "version": 12, "resumed": False, "sni": True},
    )
    done = cut(flows, 0, 1_000 * SECOND, np.random.default_rng(1))
    return done.conn | {"ssl": done.events["ssl"]["row"].to_numpy()}


def test_sessions_are_cut_at_the_ends_of_a_capture() -> None:
    """A session that outlasts the capture stays open, one that was under way shows no handshake."""
    late = lasting(900 * SECOND, 5_000 * SECOND)
    assert set(late["state"].tolist()) == {S1}
    assert (late["start"] + late["duration"]).max() <= 1_000 * SECOND
    early = lasting(2 * SECOND, 60 * SECOND)
    assert set(early["state"].tolist()) == {SF, OTH}
    assert np.array_equal(early["ssl"], np.flatnonzero(early["state"] == SF))
    assert set(early["service"][early["state"] == OTH].tolist()) == {0}
    middle = lasting(500 * SECOND, 60 * SECOND)
    assert set(middle["state"].tolist()) == {SF}


def test_nothing_is_recognised_without_payload() -> None:
    """A refused or empty connection has no service and no events."""
    flows = connections(
        np.array([1, 1, 1]),
        {"proto": TCP, "state": np.array([REJ, SF, SF]), "service": 2, "up": np.array([9, 0, 9])},
    )
    flows.events["weird"] = events("weird", np.arange(3), {"offset": 0, "name": "x", "source": "TCP"})
    quiet = silence(flows)
    assert quiet.conn["service"].tolist() == [0, 0, 2]
    assert quiet.events["weird"]["row"].to_list() == [2]
