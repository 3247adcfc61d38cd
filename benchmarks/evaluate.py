"""Judging a million held-out rows: the bootstrap over captures, and all else that a result takes.

``python -m benchmarks.evaluate`` draws predictions of a thousand captures, as calibrated trees give them (few
distinct probabilities) and as a linear model does (all distinct, the worst case), and judges them as
`ptml evaluate` does: a thousand draws, rows weighing the same and captures weighing the same, bands included.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.evaluate.bootstrap import DRAWS, draw, mean_areas
from ptml.evaluate.judge import judge
from ptml.evaluate.outcome import Outcome
from ptml.evaluate.protocols import HeldOut
from ptml.train.dataset import Dataset
from ptml.train.holdout import Plan
from ptml.train.splits import Split

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.types import Holdout

SOURCES, FOLDS = 10, 5


def held_out(rows: int, captures: int, distinct: int | None, protocol: Holdout) -> tuple[HeldOut, Dataset]:
    """Draw predictions, a fifth of the captures malicious, and the dataset that they are of."""
    rng = np.random.default_rng(1)
    capture = np.sort(rng.integers(0, captures, rows))
    y = (capture % 5 == 0).astype(np.int8)
    odds = 2.0 * y - 2 + rng.normal(size=captures)[capture] + rng.normal(size=rows)
    probability = 1 / (1 + np.exp(-odds))
    if distinct is not None:
        probability = (probability * distinct).round() / distinct
    moment = pl.from_epoch(pl.Series(1_764_000_000 + capture * 3600 + rng.integers(0, 3600, rows)), "s")
    keys = pl.DataFrame(
        {
            "capture_id": pl.Series(capture).cast(pl.String),
            "uid": pl.Series(np.arange(rows)).cast(pl.String),
            "source": pl.Series(capture % SOURCES).cast(pl.String),
            "family": pl.Series(capture % 7).cast(pl.String).set(pl.Series(y == 0), None),
            "ts": moment.cast(pl.Datetime("us", "UTC")),
            "host": pl.Series(rng.integers(0, 20, rows)).cast(pl.String),
        }
    )
    fold = capture % (SOURCES if protocol == "leave-source-out" else FOLDS)
    predictions = keys.with_columns(
        pl.Series("label", np.where(y == 1, "malicious", "benign")),
        pl.Series("group", capture, pl.UInt32),
        pl.Series("fold", fold, pl.UInt16),
        pl.Series("probability", probability),
        pl.Series("threshold", np.full(rows, 0.5)),
        pl.Series("verdict", np.where(probability >= 0.5, "malicious", "benign")),
    )
    splits = tuple(Split.of(f"fold {n}", fold != n, fold == n) for n in range(int(fold.max()) + 1))
    data = Dataset(
        level="connection",
        contracts=(),
        inputs=pl.DataFrame(),
        y=y,
        keys=keys,
        groups=capture,
        weights=np.ones(rows),
        captures={},
        available=rows,
        excluded={},
        unit="file",
        unknown=np.zeros(rows, np.bool_),
    )
    return HeldOut(Plan(protocol, splits), predictions, np.arange(rows), ()), data


def main() -> None:
    """Print a row a case: seconds of the bootstrap, and of judging in all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--captures", type=int, default=1000)
    arguments = parser.parse_args()
    print("| probabilities | protocol | bootstrap wall s | CPU s | all wall s | CPU s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, distinct in (("5,000 distinct", 5000), ("all distinct", None)):
        for protocol in ("grouped", "leave-source-out"):
            found, data = held_out(arguments.rows, arguments.captures, distinct, protocol)
            judge(found, data, seed=0, draws=1)
            drawing, judging = _time(partial(_draw, found)), _time(partial(judge, found, data, seed=0))
            times = " | ".join(f"{seconds:.1f}" for seconds in (*drawing, *judging))
            print(f"| {name} | {protocol} | {times} |", flush=True)


def _draw(found: HeldOut) -> None:
    outcome = Outcome.of(found.rows)
    draw(outcome, outcome.ones, draws=DRAWS, bands=True)
    draw(outcome, outcome.even, draws=DRAWS)
    if found.plan.protocol == "leave-source-out":
        source = found.rows["source"].to_numpy()
        mean_areas(outcome, [source == name for name in sorted(set(source))])


def _time(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
