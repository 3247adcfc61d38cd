"""Fetching beside a bare httpx loop: the same files, the same loopback server, the same concurrency.

The loop writes what comes and checks nothing. `ptml fetch` hashes, checks, opens, syncs, publishes and lists
each file. Both run in a process of their own, and the server in a third.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.webserver import running

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000") + bytes(8)


BLOCK = 1 << 20
MEMORY_BYTES = (10_000_000, 1_000_000_000)


def serve(files: int, size: int) -> None:
    """Serve captures and a list of them until standard input ends."""
    with running() as web:
        rows = []
        for number in range(files):
            packet = (random.Random(number).randbytes(min(size, BLOCK)) * (size // BLOCK + 1))[:size]
            data = HEAD + len(packet).to_bytes(4, "little") * 2 + packet
            rows.append({"url": web.add(f"/{number}.pcap", data), "sha256": hashlib.sha256(data).hexdigest()})
        print(web.add("/list.jsonl", "".join(json.dumps(row) + "\n" for row in rows)), flush=True)
        sys.stdin.read()


def bare(url: str, folder: Path, jobs: int) -> float:
    """Get what the list names, write it, and check nothing."""
    import httpx

    started = time.perf_counter()
    with httpx.Client(limits=httpx.Limits(max_connections=jobs + 1)) as client:
        rows = [json.loads(line) for line in client.get(url).text.splitlines()]

        def get(row: dict[str, str]) -> None:
            with (
                client.stream("GET", row["url"]) as answer,
                (folder / row["url"].rpartition("/")[2]).open("wb") as file,
            ):
                for piece in answer.iter_raw():
                    file.write(piece)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(get, rows))
        return time.perf_counter() - started


def ours(url: str, folder: Path, jobs: int) -> float:
    """Fetch what the list names as `ptml fetch` does."""
    from ptml.settings import FetchSettings
    from ptml.sources.fetch import fetch
    from ptml.workspace import Workspace

    settings = FetchSettings(source="manifest", ids=(url,), limit=10**6, jobs=jobs, allow_private=True)
    started = time.perf_counter()
    report = fetch(Workspace(folder), settings)
    assert not report.failed
    return time.perf_counter() - started


def peak_bytes() -> int:
    """Give the most memory that this process has held; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def measure(what: str, url: str, jobs: int) -> tuple[float, int]:
    """Run one of the two in a fresh process; give its seconds and the peak of its memory in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--run", what, url, folder, "--jobs", str(jobs)]
        said = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.split()
        return float(said[0]), int(said[1])


def main() -> None:
    """Measure both in turn and print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--memory", action="store_true", help="measure the peak memory of one small, one large file"
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.files, options.bytes)
        return
    if options.run:
        what, url, folder = options.run
        print({"bare": bare, "ours": ours}[what](url, Path(folder), options.jobs), peak_bytes())
        return
    if options.memory:
        show_memory()
    else:
        show_times(options.files, options.bytes, options.jobs, options.rounds)


def show_times(files: int, size: int, jobs: int, rounds: int) -> None:
    """Fetch both ways in turn."""
    with serving(files, size) as url:
        pairs = [(measure("bare", url, jobs)[0], measure("ours", url, jobs)[0]) for _ in range(rounds)]
    print("| files | bytes each | jobs | bare httpx s | ptml fetch s | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    loop, fetched = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"| {files} | {size:,} | {jobs} | {loop:.2f} | {fetched:.2f} | {ratio:.2f} |")


def show_memory() -> None:
    """Fetch one file, small and large."""
    print("| bytes of the one file | ptml fetch s | peak MiB |")
    print("| --- | --- | --- |")
    for size in MEMORY_BYTES:
        with serving(1, size) as url:
            seconds, peak = measure("ours", url, 1)
        print(f"| {size:,} | {seconds:.2f} | {peak / 2**20:.0f} |")


@contextlib.contextmanager
def serving(files: int, size: int) -> Iterator[str]:
    """Run the server; lend the URL of its list."""
    command = [sys.executable, __file__, "--serve", "--files", str(files), "--bytes", str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.communicate()


if __name__ == "__main__":
    main()
