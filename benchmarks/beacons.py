"""How many pairs a minute are scored: ``python -m benchmarks.beacons``.

Each case is made and scored in a fresh process. Every pair has enough connections for all scores; the scan
has one connection a pair. What is measured is the whole way from conn's columns to the table of pairs. It
ends with an error where fewer pairs a minute are scored than issue 5 asks for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import polars as pl

from ptml.features.build import pair_features

LEAST_PER_MINUTE = 200_000
CASES = {"20 connections a pair": (50_000, 20), "a scan": (1_000_000, 1), "one pair": (1, 1_000_000)}
DAY_US = 86_400_000_000


def connections(pairs: int, each: int) -> pl.LazyFrame:
    """Make a day of connections: each pair at its own gap, with a jitter of a fifth, its rows spread out."""
    row = pl.int_range(pairs * each, eager=True)
    pair, number = row % pairs, row // pairs
    jitter = row.hash(7) % 200_000_000
    time_us = number * (DAY_US // (each + 1)) + jitter.cast(pl.Int64)
    frame = pl.select(
        uid=pl.format("C{}", row),
        ts=(time_us + 1_764_000_000_000_000).cast(pl.Datetime("us", "UTC")),
        orig_bytes=row.hash(8) % 5 + 100,
        resp_bytes=row.hash(9) % 300,
        orig_ip_bytes=row.hash(8) % 5 + 200,
        orig=pl.format("10.0.{}.{}", pair % 7, pair % 251),
        resp=pl.format("192.{}.{}.{}", pair // 65_536 % 256, pair // 256 % 256, pair % 256),
        port=pl.lit(443, pl.UInt16),
    )
    return frame.lazy().rename({"orig": "id.orig_h", "resp": "id.resp_h", "port": "id.resp_p"})


def measure(case: str, rounds: int) -> dict[str, float]:
    """Score one case and give seconds; the first round, in which machine code is read or made, is apart."""
    conn = connections(*CASES[case])
    seconds = []
    for _ in range(rounds + 1):
        started, used = time.perf_counter(), time.process_time()
        table = pair_features({"conn": conn}).collect()
        seconds.append((time.perf_counter() - started, time.process_time() - used))
    wall, cpu = sorted(seconds[1:])[rounds // 2]
    return {"pairs": table.height, "scored": table["beacon_score"].count(), "wall": wall, "cpu": cpu}


def main() -> int:
    """Measure the cases and print a table of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many is shown")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.rounds)))
        return 0
    print("| case | pairs | of them scored | wall s | CPU s | pairs a minute of CPU |")
    print("| --- | --- | --- | --- | --- | --- |")
    worst = None
    for case, (_, each) in CASES.items():
        command = [
            sys.executable,
            "-m",
            "benchmarks.beacons",
            "--case",
            case,
            "--rounds",
            str(options.rounds),
        ]
        done = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
        rate = done["pairs"] / done["cpu"] * 60
        print(
            f"| {case} | {done['pairs']:,} | {done['scored']:,} | {done['wall']:.2f} | {done['cpu']:.2f} "
            f"| {rate:,.0f} |"
        )
        worst = rate if 1 < each < 100 else worst
    return int(worst is not None and worst < LEAST_PER_MINUTE)


if __name__ == "__main__":
    sys.exit(main())
