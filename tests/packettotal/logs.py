"""Tables of a capture's analysis as PacketTotal's archive may have had them.

Attested are only ``conn.csv`` and ``intel.csv`` and the headers Connection ID, Sender IP and Target IP.
Assumed: that there is one table a log, every other header, the form of the times, quoting.
"""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.packettotal.packets import frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.packettotal.corpus import Capture, Visit

Row = dict[str, str]
PLACE = ("Timestamp", "Connection ID", "Sender IP", "Sender Port", "Target IP", "Target Port")


def tables(capture: Capture) -> dict[str, bytes]:
    """Give the capture's tables by the name of the log, the order unsorted as the service had it."""
    found: dict[str, list[Row]] = {"conn": [_conn(one) for one in capture.visits]}
    for visit in capture.visits:
        for log, row in _of_visit(visit):
            found.setdefault(log, []).append(row)
    for visit, title in capture.alerts:
        row = _place(visit) | {"Alert": title, "Severity": "1", "Transport Protocol": visit.talk.proto}
        found.setdefault("signature_alerts", []).append(row)
    for indicator, article in capture.intel:
        row = {"Indicator": indicator, "Indicator Type": "domain", "Reference": article}
        found.setdefault("intel", []).append(row)
    return {log: as_csv(rows) for log, rows in found.items()}


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Write a table: UTF-8 with a mark at its beginning, lines that end as Windows ends them (assumed)."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def uid_of(visit: Visit) -> str:
    """Give a connection's id as Zeek would: C and letters, made of the connection alone."""
    talk = visit.talk
    return "C" + hashlib.sha1(repr((talk.start, talk.orig, talk.resp)).encode()).hexdigest()[:17]


def _place(visit: Visit) -> Row:
    talk = visit.talk
    moment = datetime.fromtimestamp(talk.start, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    ends = (moment, uid_of(visit), talk.orig[0], str(talk.orig[1]), talk.resp[0], str(talk.resp[1]))
    return dict(zip(PLACE, ends, strict=True))


def _conn(visit: Visit) -> Row:
    packets = frames(visit.talk)
    sent = [one for one in packets if one.from_orig]
    back = [one for one in packets if not one.from_orig]
    tcp, answered = visit.talk.proto == "tcp", bool(back)
    return _place(visit) | {
        "Proto": visit.talk.proto,
        "Service": visit.service or "-",
        "Duration": f"{packets[-1].time - packets[0].time:.6f}" if answered else "-",
        "Orig Bytes": str(sum(one.payload for one in sent)) if answered else "-",
        "Resp Bytes": str(sum(one.payload for one in back)) if answered else "-",
        "Conn State": "SF" if answered else "S0",
        "Missed Bytes": "0",
        "History": ("ShADadFf" if tcp else "Dd") if answered else ("S" if tcp else "D"),
        "Orig Pkts": str(len(sent)),
        "Orig IP Bytes": str(sum(one.ip_bytes for one in sent)),
        "Resp Pkts": str(len(back)),
        "Resp IP Bytes": str(sum(one.ip_bytes for one in back)),
        "Tunnel Parents": "(empty)",
    }


def _of_visit(visit: Visit) -> list[tuple[str, Row]]:
    place = _place(visit)
    if visit.service == "dns":
        asked = {"Proto": "udp", "Query": visit.name, "Qtype Name": "A", "Rcode Name": "NOERROR"}
        return [("dns", place | asked | {"Answers": visit.answer, "Rejected": "False"})]
    if visit.service == "ssl":
        return [("ssl", place | {"Version": "TLSv12", "Server Name": visit.name, "Established": "True"})]
    if visit.service == "http":
        rows = [
            ("http", place | {"Method": "GET", "Host": visit.name, "URI": visit.uri, "Status Code": "200"})
        ]
        if visit.carried:
            digest = hashlib.md5(visit.carried, usedforsecurity=False).hexdigest()
            rows.append(
                ("files", place | {"Source": "HTTP", "MIME Type": "application/msword", "MD5": digest})
            )
        return rows
    if visit.service is None and not visit.talk.said:
        return [("weird", place | {"Name": "connection_originator_SYN_ack", "Notice": "False"})]
    return []
