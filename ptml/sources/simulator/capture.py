"""Writing one capture: slice by slice, so that memory does not grow with its length."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from ptml.sources.simulator import frames, text
from ptml.sources.simulator.network import build_network
from ptml.sources.simulator.records import concat
from ptml.sources.simulator.schedule import Schedule, build_schedule
from ptml.sources.simulator.transport import settle, silence
from ptml.sources.simulator.writer import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.sources.simulator.network import Network
    from ptml.sources.simulator.plan import CapturePlan
    from ptml.sources.simulator.records import Flows, Ints

ALWAYS: Final = ("conn", "dns", "http", "ssl", "x509", "files")
LABELS: Final = "labels.parquet"
_FOREVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class WrittenCapture:
    """What was written.

    Attributes:
        name: The plan's name.
        label: ``benign``, or ``mixed`` where malicious connections stand among normal ones.
        family: The family, if there is exactly one.
        files: The logs, and ``labels.parquet`` last.
        connections: conn.log's rows.
        malicious: How many of them are malicious.
        started_at: Time of the plan's start.
        ended_at: End of the last connection.
    """

    name: str
    label: str
    family: str | None
    files: tuple[Path, ...]
    connections: int
    malicious: int
    started_at: datetime
    ended_at: datetime


def write_capture(
    plan: CapturePlan, folder: Path, *, log_format: Literal["tsv", "json"] = "tsv", compress: bool = False
) -> WrittenCapture:
    """Write a capture's logs, as Zeek would, and the label of every connection.

    The same plan gives the same bytes. ``folder`` is made if it is not there.

    Args:
        plan: What to write.
        folder: Gets ``conn.log dns.log http.log ssl.log x509.log files.log``, ``weird.log`` where something
            odd was seen, and ``labels.parquet``: ``uid``, ``label``, ``family`` for each row of conn.log.
        log_format: ``tsv`` or ``json``.
        compress: Write ``.log.gz``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = build_network(plan)
    schedule = build_schedule(plan, network)
    sink = _Sink(folder, plan, schedule, log_format=log_format, compress=compress)
    logged: set[str] = set()
    for place in range(schedule.slices):
        flows, behaviour = _generate(schedule, place)
        rng = schedule.generator(place, -1)
        _write_slice(flows, behaviour, network, sink, rng, logged)
        sink.flush(schedule.window(place)[1])
    sink.flush(_FOREVER)
    return sink.close()


def _generate(schedule: Schedule, place: int) -> tuple[Flows, Ints]:
    parts: list[Flows] = []
    origin: list[int] = []
    for number, (active, count) in enumerate(schedule.counts(place)):
        if count:
            part = active.generate(schedule.scene(place, number), count)
            assert len(part) == count, f"{active.name} made {len(part)} rows of {count}"
            parts.append(part)
            origin.append(number)
    sizes = [len(part) for part in parts]
    return concat(parts), np.repeat(np.array(origin, dtype=np.int64), sizes)


def _write_slice(
    flows: Flows,
    behaviour: Ints,
    network: Network,
    sink: _Sink,
    rng: np.random.Generator,
    logged: set[str],
) -> None:
    flows = silence(flows)
    conn = settle(flows, rng)
    drawn = rng.integers(49_152, 65_536, len(flows))
    conn["orig_p"] = np.where(conn["orig_p"] < 0, drawn, conn["orig_p"])
    uids = text.identifiers(rng, len(flows), "C")
    rows = frames.conn_frame(conn, uids)
    ids = rows.select("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
    sink.add("conn", rows.with_columns(_behaviour=pl.Series(behaviour)))
    if "dns" in flows.events:
        sink.add("dns", frames.dns_frame(flows.events["dns"], ids, rng))
    if "http" in flows.events:
        http, bodies = frames.http_frames(flows.events["http"], ids, rng)
        sink.add("http", http)
        sink.add("files", bodies)
    if "ssl" in flows.events:
        ssl = frames.ssl_frame(flows.events["ssl"], ids, network, rng)
        sink.add("ssl", ssl)
        sink.add("x509", frames.x509_frame(ssl, network, logged))
    if "files" in flows.events:
        sink.add("files", frames.files_frame(flows.events["files"], ids, rng))
    if "weird" in flows.events:
        sink.add("weird", frames.weird_frame(flows.events["weird"], ids))


class _Sink:
    """Holds rows back until nothing earlier can come, then writes them in order."""

    def __init__(
        self,
        folder: Path,
        plan: CapturePlan,
        schedule: Schedule,
        *,
        log_format: Literal["tsv", "json"],
        compress: bool,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._format: Literal["tsv", "json"] = log_format
        self._compress = compress
        self._schedule = schedule
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._writers = {log: self._open(log) for log in ALWAYS}
        self._labels: pq.ParquetWriter | None = None
        self._malicious = 0
        self._last = 0

    def _open(self, log: str) -> LogWriter:
        return LogWriter(
            self._folder,
            log,
            log_format=self._format,
            compress=self._compress,
            opened_at=self._plan.started_at,
        )

    def add(self, log: str, frame: pl.DataFrame) -> None:
        """Take rows of a log."""
        if log not in self._writers:
            self._writers[log] = self._open(log)
        columns = self._writers[log].columns
        keep = [*(name for name in columns if name in frame.columns), frames.KEY]
        if log == "conn":
            keep.append("_behaviour")
        self._waiting.setdefault(log, []).append(frame.select(keep))

    def flush(self, until: int) -> None:
        """Write all rows that lie before ``until``; later slices have none that do."""
        for log, waiting in self._waiting.items():
            rows = pl.concat(waiting, how="diagonal").sort(frames.KEY, maintain_order=True)
            ready = rows.filter(pl.col(frames.KEY) < until)
            self._waiting[log] = [rows.filter(pl.col(frames.KEY) >= until)]
            self._writers[log].write(ready)
            if log == "conn" and ready.height:
                self._last = max(self._last, int(ready[frames.KEY][-1]))
                self._write_labels(ready)

    def _write_labels(self, rows: pl.DataFrame) -> None:
        families = pl.Series(self._schedule.families, dtype=pl.String).gather(rows["_behaviour"])
        self._malicious += len(families) - families.null_count()
        label = pl.when(pl.col("family").is_null()).then(pl.lit("benign")).otherwise(pl.lit("malicious"))
        table = (
            rows.select("uid")
            .with_columns(family=families)
            .select("uid", label.alias("label"), "family")
            .to_arrow()
        )
        if self._labels is None:
            self._labels = pq.ParquetWriter(self._folder / LABELS, table.schema, compression="zstd")
        self._labels.write_table(table)

    def close(self) -> WrittenCapture:
        """Finish all files."""
        ended_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self._last)
        for writer in self._writers.values():
            writer.close(ended_at)
        assert self._labels is not None
        self._labels.close()
        families = {name for name in self._schedule.families if name}
        return WrittenCapture(
            name=self._plan.name,
            label="mixed" if self._malicious else "benign",
            family=families.pop() if len(families) == 1 else None,
            files=(*(writer.path for writer in self._writers.values()), self._folder / LABELS),
            connections=self._writers["conn"].rows,
            malicious=self._malicious,
            started_at=self._plan.started_at,
            ended_at=ended_at,
        )
