"""Which features a table has: the standard ones, and what a user's own file adds to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.features.catalog import CAPTURE_FAMILIES, CONNECTION_FAMILIES, feature_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.features.family import Family, Feature


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Families of features in the order of their columns, and the version that names the set.

    Attributes:
        connection: Families of a connection's features.
        capture: Families of a capture's features.
        version: Names this set: any change of a name, a type or a formula is another version.
        columns: Columns of each log that are read beside those that the standard features need.

    >>> len(STANDARD.version)
    12
    """

    connection: tuple[Family, ...]
    capture: tuple[Family, ...]
    version: str
    columns: Mapping[str, frozenset[str]]

    @property
    def connection_features(self) -> tuple[Feature, ...]:
        """The features of a connection, in the order of their columns."""
        return tuple(feature for family in self.connection for feature in family.features)

    @property
    def capture_features(self) -> tuple[Feature, ...]:
        """The features of a capture, in the order of their columns."""
        return tuple(feature for family in self.capture for feature in family.features)


STANDARD = FeatureSet(CONNECTION_FAMILIES, CAPTURE_FAMILIES, feature_version(), {})
