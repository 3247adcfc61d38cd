"""Logs that neither the simulator writes nor the small real captures have, drawn over simulated connections.

They have what a field can hold and no story: enough to judge whether a feature varies, keeps its range, and
obeys the laws. What each feature makes of such rows is worked by hand in the tests of its family.
"""

from __future__ import annotations

from random import Random
from typing import Any

import polars as pl

from ptml.features.inputs import COLUMNS

Logs = dict[str, pl.LazyFrame]
SHARE = 0.25
"""Share of the connections that such a log has a row of."""
FEW_ROWS = 300
"""Connections of a capture that are drawn from: these logs are short."""

FLAG = (True, False, None)
PEOPLE = ("ann@example.org", "bob@example.net", "Carl <carl@mail.example.com>", None)
DIGESTS = (*(f"{number:032x}" for number in range(12)), None)

VALUES: dict[str, dict[str, tuple[Any, ...]]] = {
    "quic": {
        "version": ("1", "2", "draft-29", None),
        "server_name": ("video.example.com", "a.example", "xn--bcher-kva.example", None),
        "client_protocol": ("h3", "h3-29", "doq", None),
        "history": ("ISiHhs", "IZiHhs", "IRrISis", None),
    },
    "ssh": {"hassh": ("ec7378c1a92f5a8dde7e8b7a1ddf33d1", "06046964c022c6407d15a27b12a6a4fb", None)},
    "ldap": {
        "opcode": ("bind simple", "bind SASL", "search", "unbind", "modify", None),
        "result": ("success", "invalid credentials", "insufficient access rights", None),
    },
    "ldap_search": {
        "scope": ("base", "single", "tree", None),
        "result_count": (0, 1, 7, 4000, None),
        "filter": ("(objectClass=*)", "(servicePrincipalName=*)", "(&(uid=ann)(objectClass=person))", None),
    },
    "smtp": {
        "helo": ("mail.example.org", "[10.0.0.7]", None),
        "mailfrom": PEOPLE,
        "rcptto": (["bob@example.net"], ["bob@example.net", "eve@example.com"], None),
        "from": PEOPLE,
        "reply_to": PEOPLE,
        "subject": ("Invoice", "Re: lunch", None),
        "last_reply": ("250 ok", "550 no such user", "535 authentication failed", None),
        "path": (["192.0.2.1"], ["192.0.2.1", "192.0.2.2"], None),
        "user_agent": ("Thunderbird 115", None),
        "tls": FLAG,
        "fuids": (["F1", "F2"], ["F3"], [], None),
    },
    "notice": {
        "note": (
            *("Scan::Port_Scan", "Scan::Address_Scan", "SSL::Invalid_Server_Cert", "SSH::Password_Guessing"),
            *("TeamCymruMalwareHashRegistry::Match", "FTP::Bruteforcing", "Weird::Activity", None),
        ),
    },
    "intel": {"seen.indicator_type": ("Intel::ADDR", "Intel::DOMAIN", "Intel::FILE_HASH", None)},
    "signatures": {"sig_id": ("dpd_ayiya", "shell-code", "dpd_tor", None)},
    "signature_alerts": {},
}
"""Logs that are added, with the values that each column may hold; ``ts`` and ``uid`` are a connection's."""
ADDED: dict[str, dict[str, tuple[Any, ...]]] = {
    "ssl": {
        "ja3": ("e7d705a3286e19ea42f587b344ee6865", "6734f37431670b3ab4292b8f60f29984", "a" * 32, None),
        "ja3s": ("ec74a5c51106f0419184d0dd08fb05bc", "b" * 32, None),
        "ja4": ("t13d1516h2_8daaf6152771_b186095e22b6", "t12i0605h1_000000000000_000000000000", None),
        "validation_status": ("ok", "self signed certificate", "certificate has expired", None),
    },
    "files": {"md5": DIGESTS},
}
"""Columns that are put in place of what the simulator writes."""
PROGRAMS = (
    ("Firefox", "HTTP::BROWSER"),
    ("curl", "HTTP::BROWSER"),
    ("nginx", "HTTP::SERVER"),
    ("OpenSSH", "SSH::SERVER"),
)
VERSIONS = (None, 1, 8, 45, 90)


def with_rare_logs(logs: Logs, seed: int) -> Logs:
    """Add rare logs and columns to those of one capture."""
    random = Random(seed)
    conn = logs["conn"].collect()
    known = conn.head(FEW_ROWS).to_dicts()
    more = {name: _rows(name, values, known, random) for name, values in VALUES.items()}
    changed = {
        name: _with_columns(logs[name], columns, random) for name, columns in ADDED.items() if name in logs
    }
    return {**logs, **more, **changed, "software": _software(known, random)}


def _frame(log: str, rows: list[dict[str, Any]]) -> pl.LazyFrame:
    names = {name: None for row in rows for name in row}
    return pl.LazyFrame(rows, schema={name: COLUMNS[log][name] for name in names})


def _rows(
    log: str, values: dict[str, tuple[Any, ...]], known: list[dict[str, Any]], random: Random
) -> pl.LazyFrame:
    rows = []
    for one in known:
        while random.random() < SHARE:
            row = {name: one[name] for name in ("capture_id", "ts", "uid") if name in COLUMNS[log]}
            rows.append(row | {name: random.choice(choices) for name, choices in values.items()})
    return _frame(log, rows)


def _with_columns(frame: pl.LazyFrame, columns: dict[str, tuple[Any, ...]], random: Random) -> pl.LazyFrame:
    table = frame.collect()
    drawn = {
        name: pl.Series([random.choice(choices) for _ in range(table.height)], dtype=pl.String)
        for name, choices in columns.items()
    }
    return table.with_columns(**drawn).lazy()


def _software(known: list[dict[str, Any]], random: Random) -> pl.LazyFrame:
    rows = []
    for one in known:
        name, kind = random.choice(PROGRAMS)
        side, port = ("id.orig_h", None) if kind == "HTTP::BROWSER" else ("id.resp_h", one["id.resp_p"])
        major = random.choice(VERSIONS)
        if random.random() < SHARE:
            rows.append(
                {
                    "capture_id": one["capture_id"],
                    "ts": one["ts"],
                    "host": one[side],
                    "host_p": port,
                    "software_type": kind,
                    "name": name,
                    "version.major": major,
                    "version.minor": random.choice((None, 0, 4)),
                    "unparsed_version": f"{name}/{major}",
                }
            )
    return _frame("software", rows)
