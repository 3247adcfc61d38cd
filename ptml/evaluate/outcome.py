"""Held-out predictions as arrays, and what is counted of them a capture and a host-day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of rows that were held out.

    Attributes:
        rows: The predictions, as `out_of_fold` gives them.
        probability: Calibrated probability of each row.
        called: Whether it was called malicious.
        y: 1 for malicious, 0 for benign.
        groups: Number of each row's group, from 0: what the bootstrap draws.
        count: How many groups there are.
        even: Weights that let every capture weigh the same; they average 1.
    """

    rows: pl.DataFrame
    probability: Floats
    called: NDArray[np.bool_]
    y: NDArray[np.int8]
    groups: NDArray[np.int64]
    count: int
    even: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Outcome:
        """Read predictions; without a column `group` each capture is its own."""
        by = "group" if "group" in rows.columns else "capture_id"
        groups = rows[by].rank("dense").to_numpy().astype(np.int64) - 1
        size = rows.select(pl.len().over("capture_id"))["len"].to_numpy()
        return cls(
            rows=rows,
            probability=rows["probability"].to_numpy(),
            called=(rows["verdict"] == "malicious").to_numpy(),
            y=(rows["label"] == "malicious").to_numpy().astype(np.int8),
            groups=groups,
            count=int(groups.max()) + 1,
            even=rows.height / rows["capture_id"].n_unique() / size,
        )

    @property
    def ones(self) -> Floats:
        """Weights that let every row weigh the same."""
        return np.ones(len(self.y))

    def both_classes(self, part: NDArray[np.bool_] | None = None) -> bool:
        """Tell whether these rows, or all, have malicious and benign ones among them."""
        y = self.y if part is None else self.y[part]
        return bool(y.any() and not y.all())

    def counted(self) -> tuple[Counts, ...]:
        """Count what does not depend on weights, a number a group.

        Returns:
            Malicious captures, those detected; host-days, those with benign connections, alerts of rows with
            a host and a time, false alarms among them.
        """
        return (*self._captures(), *self._host_days())

    def _captures(self) -> tuple[Counts, Counts]:
        malicious = self._numbered().filter(label="malicious")
        found = malicious.group_by("capture_id").agg(
            pl.col("number").first(), (pl.col("verdict") == "malicious").any().alias("detected")
        )
        return self._count(found), self._count(found.filter("detected"))

    def _host_days(self) -> tuple[Counts, Counts, Counts, Counts]:
        if not {"host", "ts"} <= set(self.rows.columns):
            none = np.zeros(self.count, np.int64)
            return none, none, none, none
        known = self._numbered().drop_nulls(["host", "ts"])
        benign, called = known.filter(label="benign"), known.filter(verdict="malicious")
        day = ("capture_id", "number", "host", pl.col("ts").dt.date())
        return (
            self._count(known.select(day).unique()),
            self._count(benign.select(day).unique()),
            self._count(called),
            self._count(called.filter(label="benign")),
        )

    def _numbered(self) -> pl.DataFrame:
        return self.rows.with_columns(number=pl.Series(self.groups))

    def _count(self, found: pl.DataFrame) -> Counts:
        return np.bincount(found["number"].to_numpy(), minlength=self.count)

    def subset(self, kept: NDArray[np.bool_]) -> Outcome:
        """Keep some rows; groups are numbered anew."""
        return Outcome.of(self.rows.filter(pl.Series(kept)))
