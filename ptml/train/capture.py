"""One labelled capture: what was published of it, and how its rows are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.labels.contacts import contacts_of
from ptml.schema import UTC_TIME
from ptml.train.spans import Span, believable

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.features.family import Logs
    from ptml.types import Level

NO_SPAN = Span()
CLASSES = {"malicious": 1, "benign": 0}
CAPTURE_CLASSES = {"malicious": 1, "mixed": 1, "benign": 0}


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture's share of a dataset.

    Attributes:
        capture_id: Which capture.
        name: What people call it.
        level: ``connection`` or ``capture``.
        label: The catalog's label.
        family: The catalog's family; a connection's own family wins.
        unit: What a capture is.
        raw: Hash of its raw data.
        features: Its files of features.
        labels: Its files of labels.
        labelled: Rows with a label.
        excluded: Rows left out, by reason.
        logs: Its parsed logs where whom its connections contact matters; else none.
        source: Who published it.
        group: Captures of a group are held out together.
        linked: What links it with others of its group: pcap, conn.log, connections, host and time.
        span: When it was.
        period: train, validation or test, where periods are named.
        known: Whether its family may be learned from.
        left_out: Why `[dataset]` leaves it out; None where it does not.
    """

    capture_id: str
    name: str | None
    level: Level
    label: str
    family: str | None
    unit: str
    raw: str
    features: list[Path]
    labels: list[Path]
    labelled: int
    excluded: dict[str, int] = field(default_factory=dict)
    logs: Logs = field(default_factory=dict)
    source: str = "unknown"
    group: str = ""
    linked: tuple[str, ...] = ()
    span: Span = NO_SPAN
    period: str | None = None
    known: bool = True
    left_out: str | None = None

    def read(self, cap: int, seed: int) -> pl.DataFrame:
        """Read at most `cap` labelled rows.

        Their features, and y, family, source, group, ts, host, period; contacts, where these matter.
        """
        features = pl.scan_parquet(self.features, hive_partitioning=False, glob=False).select(
            pl.lit(self.capture_id).alias("capture_id"), pl.all()
        )
        if self.level == "connection":
            drawn = self._drawn(cap, seed)
            drawn = drawn.join(self._contacts(drawn), on="uid", how="left")
            rows = features.join(drawn.lazy(), on="uid", how="inner").with_columns(
                ts=believable(pl.col("ts")), host=pl.col("id.orig_h")
            )
        else:
            malicious = CAPTURE_CLASSES[self.label]
            family = self.family if malicious else None
            rows = features.with_columns(
                y=pl.lit(malicious, pl.Int8),
                family=pl.lit(family, pl.String),
                ts=pl.lit(self.span.start, UTC_TIME),
                host=pl.lit(None, pl.String),
            )
        about = {"source": self.source, "group": self.group, "period": self.period}
        return rows.with_columns(
            pl.lit(value, pl.String).alias(name) for name, value in about.items()
        ).collect()

    def _contacts(self, drawn: pl.DataFrame) -> pl.DataFrame:
        """Tell whom these connections contact; nobody, where that does not matter."""
        if not self.logs or drawn.is_empty():
            return drawn.select("uid", contacts=pl.lit(None, pl.List(pl.String)))
        return contacts_of(self.logs, drawn.lazy().select("uid"))

    def _drawn(self, cap: int, seed: int) -> pl.DataFrame:
        label = pl.col("label").replace_strict(CLASSES, default=None, return_dtype=pl.Int8)
        labels = (
            pl.scan_parquet(self.labels, hive_partitioning=False, glob=False)
            .select("uid", "family", y=label)
            .drop_nulls("y")
            .collect()
        )
        if labels.height <= cap:
            return labels
        generator = np.random.default_rng([seed, int(self.capture_id[1:], 16)])
        return labels.sort("uid")[np.sort(generator.choice(labels.height, cap, replace=False))]
