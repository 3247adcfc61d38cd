"""``ptml parse`` beside other readers on the same file, in one run, each in a fresh process.

The logs are simulated: conn.log of each size given, and of dns.log the first million lines. Rounds are
interleaved; wall and CPU seconds are medians, the peak is the highest. Only ptml undoes escapes, checks every
value and accounts for every row.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measuring import Measure, measure, ptml

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

READERS = Path(__file__).with_name("readers.py")
DNS_ROWS = 1_000_000
SMALL_ROWS = 1_000_000
"""Larger logs are compared with readers that stream."""
DNS_A_CONNECTION = 0.2
TSV = ("pyarrow", "duckdb", "polars", "pandas", "zat")
STREAMING = ("pyarrow", "duckdb", "polars")
LISTS = ("duckdb-lists", "polars-lists", "pyarrow")
JSON = ("duckdb-json", "polars-json")


@dataclass(frozen=True, slots=True)
class Case:
    """A log, and the peers that can read it."""

    name: str
    log: Path
    peers: tuple[str, ...]


def simulate(root: Path, connections: int, form: str = "tsv") -> Path:
    """Simulate one capture; give its folder."""
    data = root / f"{connections}-{form}"
    ptml(
        "simulate",
        "--captures",
        "1",
        "--connections",
        str(connections),
        "--format",
        form,
        "--data",
        str(data),
    )
    [capture] = (data / "raw/simulator").iterdir()
    return capture


def first_lines(log: Path, rows: int, into: Path) -> Path:
    """Copy a log's header and so many of its rows."""
    with log.open("rb") as source, into.open("wb") as copy:
        copy.writelines(islice(source, rows + 8))
    return into


def compressed(log: Path, opener: Callable[..., object], suffix: str) -> Path:
    """Compress a log beside it."""
    path = log.with_name(log.name + suffix)
    with log.open("rb") as source, opener(path, "wb") as copy:  # type: ignore[attr-defined]  # file objects all
        shutil.copyfileobj(source, copy, 1 << 20)
    return path


def cases(root: Path, rows: list[int], names: Iterable[str]) -> Iterable[Case]:
    """Make the logs, each when its turn comes."""
    for count in rows:
        folder = simulate(root, count)
        conn = folder / "conn.log"
        size = f"{count / 1e6:g} M"
        if "conn" in names:
            yield Case(f"conn {size}", conn, TSV if count <= SMALL_ROWS else STREAMING)
        if "gz" in names:
            yield Case(f"conn {size} gz", compressed(conn, gzip.open, ".gz"), STREAMING)
        if "zst" in names:
            yield Case(f"conn {size} zst", compressed(conn, zstd.open, ".zst"), STREAMING)
        shutil.rmtree(root / f"{count}-tsv")
    if "dns" in names:
        dns = simulate(root, int(DNS_ROWS / DNS_A_CONNECTION)) / "dns.log"
        yield Case("dns 1 M", first_lines(dns, DNS_ROWS, root / "dns.log"), LISTS)
    if "json" in names:
        yield Case(f"conn {min(rows) / 1e6:g} M JSON", simulate(root, min(rows), "json") / "conn.log", JSON)


def all_cores(root: Path, rounds: int) -> None:
    """Measure a folder of many logs with all cores and pinned to one, interleaved, and print both."""
    data = root / "folder"
    ptml("simulate", "--captures", "16", "--connections", "2000000", "--data", str(data))
    walls: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for pinned, took in walls.items():
            out = root / "folder-out"
            took.append(ptml("parse", str(data / "raw"), "--out", str(out), jobs=0, pinned=pinned).wall)
            shutil.rmtree(out)
    one, many = (median(walls[pinned]) for pinned in (True, False))
    print(f"\n16 captures, 2 M connections: {many:.1f} s; on one core {one / many:.2f} times as long")


def run(case: Case, rounds: int, root: Path) -> dict[str, Measure]:
    """Measure ptml and its peers on one log, interleaved."""
    found: dict[str, list[Measure]] = {}
    for _ in range(rounds):
        out = root / "ptml-out"
        found.setdefault("ptml", []).append(ptml("parse", str(case.log), "--out", str(out)))
        shutil.rmtree(out)
        for peer in case.peers:
            written = root / "peer.parquet"
            took = measure(sys.executable, str(READERS), peer, str(case.log), str(written))
            found.setdefault(peer, []).append(took)
            written.unlink()
    return {
        name: Measure(median(m.wall for m in took), median(m.cpu for m in took), max(m.peak for m in took))
        for name, took in found.items()
    }


def main() -> None:
    """Measure and print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=["conn", "gz", "zst", "dns", "json", "folder"])
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| log | reader | wall s | CPU s | peak MiB | wall against ptml | CPU against ptml |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for case in cases(root, options.rows, options.cases):
            took = run(case, options.rounds, root)
            ours = took["ptml"]
            for reader, m in took.items():
                ratios = f"{m.wall / ours.wall:.2f} | {m.cpu / ours.cpu:.2f}"
                line = f"{m.wall:.2f} | {m.cpu:.2f} | {m.peak:,.0f} | {ratios}"
                print(f"| {case.name} | {reader} | {line} |", flush=True)
        if "folder" in options.cases:
            all_cores(root, options.rounds)


if __name__ == "__main__":
    main()
