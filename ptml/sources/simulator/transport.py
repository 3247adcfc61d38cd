"""What the packets of a connection must have been: counts, IP bytes and history that agree with its state."""

from __future__ import annotations

from typing import Final

import numpy as np

from ptml.sources.simulator.records import (
    ICMP,
    OTH,
    REJ,
    RSTO,
    RSTOS0,
    RSTR,
    S0,
    S1,
    S2,
    S3,
    SF,
    SHR,
    TCP,
    UDP,
    Bools,
    Flows,
    Ints,
)

# State to histories, by (originator sent payload, responder sent payload); common ones stand several times.
_VARIANTS: Final[dict[int, dict[tuple[bool, bool], str]]] = {
    SF: {
        (True, True): "ShADadfF ShADadfF ShADadFf ShADdFaf ShADdFf ShADadfFr ShADTadfF ShADadtfF",
        (True, False): "ShADafF ShADaFf ShADFaf",
        (False, True): "ShAdfF ShAdFf ShAdaFf",
        (False, False): "ShAfFa ShAFaf ShAFf",
    },
    S1: {
        (True, True): "ShADad ShADad ShADda ShADadT",
        (True, False): "ShADa",
        (False, True): "ShAd",
        (False, False): "ShA",
    },
    S2: {
        (True, True): "ShADdaF ShADadF",
        (True, False): "ShADaF",
        (False, True): "ShAdF",
        (False, False): "ShAF",
    },
    S3: {(True, True): "ShADadf", (True, False): "ShADaf", (False, True): "ShAdf", (False, False): "ShAf"},
    RSTO: {
        (True, True): "ShADadR ShADadR ShADdaR ShADadFR ShADadfR",
        (True, False): "ShADaR",
        (False, True): "ShAdR",
        (False, False): "ShR",
    },
    RSTR: {
        (True, True): "ShADadFr ShADadr ShADdar ShADdFar",
        (True, False): "ShADar ShADaFr",
        (False, True): "ShAdr",
        (False, False): "ShAr",
    },
    OTH: {(True, True): "DadA Dd DdA", (True, False): "Da", (False, True): "dA", (False, False): "Aa"},
}
_SERVER_FIRST: Final = {SF: "ShAdDaFf ShAdDafF ShAdDaTFf", S1: "ShAdDa", RSTO: "ShAdDaR", RSTR: "ShAdDar"}
_GAP: Final = 4
"""Position of the history with a gap in what the responder sent."""
_FIXED: Final = {S0: "S", REJ: "Sr", RSTOS0: "SR"}


def _tables() -> tuple[list[str | None], Ints, Ints]:
    """Lay the variants out flat: histories, and the first and the number of those for each key."""
    texts: list[str | None] = [None, "D", "Dd", "^d", "ShADadgfF"]
    first = np.zeros(16 * 8, dtype=np.int64)
    count = np.ones(16 * 8, dtype=np.int64)
    for state in range(11):
        for key in range(8):
            up, down, server = bool(key & 4), bool(key & 2), bool(key & 1)
            names = _FIXED.get(state) or _VARIANTS.get(state, {}).get((up, down), "ShA")
            if server and up and down:
                names = _SERVER_FIRST.get(state, names)
            first[state * 8 + key] = len(texts)
            count[state * 8 + key] = len(names.split())
            texts.extend(names.split())
    return texts, first, count


HISTORIES, _FIRST, _COUNT = _tables()
"""Every history the simulator writes; ``history`` columns hold positions in it."""

_WITHOUT_OPEN: Final = (S0, REJ, RSTOS0)
_MOST_SYNS: Final = 4
_GAP_LEAST: Final = 20_000
_GAP_CHANCE: Final = 0.004
_WINDOWS_TCP: Final = 40
"""IP and TCP header bytes of a packet without time stamps."""


def _count(letters: str) -> Ints:
    return np.array([sum((text or "").count(letter) for letter in letters) for text in HISTORIES])


_ENDS, _ENDS_BACK = _count("FR"), _count("fr")
_AGAIN, _AGAIN_BACK = _count("T"), _count("t")


def unopened(conn: dict[str, Ints]) -> Bools:
    """Tell the TCP connections on which no handshake was completed."""
    closed: Bools = (conn["proto"] == TCP) & np.isin(conn["state"], _WITHOUT_OPEN)
    return closed


