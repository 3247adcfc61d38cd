"""Rows that are there twice: on both sides of a split, or with both labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from ptml.train.audit.check import SHOWN, Found, lit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.train.audit.results import Cell
    from ptml.train.audit.subject import Subject
    from ptml.train.dataset import Dataset

BATCH = 100_000
STEPS = 5  # a step is a fifth, or 0.2 near zero
WIDELY_SHARED = 50
EXACT = (0.01, 0.1)
NEAR = (0.1, 0.5)
CONFLICT = (0.01, 0.1)


def exact_duplicates(subject: Subject) -> Found:
    """Find rows that equal a row of another capture in every feature."""
    hashes = row_hashes(subject.data)
    shared = _elsewhere(hashes, subject.data.groups)
    share = float(np.average(shared, weights=subject.weight))
    says = f"{share:.1%} of the rows (each capture weighing the same) are in another capture, too"
    figures: dict[str, Cell] = {"share": share, "rows": int(shared.sum())}
    return Found(lit(share, *EXACT), says, figures, *_pairs(subject, hashes))


def near_duplicates(subject: Subject) -> Found:
    """Find rows that differ from a row of another capture by less than about a fifth in every feature."""
    shared = np.zeros(len(subject.data.y), np.bool_)
    for offset in (0.0, 0.5):
        hashes = row_hashes(subject.data, offset)
        shared |= _elsewhere(hashes, subject.data.groups)
    share = float(np.average(shared, weights=subject.weight))
    says = f"{share:.1%} of the rows (each capture weighing the same) have a near copy in another capture"
    figures: dict[str, Cell] = {"share": share, "rows": int(shared.sum())}
    return Found(lit(share, *NEAR), says, figures, *_pairs(subject, hashes))


def label_conflicts(subject: Subject) -> Found:
    """Find rows of equal features and different labels; for them no model can be right."""
    table = pl.DataFrame({"hash": row_hashes(subject.data), "y": subject.data.y, "w": subject.weight})
    malicious = (pl.col("w") * pl.col("y")).sum()
    buckets = table.group_by("hash").agg(
        pl.len().alias("rows"), malicious.alias("malicious"), (pl.col("w").sum() - malicious).alias("benign")
    )
    both = buckets.filter(pl.col("malicious") > 0, pl.col("benign") > 1e-12)  # noqa: PLR2004 - rounding
    whole = float(subject.weight.sum())
    share = float((both["malicious"] + both["benign"]).sum()) / whole
    lost = float(both.select(pl.min_horizontal("malicious", "benign").sum()).item()) / whole
    says = (
        f"{share:.1%} of the rows (each capture weighing the same) have a twin of the other label; "
        f"no model can be right on more than {1 - lost:.1%} of all rows"
        if both.height
        else "no row has a twin of the other label"
    )
    figures: dict[str, Cell] = {"share": share, "rows": int(both["rows"].sum()), "unavoidable_error": lost}
    return Found(lit(share, *CONFLICT), says, figures)


def row_hashes(data: Dataset, offset: float | None = None) -> pl.Series:
    """Hash each row's features; with an offset, after rounding them to steps of about a fifth.

    Args:
        data: The dataset.
        offset: Where steps begin, as a part of one: values that lie close to the border of a step in one
            grid lie within one in another.
    """
    frame = data.inputs
    if offset is not None:
        rounded = [_step(contract.name, offset) for contract in data.contracts if not contract.is_category]
        frame_of = [batch.with_columns(rounded) for batch in frame.iter_slices(BATCH)]
    else:
        frame_of = list(frame.iter_slices(BATCH))
    return pl.concat([batch.hash_rows(seed=1) for batch in frame_of])


def _step(name: str, offset: float) -> pl.Expr:
    value = pl.col(name)
    return (value.abs().log1p() * value.sign() * STEPS + offset).floor().cast(pl.Int32)


def _elsewhere(hashes: pl.Series, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell the rows whose hash some other group has as well."""
    table = pl.DataFrame({"hash": hashes, "group": groups})
    found: NDArray[np.bool_] = (
        table.select(pl.col("group").min().over("hash") != pl.col("group").max().over("hash"))
        .to_series()
        .to_numpy()
    )
    return found


def _pairs(subject: Subject, hashes: pl.Series) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """List the pairs of captures that share most rows and the largest part of them.

    Rows that very many captures have make no pair: they would be a square of them.
    """
    table = pl.DataFrame({"hash": hashes, "group": subject.data.groups})
    sizes = np.bincount(subject.data.groups)
    counts = (
        table.group_by("hash", "group")
        .len()
        .with_columns(pl.col("group").n_unique().over("hash").alias("groups"))
        .filter(pl.col("groups").is_between(2, WIDELY_SHARED))
    )
    shape = (len(sizes), counts.height)
    at = (counts["group"].to_numpy(), counts["hash"].rank("dense").to_numpy() - 1)
    rows = csr_array((counts["len"].to_numpy().astype(np.int64), at), shape=shape)
    overlap = (rows @ (rows > 0).astype(np.int64).T).tocoo()
    share = overlap.data / sizes[overlap.row]
    names = dict(subject.strata.unique("group", keep="first").select("group", "capture_id").iter_rows())
    order = np.lexsort((overlap.col, overlap.row, -share * overlap.data))
    order = order[overlap.row[order] != overlap.col[order]][:SHOWN]
    found: list[tuple[Cell, ...]] = [
        (names[overlap.row[i]], names[overlap.col[i]], int(overlap.data[i]), float(share[i])) for i in order
    ]
    return ("capture", "other", "rows_shared", "share_of_capture"), tuple(found)
