"""Whom a connection contacts: names that were asked for or presented, and addresses where there is no name.

Names and addresses are identity. They decide here which connections are alike; they never become features.
"""

from __future__ import annotations

import ipaddress
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import polars as pl
from publicsuffixlist import PublicSuffixList

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ptml.features.family import Logs

NAMES: Mapping[str, str] = {
    "dns": "query",
    "http": "host",
    "ssl": "server_name",
    "quic": "server_name",
}
"""Log → its column with the name that the client asked for."""
LONGEST_NAME = 253
KNOWN_NAMES = 1 << 16


def column(log: pl.LazyFrame, name: str, dtype: pl.DataType) -> pl.Expr:
    """Select a log's column by its type; null where the log lacks it, or it cannot be that type."""
    found = log.collect_schema().get(name)
    nested = isinstance(found, pl.List) != isinstance(dtype, pl.List)
    if found is None or nested:
        return pl.lit(None, dtype).alias(name)
    return pl.col(name).cast(dtype, strict=False)


def connections_of(logs: Logs) -> pl.LazyFrame:
    """Give each connection's ends, protocol and begin, from conn.log; without one, no rows."""
    types: dict[str, pl.DataType] = {
        "uid": pl.String(),
        "ts": pl.Datetime("us", "UTC"),
        "id.orig_h": pl.String(),
        "id.resp_h": pl.String(),
        "id.resp_p": pl.UInt16(),
        "proto": pl.String(),
    }
    if "conn" not in logs:
        return pl.LazyFrame(schema=types)
    return logs["conn"].select(column(logs["conn"], name, dtype) for name, dtype in types.items())


def names_of(logs: Logs) -> pl.LazyFrame:
    """Give the names that each connection asks for: DNS queries, HTTP hosts, server names of TLS and QUIC.

    Lower case, without a port and without the dot at the end. A log that is missing gives no names.

    >>> http = pl.LazyFrame({"uid": ["C1", "C1", "C2"], "host": ["A.example:8080", "a.example.", None]})
    >>> names_of({"http": http}).collect().rows()
    [('C1', 'a.example')]
    """
    found = [pl.LazyFrame(schema={"uid": pl.String, "name": pl.String})]
    for log, name in NAMES.items():
        if log in logs:
            text = clean_name(column(logs[log], name, pl.String()))
            found.append(logs[log].select(column(logs[log], "uid", pl.String()), text.alias("name")))
    return pl.concat(found).drop_nulls().unique()


def answers_of(logs: Logs) -> pl.LazyFrame:
    """Give what the DNS answered: uid of the lookup, the name asked for, an address or name in the answer."""
    if "dns" not in logs:
        return pl.LazyFrame(schema={"uid": pl.String, "name": pl.String, "answer": pl.String})
    dns = logs["dns"]
    return (
        dns.select(
            column(dns, "uid", pl.String()),
            clean_name(column(dns, "query", pl.String())).alias("name"),
            column(dns, "answers", pl.List(pl.String())).alias("answer"),
        )
        .explode("answer", empty_as_null=True)
        .with_columns(answer=clean_name(pl.col("answer")))
        .drop_nulls(["uid", "answer"])
    )


def clean_name(name: pl.Expr) -> pl.Expr:
    """Bring a name to one form: lower case, no port, no brackets, no dot at the end; null if nothing is left.

    >>> table = pl.DataFrame({"name": ["WWW.Example.com:443", "[2001:db8::1]:80", "2001:db8::1", "."]})
    >>> table.select(clean_name(pl.col("name"))).to_series().to_list()
    ['www.example.com', '2001:db8::1', '2001:db8::1', None]
    """
    text = name.str.strip_chars().str.to_lowercase()
    text = text.str.replace(r"^\[([^\]]*)\](:\d*)?$", "${1}").str.replace(r"^([^:]*):\d*$", "${1}")
    text = text.str.strip_chars_end(".")
    return pl.when(text.str.len_bytes() > 0).then(text)


def contacts_of(logs: Logs, uids: pl.LazyFrame) -> pl.DataFrame:
    """Give for each of these connections whom it contacts: `uid, contacts`, a sorted list.

    These are the registered domains of its names. A connection without a name contacts its responder's
    address, if that means the same everywhere: 192.168.1.1 is another host in each capture, so it counts as
    nobody. Null: nobody that can be told.

    >>> conn = pl.LazyFrame({"uid": ["C1", "C2", "C3"], "id.resp_h": ["8.8.8.8", "1.1.1.1", "10.0.0.1"]})
    >>> dns = pl.LazyFrame({"uid": ["C1"], "query": ["www.bbc.co.uk"]})
    >>> contacts_of({"conn": conn, "dns": dns}, conn.select("uid")).sort("uid").rows()
    [('C1', ['bbc.co.uk']), ('C2', ['1.1.1.1']), ('C3', None)]
    """
    names = names_of(logs).join(uids, on="uid", how="semi").collect()
    named = names.select("uid", contact=mapped(names["name"], registered))
    ends = connections_of(logs).select("uid", "id.resp_h").join(uids, on="uid", how="semi")
    others = ends.join(named.lazy(), on="uid", how="anti").drop_nulls().unique().collect()
    addressed = others.select("uid", contact=mapped(others["id.resp_h"], public_address))
    found = pl.concat([named, addressed]).drop_nulls().group_by("uid").agg(pl.col("contact").unique().sort())
    return uids.collect().join(found.rename({"contact": "contacts"}), on="uid", how="left")


def mapped(values: pl.Series, function: Callable[[str], str | None]) -> pl.Series:
    """Map texts by a function, calling it once for each distinct one."""
    distinct = values.unique().drop_nulls()
    images = pl.Series([function(value) for value in distinct], dtype=pl.String)
    return values.replace_strict(distinct, images, default=None, return_dtype=pl.String)


@lru_cache(KNOWN_NAMES)
def registered(name: str) -> str:
    """Give the registered domain of a name; an address, or a name that has none, stays as it is.

    Below a public suffix that a provider keeps, such as github.io, each customer counts for itself.

    >>> [registered(name) for name in ("a.b.example.co.uk", "me.github.io", "wpad", "192.0.2.1")]
    ['example.co.uk', 'me.github.io', 'wpad', '192.0.2.1']
    """
    if len(name) > LONGEST_NAME or as_address(name) is not None:
        return name
    return _suffixes().privatesuffix(name) or name


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address; None if it is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def public_address(text: str) -> str | None:
    """Let an address through that means the same host, or the same group, wherever it is seen.

    >>> [public_address(text) for text in ("8.8.8.8", "224.0.0.251", "10.1.2.3", "fe80::1", "x")]
    ['8.8.8.8', '224.0.0.251', None, None, None]
    """
    address = as_address(text)
    return text if address is not None and (address.is_global or address.is_multicast) else None
