"""What features cost: ``python -m benchmarks.features``.

One simulated capture is parsed once; then each case runs in a fresh process. ``conn alone`` are all features
that look at nothing but their own row of conn.log, ``selected`` five of them. A family's cost is the CPU of
a run that selects its features alone, less that of a run that selects the uid.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks.measuring import ptml
from ptml.features.build import connection_features
from ptml.features.catalog import CONNECTION_FAMILIES

SELECTED = ("orig_bytes", "resp_bytes", "duration", "orig_byte_share", "established")


def cases() -> dict[str, tuple[str, ...]]:
    """Name what is selected in each case: nothing, projections, then every family by its title."""
    alone = tuple(one.name for family in CONNECTION_FAMILIES if not family.rows for one in family.features)
    titles = dict.fromkeys(family.name for family in CONNECTION_FAMILIES)
    families = {
        title: tuple(
            one.name for family in CONNECTION_FAMILIES if family.name == title for one in family.features
        )
        for title in titles
    }
    return {"the uid": (), "selected": SELECTED, "conn alone": alone, **families}


def select(logs: Path, case: str, rounds: int) -> dict[str, float]:
    """Select the features of a case, once to warm up and then so many times; medians."""
    scans = {one.name: pl.scan_parquet(one / "*/*.parquet") for one in sorted(logs.iterdir())}
    used = []
    for _ in range(rounds + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        table = connection_features(scans).select("uid", *cases()[case]).collect()
        used.append((time.perf_counter() - wall, time.process_time() - cpu))
    seconds = [median(column) for column in zip(*used[1:], strict=True)]
    return {"rows": table.height, "wall": seconds[0], "cpu": seconds[1]}


def main() -> None:
    """Measure and print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--logs", type=Path, help="a folder logs/ of a workspace; else one is simulated")
    parser.add_argument("--case", choices=cases(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(select(options.logs, options.case, options.rounds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.logs is None:
            ptml("simulate", "--captures", "1", "--connections", str(options.rows), "--data", folder)
            ptml("parse", "--data", folder)
        logs = options.logs or Path(folder, "logs")
        print("| features | how many | rows/s | wall s | CPU s | CPU s a million rows, less the uid's |")
        print("| --- " * 6 + "|")
        base = 0.0
        for case, names in cases().items():
            command = (sys.executable, "-m", "benchmarks.features", "--case", case, "--logs", str(logs))
            run = subprocess.run(
                [*command, "--rounds", str(options.rounds)], check=True, stdout=subprocess.PIPE, text=True
            )
            found = json.loads(run.stdout)
            base = base or found["cpu"]
            cost = (found["cpu"] - base) / found["rows"] * 1e6
            speed = f"{found['rows'] / found['wall']:,.0f} | {found['wall']:.2f} | {found['cpu']:.2f}"
            print(f"| {case} | {len(names)} | {speed} | {cost:.2f} |", flush=True)


if __name__ == "__main__":
    main()
