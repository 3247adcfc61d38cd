"""The features of the moment the slow and obvious way: for each connection, look at all others."""

from __future__ import annotations

from fractions import Fraction
from math import log2, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
Spans = tuple[int, int, int]
HALF_OPEN, REJECTED = ("S0", "SH", "RSTOS0"), ("REJ", "RSTRH")
TIB = 1 << 40
RATES = {"l5": 5.0, "l3": 3.0, "l1": 1.0, "l01": 0.1, "l001": 0.01}


def read(rows: list[Row]) -> list[Row]:
    """Give each connection its end in microseconds and short names of what is looked at."""
    found = []
    for row in rows:
        lasting = row.get("duration")
        lasted = round(lasting * 1_000_000) if lasting and lasting > 0 else 0
        end = None if row["ts"] is None else round(row["ts"] * 1_000_000) + lasted
        port = row.get("id__resp_p")
        service = row.get("service")
        found.append(
            {
                "capture": row["capture"],
                "end": end,
                "src": row.get("id__orig_h"),
                "dst": row.get("id__resp_h"),
                "sport": row.get("id__orig_p"),
                "port": port,
                "srv": service if service is not None else port,
                "state": row.get("conn_state"),
                **{
                    name: None if row.get(name) is None else min(row[name], TIB)
                    for name in ("orig_bytes", "resp_bytes", "orig_ip_bytes", "resp_ip_bytes")
                },
            }
        )
    return found


def alike(rows: list[Row], row: Row, *keys: str) -> list[Row] | None:
    """Give the connections of the capture with the same key that ended before; None without a key."""
    if any(row[key] is None for key in ("end", *keys)):
        return None
    return [
        other
        for other in rows
        if other["end"] is not None
        and other["capture"] == row["capture"]
        and all(other[key] == row[key] for key in keys)
        and other["end"] < row["end"]
    ]


def over(earlier: list[Row] | None, row: Row, seconds: int) -> list[Row] | None:
    """Keep those that ended at most so long ago."""
    if earlier is None:
        return None
    return [other for other in earlier if other["end"] >= row["end"] - seconds * 1_000_000]


def last(earlier: list[Row] | None, most: int) -> list[Row] | None:
    """Keep the last so many and what ended with the first of them."""
    if earlier is None:
        return None
    ends = sorted((other["end"] for other in earlier), reverse=True)[:most]
    return [other for other in earlier if ends and other["end"] >= ends[-1]]


def number(found: list[Row] | None, most: int = 65_535) -> int | None:
    """Count."""
    return None if found is None else min(len(found), most)


def kinds(found: list[Row] | None, key: str, most: int = 65_535) -> int | None:
    """Count distinct values."""
    return None if found is None else min(len({one[key] for one in found} - {None}), most)


def share(found: list[Row] | None, states: tuple[str, ...]) -> float | None:
    """Share of some states among those that are known."""
    known = [one["state"] for one in found or () if one["state"] is not None]
    return sum(state in states for state in known) / len(known) if known else None


def total(found: list[Row] | None, name: str) -> int | None:
    """Sum of the known."""
    if found is None:
        return None
    known = [one[name] for one in found if one[name] is not None]
    return sum(known) if known or not found else None


def equal(found: list[Row] | None, row: Row, key: str) -> float | None:
    """Share of those with the same value."""
    if not found or row[key] is None:
        return None
    return len([one for one in found if one[key] == row[key]]) / len(found)


def since(earlier: list[Row] | None, row: Row, pick: Callable[..., Any] = max) -> float | None:
    """Seconds since the last end, or the first."""
    if not earlier:
        return None
    seconds: float = (row["end"] - pick(one["end"] for one in earlier)) / 1e6
    return seconds


def same_in(hundred: list[Row] | None, row: Row, *keys: str) -> int | None:
    """Count those of the capture's last hundred with the same key."""
    if hundred is None or any(row[key] is None for key in keys):
        return None
    return min(sum(all(one[key] == row[key] for key in keys) for one in hundred), 255)


def slow_windows(given: list[Row], spans: Spans = (2, 60, 600), most: int = 100) -> list[Row]:
    """Compute every window feature of every connection, under its name at the standard windows."""
    rows = read(given)
    for row in rows:
        before = alike(rows, row, "src", "dst")
        row["new"] = None if before is None else not before
    return [
        source_of(rows, row, spans, most)
        | destination_of(rows, row, spans, most)
        | pair_of(rows, row, spans)
        | network_of(rows, row, spans, most)
        for row in rows
    ]


def source_of(rows: list[Row], row: Row, spans: Spans, most: int) -> Row:
    """Compute the features of the source."""
    earlier = alike(rows, row, "src")
    two, sixty, ten = (over(earlier, row, seconds) for seconds in spans)
    hundred = last(earlier, most)
    found: Row = {}
    for name, window in {"2s": two, "60s": sixty, "10m": ten}.items():
        found[f"src_connections_{name}"] = number(window)
        found[f"src_destinations_{name}"] = kinds(window, "dst")
        if name != "2s":
            found[f"src_ports_{name}"] = kinds(window, "port")
            found[f"src_failed_share_{name}"] = share(window, HALF_OPEN + REJECTED)
    return found | {
        "src_orig_bytes_10m": total(ten, "orig_bytes"),
        "src_resp_bytes_10m": total(ten, "resp_bytes"),
        "src_new_destination": row["new"],
        "src_new_destinations_10m": None if ten is None else sum(bool(one["new"]) for one in ten),
        "src_since_end": since(earlier, row),
        "src_destinations_100": kinds(hundred, "dst", 255),
        "src_span_100": since(hundred, row, min),
    }


