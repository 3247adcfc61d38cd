"""Features of a whole capture of any size: a family at a time, so that only its columns are in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ptml.features.assemble import aggregations, finished, there
from ptml.features.build import capture_features
from ptml.features.featureset import STANDARD
from ptml.features.inputs import read_inputs
from ptml.features.shares import Shares, room, share_count
from ptml.io import writing

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.features.family import Family, Logs
    from ptml.features.featureset import FeatureSet

KEY = "capture_id"


def collect_capture_features(
    logs: Logs, *, features: FeatureSet = STANDARD, batch_rows: int = 500_000, folder: Path | None = None
) -> pl.DataFrame:
    """Describe each capture like ``capture_features``, in little memory where conn.log is long.

    Args:
        logs: As for :func:`ptml.features.build.connection_features`.
        features: Which features.
        batch_rows: Rows of conn.log from which on the work is cut up; the values do not depend on it.
        folder: Where temporary files may go; the system's folder for such if None.

    Raises:
        MissingInput: There is no conn log.
        BadData: As for :func:`ptml.features.build.connection_features`.
        CannotWrite: The operating system refused a temporary file.

    >>> ts = pl.Series([0, 1]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"uid": ["C1", "C2"], "ts": ts, "proto": ["tcp", "udp"]})
    >>> collect_capture_features({"conn": conn}, batch_rows=1).select("connections", "tcp_share").row(0)
    (2, 0.5)
    """
    inputs = read_inputs(logs, features.columns)
    rows = inputs["conn"].select(pl.len()).collect().item()
    if rows <= batch_rows:
        return capture_features(logs, features=features).collect()
    frame = inputs["conn"].select(KEY).unique().collect(engine="streaming")
    with room(folder) as place:
        for family in features.capture:
            for one in aggregations([_cut_up(family, inputs, rows, batch_rows, place)], inputs):
                held = one.rows.collect(engine="streaming").lazy() if family.condensed else one.rows
                found = one.of(held).collect(engine="streaming")
                frame = frame.join(found, on=KEY, how="left", nulls_equal=True)
    return finished(frame.lazy(), [KEY], features.capture_features).sort(KEY).collect()


def _cut_up(family: Family, inputs: Logs, rows: int, batch_rows: int, folder: Path) -> Family:
    """Make the rows of a family share by share, where they can be, and lay them aside in files."""
    make, conn = family.rows, inputs["conn"]
    if make is None or not family.together:
        return family
    files = []
    with Shares(folder, share_count(rows, batch_rows)) as shares:
        shares.deal_by(conn.select(there(family.reads, conn)), family.together, batch_rows)
        for number, share in shares:
            made = make({"conn": share.lazy()})
            if made is not None:
                files.append(folder / f"{family.features[0].name}-{number}.parquet")
                with writing(files[-1]):
                    made.collect().write_parquet(files[-1], compression="lz4")
    table = pl.scan_parquet(files, glob=False, hive_partitioning=False)
    return replace(family, rows=lambda _: table)
