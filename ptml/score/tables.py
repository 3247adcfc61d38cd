"""From what each capture left behind to the tables of the whole batch, without holding the connections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import polars as pl

from ptml.io import writing
from ptml.schema import CAPTURE_SCORES, CONNECTION_SCORES, HOST_SCORES, PAIRS
from ptml.score.ecs import ecs_alert
from ptml.spreadsheet import defused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from ptml.schema import Table

AlertFormat = Literal["plain", "ecs"]
Form = Literal["csv", "jsonl"]

ISO_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
ISO_TIME_PYTHON = "%Y-%m-%dT%H:%M:%S.%fZ"
ALERT_FIELDS = (
    "name",
    "capture_id",
    "uid",
    "ts",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "probability",
    "threshold",
    "verdict",
    "out_of_distribution",
    "reasons",
    "evidence",
    "contributions",
)

CONNECTIONS, HOSTS, CAPTURES = "connections.parquet", "hosts.parquet", "captures.parquet"
PAIRS_FILE = "pairs.parquet"
HOSTS_CSV, CAPTURES_CSV, ALERTS = "hosts.csv", "captures.csv", "alerts.jsonl"
PARQUET = (CONNECTIONS, HOSTS, CAPTURES, PAIRS_FILE)
ALWAYS_CSV = (CAPTURES, HOSTS)
ALERT_ROWS = 10_000


def write_tables(
    folder: Path,
    captures: pl.DataFrame,
    *,
    connections: Sequence[Path],
    hosts: Sequence[Path],
    pairs: Sequence[tuple[str, Path]] = (),
) -> tuple[pl.DataFrame, int]:
    """Write the tables of a batch.

    Args:
        folder: Where to; nothing there is read.
        captures: Rows of CAPTURE_SCORES, in any order.
        connections: Parts with rows of CONNECTION_SCORES, in the order that they shall stand in.
        hosts: Parts with rows of HOST_SCORES.
        pairs: Captures' ids and parts with their rows of PAIRS, in the order that they shall stand in.

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
        ranked = (
            _scan(hosts, HOST_SCORES)
            .collect()
            .sort("probability", "alerts", "capture_id", "host", descending=[True, True, False, False])
        )
        ranked.write_parquet(folder / HOSTS, compression="zstd")
        _scan(connections, CONNECTION_SCORES).sink_parquet(folder / CONNECTIONS, compression="zstd")
        _with_ids(pairs).sink_parquet(folder / PAIRS_FILE, compression="zstd")
    return captures, ranked.height


def write_forms(folder: Path, also: Sequence[Form] = ()) -> tuple[str, ...]:
    """Write tables in other forms beside the Parquet: captures and hosts as CSV, and what is asked for.

    Args:
        folder: Where the tables are.
        also: Forms that all tables are wanted in.

    Returns:
        The names of the files.

    Raises:
        CannotWrite: The operating system refused.
    """
    wanted = dict.fromkeys(
        [*((name, "csv") for name in ALWAYS_CSV), *((n, f) for f in also for n in PARQUET)]
    )
    names = []
    for name, form in wanted:
        file = folder / name.replace(".parquet", f".{form}")
        table = pl.scan_parquet(folder / name, glob=False, hive_partitioning=False)
        with writing(file):
            if form == "csv":
                defused(_flat(table)).sink_csv(file)
            else:
                _spelled(table).sink_ndjson(file)
        names.append(file.name)
    return tuple(names)


def _flat(table: pl.LazyFrame) -> pl.LazyFrame:
    """Write lists in one cell, since CSV has none; what has no place in a cell stands in the other forms."""
    lists = {
        name: dtype.inner for name, dtype in table.collect_schema().items() if isinstance(dtype, pl.List)
    }
    nested = [name for name, inner in lists.items() if isinstance(inner, pl.Struct)]
    flat = [name for name in lists if name not in nested]
    return _spelled(table).drop(nested).with_columns(pl.col(flat).list.join("; "))


def _spelled(table: pl.LazyFrame) -> pl.LazyFrame:
    times = [name for name, dtype in table.collect_schema().items() if isinstance(dtype, pl.Datetime)]
    return table.with_columns(pl.col(times).dt.strftime(ISO_TIME))


def write_alerts(file: Path, found: pl.LazyFrame, spell: Callable[[dict[str, Any]], object]) -> int:
    """Write alerts as JSON Lines of plain ASCII: people look at them on terminals.

    Args:
        file: Where to.
        found: Rows of :func:`alerts`.
        spell: Makes a document of a row.

    Returns:
        How many there are.

    Raises:
        CannotWrite: The operating system refused.
    """
    written = 0
    with writing(file), file.open("w", encoding="ascii") as out:
        for batch in found.collect_batches(chunk_size=ALERT_ROWS, maintain_order=True):
            rows = batch.iter_rows(named=True)
            out.writelines(f"{json.dumps(spell(row), allow_nan=False)}\n" for row in rows)
            written += batch.height
    return written


def plain_alert(row: Mapping[str, Any]) -> dict[str, Any]:
    """Spell an alert by the names of the tables."""
    spelled = {name: row[name] for name in ALERT_FIELDS}
    return spelled | {"ts": None if row["ts"] is None else f"{row['ts']:{ISO_TIME_PYTHON}}"}


def alert_speller(
    form: AlertFormat, model: Mapping[str, Any], seen: datetime
) -> Callable[[dict[str, Any]], object]:
    """Choose how alerts are spelled."""
    return plain_alert if form == "plain" else lambda row: ecs_alert(row, model=model, seen=seen)


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


def _with_ids(parts: Sequence[tuple[str, Path]]) -> pl.LazyFrame:
    """Read parts that say in the name of their folder alone whose they are."""
    columns = [name for name in PAIRS.schema if name != "capture_id"]
    tables = [
        _scan([path], PAIRS).select(pl.lit(capture_id).alias("capture_id"), *columns)
        for capture_id, path in parts
    ]
    return pl.concat(tables) if tables else PAIRS.empty().lazy()


def _scan(parts: Sequence[Path], table: Table) -> pl.LazyFrame:
    """Read parts in the order given; typed and empty where there are none."""
    if not parts:
        return table.empty().lazy()
    return pl.scan_parquet(list(parts), glob=False, hive_partitioning=False)