def destination_of(rows: list[Row], row: Row, spans: Spans, most: int) -> Row:
    """Compute the features of the destination."""
    earlier = alike(rows, row, "dst")
    two, sixty, ten = (over(earlier, row, seconds) for seconds in spans)
    hundred = last(earlier, most)
    return {
        "count": number(two),
        "serror_rate": share(two, HALF_OPEN),
        "rerror_rate": share(two, REJECTED),
        "same_srv_rate": equal(two, row, "srv"),
        "dst_host_count": number(hundred, 255),
        "dst_host_same_srv_rate": equal(hundred, row, "srv"),
        "dst_host_same_src_port_rate": equal(hundred, row, "sport"),
        "dst_host_serror_rate": share(hundred, HALF_OPEN),
        "dst_host_rerror_rate": share(hundred, REJECTED),
        "dst_connections_60s": number(sixty),
        "dst_connections_10m": number(ten),
        "dst_sources_60s": kinds(sixty, "src"),
        "dst_sources_10m": kinds(ten, "src"),
        "dst_ports_60s": kinds(sixty, "port"),
        "dst_failed_share_10m": share(ten, HALF_OPEN + REJECTED),
        "dst_since_end": since(earlier, row),
    }


def pair_of(rows: list[Row], row: Row, spans: Spans) -> Row:
    """Compute the features of the pair, and of the pair and port."""
    earlier, port = alike(rows, row, "src", "dst"), alike(rows, row, "src", "dst", "port")
    _, sixty, ten = (over(earlier, row, seconds) for seconds in spans)
    return {
        "pair_connections_60s": number(sixty),
        "pair_connections_10m": number(ten),
        "pair_ports_60s": kinds(sixty, "port"),
        "pair_failed_share_10m": share(ten, HALF_OPEN + REJECTED),
        "pair_orig_bytes_10m": total(ten, "orig_bytes"),
        "pair_since_end": since(earlier, row),
        "pair_port_connections_10m": number(over(port, row, spans[2])),
        "pair_port_since_end": since(port, row),
        "pair_port_earlier": number(port),
    }


def network_of(rows: list[Row], row: Row, spans: Spans, most: int) -> Row:
    """Compute the features of the capture."""
    two = over(alike(rows, row, "srv"), row, spans[0])
    same_host = equal(two, row, "dst")
    hundred = last(alike(rows, row), most)
    return {
        "srv_count": number(two),
        "srv_serror_rate": share(two, HALF_OPEN),
        "srv_rerror_rate": share(two, REJECTED),
        "srv_diff_host_rate": None if same_host is None else 1 - same_host,
        "ct_srv_src": same_in(hundred, row, "srv", "src"),
        "ct_srv_dst": same_in(hundred, row, "srv", "dst"),
        "ct_dst_ltm": same_in(hundred, row, "dst"),
        "ct_src_ltm": same_in(hundred, row, "src"),
        "ct_src_dport_ltm": same_in(hundred, row, "src", "port"),
        "ct_dst_sport_ltm": same_in(hundred, row, "dst", "sport"),
        "ct_dst_src_ltm": same_in(hundred, row, "src", "dst"),
    }


def slow_fading(given: list[Row]) -> list[Row]:
    """Compute every damped statistic of every connection."""
    rows = read(given)
    found = []
    for row in rows:
        values: Row = {}
        for suffix, rate in RATES.items():
            for name, keys in {"src": ("src",), "pair": ("src", "dst")}.items():
                one = faded(alike(rows, row, *keys), row, rate)
                for statistic, value in one.items():
                    if name == "pair" or statistic in ("weight", "mean", "std"):
                        values[f"damped_{name}_{statistic}_{suffix}"] = value
        found.append(values)
    return found


def faded(earlier: list[Row] | None, row: Row, rate: float) -> dict[str, float | None]:
    """Weighted moments: weights relative to the youngest, as exact fractions, so that none is lost."""
    nothing: dict[str, float | None] = dict.fromkeys(("weight", "mean", "std", "cov", "corr"))
    if earlier is None:
        return nothing
    sized = [one for one in earlier if None not in (one["orig_ip_bytes"], one["resp_ip_bytes"])]
    if not sized:
        return nothing | {"weight": 0.0}
    exponents = [-rate * (row["end"] - one["end"]) / 1e6 for one in sized]
    most = max(exponents)
    weights = [power(exponent - most) for exponent in exponents]
    sized = [one for one, weight in zip(sized, weights, strict=True) if weight]
    weights = [weight for weight in weights if weight]
    sums = sum(weights)
    lead = 2.0**most * float(sums) if most > -1000 and log2(float(sums)) < 1000 else 0.0

    def mean(values: list[Fraction]) -> Fraction:
        return sum((w * v for w, v in zip(weights, values, strict=True)), Fraction(0)) / sums

    up = [Fraction(one["orig_ip_bytes"]) for one in sized]
    down = [Fraction(one["resp_ip_bytes"]) for one in sized]
    both = [one + other for one, other in zip(up, down, strict=True)]

    def cov(one: list[Fraction], other: list[Fraction]) -> Fraction:
        return mean([a * b for a, b in zip(one, other, strict=True)]) - mean(one) * mean(other)

    varied = len(set(up)) > 1 and len(set(down)) > 1
    spread = sqrt(cov(up, up)) * sqrt(cov(down, down)) if varied else 0.0
    return {
        "weight": lead,
        "mean": float(mean(both)),
        "std": sqrt(cov(both, both)),
        "cov": float(cov(up, down)),
        "corr": float(cov(up, down)) / spread if spread else None,
    }


def power(exponent: float) -> Fraction:
    """Two to a power; nothing if that is too small for a float."""
    return Fraction(2.0**exponent) if exponent > -1000 else Fraction(0)
