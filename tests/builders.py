"""Small Zeek logs for tests, written by code that shares nothing with ptml's reader."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EMPTY_PCAP = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000")
PCAP = EMPTY_PCAP + bytes.fromhex("00000000 00000000 04000000 04000000 00000000")
"""A packet capture without packets, and one of a packet of four zeros."""
CONN = {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "proto": "enum",
    "service": "string",
    "duration": "interval",
    "orig_bytes": "count",
    "resp_bytes": "count",
    "conn_state": "string",
    "history": "string",
    "orig_pkts": "count",
    "orig_ip_bytes": "count",
    "resp_pkts": "count",
    "resp_ip_bytes": "count",
    "tunnel_parents": "set[string]",
}
ROW = {
    "ts": "1764000000.000001",
    "uid": "C1",
    "id.orig_h": "10.0.0.5",
    "id.orig_p": "50000",
    "id.resp_h": "203.0.113.9",
    "id.resp_p": "443",
    "proto": "tcp",
    "service": "ssl",
    "duration": "1.500000",
    "orig_bytes": "30",
    "resp_bytes": "10",
    "conn_state": "SF",
    "history": "ShADadFf",
    "orig_pkts": "5",
    "orig_ip_bytes": "290",
    "resp_pkts": "4",
    "resp_ip_bytes": "218",
    "tunnel_parents": "-",
}


def conn_row(**changes: str) -> dict[str, str]:
    """Give a row of conn.log as text; dots in names are written as double underscores."""
    return ROW | {name.replace("__", "."): value for name, value in changes.items()}


def zeek_log(
    path: str, types: Mapping[str, str], lines: Sequence[Sequence[str]], *, close: bool = True
) -> bytes:
    """Give a TSV log as Zeek writes it, from values that are escaped already."""
    head = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{path}",
        "#open\t2026-11-24-00-00-00",
        "\t".join(["#fields", *types]),
        "\t".join(["#types", *types.values()]),
    ]
    tail = ["#close\t2026-11-24-01-00-00"] if close else []
    return ("\n".join([*head, *("\t".join(line) for line in lines), *tail]) + "\n").encode()


def conn_log(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Give a conn.log of rows as `conn_row` makes them."""
    return zeek_log("conn", CONN, [[row[name] for name in CONN] for row in rows])


def capture_folder(
    root: Path, name: str, rows: Sequence[Mapping[str, str]], *, compress: bool = False
) -> Path:
    """Write a capture's folder with a conn.log."""
    folder = root / name
    folder.mkdir(parents=True)
    data = conn_log(rows)
    if compress:
        (folder / "conn.log.gz").write_bytes(gzip.compress(data))
    else:
        (folder / "conn.log").write_bytes(data)
    return folder


def many_rows(count: int, *, start: int = 0, **changes: str) -> list[dict[str, str]]:
    """Give rows that differ in uid, time and originator's port."""
    return [
        conn_row(
            uid=f"C{start + i}", ts=f"{1764000000 + start + i}.000000", id__orig_p=str(1024 + i), **changes
        )
        for i in range(count)
    ]
