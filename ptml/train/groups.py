"""Which captures are held out together: those that share packets, or a machine at one time.

A model that learned from one of two such captures has seen the other. Four things link captures:

- ``pcap``: the same packet capture, by its hash.
- ``conn.log``: the same connections, by the hash of the log.
- ``connections``: a connection in common: the same start, to the microsecond, the same addresses and ports.
  One is enough: it is the same packet, whoever cut or published the two files.
- ``host and time``: the same originator active within an hour of each other, if what these originators did
  then is a tenth of either capture's connections. Behind NAT everybody is 10.0.0.5, so a private address
  names one machine only within a source; loopback and the like name none. The hours and days of
  one sensor are cut from one stream and overlap by construction: these are not linked this way, since a
  sensor would be a single group; for them the temporal protocol is the one to believe.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ptml.train.spans import believable, scan_connections, spans_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ptml.manifest import Manifest
    from ptml.train.spans import Span

APART = pl.duration(hours=1)
"""How far apart two captures of a host may be and still count as one event."""
SHARE = 0.1
"""Share of either capture's connections that the shared hosts must have opened meanwhile."""
PUBLIC = ""
FLOW = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")


class Link(NamedTuple):
    """What a capture has in it: captures with a link of the same kind and content belong together."""

    capture_id: str
    kind: str
    content: str


@dataclass(frozen=True, slots=True)
class Traits:
    """What the connections of captures say of them: when each was, and which belong together."""

    spans: dict[str, Span]
    links: tuple[Link, ...]


@lru_cache(maxsize=2)
def traits_of(
    files: tuple[tuple[str, tuple[Path, ...]], ...],
    sources: tuple[tuple[str, str], ...],
    streams: frozenset[str],
) -> Traits:
    """Look at who spoke to whom and when, in all captures at once; the last answers are remembered.

    A published file never changes under its name, so the names say whether an answer still holds.

    Args:
        files: Each capture, and its files of features of connections.
        sources: Each capture, and who published it.
        streams: Captures cut from a sensor's stream.
    """
    connections = scan_connections(dict(files))
    links = (*shared_connections(connections), *shared_hosts(connections, dict(sources), streams))
    return Traits(spans_of(connections), links)


def shared_files(catalog: Iterable[Mapping[str, Any]], raw: Iterable[Manifest]) -> Iterator[Link]:
    """Link captures by hashes of what they hold: the PCAP, and the connections that Zeek saw.

    Args:
        catalog: Rows of the catalog.
        raw: Manifests of the raw captures.
    """
    for row in catalog:
        if row["sha256"]:
            yield Link(row["capture_id"], "pcap", row["sha256"])
    for manifest in raw:
        for file in manifest.files:
            if file.path.rsplit("/", 1)[-1].startswith("conn."):
                yield Link(manifest.capture_id, "conn.log", file.sha256)


def merged_groups(captures: Iterable[str], links: Iterable[Link]) -> dict[str, str]:
    """Put captures that are linked, directly or through others, into one group, named after its first.

    Args:
        captures: All capture ids.
        links: What they have in them; of other captures than these it is passed over.

    >>> links = [Link("a", "pcap", "x"), Link("c", "pcap", "x"), Link("b", "pcap", "y")]
    >>> merged_groups(["a", "b", "c"], links)
    {'a': 'a', 'b': 'b', 'c': 'a'}
    """
    names = sorted(captures)
    number = {name: i for i, name in enumerate(names)}
    content: dict[tuple[str, str], int] = {}
    edges = [
        (number[link.capture_id], content.setdefault(link[1:], len(names) + len(content)))
        for link in links
        if link.capture_id in number
    ]
    size = len(names) + len(content)
    left, right = np.array(edges, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges), np.int8), (left, right)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    leader: dict[int, str] = {}
    return {name: leader.setdefault(component[i], name) for i, name in enumerate(names)}


def reasons(links: Iterable[Link]) -> dict[str, list[str]]:
    """Tell what links each capture with others, by kind; captures that nothing links are not among them.

    >>> reasons([Link("a", "pcap", "x"), Link("b", "pcap", "x"), Link("c", "pcap", "y")])
    {'a': ['pcap'], 'b': ['pcap']}
    """
    holders: dict[tuple[str, str], set[str]] = {}
    for link in links:
        holders.setdefault(link[1:], set()).add(link.capture_id)
    kinds: dict[str, set[str]] = {}
    for (kind, _), captures in holders.items():
        for capture in captures if len(captures) > 1 else ():
            kinds.setdefault(capture, set()).add(kind)
    return {capture: sorted(kinds[capture]) for capture in sorted(kinds)}


