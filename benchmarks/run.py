"""Speed and memory of simulate, parse, features and score, each in a fresh process, beside a named peer.

The peer reads the same conn.log in the same run: Polars' own CSV scan to Parquet, types only, which neither
undoes escapes nor accounts for rows. Timings are noisy: compare ratios, and CPU rather than wall seconds.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from itertools import product
from pathlib import Path

from benchmarks.measuring import Measure, measure, ptml

PEER = """
import sys
import polars as pl
lines = open(sys.argv[1], encoding="utf-8")
head = [next(lines) for _ in range(8)]
names, types = (line.rstrip("\\n").split("\\t")[1:] for line in head[6:8])
kinds = {"time": pl.Float64, "interval": pl.Float64, "count": pl.UInt64, "port": pl.UInt16}
schema = {name: kinds.get(kind, pl.String) for name, kind in zip(names, types)}
options = {"separator": "\\t", "has_header": False, "quote_char": None, "null_values": ["-"]}
scan = pl.scan_csv(sys.argv[1], skip_rows=8, comment_prefix="#close", schema=schema, **options)
scan.sink_parquet(sys.argv[2], compression="zstd", compression_level=1)
"""
FEWEST_TO_LEARN_FROM = 12
SMALL = ("--captures", "12", "--connections", "12000", "--seed", "1")


def stages(rows: int, captures: int, root: Path, model: Path, names: list[str]) -> dict[str, Measure]:
    """Measure each stage on so many connections in so many captures."""
    data = str(root / f"{rows}-{captures}")
    amount = ("--captures", str(captures), "--connections", str(rows))
    found = {"simulate": ptml("simulate", *amount, "--data", data)}
    raw = Path(data) / "raw/simulator"
    commands = {
        "parse": ["parse", "--data", data],
        "features": ["features", "--data", data],
        "train": ["train", "--data", data],
        "score": ["score", str(raw), "--model", str(model), "--data", data, "--out", f"{data}/out"],
    }
    if captures < FEWEST_TO_LEARN_FROM:
        del commands["train"]
    found |= {name: ptml(*command) for name, command in commands.items() if name in names}
    if captures == 1:
        [capture] = raw.iterdir()
        found["peer: Polars CSV to Parquet, conn.log alone"] = measure(
            sys.executable, "-c", PEER, str(capture / "conn.log"), f"{data}/peer.parquet"
        )
    return found


def small_model(root: Path) -> Path:
    """Train a model to score with; not measured."""
    data = str(root / "small")
    for command in (["simulate", *SMALL], ["parse"], ["features"], ["train", "--folds", "2"]):
        ptml(*command, "--data", data)
    return root / "small/models/hist-gradient-boosting"


def main() -> None:
    """Measure and print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--captures", type=int, nargs="+", default=[1], help="cut the connections into these")
    parser.add_argument("--stages", nargs="+", default=["parse", "features", "train", "score"])
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(
        "| stage | captures | connections | rows/s | wall s | CPU s | peak MiB | CPU per row vs the first |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        model = small_model(root)
        first: dict[str, float] = {}
        for captures, rows in product(options.captures, options.rows):
            for name, m in stages(rows, captures, root, model, options.stages).items():
                ratio = m.cpu / rows / first.setdefault(name, m.cpu / rows)
                speed = f"{captures:,} | {rows:,} | {rows / m.wall:,.0f} | {m.wall:.1f} | {m.cpu:.1f}"
                print(f"| {name} | {speed} | {m.peak:,.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
