"""Which features a table has: the standard ones, and what a user's own file adds to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ptml.features.catalog import CAPTURE_FAMILIES, CONNECTION_FAMILIES, feature_version
from ptml.features.moment.reach import with_windows
from ptml.types import STANDARD_WINDOWS, Windows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ptml.features.family import Family, Feature


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Families of features in the order of their columns, and the version that names the set.

    Attributes:
        connection: Families of a connection's features.
        capture: Families of a capture's features.
        version: Names this set: any change of a name, a type or a formula is another version.
        columns: Columns of each log that are read beside those that the standard features need.
        windows: How far back the features of the moment look.

    >>> len(STANDARD.version)
    12
    """

    connection: tuple[Family, ...]
    capture: tuple[Family, ...]
    version: str
    columns: Mapping[str, frozenset[str]]
    windows: Windows = STANDARD_WINDOWS

    @property
    def connection_features(self) -> tuple[Feature, ...]:
        """The features of a connection, in the order of their columns."""
        return tuple(feature for family in self.connection for feature in family.features)

    @property
    def capture_features(self) -> tuple[Feature, ...]:
        """The features of a capture, in the order of their columns."""
        return tuple(feature for family in self.capture for feature in family.features)

    def only(self, names: Collection[str]) -> FeatureSet:
        """Keep the features of these names: nothing else is computed then.

        >>> chosen = STANDARD.only(["duration", "orig_bytes", "connections"])
        >>> [feature.name for feature in chosen.connection_features + chosen.capture_features]
        ['orig_bytes', 'duration', 'connections']
        """
        kept = frozenset(names)
        return replace(self, connection=_only(self.connection, kept), capture=_only(self.capture, kept))


STANDARD = FeatureSet(CONNECTION_FAMILIES, CAPTURE_FAMILIES, feature_version(), {})


def _only(families: Iterable[Family], names: Collection[str]) -> tuple[Family, ...]:
    kept = (
        replace(one, features=tuple(feature for feature in one.features if feature.name in names))
        for one in families
    )
    return tuple(family for family in kept if family.features)


def at_windows(windows: Windows) -> FeatureSet:
    """Give the standard features with those of the moment at other windows, which names and version say.

    >>> at_windows(Windows()) is STANDARD
    True
    >>> at_windows(Windows((1, 30, 300))).version.removeprefix(STANDARD.version)
    '+windows-1-30-300-100'
    """
    if windows == STANDARD_WINDOWS:
        return STANDARD
    numbers = "-".join(map(str, (*windows.seconds, windows.last)))
    return replace(
        STANDARD,
        connection=with_windows(STANDARD.connection, windows),
        version=f"{STANDARD.version}+windows-{numbers}",
        windows=windows,
    )
