"""What the packets of a connection must have been: counts, IP bytes and history that agree with its state."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

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
    OTH: {(True, True): "DadA Dd DdA", (True, False): "Da DA", (False, True): "^da", (False, False): "Aa"},
}
_SERVER_FIRST: Final = {SF: "ShAdDaFf ShAdDafF ShAdDaTFf", S1: "ShAdDa", RSTO: "ShAdDaR", RSTR: "ShAdDar"}
_FIXED: Final = {S0: "S", REJ: "Sr", RSTOS0: "SR"}


def _tables() -> tuple[list[str | None], Ints, Ints]:
    """Lay the variants out flat: histories, and the first and the number of those for each key."""
    texts: list[str | None] = [None, "D", "Dd", "^d"]
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

_FINS: Final = np.array([(text or "").count("F") + (text or "").count("R") for text in HISTORIES])
_FINS_BACK: Final = np.array([(text or "").count("f") + (text or "").count("r") for text in HISTORIES])
_RESENT: Final = np.array(["T" in (text or "") for text in HISTORIES])
_RESENT_BACK: Final = np.array(["t" in (text or "") for text in HISTORIES])
_WITHOUT_OPEN: Final = (S0, REJ, RSTOS0)


def silence(flows: Flows) -> Flows:
    """Take away what cannot have been seen: service and events of connections that carried no payload."""
    conn = dict(flows.conn)
    unopened = (conn["proto"] == TCP) & np.isin(conn["state"], _WITHOUT_OPEN)
    quiet = unopened | (conn["up"] + conn["down"] == 0)
    conn["service"] = np.where(quiet, 0, conn["service"])
    heard = pl.Series(~quiet)
    kept = {log: frame.filter(heard.gather(frame["row"])) for log, frame in flows.events.items()}
    return Flows(conn, kept)


def settle(flows: Flows, rng: np.random.Generator) -> dict[str, Ints]:
    """Work out packets, IP bytes, history and what Zeek leaves unset.

    IP bytes are payload plus headers: 20 for IP and 20 (Windows) or 32 (others: time stamps) for TCP, 8 for
    UDP and ICMP; a SYN carries 12 or 8 more of options. A resent packet is in the IP bytes only.
    ``duration`` and both byte counts become -1 (unset) where only one packet was seen.

    Returns:
        The columns of ``flows.conn`` with ``orig_pkts orig_ip resp_pkts resp_ip history`` added.
    """
    conn = dict(flows.conn)
    proto, tcp = conn["proto"], conn["proto"] == TCP
    conn["state"] = state = _state(proto, conn)
    for name in ("up", "down"):
        conn[name] = np.where(tcp & np.isin(state, _WITHOUT_OPEN), 0, conn[name])
    up, down = conn["up"], conn["down"]
    history = _history(proto, state, up, down, conn["server_first"], rng)
    windows = ((conn["orig"] * 2_654_435_761) >> 13) & 1 == 0
    segment = np.where(tcp, np.where(windows, 1460, 1448), 1400)
    sent = _payload_packets(up, segment, conn["up_messages"])
    received = _payload_packets(down, segment, conn["down_messages"])
    opened = tcp & ~np.isin(state, (*_WITHOUT_OPEN, OTH))
    pace = rng.uniform(0.4, 1.0, len(flows))
    acks = np.where(tcp & (state != OTH), np.ceil(received * pace), 0).astype(np.int64)
    acks_back = np.where(tcp & (state != OTH), np.ceil(sent * pace), 0).astype(np.int64)
    half_open = opened & (state == RSTO) & (up + down == 0)
    orig_pkts = sent + np.where(opened, acks + 2 - half_open + _FINS[history], 0)
    resp_pkts = received + np.where(opened, acks_back + 1 + _FINS_BACK[history], 0)
    tries = np.where(state == S0, conn["up_messages"], 1 + (state == RSTOS0))
    closed = tcp & np.isin(state, _WITHOUT_OPEN)
    orig_pkts = np.where(closed, tries, orig_pkts)
    resp_pkts = np.where(closed, (state == REJ).astype(np.int64), resp_pkts)
    again, again_back = _RESENT[history] & opened, _RESENT_BACK[history] & opened
    orig_pkts, resp_pkts = orig_pkts + again, resp_pkts + again_back
    header = np.where(tcp, np.where(windows, 40, 52), 28)
    syn = np.where(windows, 12, 8) * tcp * (state != OTH)
    conn["orig_pkts"], conn["resp_pkts"], conn["history"] = orig_pkts, resp_pkts, history
    conn["orig_ip"] = (
        up + header * orig_pkts + syn * np.where(closed, tries, 1) + again * np.minimum(up, segment)
    )
    answered = syn * (opened & (resp_pkts > 0)) + again_back * np.minimum(down, segment)
    conn["resp_ip"] = down + np.where(closed, 40, header) * resp_pkts + answered
    _unset(conn, tcp=tcp, tries=tries)
    return conn


def _state(proto: Ints, conn: dict[str, Ints]) -> Ints:
    """Keep TCP's state; without handshakes it only says who was heard."""
    heard = np.where(conn["up"] == 0, SHR, np.where(conn["down"] > 0, SF, S0))
    return np.where(proto == TCP, conn["state"], np.where(proto == UDP, heard, OTH))


def _payload_packets(payload: Ints, segment: Ints, messages: Ints) -> Ints:
    packets = np.maximum(-(-payload // segment), messages)
    return np.where(payload > 0, np.minimum(packets, payload), 0)


def _history(
    proto: Ints, state: Ints, up: Ints, down: Ints, server_first: Ints, rng: np.random.Generator
) -> Ints:
    key = state * 8 + (up > 0) * 4 + (down > 0) * 2 + (server_first > 0)
    history = _FIRST[key] + (rng.random(len(key)) * _COUNT[key]).astype(np.int64)
    datagram = np.where(up == 0, 3, np.where(down > 0, 2, 1))
    history = np.where(proto == UDP, datagram, history)
    return np.where(proto == ICMP, 0, history)


def _unset(conn: dict[str, Ints], *, tcp: Bools, tries: Ints) -> None:
    """Give repeated SYNs their usual back-off, and unset what one packet cannot tell."""
    waited = (2 ** (tries - 1) - 1) * 1_000_000 + conn["duration"] % 40_000
    unanswered = tcp & (conn["state"] == S0)
    duration = np.where(unanswered, waited, np.maximum(conn["duration"], 20))
    single = conn["orig_pkts"] + conn["resp_pkts"] <= 1
    conn["duration"] = np.where(single, -1, duration)
    conn["orig_bytes"] = np.where(single, -1, conn["up"])
    conn["resp_bytes"] = np.where(single, -1, conn["down"])
