"""What the families of the moment look at: counts and sums over windows, one row for each connection.

Each function takes conn.log as its family's ``prepare`` gives it and keeps its order. Values are null where
the key (the host, the pair, the service) or the time of the connection is not known.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from ptml.features.compiled import runner
from ptml.features.moment import kernels
from ptml.features.moment.columns import HALF_OPEN_STATE, REJECTED_STATE, US_PER_S, prepared
from ptml.features.moment.windows import Connections, View, Window
from ptml.types import STANDARD_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ptml.features.family import Logs
    from ptml.features.moment.kernels import Array
    from ptml.types import Windows

    Column: TypeAlias = tuple[str, Array | None, type[pl.DataType]]

OVER_TIME = SHORT, MIDDLE, LONG = "short", "middle", "long"
LAST = "last"
"""The windows, by the suffix of the columns over them."""
RATES = {"l5": 5.0, "l3": 3.0, "l1": 1.0, "l01": 0.1, "l001": 0.01}
"""Kitsune's rates of fading, a second, by the suffix of the names of their features."""


def preparing(*names: str) -> Callable[[Collection[str]], list[pl.Expr]]:
    """Give what a family prepares of conn.log: see :func:`ptml.features.moment.columns.prepared`."""
    return lambda present: prepared(present, *names)


def source_table(logs: Logs, windows: Windows = STANDARD_WINDOWS) -> pl.LazyFrame:
    """Describe what the originator had done before."""
    return _table(logs, partial(_source, windows=windows))


def destination_table(logs: Logs, windows: Windows = STANDARD_WINDOWS) -> pl.LazyFrame:
    """Describe what had been done to the responder before."""
    return _table(logs, partial(_destination, windows=windows))


def pair_table(logs: Logs, windows: Windows = STANDARD_WINDOWS) -> pl.LazyFrame:
    """Describe what the originator had done to the responder, and to this port of it, before."""
    return _table(logs, partial(_pair, windows=windows))


def network_table(logs: Logs, windows: Windows = STANDARD_WINDOWS) -> pl.LazyFrame:
    """Describe what had happened in the capture before."""
    return _table(logs, partial(_network, windows=windows))


def fading_source_table(logs: Logs) -> pl.LazyFrame:
    """Describe the connections of the originator, each weighing less the longer ago it ended."""
    return _table(logs, _fading_source)


def fading_pair_table(logs: Logs) -> pl.LazyFrame:
    """Describe the connections of the pair, each weighing less the longer ago it ended."""
    return _table(logs, _fading_pair)


def _table(logs: Logs, describe: Callable[[pl.DataFrame], Iterator[pl.Series]]) -> pl.LazyFrame:
    rows = logs["conn"]

    def make(table: pl.DataFrame) -> pl.DataFrame:
        # The end is kept for the number of rows: there may be nothing else.
        return pl.DataFrame([table["end"], *describe(table)])

    return rows.map_batches(make, schema=make(rows.collect_schema().to_frame()).schema)


def _source(table: pl.DataFrame, windows: Windows) -> Iterator[pl.Series]:
    all_rows = Connections(table)
    view = all_rows.by("source")
    new = _first_contacts(all_rows)
    for name, seconds in zip(OVER_TIME, windows.seconds, strict=True):
        window = view.over(seconds)
        yield from _columns(view, name, *_counts(window))
        yield from _columns(view, name, ("destinations", window.distinct("destination"), pl.UInt32))
        if name != SHORT:
            yield from _columns(view, name, ("ports", window.distinct("resp_p"), pl.UInt32), *_failed(window))
        if name == LONG:
            fresh = window.number("new", lambda: new)
            yield from _columns(view, name, *_bytes(window), ("new", fresh, pl.UInt32))
            yield view.column(window.since(), pl.Float32).alias("since")
    last = view.last(windows.last)
    destinations = ("destinations", last.distinct("destination"), pl.UInt32)
    yield from _columns(view, LAST, destinations, ("span", last.span(), pl.Float32))
    pair = all_rows.by("source", "destination")
    yield pair.column(new[pair.rows], pl.Boolean).alias("new")


def _first_contacts(all_rows: Connections) -> Array:
    """Tell of each row whether its source had no earlier connection with its destination."""
    pair = all_rows.by("source", "destination")
    new: Array = np.zeros(all_rows.height, np.bool_)
    new[pair.rows] = pair.over(0).high == pair.first()
    return new


def _destination(table: pl.DataFrame, windows: Windows) -> Iterator[pl.Series]:
    all_rows = Connections(table)
    view = all_rows.by("destination")
    window = view.over(windows.seconds[0])
    same = ("same_service", _where_known(view, window.same("service"), "service"), pl.Float32)
    yield from _columns(view, SHORT, *_counts(window), *_states(window), same)
    window = view.over(windows.seconds[1])
    sources = ("sources", window.distinct("source"), pl.UInt32)
    ports = ("ports", window.distinct("resp_p"), pl.UInt32)
    yield from _columns(view, MIDDLE, *_counts(window), sources, ports)
    window = view.over(windows.seconds[2])
    sources = ("sources", window.distinct("source"), pl.UInt32)
    yield from _columns(view, LONG, *_counts(window), sources, *_failed(window))
    yield view.column(window.since(), pl.Float32).alias("since")
    last = view.last(windows.last)
    same = ("same_service", _where_known(view, last.same("service"), "service"), pl.Float32)
    port = ("same_port", _where_known(view, last.same("orig_p"), "orig_p"), pl.Float32)
    yield from _columns(view, LAST, *_counts(last), *_states(last), same, port)


