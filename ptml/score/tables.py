"""From what each capture left behind to the tables of the whole batch, without holding the connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.io import writing
from ptml.schema import CAPTURE_SCORES, CONNECTION_SCORES, HOST_SCORES
from ptml.spreadsheet import defused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.schema import Table

ISO_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
ALERT_FIELDS = (
    "name",
    "capture_id",
    "uid",
    "ts",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "probability",
    "threshold",
    "verdict",
    "out_of_distribution",
    "reasons",
    "evidence",
    "contributions",
)

CONNECTIONS, HOSTS, CAPTURES = "connections.parquet", "hosts.parquet", "captures.parquet"
HOSTS_CSV, CAPTURES_CSV, ALERTS = "hosts.csv", "captures.csv", "alerts.jsonl"


def write_tables(
    folder: Path, captures: pl.DataFrame, *, connections: Sequence[Path], hosts: Sequence[Path]
) -> tuple[pl.DataFrame, int]:
    """Write the tables of a batch.

    Args:
        folder: Where to; nothing there is read.
        captures: Rows of CAPTURE_SCORES, in any order.
        connections: Parts with rows of CONNECTION_SCORES, in the order that they shall stand in.
        hosts: Parts with rows of HOST_SCORES.

    Returns:
        The table of captures, those called malicious first, then by the mean probability of their
        connections; and the number of hosts.

    Raises:
        CannotWrite: The operating system refused.
    """
    with writing(folder):
        captures = CAPTURE_SCORES.check(captures).sort(
            (pl.col("verdict") == "malicious").fill_null(value=False),
            "mean_probability",
            "probability",
            "name",
            "capture_id",
            descending=[True, True, True, False, False],
            nulls_last=True,
        )
        captures.write_parquet(folder / CAPTURES, compression="zstd")
        defused(_flat(captures)).write_csv(folder / CAPTURES_CSV)
        ranked = (
            _scan(hosts, HOST_SCORES)
            .collect()
            .sort("probability", "alerts", "capture_id", "host", descending=[True, True, False, False])
        )
        ranked.write_parquet(folder / HOSTS, compression="zstd")
        defused(ranked).write_csv(folder / HOSTS_CSV)
        _scan(connections, CONNECTION_SCORES).sink_parquet(folder / CONNECTIONS, compression="zstd")
        alerts(folder / CONNECTIONS, captures).select(
            pl.col("ts").dt.strftime(ISO_TIME) if name == "ts" else name for name in ALERT_FIELDS
        ).sink_ndjson(folder / ALERTS)
    return captures, ranked.height


def _flat(captures: pl.DataFrame) -> pl.DataFrame:
    """Write lists in one cell, since CSV has none."""
    return captures.with_columns(pl.col(pl.List(pl.String)).list.join("; "))


def alerts(connections: Path, captures: pl.DataFrame) -> pl.LazyFrame:
    """Select the connections called malicious, in the table's order, with their capture's name."""
    names = captures.lazy().select("capture_id", "name")
    malicious = pl.scan_parquet(connections, glob=False, hive_partitioning=False).filter(
        pl.col("verdict") == "malicious"
    )
    return malicious.join(names, on="capture_id", how="left", maintain_order="left")


def summarise_hosts(connections: Sequence[Path]) -> pl.LazyFrame:
    """Sum up a capture's scored connections by originator: rows of HOST_SCORES."""
    is_alert = pl.col("verdict") == "malicious"
    return (
        _scan(connections, CONNECTION_SCORES)
        .rename({"id.orig_h": "host"})
        .group_by("capture_id", "host")
        .agg(
            connections=pl.len().cast(pl.UInt64),
            alerts=is_alert.sum().cast(pl.UInt64),
            probability=pl.col("probability").max(),
        )
        .with_columns(
            verdict=pl.when(pl.col("alerts") > 0).then(pl.lit("malicious")).otherwise(pl.lit("benign"))
        )
        .select(*HOST_SCORES.schema)
    )


def _scan(parts: Sequence[Path], table: Table) -> pl.LazyFrame:
    """Read parts in the order given; typed and empty where there are none."""
    if not parts:
        return table.empty().lazy()
    return pl.scan_parquet(list(parts), glob=False, hive_partitioning=False)
