"""How long the page on a capture takes, how large it is, and how much memory its making needs."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import Measure, measure, ptml


def main() -> None:
    """Print a row for each number of connections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| connections | wall s | CPU s | peak MiB | page MB |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            logs, page = Path(folder) / str(rows), Path(folder) / "page.html"
            ptml("simulate", "--captures", "1", "--connections", str(rows), "--out", str(logs))
            [capture] = (one for one in logs.iterdir() if one.is_dir())
            rounds = [_report(capture, page) for _ in range(options.rounds)]
            best = min(rounds, key=lambda one: one.wall)
            size = page.stat().st_size / 1e6
            print(f"| {rows:,} | {best.wall:.1f} | {best.cpu:.1f} | {best.peak:,.0f} | {size:.1f} |")


def _report(capture: Path, page: Path) -> Measure:
    return measure(sys.executable, "-m", "ptml", "report", str(capture), "--out", str(page), "--quiet")


if __name__ == "__main__":
    main()
