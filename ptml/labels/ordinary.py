"""Connections that any host makes, infected or not: well-known update, time and certificate services."""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import polars as pl

from ptml.labels.contacts import answers_of, as_address, connections_of, names_of

if TYPE_CHECKING:
    from ptml.features.family import Logs

LIMITED_BROADCAST = ipaddress.ip_address("255.255.255.255")
LAST_OF_24 = ".255"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that any host uses: protocol and port of the responder, and which responders count."""

    proto: str
    port: int
    to: str


@dataclass(frozen=True, slots=True)
class OrdinaryList:
    """The list that is kept as data: names, with all names below them, and services."""

    names: frozenset[str]
    services: tuple[Service, ...]

    def has(self, name: str) -> bool:
        """Tell whether a name is listed, or is below one that is.

        >>> has = ordinary_list().has
        >>> has("3.pool.ntp.org"), has("notpool.ntp.org.evil.example"), has("xwindowsupdate.com")
        (True, False, False)
        """
        while name:
            if name in self.names:
                return True
            name = name.partition(".")[2]
        return False


@cache
def ordinary_list() -> OrdinaryList:
    """Read the list beside this file."""
    table = tomllib.loads(list_text())
    names = frozenset(name for group in table["names"] for name in group["of"])
    services = tuple(Service(one["proto"], one["port"], one["to"]) for one in table["services"])
    return OrdinaryList(names, services)


def list_text() -> str:
    """Give the list as it is written; its hash is part of what determines the labels."""
    return files("ptml.labels").joinpath("ordinary.toml").read_text("utf-8")


def ordinary_uids(logs: Logs) -> pl.DataFrame:
    """Find the connections that any host makes: a column `uid`, each once.

    A connection counts if all the names that it asks for are listed, or if its protocol, port and responder
    are those of a listed service. Names are what the client says: malware that presents a listed one is
    passed over, too.

    >>> conn = pl.LazyFrame({"uid": ["C1", "C2"], "id.resp_p": [80, 67], "proto": ["tcp", "udp"]})
    >>> http = pl.LazyFrame({"uid": ["C1"], "host": ["ctldl.windowsupdate.com"]})
    >>> ordinary_uids({"conn": conn, "http": http})["uid"].sort().to_list()
    ['C1', 'C2']
    """
    named = names_of(logs).with_columns(listed=_listed(names_of(logs)))
    by_name = named.group_by("uid").agg(pl.col("listed").all()).filter("listed").select("uid")
    return pl.concat([by_name, _by_service(logs)]).unique().collect()


def _listed(names: pl.LazyFrame) -> pl.Expr:
    distinct = names.select(pl.col("name").unique()).collect()["name"]
    known = [name for name in distinct if ordinary_list().has(name)]
    return pl.col("name").is_in(pl.Series(known, dtype=pl.String).implode())


def _by_service(logs: Logs) -> pl.LazyFrame:
    ends = connections_of(logs)
    ports = {service.port for service in ordinary_list().services}
    ends = ends.filter(pl.col("id.resp_p").is_in(sorted(ports)))
    distinct = ends.select(pl.col("id.resp_h").unique()).collect()["id.resp_h"].drop_nulls()
    responders = {
        "any": pl.lit(value=True),
        "group": _among([text for text in distinct if _is_group(text)]),
        "listed": _among(_listed_addresses(logs)),
    }
    fits = [
        (pl.col("proto") == service.proto) & (pl.col("id.resp_p") == service.port) & responders[service.to]
        for service in ordinary_list().services
    ]
    return ends.filter(pl.any_horizontal(fits)).select("uid").drop_nulls()


def _among(addresses: list[str]) -> pl.Expr:
    return pl.col("id.resp_h").is_in(pl.Series(addresses, dtype=pl.String).implode())


def _listed_addresses(logs: Logs) -> list[str]:
    answers = answers_of(logs).select("name", "answer").unique().collect()
    has = ordinary_list().has
    return sorted({answer for name, answer in answers.iter_rows() if name is not None and has(name)})


def _is_group(text: str) -> bool:
    """Tell a multicast or broadcast address; of the latter those that end a network of 256, too.

    >>> [_is_group(text) for text in ("224.0.0.252", "255.255.255.255", "10.0.0.255", "10.0.0.25")]
    [True, True, True, False]
    """
    address = as_address(text)
    if address is None:
        return False
    local_broadcast = (
        isinstance(address, ipaddress.IPv4Address) and address.is_private and text.endswith(LAST_OF_24)
    )
    return address.is_multicast or address == LIMITED_BROADCAST or local_broadcast
