"""Training beside scikit-learn: the same rows, folds and boosting, each in a fresh process.

`scikit-learn` reads the same Parquet files by Polars into one float32 matrix and calls
HistGradientBoostingClassifier on numpy slices of it: no labels to join, no categories, no calibration. ptml
goes its whole way from a workspace: labels, groups, weights, the pipeline, calibration, threshold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchmarks.measuring import measure
from ptml.catalog import upsert
from ptml.engine import LocalEngine
from ptml.labels import label_connections
from ptml.manifest import Publication, fingerprint, published
from ptml.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Measure
    from ptml.train.spec import ModelSpec

FOLDS = 5
SEED = 7
BINS = 32  # as in the spec that ptml ships: edges of bins of weighted rows cost a sort each


def make(root: Path, rows: int, features: int, captures: int) -> None:
    """Publish captures with features drawn at random, every second one malicious, and label them."""
    workspace = Workspace(root)
    ids = [f"c{number:016x}" for number in range(captures)]
    labels = ["malicious" if number % 2 else "benign" for number in range(captures)]
    catalog: list[dict[str, object]] = [
        {
            "capture_id": name,
            "name": name,
            "label": label,
            "label_level": "capture",
            "tags": [],
            "unit": "file",
        }
        for name, label in zip(ids, labels, strict=True)
    ]
    upsert(workspace, catalog, [{"capture_id": name, "source": "benchmark"} for name in ids])
    for number, name in enumerate(ids):
        with workspace.scratch_folder() as folder:
            made = fingerprint("features", "1", {}, {"number": str(number)})
            publication = Publication(workspace, "features", name, made, folder)
            table = _table(number, rows // captures, features)
            table.write_parquet(
                publication.new_part("features/connection", table.height).temporary, compression="zstd"
            )
            publication.publish(inputs={}, parameters={}, rows_in=table.height, rows_out=table.height)
    label_connections(workspace, engine=LocalEngine(1))


def _table(number: int, rows: int, features: int) -> pl.DataFrame:
    """Make a capture's features: rounded numbers with gaps, of which a tenth tell its class a little."""
    rng = np.random.default_rng(number)
    values = rng.gamma(2.0, 100.0, size=(rows, features)).astype(np.float32).round()
    values[:, : features // 10] += (number % 2) * 40
    values[rng.random((rows, features)) < 0.1] = np.nan
    keys = pl.DataFrame({"at": np.arange(rows)}).select(
        ts=pl.datetime(2020, 1, 1 + number % 28, time_unit="us", time_zone="UTC") + pl.duration(seconds="at"),
        uid=pl.format("C{}x{}", pl.lit(number), "at"),
        **{
            "id.orig_h": pl.format("10.0.{}.{}", pl.lit(number), pl.col("at") % 200),
            "id.orig_p": (pl.col("at") % 60_000).cast(pl.UInt16),
            "id.resp_h": pl.format("192.0.2.{}", pl.col("at") % 100),
            "id.resp_p": pl.lit(443, pl.UInt16),
        },
    )
    names = ["duration", *(f"f{column:03d}" for column in range(1, features))]
    return pl.concat([keys, pl.DataFrame(values, names).fill_nan(None)], how="horizontal")


def spec_of(rounds: int) -> ModelSpec:
    """Ask for boosting that fits every row."""
    from ptml.train.spec import ModelSpec

    return ModelSpec(
        name="benchmark",
        estimator="hist-gradient-boosting",
        params={"max_iter": rounds, "max_bins": BINS},
        fit_connections_per_capture=10**9,
        max_connections_per_capture=10**9,
        max_connections=10**9,
    )


def by_ptml(root: Path, rounds: int, told: dict[str, float]) -> None:
    """Train as `ptml train` does."""
    from ptml.train.dataset import load_dataset
    from ptml.train.fit import fit_level

    started = time.perf_counter()
    data = load_dataset(Workspace(root), "connection", spec_of(rounds))
    told["read"] = time.perf_counter() - started
    rows = np.arange(len(data.y))
    fitted = fit_level(spec_of(rounds), data, rows, folds=FOLDS, max_false_positive_rate=0.01, seed=SEED)
    told["fits"] = time.perf_counter() - started - told["read"]
    told["area"] = fitted.out_of_fold.roc_auc or 0.0


def by_sklearn(root: Path, rounds: int, told: dict[str, float]) -> None:
    """Fit five folds and the whole with scikit-learn alone."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    started = time.perf_counter()
    matrix, group = read_matrix(root)
    y = (group % 2).astype(np.int8)
    told["read"] = time.perf_counter() - started
    held_out = np.empty(len(y))
    params = {"max_iter": rounds, "max_bins": BINS, "early_stopping": False, "random_state": SEED}
    once, first = np.unique(group, return_index=True)
    for _, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED).split(once, y[first], once):
        out = np.isin(group, once[test])
        boosting = HistGradientBoostingClassifier(**params)
        boosting.fit(matrix[~out], y[~out], sample_weight=np.ones((~out).sum()))
        held_out[out] = boosting.decision_function(matrix[out])
    HistGradientBoostingClassifier(**params).fit(matrix, y, sample_weight=np.ones(len(y)))
    told["fits"] = time.perf_counter() - started - told["read"]
    told["area"] = float(roc_auc_score(y, held_out))


def read_matrix(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the features of all captures into one float32 matrix, as one would without ptml."""
    manifests = list(published(Workspace(root), "features"))
    files = [
        path for manifest in manifests for path in manifest.paths(Workspace(root), "features/connection")
    ]
    table = pl.read_parquet(files, hive_partitioning=False).select("duration", pl.col("^f[0-9]+$"))
    matrix = np.empty((table.height, table.width), np.float32)
    for column, series in enumerate(table.iter_columns()):
        matrix[:, column] = series.to_numpy()
    return matrix, np.repeat(np.arange(len(manifests)), [manifest.rows_out for manifest in manifests])


def only_read(root: Path, _rounds: int, told: dict[str, float]) -> None:
    """Read labelled features into the float32 matrix that an estimator takes."""
    from ptml.artifact import contracts_of, model_inputs

    started = time.perf_counter()
    manifests = list(published(Workspace(root), "features"))
    files = [
        path for manifest in manifests for path in manifest.paths(Workspace(root), "features/connection")
    ]
    scan = pl.scan_parquet(files, hive_partitioning=False)
    contracts = contracts_of(scan.collect_schema(), "connection")
    matrix = model_inputs(scan.select(one.name for one in contracts).collect(), contracts).to_numpy()
    told["read"] = time.perf_counter() - started
    told["MB"] = matrix.nbytes / 1e6


WAYS: dict[str, Callable[[Path, int, dict[str, float]], None]] = {
    "scikit-learn": by_sklearn,
    "ptml": by_ptml,
    "Parquet to matrix": only_read,
}


def run(way: str, root: Path, rounds: int) -> tuple[Measure, dict[str, float]]:
    """Run one way in a fresh process; what it took, and what it told."""
    told = root / "told.json"
    command = (sys.executable, "-m", "benchmarks.train", "--way", way, "--data", str(root))
    taken = measure(*command, "--rounds", str(rounds))
    return taken, json.loads(told.read_text("utf-8"))


def main() -> None:
    """Measure and print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=150)
    parser.add_argument("--captures", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=100, help="rounds of boosting")
    parser.add_argument("--way", choices=WAYS, help="one way alone, on a workspace that is there")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    if options.way:
        told: dict[str, float] = {}
        WAYS[options.way](options.data, options.rounds, told)
        (options.data / "told.json").write_text(json.dumps(told), "utf-8")
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory(dir=options.data) as folder:
        root = Path(folder) / "data"
        make(root, options.rows, options.features, options.captures)
        found = {way: run(way, root, options.rounds) for way in WAYS}
    base, base_told = found["scikit-learn"]
    print("| way | read s | fits s | CPU s | peak MiB | fits against scikit-learn | CPU | peak | ROC-AUC |")
    print("| --- " * 9 + "|")
    for way in ("scikit-learn", "ptml"):
        taken, told = found[way]
        ratios = (told["fits"] / base_told["fits"], taken.cpu / base.cpu, taken.peak / base.peak)
        parts = (told["read"], told["fits"], taken.cpu)
        shown = " | ".join([*(f"{part:.1f}" for part in parts), f"{taken.peak:,.0f}"])
        shown = " | ".join([shown, *(f"{ratio:.2f}" for ratio in ratios)])
        print(f"| {way} | {shown} | {told['area']:.3f} |")
    taken, told = found["Parquet to matrix"]
    print(f"\nParquet to a float32 matrix: {told['MB']:,.0f} MB in {told['read']:.2f} s, ", end="")
    print(f"{told['MB'] / told['read']:,.0f} MB/s")


if __name__ == "__main__":
    main()
