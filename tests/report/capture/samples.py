"""Captures for tests of their page: an ordinary one, and one in which every string attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.identity import capture_id_of_logs
from ptml.parse.scan import log_files, scan_zeek
from ptml.schema import CAPTURE_SCORES, CONNECTION_SCORES
from ptml.score.tables import write_tables
from tests.builders import CONN, conn_log, conn_row, zeek_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;<!--{{7*7}}"
ESCAPED = "\\x1b[2J\\xe2\\x80\\xae"
"""As Zeek writes an escape sequence and a mark that turns text around."""
HOSTILE = ATTACK + ESCAPED
DNS = {"ts": "time", "uid": "string", "id.orig_h": "addr", "query": "string", "rcode_name": "string"}
SSL = {"ts": "time", "uid": "string", "id.orig_h": "addr", "id.resp_h": "addr", "server_name": "string"}
HTTP = {"ts": "time", "uid": "string", "host": "string"}
FILES = {
    "ts": "time",
    "fuid": "string",
    "source": "string",
    "mime_type": "string",
    "filename": "string",
    "seen_bytes": "count",
    "sha1": "string",
}
NOTICE = {"ts": "time", "note": "enum", "msg": "string", "src": "addr"}
WEIRD = {"ts": "time", "uid": "string", "id.orig_h": "addr", "name": "string"}
AT = "1764000000.000000"


def ordinary(folder: Path) -> Path:
    """Write a capture of 24 connections, one every 60 s, and a lone one; with a name, a file and a notice."""
    folder.mkdir(parents=True)
    rows = [
        conn_row(uid=f"C{i}", ts=f"{1764000000 + 60 * i}.000000", id__orig_p=str(2000 + i)) for i in range(24)
    ]
    lone = conn_row(
        uid="D1", ts="1764000030.000000", id__resp_h="8.8.8.8", id__resp_p="53", proto="udp", service="dns"
    )
    (folder / "conn.log").write_bytes(conn_log([*rows, lone]))
    (folder / "dns.log").write_bytes(
        zeek_log("dns", DNS, [[AT, "D1", "10.0.0.5", "example.org", "NXDOMAIN"]])
    )
    (folder / "ssl.log").write_bytes(
        zeek_log("ssl", SSL, [[AT, "C0", "10.0.0.5", "203.0.113.9", "update.example"]])
    )
    lines = [[AT, "F1", "HTTP", "application/x-dosexec", "a.exe", "1500", "ab" * 20]]
    (folder / "files.log").write_bytes(zeek_log("files", FILES, lines))
    return folder


def hostile(folder: Path) -> Path:
    """Write a capture in which every string attacks, and one name is 10 kB long."""
    folder.mkdir(parents=True)
    attack = dict.fromkeys(("proto", "service", "conn_state", "history", "id.orig_h", "id.resp_h"), HOSTILE)
    rows = [conn_row() | attack | {"uid": f"{HOSTILE}{i}", "ts": f"{1764000000 + 60 * i}"} for i in range(30)]
    (folder / "conn.log").write_bytes(zeek_log("conn", CONN, [[row[name] for name in CONN] for row in rows]))
    names = [HOSTILE, "n" * 10_000, "bücher.example"]
    dns = [[AT, f"{HOSTILE}{i}", HOSTILE, name, HOSTILE] for i, name in enumerate(names)]
    (folder / "dns.log").write_bytes(zeek_log("dns", DNS, dns))
    (folder / "ssl.log").write_bytes(zeek_log("ssl", SSL, [[AT, f"{HOSTILE}0", HOSTILE, HOSTILE, HOSTILE]]))
    (folder / "http.log").write_bytes(zeek_log("http", HTTP, [[AT, f"{HOSTILE}1", HOSTILE]]))
    lines = [[AT, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "18446744073709551615", HOSTILE]]
    (folder / "files.log").write_bytes(zeek_log("files", FILES, lines))
    (folder / "notice.log").write_bytes(zeek_log("notice", NOTICE, [[AT, HOSTILE, HOSTILE, HOSTILE]]))
    (folder / "weird.log").write_bytes(zeek_log("weird", WEIRD, [[AT, HOSTILE, HOSTILE, HOSTILE]]))
    return folder


def scored(folder: Path, captures: Mapping[str, Path], reasons: Sequence[str] | None = None) -> Path:
    """Write what `ptml score` writes of captures, by the code that writes it there.

    Of each, every tenth connection is an alert of probability 0.9, and the others have 0.1.
    """
    out = folder / "scores"
    out.mkdir(parents=True)
    tables, parts = [], []
    for number, (name, path) in enumerate(captures.items()):
        capture_id = capture_id_of_logs(log_files(path))
        conn = scan_zeek(path / "conn.log").collect()
        alert = pl.int_range(pl.len()) % 10 == 0
        part = CONNECTION_SCORES.check(
            conn.select(
                "uid", "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service"
            ).with_columns(
                capture_id=pl.lit(capture_id),
                probability=pl.when(alert).then(0.9).otherwise(0.1),
                verdict=pl.when(alert).then(pl.lit("malicious")).otherwise(pl.lit("benign")),
                threshold=pl.lit(0.5),
                out_of_distribution=pl.lit(None, pl.Boolean),
                reasons=pl.when(alert).then(pl.lit(reasons, pl.List(pl.String))),
                evidence=pl.lit(None, pl.List(pl.String)),
                contributions=pl.lit(None),
            )
        )
        parts.append(folder / f"{number}.parquet")
        part.write_parquet(parts[-1])
        row = dict.fromkeys(CAPTURE_SCORES.schema) | {
            "capture_id": capture_id,
            "name": name,
            "path": str(path),
            "connections": conn.height,
            "alerts": (conn.height + 9) // 10,
            "top_probability": 0.9,
        }
        tables.append(pl.DataFrame([row], schema=CAPTURE_SCORES.schema))
    write_tables(out, pl.concat(tables), connections=parts, hosts=[])
    (out / "run.json").write_text("{}")
    return out
