"""Columnar event tables: connections as integer arrays, and what was seen inside them as frames.

A behaviour never makes one connection at a time: it fills whole columns. ``Flows.conn`` holds one array a
column, all of one length; the other tables point at a connection by its position, ``row``.
Times are microseconds since 1970, durations microseconds, addresses IPv4 as integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STATES: Final = ("S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "OTH", "SHR")
S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, OTH, SHR = range(11)
PROTOS: Final = ("tcp", "udp", "icmp")
TCP, UDP, ICMP = range(3)
IP_PROTO: Final = (6, 17, 1)
SERVICES: Final = (
    *(None, "dns", "http", "ssl", "ssh", "smtp", "ntp", "gssapi,ntlm,smb", "krb_tcp", "snmp", "sip"),
    *("dce_rpc", "ftp", "smtp,ssl", "smb", "dhcp", "ldap_tcp", "quic,ssl"),
)
SERVICE: Final[dict[str | None, int]] = {name: code for code, name in enumerate(SERVICES)}

DEFAULTS: Final[dict[str, int]] = {
    "start": 0,
    "orig": 0,
    "resp": 0,
    "orig_p": -1,  # an ephemeral port, drawn when the slice is complete
    "resp_p": 0,
    "proto": TCP,
    "service": 0,
    "state": SF,
    "duration": 0,
    "up": 0,  # payload bytes of the originator
    "down": 0,
    "up_messages": 1,  # at least so many packets with payload, if there is payload
    "down_messages": 1,
    "server_first": 0,  # the responder sends payload first, as in SMTP and SSH
}

EVENTS: Final[dict[str, dict[str, pl.DataType]]] = {
    "dns": {
        "row": pl.Int64(),
        "offset": pl.Int64(),
        "query": pl.String(),
        "qtype": pl.Int64(),
        "rcode": pl.Int64(),
        "rtt": pl.Int64(),
        "answers": pl.List(pl.String()),
        "ttls": pl.List(pl.Int64()),
    },
    "http": {
        "row": pl.Int64(),
        "offset": pl.Int64(),
        "depth": pl.Int64(),
        "method": pl.String(),
        "host": pl.String(),
        "uri": pl.String(),
        "referrer": pl.String(),
        "user_agent": pl.String(),
        "request_len": pl.Int64(),
        "response_len": pl.Int64(),
        "status": pl.Int64(),
        "mime": pl.String(),
    },
    "ssl": {
        "row": pl.Int64(),
        "offset": pl.Int64(),
        "site": pl.Int64(),
        "version": pl.Int64(),
        "resumed": pl.Boolean(),
        "sni": pl.Boolean(),
    },
    "files": {
        "row": pl.Int64(),
        "offset": pl.Int64(),
        "source": pl.String(),
        "mime": pl.String(),
        "filename": pl.String(),
        "size": pl.Int64(),
        "is_orig": pl.Boolean(),
        "depth": pl.Int64(),
    },
    "weird": {
        "row": pl.Int64(),
        "offset": pl.Int64(),
        "name": pl.String(),
        "source": pl.String(),
    },
}


@dataclass(slots=True)
class Flows:
    """Connections and what was seen inside them.

    Attributes:
        conn: Column name to array; the columns are those of `DEFAULTS`.
        events: Log name to a frame whose ``row`` is a position in ``conn``.
    """

    conn: dict[str, Ints]
    events: dict[str, pl.DataFrame] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.conn["start"])


def connections(start: Ints, columns: Mapping[str, Ints | int]) -> Flows:
    """Make connections from their start times and the columns that differ from `DEFAULTS`.

    >>> flows = connections(np.array([10, 20]), {"resp_p": 22, "up": np.array([1, 2])})
    >>> flows.conn["resp_p"].tolist(), flows.conn["up"].tolist(), flows.conn["state"].tolist()
    ([22, 22], [1, 2], [2, 2])
    """
    filled: dict[str, Ints] = {}
    for name, default in DEFAULTS.items():
        value = start if name == "start" else columns.get(name, default)
        filled[name] = np.broadcast_to(np.asarray(value, dtype=np.int64), start.shape)
    return Flows(filled)


def events(log: str, rows: Ints, columns: Mapping[str, object]) -> pl.DataFrame:
    """Make a frame of events in ``log`` with the columns that `EVENTS` lists; numbers and text broadcast.

    >>> events("weird", np.array([3]), {"offset": 5, "name": "bad_HTTP_request", "source": "HTTP"}).rows()
    [(3, 5, 'bad_HTTP_request', 'HTTP')]
    """
    frame = pl.DataFrame({"row": rows}, schema={"row": pl.Int64})
    made: list[pl.Series | pl.Expr] = []
    for name, dtype in EVENTS[log].items():
        if name == "row":
            continue
        value = columns.get(name)
        if isinstance(value, (np.ndarray, pl.Series)):
            made.append(pl.Series(name, value, dtype=dtype))
        else:
            made.append(pl.lit(value, dtype=dtype).alias(name))
    return frame.with_columns(made)


def concat(parts: Iterable[Flows]) -> Flows:
    """Put flows one after the other, moving the positions that events point at.

    >>> one = connections(np.array([1]), {})
    >>> two = connections(np.array([2]), {})
    >>> two.events["weird"] = events("weird", np.array([0]), {"offset": 0, "name": "x", "source": "TCP"})
    >>> concat([one, two]).events["weird"]["row"].to_list()
    [1]
    """
    kept = [part for part in parts if len(part)]
    if not kept:
        return connections(np.empty(0, dtype=np.int64), {})
    joined = Flows({name: np.concatenate([part.conn[name] for part in kept]) for name in kept[0].conn})
    moved: dict[str, list[pl.DataFrame]] = {}
    position = 0
    for part in kept:
        for log, frame in part.events.items():
            moved.setdefault(log, []).append(frame.with_columns(pl.col("row") + position))
        position += len(part)
    joined.events = {log: pl.concat(frames, rechunk=False) for log, frames in moved.items()}
    return joined


def code_of(names: Sequence[str], name: str) -> int:
    """Position of a name in one of the tables above.

    >>> code_of(STATES, "REJ")
    3
    """
    return names.index(name)
