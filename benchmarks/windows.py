"""Windows over what came before, beside DuckDB's window functions, which give the same numbers.

DuckDB's RANGE frames include both of their ends, so a frame that must not see what ended at the same instant
ends one microsecond earlier. Each runs in a process of its own, DuckDB on one thread, and the numbers are
compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchmarks.measuring import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEYS = {"src": "source", "dst": "destination", "pair": "source, destination"}
SPANS = {"2s": 2_000_000, "60s": 60_000_000, "10m": 600_000_000}
COUNTS = {
    "src_connections_2s": ("src", "2s", "count(*)"),
    "src_connections_60s": ("src", "60s", "count(*)"),
    "src_connections_10m": ("src", "10m", "count(*)"),
    "src_destinations_2s": ("src", "2s", "count(DISTINCT destination)"),
    "src_destinations_60s": ("src", "60s", "count(DISTINCT destination)"),
    "src_destinations_10m": ("src", "10m", "count(DISTINCT destination)"),
    "src_ports_60s": ("src", "60s", "count(DISTINCT port)"),
    "src_orig_bytes_10m": ("src", "10m", "sum(sent)"),
    "src_failed_share_60s": ("src", "60s", "avg(failed)"),
    "count": ("dst", "2s", "count(*)"),
    "dst_connections_60s": ("dst", "60s", "count(*)"),
    "dst_connections_10m": ("dst", "10m", "count(*)"),
    "dst_sources_60s": ("dst", "60s", "count(DISTINCT source)"),
    "dst_sources_10m": ("dst", "10m", "count(DISTINCT source)"),
    "dst_failed_share_10m": ("dst", "10m", "avg(failed)"),
    "pair_connections_60s": ("pair", "60s", "count(*)"),
    "pair_connections_10m": ("pair", "10m", "count(*)"),
    "pair_ports_60s": ("pair", "60s", "count(DISTINCT port)"),
    "pair_failed_share_10m": ("pair", "10m", "avg(failed)"),
    "pair_orig_bytes_10m": ("pair", "10m", "sum(sent)"),
}
"""The window features that SQL can say in a line."""


def conn(rows: int) -> pl.DataFrame:
    """Draw an hour of connections: few busy sources, destinations as skewed as the web's."""
    rng = np.random.default_rng(1)
    hosts = pl.Series(rng.integers(0, 300, rows))
    others = pl.Series((rng.pareto(0.7, rows) * 3).astype(np.int64) % 100_000)
    start = pl.Series(np.sort(rng.integers(0, 3_600_000_000, rows)) + 1_764_000_000_000_000)
    return pl.DataFrame(
        {
            "uid": pl.Series(np.arange(rows)).cast(pl.String),
            "ts": start.cast(pl.Datetime("us", "UTC")),
            "duration": rng.integers(0, 20_000_000, rows) / 1_000_000,
            "id.orig_h": pl.select(pl.format("10.0.0.{}", hosts)).to_series(),
            "id.orig_p": pl.Series(rng.integers(1024, 65_536, rows), dtype=pl.UInt16),
            "id.resp_h": pl.select(pl.format("203.0.113.{}", others)).to_series(),
            "id.resp_p": pl.Series(rng.choice([22, 53, 80, 443, 8080], rows), dtype=pl.UInt16),
            "service": pl.Series(rng.choice(["ssl", "http", "dns"], rows)),
            "conn_state": pl.Series(rng.choice(["SF", "SF", "SF", "S0", "REJ"], rows)),
            **{
                name: pl.Series(rng.integers(0, 100_000, rows), dtype=pl.UInt64)
                for name in ("orig_bytes", "resp_bytes", "orig_ip_bytes", "resp_ip_bytes")
            },
        }
    )


def by_duckdb(given: Path, made: Path) -> None:
    """Compute the features by window functions."""
    import duckdb

    frames = ", ".join(
        f"{key}_{span} AS (PARTITION BY {columns} ORDER BY ended"
        f" RANGE BETWEEN {reach} PRECEDING AND 1 PRECEDING)"
        for key, columns in KEYS.items()
        for span, reach in SPANS.items()
    )
    found = ", ".join(
        f'coalesce({say} OVER {key}_{span}, {"NULL" if "avg" in say else 0}) AS "{name}"'
        for name, (key, span, say) in COUNTS.items()
    )
    duckdb.sql("SET threads = 1")
    duckdb.sql(f"""
        COPY (WITH connections AS (
            SELECT CAST(uid AS BIGINT) AS row, "id.orig_h" AS source, "id.resp_h" AS destination,
                "id.resp_p" AS port, orig_bytes AS sent,
                CAST(conn_state IN ('S0', 'REJ') AS INTEGER) AS failed,
                epoch_us(ts) + CAST(round(duration * 1000000) AS BIGINT) AS ended
            FROM read_parquet('{given}'))
        SELECT row, {found} FROM connections WINDOW {frames} ORDER BY row) TO '{made}'
    """)


def by_ptml(given: Path, made: Path, *, everything: bool) -> None:
    """Compute the families that hold these features, which are more; or all of the moment."""
    from ptml.features.assemble import beside, families_beside
    from ptml.features.catalog import CONNECTION_FAMILIES
    from ptml.features.inputs import read_inputs

    names = set(COUNTS)
    families = [
        family
        for family in families_beside(CONNECTION_FAMILIES)
        if (everything and family.name.startswith(("moment", "fading")))
        or names & {feature.name for feature in family.features}
    ]
    table = beside(families, read_inputs({"conn": pl.scan_parquet(given)})).collect()
    (table if everything else table.select(*COUNTS)).write_parquet(made)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "duckdb": by_duckdb,
    "ptml": partial(by_ptml, everything=False),
    "ptml, all of the moment": partial(by_ptml, everything=True),
}


def differences(one: pl.DataFrame, other: pl.DataFrame) -> Iterator[str]:
    """Name the features that differ: counts exactly, shares and sums by more than Float32 can tell."""
    for name in COUNTS:
        mine, theirs = one[name].cast(pl.Float64), other[name].cast(pl.Float64)
        near = (mine - theirs).abs() <= 1e-6 * theirs.abs()
        if mine.is_null().ne(theirs.is_null()).any() or not near.fill_null(value=True).all():
            yield name


def main() -> None:
    """Measure, compare the numbers, and print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="compute only, on the two files that are named")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    if options.way:
        WAYS[options.way](*options.files)
        return
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "conn.parquet"
        conn(options.rows).write_parquet(given)
        made = {way: Path(folder) / f"{number}.parquet" for number, way in enumerate(WAYS)}
        command = (sys.executable, "-m", "benchmarks.windows")
        runs = [
            (way, measure(*command, "--way", way, str(given), str(path)))
            for _ in range(options.rounds)
            for way, path in made.items()
        ]
        wrong = list(differences(pl.read_parquet(made["ptml"]), pl.read_parquet(made["duckdb"])))
        assert not wrong, f"ptml and DuckDB differ in {wrong}"
    print("| way | features | wall s | CPU s | peak MiB | CPU against DuckDB |")
    print("| --- " * 6 + "|")
    base = 0.0
    for way in WAYS:
        own = [one for name, one in runs if name == way]
        wall, cpu, peak = (median(getattr(one, what) for one in own) for what in ("wall", "cpu", "peak"))
        base = base or cpu
        features = 93 if "all" in way else len(COUNTS)
        print(f"| {way} | {features} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} | {cpu / base:.2f} |")


if __name__ == "__main__":
    main()
