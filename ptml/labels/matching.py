"""Which connections match which indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.labels.contacts import answers_of, as_address, connections_of, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
    from typing import TypeAlias

    from ptml.features.family import Logs
    from ptml.labels.indicators import Indicator

    Hits: TypeAlias = Callable[[str], list[int]]

_PAIRS = ("uid", "number")


def match(logs: Logs, indicators: Sequence[Indicator]) -> pl.DataFrame:
    """Match the connections of a capture with indicators: `uid, number` of the indicator, each pair once.

    What an indicator gives must all hold: its address is one of the connection's ends or in a DNS answer of
    its uid, its domain is (or is above) a name asked for or answered, port and protocol are the responder's,
    and the connection began within its times.

    >>> from ptml.labels.indicators import Indicator
    >>> conn = pl.LazyFrame({"uid": ["C1", "C2"], "id.resp_h": ["192.0.2.7"] * 2, "id.resp_p": [80, 443]})
    >>> import ipaddress
    >>> bad = Indicator(address=ipaddress.ip_network("192.0.2.0/28"), port=443)
    >>> match({"conn": conn}, [bad]).rows()
    [('C2', 0)]
    """
    numbered = list(enumerate(indicators))
    answers = answers_of(logs).select("uid", text="answer").unique().collect()
    ends = connections_of(logs).drop_nulls("uid")
    sides = [ends.select("uid", text=pl.col(side)) for side in ("id.orig_h", "id.resp_h")]
    places = {n: one.address for n, one in numbered if one.address is not None}
    domains = {n: one.domain for n, one in numbered if one.domain is not None}
    by_address = _pairs(pl.concat([*sides, answers.lazy()]), _address_hits(places))
    names = names_of(logs).select("uid", text="name")
    by_name = _pairs(pl.concat([names, answers.lazy()]), _domain_hits(domains))
    anchored = []
    for numbers, pairs in (
        (places.keys() - domains.keys(), by_address),
        (domains.keys() - places.keys(), by_name),
        (places.keys() & domains.keys(), by_address.join(by_name, on=["uid", "number"], how="semi")),
    ):
        anchored.append(pairs.filter(pl.col("number").is_in(sorted(numbers))))
    found = [_narrowed(ends, pl.concat(anchored), indicators)]
    for number, one in numbered:
        if one.address is None and one.domain is None:
            hits = ends.filter(_holds(one)).select("uid", number=pl.lit(number, pl.UInt32)).collect()
            found.append(hits)
    return pl.concat(found).unique().sort("uid", "number")


def _pairs(texts: pl.LazyFrame, hits: Hits) -> pl.DataFrame:
    """Pair uids with the numbers of the indicators that their texts hit."""
    distinct = texts.select(pl.col("text").unique()).collect()["text"].drop_nulls()
    table = [(text, number) for text in distinct for number in hits(text)]
    known = pl.LazyFrame(table, schema={"text": pl.String, "number": pl.UInt32}, orient="row")
    return texts.join(known, on="text").select(pl.col("uid"), pl.col("number")).unique().collect()


def _address_hits(places: dict[int, IPv4Network | IPv6Network]) -> Hits:
    exact: dict[IPv4Address | IPv6Address, list[int]] = {}
    networks = []
    for number, place in places.items():
        if place.num_addresses == 1:
            exact.setdefault(place.network_address, []).append(number)
        else:
            networks.append((place, number))

    def hits(text: str) -> list[int]:
        address = as_address(text)
        if address is None:
            return []
        within = [n for place, n in networks if address.version == place.version and address in place]
        return exact.get(address, []) + within

    return hits


def _domain_hits(domains: dict[int, str]) -> Hits:
    known: dict[str, list[int]] = {}
    for number, domain in domains.items():
        known.setdefault(domain, []).append(number)

    def hits(text: str) -> list[int]:
        found: list[int] = []
        while text:
            found += known.get(text, [])
            text = text.partition(".")[2]
        return found

    return hits


def _holds(one: Indicator) -> pl.Expr:
    conditions = [pl.lit(value=True)]
    if one.port is not None:
        conditions.append(pl.col("id.resp_p") == one.port)
    if one.proto is not None:
        conditions.append(pl.col("proto") == one.proto)
    if one.start is not None:
        conditions.append(pl.col("ts") >= one.start)
    if one.end is not None:
        conditions.append(pl.col("ts") <= one.end)
    return pl.all_horizontal(conditions)


def _narrowed(ends: pl.LazyFrame, pairs: pl.DataFrame, indicators: Sequence[Indicator]) -> pl.DataFrame:
    """Keep the pairs whose connection also has the indicator's port, protocol and time."""
    utc = pl.Datetime("us", "UTC")
    rules = pl.DataFrame(
        [
            (number, one.port, one.proto, one.start, one.end)
            for number, one in enumerate(indicators)
            if (one.port, one.proto, one.start, one.end) != (None, None, None, None)
        ],
        schema={"number": pl.UInt32, "port": pl.UInt16, "wanted": pl.String, "start": utc, "end": utc},
        orient="row",
    )
    free = pairs.join(rules, on="number", how="anti").select(*_PAIRS)
    bound = pairs.join(rules, on="number").lazy().join(ends, on="uid")
    met = [
        pl.col("port").is_null() | (pl.col("port") == pl.col("id.resp_p")),
        pl.col("wanted").is_null() | (pl.col("wanted") == pl.col("proto")),
        pl.col("start").is_null() | (pl.col("ts") >= pl.col("start")),
        pl.col("end").is_null() | (pl.col("ts") <= pl.col("end")),
    ]
    return pl.concat([free, bound.filter(*met).select(*_PAIRS).collect()])