def settle(flows: Flows, rng: np.random.Generator) -> dict[str, Ints]:
    """Work out packets, IP bytes, history and what Zeek leaves unset.

    IP bytes are payload plus headers: 20 for IP and 20 (Windows) or 32 (others: time stamps) for TCP, 8 for
    UDP and ICMP; a SYN carries 12 or 8 more of options. A resent packet is in the IP bytes only, a missed
    one in the payload only. ``duration`` and both byte counts are -1 (unset) where one packet was seen.

    Returns:
        The columns of ``flows.conn`` with ``orig_pkts orig_ip resp_pkts resp_ip missed history`` and
        ``orig_bytes resp_bytes`` added.
    """
    conn = dict(flows.conn)
    tcp, closed = conn["proto"] == TCP, unopened(conn)
    conn["state"] = _state(conn)
    conn["up"], conn["down"] = np.where(closed, 0, conn["up"]), np.where(closed, 0, conn["down"])
    windows = ((conn["orig"] * 2_654_435_761) >> 13) & 1 == 0
    segment = np.where(tcp, np.where(windows, 1460, 1448), 1400)
    conn["history"] = _history(conn, rng)
    lost = np.where(conn["history"] == _GAP, rng.integers(1, 5, len(flows)), 0)
    conn["missed"] = lost * segment
    tries = np.minimum(conn["up_messages"], rng.integers(1, _MOST_SYNS + 1, len(flows)))
    tries = np.where(conn["state"] == S0, tries, 1 + (conn["state"] == RSTOS0))
    _packets(conn, segment, rng)
    conn["orig_pkts"] = np.where(closed, tries, conn["orig_pkts"])
    conn["resp_pkts"] = np.where(closed, conn["state"] == REJ, conn["resp_pkts"] - lost)
    _ip_bytes(conn, segment, header=np.where(tcp, np.where(windows, 40, 52), 28), syns=tries)
    _unset(conn, tries)
    return conn


def _state(conn: dict[str, Ints]) -> Ints:
    """Keep TCP's state; without handshakes it only says who was heard."""
    proto = conn["proto"]
    heard = np.where(conn["up"] == 0, SHR, np.where(conn["down"] > 0, SF, S0))
    return np.where(proto == TCP, conn["state"], np.where(proto == UDP, heard, OTH))


def _history(conn: dict[str, Ints], rng: np.random.Generator) -> Ints:
    up, down, proto = conn["up"] > 0, conn["down"] > 0, conn["proto"]
    key = conn["state"] * 8 + up * 4 + down * 2 + (conn["server_first"] > 0)
    history = _FIRST[key] + (rng.random(len(key)) * _COUNT[key]).astype(np.int64)
    gap = (rng.random(len(key)) < _GAP_CHANCE) & (conn["state"] == SF) & up & (conn["down"] > _GAP_LEAST)
    history = np.where(gap & (conn["server_first"] == 0), _GAP, history)
    history = np.where(proto == UDP, np.where(up, np.where(down, 2, 1), 3), history)
    return np.where(proto == ICMP, 0, history)


def _payload_packets(payload: Ints, segment: Ints, messages: Ints) -> Ints:
    packets = np.maximum(-(-payload // segment), messages)
    return np.where(payload > 0, np.minimum(packets, payload), 0)


def _packets(conn: dict[str, Ints], segment: Ints, rng: np.random.Generator) -> None:
    """Count payload, acknowledgements, handshake, ends and what was sent again."""
    tcp, history = conn["proto"] == TCP, conn["history"]
    sent = _payload_packets(conn["up"], segment, conn["up_messages"])
    received = _payload_packets(conn["down"], segment, conn["down_messages"])
    pace = rng.uniform(0.4, 1.0, len(sent))
    acks = np.ceil(np.where(tcp, received * pace, 0)).astype(np.int64)
    acks_back = np.ceil(np.where(tcp, sent * pace, 0)).astype(np.int64)
    opened = tcp & (conn["state"] != OTH)
    quiet = sent + received == 0
    half_open = quiet & (conn["state"] == RSTO)
    bare = quiet & tcp & ~opened
    conn["orig_pkts"] = sent + acks + bare + opened * (2 - half_open + _ENDS[history] + _AGAIN[history])
    conn["resp_pkts"] = (
        received + acks_back + bare + opened * (1 + _ENDS_BACK[history] + _AGAIN_BACK[history])
    )


def _ip_bytes(conn: dict[str, Ints], segment: Ints, *, header: Ints, syns: Ints) -> None:
    closed, history = unopened(conn), conn["history"]
    opened = (conn["proto"] == TCP) & ~closed & (conn["state"] != OTH)
    options = np.where(header == _WINDOWS_TCP, 12, 8)
    up, down = conn["up"], conn["down"]
    again = (opened & (_AGAIN[history] > 0)) * np.minimum(up, segment)
    again_back = (opened & (_AGAIN_BACK[history] > 0)) * np.minimum(down, segment)
    started = options * np.where(closed, syns, opened)
    conn["orig_ip"] = up + header * conn["orig_pkts"] + started + again
    reset = np.where(closed, 40, header)
    conn["resp_ip"] = down - conn["missed"] + reset * conn["resp_pkts"] + options * opened + again_back


def _unset(conn: dict[str, Ints], tries: Ints) -> None:
    """Give repeated SYNs their usual back-off, and unset what one packet cannot tell."""
    waited = (2 ** (tries - 1) - 1) * 1_000_000 + conn["duration"] % 40_000
    unanswered = unopened(conn) & (conn["state"] == S0)
    duration = np.where(unanswered, waited, np.maximum(conn["duration"], 20))
    single = conn["orig_pkts"] + conn["resp_pkts"] <= 1
    conn["duration"] = np.where(single, -1, duration)
    conn["orig_bytes"] = np.where(single, -1, conn["up"])
    conn["resp_bytes"] = np.where(single, -1, conn["down"])
