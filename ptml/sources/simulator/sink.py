"""Where finished rows go: held back until nothing earlier can come, then written in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ptml.sources.simulator.frames import KEY
from ptml.sources.simulator.writer import LogFormat, LogWriter

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.sources.simulator.records import Ints

ALWAYS: Final = ("conn", "dns", "http", "ssl", "x509", "files")
"""Logs that a capture has even if they are empty."""

LABELS: Final = "labels.parquet"
_SCHEMA: Final = pa.schema([("uid", pa.string()), ("label", pa.string()), ("family", pa.string())])
_BEHAVIOUR: Final = "_behaviour"
_FOREVER: Final = 2**62


class Sink:
    """The files of one capture.

    Args:
        folder: Where they go.
        families: Family of each behaviour, None for benign ones.
        log_format: ``tsv`` or ``json``.
        compress: Write gz.
        opened_at: Start of the capture.

    Attributes:
        certificates: Fingerprints that x509.log already has.
        connections: Rows written to conn.log.
        malicious: How many of them are malicious.
    """

    def __init__(
        self,
        folder: Path,
        families: list[str | None],
        *,
        log_format: LogFormat,
        compress: bool,
        opened_at: datetime,
    ) -> None:
        self.certificates: set[str] = set()
        self.connections = 0
        self.malicious = 0
        self._folder = folder
        self._families = pl.Series(families, dtype=pl.String)
        self._format: LogFormat = log_format
        self._compress = compress
        self._opened_at = opened_at
        self._last = 0
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._writers: dict[str, LogWriter] = {}
        for log in ALWAYS:
            self._writer(log)
        self._labels = pq.ParquetWriter(folder / LABELS, _SCHEMA, compression="zstd")

    @property
    def files(self) -> tuple[Path, ...]:
        """The logs, and the labels last."""
        return (*(writer.path for writer in self._writers.values()), self._folder / LABELS)

    def _writer(self, log: str) -> LogWriter:
        if log not in self._writers:
            self._writers[log] = LogWriter(
                self._folder,
                log,
                log_format=self._format,
                compress=self._compress,
                opened_at=self._opened_at,
            )
        return self._writers[log]

    def add(self, log: str, frame: pl.DataFrame) -> None:
        """Take rows of a log; `KEY` orders them."""
        if not frame.height:
            return
        kept = [name for name in self._writer(log).columns if name in frame.columns]
        self._waiting.setdefault(log, []).append(frame.select(*kept, KEY))

    def add_connections(self, frame: pl.DataFrame, behaviour: Ints) -> None:
        """Take conn.log's rows, with the position of the behaviour that each came from."""
        self._waiting.setdefault("conn", []).append(frame.with_columns(pl.Series(_BEHAVIOUR, behaviour)))

    def flush(self, until: int) -> None:
        """Write all rows that lie before ``until``; later slices have none that do."""
        for log, waiting in self._waiting.items():
            rows = pl.concat(waiting, how="diagonal") if len(waiting) > 1 else waiting[0]
            order = np.argsort(rows[KEY].to_numpy(), kind="stable")
            rows = rows[order]
            ready = int(rows[KEY].search_sorted(until))
            self._waiting[log] = [_compact(rows[ready:])]
            self._writers[log].write(rows[:ready])
            if log == "conn" and ready:
                self._last = max(self._last, int(rows[KEY][ready - 1]))
                self._label(rows[:ready])

    def _label(self, rows: pl.DataFrame) -> None:
        families = self._families.gather(rows[_BEHAVIOUR])
        self.connections += rows.height
        self.malicious += rows.height - families.null_count()
        label = pl.when(pl.col("family").is_null()).then(pl.lit("benign")).otherwise(pl.lit("malicious"))
        labels = rows.select("uid", families.alias("family")).select("uid", label.alias("label"), "family")
        self._labels.write_table(labels.to_arrow().cast(_SCHEMA))

    def close(self) -> datetime:
        """Write what is left and finish all files.

        Returns:
            The end of the last connection.
        """
        self.flush(_FOREVER)
        ended_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self._last)
        for writer in self._writers.values():
            writer.close(ended_at)
        self._labels.close()
        return ended_at


def _compact(rows: pl.DataFrame) -> pl.DataFrame:
    """Copy rows so that they do not keep the text of a whole slice alive."""
    copied = pl.from_arrow(rows.to_arrow())
    assert isinstance(copied, pl.DataFrame)
    return copied