def shared_connections(connections: pl.LazyFrame) -> Iterator[Link]:
    """Link captures that have a connection in common.

    Args:
        connections: What :func:`ptml.train.spans.scan_connections` gives.
    """
    flows = connections.select("capture_id", flow=pl.struct(FLOW).hash()).unique().collect(engine="streaming")
    shared = flows.filter(pl.col("flow").is_duplicated())
    firsts = shared.select("capture_id", first=pl.col("capture_id").min().over("flow")).unique()
    for capture_id, first in firsts.sort("first", "capture_id").iter_rows():
        yield Link(capture_id, "connections", first)


def shared_hosts(
    connections: pl.LazyFrame, sources: Mapping[str, str], streams: Iterable[str] = ()
) -> Iterator[Link]:
    """Link captures that have originators in common at one time.

    Args:
        connections: What :func:`ptml.train.spans.scan_connections` gives.
        sources: Who published each capture.
        streams: Captures cut from a sensor's stream; they are passed over.
    """
    connections = connections.filter(~pl.col("capture_id").cast(pl.String).is_in(list(streams)))
    active = _activity(connections, sources)
    size = connections.group_by("capture_id").len("size").collect(engine="streaming")
    for one, other in _pairs(_episodes(active), size).sort("capture_id", "other").iter_rows():
        yield Link(one, "host and time", f"{one} {other}")
        yield Link(other, "host and time", f"{one} {other}")


def _activity(connections: pl.LazyFrame, sources: Mapping[str, str]) -> pl.DataFrame:
    """List the hours in which originators that several captures have were active, and how much."""
    timed = connections.filter(believable(pl.col("ts")).is_not_null())
    hosts = timed.select("capture_id", host="id.orig_h").unique().collect(engine="streaming")
    hosts = hosts.filter(pl.len().over("host") > 1).select("host").unique()
    scope = hosts["host"].map_elements(_scope, return_dtype=pl.String, skip_nulls=False)
    known = hosts.with_columns(scope=scope).drop_nulls()
    hour = pl.col("ts").dt.truncate("1h").alias("hour")
    active = (
        timed.join(known.lazy(), left_on="id.orig_h", right_on="host")
        .group_by("capture_id", "id.orig_h", "scope", hour)
        .agg(pl.col("ts").min(), pl.col("end").max(), pl.len().alias("opened"))
        .collect(engine="streaming")
    )
    source = (
        pl.col("capture_id").cast(pl.String).replace_strict(dict(sources), default="", return_dtype=pl.String)
    )
    return active.with_columns(
        pl.when(pl.col("scope") == PUBLIC).then(pl.lit(PUBLIC)).otherwise(source).alias("scope")
    )


def _scope(host: str | None) -> str | None:
    """Tell how far an address names one machine: everywhere, within a source, or (None) nowhere.

    >>> _scope("8.8.8.8"), _scope("10.0.0.5"), _scope("127.0.0.1"), _scope("not an address")
    ('', 'source', None, None)
    """
    try:
        address = ip_address(host or "")
    except ValueError:
        return None
    if address.is_unspecified or address.is_loopback or address.is_multicast:
        return None
    return PUBLIC if address.is_global else "source"


def _episodes(active: pl.DataFrame) -> pl.DataFrame:
    """Number the times at which a machine was active without a long pause, in whichever captures.

    Returns:
        capture_id, episode, opened; only episodes that several captures saw.
    """
    machine = ("id.orig_h", "scope")
    active = active.sort(*machine, "ts", "end", "capture_id")
    before = pl.col("end").cum_max().shift().over(machine)
    begins = (pl.col("ts") > before + APART).fill_null(value=True)
    seen = active.with_columns(episode=begins.cum_sum())
    seen = seen.group_by("episode", "capture_id").agg(pl.col("opened").sum())
    return seen.filter(pl.len().over("episode") > 1)


def _pairs(seen: pl.DataFrame, size: pl.DataFrame) -> pl.DataFrame:
    """List the pairs of captures of whose connections enough were opened in shared episodes."""
    both = seen.join(seen, on="episode", suffix="_other").filter(
        pl.col("capture_id") < pl.col("capture_id_other")
    )
    pair = ("capture_id", pl.col("capture_id_other").alias("other"))
    found = both.group_by(pair).agg(pl.col("opened", "opened_other").sum())
    found = found.join(size, on="capture_id").join(
        size, left_on="other", right_on="capture_id", suffix="_other"
    )
    share = pl.max_horizontal(
        pl.col("opened") / pl.col("size"), pl.col("opened_other") / pl.col("size_other")
    )
    return found.filter(share >= SHARE).select("capture_id", "other")
