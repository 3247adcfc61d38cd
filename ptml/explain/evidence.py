"""Connections that a reason rests on: earlier ones of the same pair, source or destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 5
PAIR = ("id.orig_h", "id.resp_h", "id.resp_p")
SAME: Mapping[str, tuple[str, ...]] = {
    "pair": PAIR,
    "beacon": PAIR,
    "name beacon": PAIR,
    "dns beacon": PAIR,
    "moment of the pair": ("id.orig_h", "id.resp_h"),
    "fading moment of the pair": ("id.orig_h", "id.resp_h"),
    "moment of the source": ("id.orig_h",),
    "fading moment of the source": ("id.orig_h",),
    "moment of the destination": ("id.resp_h",),
}
"""What connections have in common that the features of a family look at."""


def evidence(rows: pl.DataFrame, among: pl.DataFrame) -> pl.Series:
    """Give the uids that each row's reasons rest on: its own, then the latest before it, five at most.

    The first family that looks at other connections decides which: the same pair with its port, the same two
    hosts, the same source or the same destination.

    Args:
        rows: Scored connections with `contributions`.
        among: The connections to look among, as far as they are at hand; with uid, ts and the addresses.

    >>> among = pl.DataFrame({"uid": ["C1", "C2"], "ts": [1, 2], "id.orig_h": ["a", "a"]}).with_columns(
    ...     pl.lit("b").alias("id.resp_h"), pl.lit(443).alias("id.resp_p")
    ... )
    >>> rows = among.with_columns(contributions=pl.lit([{"family": "beacon"}]))
    >>> evidence(rows, among).to_list()
    [['C1'], ['C2', 'C1']]
    """
    common = [_keys(told) for told in rows["contributions"]]
    groups = {keys: _Groups(rows, among, keys) for keys in sorted({*common} - {None, ()}, key=str) if keys}
    found: list[list[str] | None] = []
    for keys, row in zip(common, rows.iter_rows(named=True), strict=True):
        earlier = groups[keys].before(row) if keys else []
        found.append(None if keys is None else [row["uid"], *earlier])
    return pl.Series("evidence", found, dtype=pl.List(pl.String))


def _keys(reasons: list[Mapping[str, str]] | None) -> tuple[str, ...] | None:
    """Give the columns that the reasons' connections have in common; none where no reason looks at others."""
    if reasons is None:
        return None
    return next((SAME[one["family"]] for one in reasons if one["family"] in SAME), ())


class _Groups:
    """The connections that have the same keys as some rows do, by time."""

    def __init__(self, rows: pl.DataFrame, among: pl.DataFrame, keys: tuple[str, ...]) -> None:
        same = among.drop_nulls("ts").join(rows.select(keys).unique(), on=keys, how="semi")
        wanted = same.sort("ts", "uid")
        self._keys = keys
        self._members = {
            key: (part["ts"].to_physical().to_numpy(), part["uid"])
            for key, part in wanted.select(*keys, "ts", "uid").partition_by(keys, as_dict=True).items()
        }
        self._time_of = dict(rows.select("uid", pl.col("ts").to_physical()).drop_nulls("ts").iter_rows())

    def before(self, row: Mapping[str, Any]) -> list[str]:
        """Give the uids of the latest that began before a row, the latest first."""
        members = self._members.get(tuple(row[key] for key in self._keys))
        time = self._time_of.get(row["uid"])
        if members is None or time is None:
            return []
        times, uids = members
        end = int(np.searchsorted(times, time, side="left"))
        return list(uids[max(0, end - MOST + 1) : end].reverse())
