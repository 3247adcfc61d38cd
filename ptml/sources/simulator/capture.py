"""Writing one capture: slice by slice, so that memory does not grow with its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ptml.sources.simulator import frames, text
from ptml.sources.simulator.edges import cut, silence
from ptml.sources.simulator.network import build_network
from ptml.sources.simulator.records import concat
from ptml.sources.simulator.schedule import build_schedule
from ptml.sources.simulator.sink import Sink
from ptml.sources.simulator.transport import settle

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ptml.sources.simulator.network import Network
    from ptml.sources.simulator.plan import CapturePlan
    from ptml.sources.simulator.records import Flows, Ints
    from ptml.sources.simulator.schedule import Schedule


_EPHEMERAL: Final = 49_152
_LAST_PORT: Final = 65_535


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
    sink = Sink(
        folder, schedule.families, log_format=log_format, compress=compress, opened_at=plan.started_at
    )
    for place in range(schedule.slices):
        flows, behaviour = _generate(schedule, place)
        rng = schedule.generator(place, -1)
        flows = cut(silence(flows), schedule.window(0)[0], schedule.window(-1)[1], rng)
        _add_slice(flows, behaviour, network, sink, rng)
        sink.flush(schedule.window(place)[1])
    ended_at = sink.close()
    families = {family for family in schedule.families if family}
    return WrittenCapture(
        name=plan.name,
        label="mixed" if sink.malicious else "benign",
        family=families.pop() if len(families) == 1 else None,
        files=sink.files,
        connections=sink.connections,
        malicious=sink.malicious,
        started_at=plan.started_at,
        ended_at=ended_at,
    )


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


def _add_slice(flows: Flows, behaviour: Ints, network: Network, sink: Sink, rng: np.random.Generator) -> None:
    """Turn a slice's event tables into rows of the logs."""
    conn = settle(flows, rng)
    drawn = rng.integers(_EPHEMERAL, _LAST_PORT + 1, len(flows))
    conn["orig_p"] = np.where(conn["orig_p"] < 0, drawn, conn["orig_p"])
    rows = frames.conn_frame(conn, text.identifiers(rng, len(flows), "C"))
    ids = rows.select("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
    sink.add_connections(rows, behaviour)
    seen = flows.events
    if "dns" in seen:
        sink.add("dns", frames.dns_frame(seen["dns"], ids, rng))
    if "http" in seen:
        http, bodies = frames.http_frames(seen["http"], ids, rng)
        sink.add("http", http)
        sink.add("files", bodies)
    if "ssl" in seen:
        ssl = frames.ssl_frame(seen["ssl"], ids, network, rng)
        sink.add("ssl", ssl)
        sink.add("x509", frames.x509_frame(ssl, network, sink.certificates))
    if "files" in seen:
        sink.add("files", frames.files_frame(seen["files"], ids, rng))
    if "weird" in seen:
        sink.add("weird", frames.weird_frame(seen["weird"], ids))
