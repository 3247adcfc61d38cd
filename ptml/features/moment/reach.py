"""The features of the moment at windows of a user's own: their rows, and names and meanings that say so."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ptml.features.moment.destination import DESTINATION
from ptml.features.moment.network import NETWORK
from ptml.features.moment.pair import PAIR
from ptml.features.moment.source import SOURCE
from ptml.features.moment.tables import (
    LAST,
    OVER_TIME,
    destination_table,
    network_table,
    pair_table,
    source_table,
)
from ptml.types import STANDARD_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ptml.features.family import Family, Feature
    from ptml.types import Windows

WINDOWED = (SOURCE, DESTINATION, PAIR, NETWORK)
_TABLES = (source_table, destination_table, pair_table, network_table)
UNITS = ((3600, "hour"), (60, "minute"))
"""Units of two windows and more; what is no whole number of them is said in seconds."""


def with_windows(families: Iterable[Family], windows: Windows) -> tuple[Family, ...]:
    """Give some families with those of the moment at other windows.

    A name that ends in a window (``src_connections_2s``) ends in the other one. One that is another field's
    (KDD's ``count`` is over 2 seconds) is kept at that field's own window; elsewhere the window is added.

    >>> from ptml.types import Windows
    >>> source, destination, *_ = with_windows(WINDOWED, Windows((1, 30, 3600), 50))
    >>> [feature.name for feature in source.features[:3]]
    ['src_connections_1s', 'src_connections_30s', 'src_connections_1h']
    >>> destination.features[0].name, destination.features[0].meaning
    ('count_1s', 'Connections to the destination that ended in the 1 second before')
    """
    if windows == STANDARD_WINDOWS:
        return tuple(families)
    return tuple(_with_windows(family, windows) if family in WINDOWED else family for family in families)


def _with_windows(family: Family, windows: Windows) -> Family:
    table = _TABLES[WINDOWED.index(family)]
    features = tuple(_renamed(feature, windows) for feature in family.features)
    return replace(family, features=features, rows=partial(table, windows=windows))


def _renamed(feature: Feature, windows: Windows) -> Feature:
    there = {column.rpartition("_")[2] for column in feature.columns()} & {*OVER_TIME, LAST}
    if not there:
        return feature
    (role,) = there
    (old, before), (new, after) = (_said(role, reach) for reach in (STANDARD_WINDOWS, windows))
    if old == new:
        return feature
    name = feature.name.removesuffix(f"_{old}")
    return replace(feature, name=f"{name}_{new}", meaning=feature.meaning.replace(before, after))


def _said(role: str, windows: Windows) -> tuple[str, str]:
    """Say a window in a name and in a meaning."""
    if role == LAST:
        return str(windows.last), f"last {windows.last}"
    seconds = windows.seconds[OVER_TIME.index(role)]
    for size, unit in UNITS:
        if seconds % size == 0 and (seconds > size or unit == "hour"):
            return f"{seconds // size}{unit[0]}", _counted(seconds // size, unit)
    return f"{seconds}s", _counted(seconds, "second")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
