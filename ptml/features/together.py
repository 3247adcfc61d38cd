"""Small captures described at once: planning a query takes longer than running it on so little.

Only captures whose logs have the same columns are put together, so that what one lacks all lack; no feature
looks beyond its own capture, so that the values are those of each capture alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ptml.features.build import capture_features, iter_connection_features, pair_features
from ptml.features.inputs import read_inputs

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from ptml.features.family import Logs
    from ptml.features.featureset import FeatureSet

KEY = "capture_id"


@dataclass(frozen=True, slots=True)
class Described:
    """A capture's tables, each with its `capture_id`: features of connections, of the capture, and pairs."""

    connections: pl.DataFrame
    capture: pl.DataFrame
    pairs: pl.DataFrame


def describe_together(captures: Mapping[str, Logs], features: FeatureSet) -> Iterator[tuple[str, Described]]:
    """Describe captures, those at once whose logs are alike.

    Args:
        captures: Logs of each capture, with its id in their ``capture_id``. They are read into memory.
        features: Which features; none that a user wrote, who need not keep captures apart.

    Yields:
        Each capture's id and tables, the same as those of the capture alone.

    Raises:
        MissingInput: A capture has no conn log.
        BadData: As for :func:`ptml.features.build.connection_features`.

    >>> from ptml.features.featureset import STANDARD
    >>> ts = pl.Series([0]).cast(pl.Datetime("us", "UTC"))
    >>> logs = {name: {"conn": pl.LazyFrame({"capture_id": name, "uid": ["C1"], "ts": ts})} for name in "ab"}
    >>> [(name, one.connections.height) for name, one in describe_together(logs, STANDARD)]
    [('a', 1), ('b', 1)]
    """
    alike: defaultdict[Hashable, dict[str, Logs]] = defaultdict(dict)
    for name, logs in captures.items():
        inputs = read_inputs(logs, features.columns)
        alike[tuple((log, *frame.collect_schema().items()) for log, frame in inputs.items())][name] = inputs
    for bundle in alike.values():
        yield from _described(bundle, features)


def _described(bundle: Mapping[str, Logs], features: FeatureSet) -> Iterator[tuple[str, Described]]:
    first = next(iter(bundle.values()))
    frames = pl.collect_all([pl.concat([inputs[log] for inputs in bundle.values()]) for log in first])
    logs = {log: frame.lazy() for log, frame in zip(first, frames, strict=True)}
    rows = max(1, frames[list(first).index("conn")].height)
    tables = (
        pl.concat(iter_connection_features(logs, features=features, batch_rows=rows)),
        capture_features(logs, features=features).collect(),
        pair_features(logs).collect(),
    )
    parts = [table.partition_by(KEY, as_dict=True) for table in tables]
    for name in bundle:
        yield (
            name,
            Described(*(part.get((name,), table.clear()) for part, table in zip(parts, tables, strict=True))),
        )