def _pair(table: pl.DataFrame, windows: Windows) -> Iterator[pl.Series]:
    all_rows = Connections(table)
    view = all_rows.by("source", "destination")
    window = view.over(windows.seconds[1])
    yield from _columns(view, MIDDLE, *_counts(window), ("ports", window.distinct("resp_p"), pl.UInt32))
    window = view.over(windows.seconds[2])
    yield from _columns(view, LONG, *_counts(window), *_failed(window), *_bytes(window)[:1])
    yield view.column(window.since(), pl.Float32).alias("since")
    port = all_rows.by("source", "destination", "resp_p")
    window = port.over(windows.seconds[2])
    earlier = window.high - port.first()
    yield from _columns(port, LONG, ("port_n", window.count(), pl.UInt32))
    yield port.column(window.since(), pl.Float32).alias("port_since")
    yield port.column(earlier, pl.UInt32).alias("port_earlier")


def _network(table: pl.DataFrame, windows: Windows) -> Iterator[pl.Series]:
    all_rows = Connections(table)
    service = all_rows.by("capture", "service")
    window = service.over(windows.seconds[0])
    same = _where_known(service, window.same("destination"), "destination")
    yield from _columns(service, SHORT, *_counts(window), *_states(window), ("same_host", same, pl.Float32))
    view = all_rows.by("capture")
    last = view.last(windows.last)
    for name, keys in {
        "service_source": ("source", "service"),
        "service_destination": ("destination", "service"),
        "destination": ("destination",),
        "source": ("source",),
        "source_port": ("source", "resp_p"),
        "destination_port": ("destination", "orig_p"),
        "pair": ("source", "destination"),
    }.items():
        same = _where_known(view, last.same(*keys), *keys)
        yield view.column(same, pl.Float32).alias(f"{name}_{LAST}")


def _fading_source(table: pl.DataFrame) -> Iterator[pl.Series]:
    all_rows = Connections(table, "orig_size", "resp_size")
    yield from _faded(all_rows.by("source"), table)


def _fading_pair(table: pl.DataFrame) -> Iterator[pl.Series]:
    all_rows = Connections(table, "orig_size", "resp_size")
    view = all_rows.by("source", "destination")
    yield from _faded(view, table)
    if not {"orig_size", "resp_size"} <= set(table.columns):
        return
    one, other = (all_rows.values(name)[view.rows] for name in ("orig_size", "resp_size"))
    for name, first, high, decay in _decays(view):
        joint, likeness = np.empty((2, view.rows.size), np.float32)
        runner(table.height, kernels.fade_both)(first, high, decay, one, other, joint, likeness)
        yield from _columns(view, name, ("cov", joint, pl.Float32), ("corr", likeness, pl.Float32))


def _faded(view: View, table: pl.DataFrame) -> Iterator[pl.Series]:
    if not {"orig_size", "resp_size"} <= set(table.columns):
        return
    connections = view.connections
    size = (connections.values("orig_size") + connections.values("resp_size"))[view.rows]
    for name, first, high, decay in _decays(view):
        weight, mean, spread = np.empty((3, view.rows.size), np.float32)
        runner(table.height, kernels.fade)(first, high, decay, size, weight, mean, spread)
        found = {"weight": weight, "mean": mean, "std": spread}
        yield from _columns(view, name, *((key, values, pl.Float32) for key, values in found.items()))


def _decays(view: View) -> Iterator[tuple[str, Array, Array, Array]]:
    """Give for each rate what is left at each position since the last end before it."""
    first, high = view.first(), view.over(0).high
    # Worked out here and not in the loop: numba's powers may differ in the last bit from Python's.
    seconds = (view.end - view.end[high - 1]) / US_PER_S
    seconds[high == first] = 0.0
    for name, rate in RATES.items():
        yield name, first, high, np.exp2(-rate * seconds)


def _counts(window: Window) -> tuple[Column, ...]:
    return (("n", window.count(), pl.UInt32),)


def _states(window: Window) -> tuple[Column, ...]:
    half_open, rejected = window.equal("state", HALF_OPEN_STATE), window.equal("state", REJECTED_STATE)
    known = window.known("state")
    return ("half_open", half_open, pl.UInt32), ("rejected", rejected, pl.UInt32), ("known", known, pl.UInt32)


def _failed(window: Window) -> tuple[Column, ...]:
    failed, known = window.equal("state", HALF_OPEN_STATE, REJECTED_STATE), window.known("state")
    return ("failed", failed, pl.UInt32), ("known", known, pl.UInt32)


def _bytes(window: Window) -> tuple[Column, ...]:
    names = ("orig_bytes", "resp_bytes")
    return tuple((name, window.total(name), pl.Float32) for name in names)


def _where_known(view: View, found: Array, *names: str) -> Array:
    """Make of counts floats, NaN where the row's own value is unknown, so that it has nothing to equal."""
    values = found.astype(np.float32)
    values[view.connections.codes(*names).values[view.rows] < 0] = np.nan
    return values


def _columns(view: View, suffix: str, *columns: Column) -> Iterator[pl.Series]:
    """Name and spread columns; one that could not be made is left out."""
    for name, values, dtype in columns:
        if values is not None:
            yield view.column(values, dtype).alias(f"{name}_{suffix}")
