"""Alerts as the Elastic Common Schema spells them, one JSON object each.

Only fields of the schema are used; what it has no field for stands under `labels`, which is meant for that.
An address is `ip` only if it is one: an index refuses a whole document for a text that is none.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from typing import TYPE_CHECKING, Any

from ptml.text import plain_text
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ECS_VERSION = "8.11.0"
TRANSPORTS = {"tcp": 6, "udp": 17, "icmp": 1}
PORTS = frozenset({"tcp", "udp"})
OTHER = "other"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def ecs_alert(row: Mapping[str, Any], *, model: Mapping[str, Any], seen: datetime) -> dict[str, Any]:
    """Spell an alert.

    Args:
        row: A row of CONNECTION_SCORES, with the `name` of its capture.
        model: The record of the model that raised it.
        seen: When it was scored: the time of an alert on a connection whose own is not known.

    Returns:
        The document; fields that are not known are left out.
    """
    source, destination = _address(row["id.orig_h"]), _address(row["id.resp_h"])
    began = _time(row["ts"] or seen)
    return _known(
        {
            "@timestamp": began,
            "message": _message(row),
            "ecs": {"version": ECS_VERSION},
            "event": {
                "kind": "alert",
                "category": ["network"],
                "type": ["connection", "info"],
                "module": "ptml",
                "dataset": "ptml.alerts",
                "provider": "ptml",
                "id": f"{row['capture_id']}:{row['uid']}",
                "created": _time(seen),
                "start": _time(row["ts"]) if row["ts"] else None,
                "risk_score": row["probability"],
                "risk_score_norm": row["probability"] * 100,
                "reason": "; ".join(row["reasons"] or ()),
            },
            "source": _end(row["id.orig_h"], source, row["id.orig_p"]),
            "destination": _end(row["id.resp_h"], destination, row["id.resp_p"]),
            "network": {
                "transport": row["proto"] if row["proto"] in TRANSPORTS else None,
                "protocol": row["service"] if row["service"] != OTHER else None,
                "type": f"ipv{source.version}" if source else None,
                "community_id": community_id(
                    row["proto"], source, row["id.orig_p"], destination, row["id.resp_p"]
                ),
            },
            "related": {"ip": sorted({str(address) for address in (source, destination) if address})},
            "rule": {
                "name": f"ptml {model['name']}",
                "ruleset": "ptml",
                "id": model["fingerprint"][:16],
                "version": model["feature_version"],
            },
            "observer": {"product": "ptml", "type": "ids", "version": __version__},
            "labels": {
                "capture": row["name"],
                "capture_id": row["capture_id"],
                "zeek_uid": row["uid"],
                "threshold": row["threshold"],
                "out_of_distribution": row["out_of_distribution"],
            },
        }
    )


def community_id(
    proto: str | None, one: Address | None, port: int | None, other: Address | None, other_port: int | None
) -> str | None:
    """Name a TCP or UDP flow as other tools do; None for others, and where something is not known.

    Source: Community ID flow hashing, version 1, seed 0.

    >>> ends = [ipaddress.ip_address(text) for text in ("1.2.3.4", "43.3.132.3")]
    >>> community_id("tcp", ends[0], 4584, ends[1], 3483)
    '1:koNcqhFRD5kb254ZrLsdv630jCM='
    """
    if proto not in PORTS or one is None or other is None or port is None or other_port is None:
        return None
    if one.version != other.version:
        return None
    (low, low_port), (high, high_port) = sorted([(one.packed, port), (other.packed, other_port)])
    ends = low + high + bytes([TRANSPORTS[proto], 0])
    ports = low_port.to_bytes(2) + high_port.to_bytes(2)
    digest = hashlib.sha1(bytes(2) + ends + ports, usedforsecurity=False).digest()
    return f"1:{base64.b64encode(digest).decode()}"


def _address(text: str | None) -> Address | None:
    try:
        found = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    return None if getattr(found, "scope_id", None) else found


def _end(text: str | None, address: Address | None, port: int | None) -> dict[str, Any]:
    return {"address": text, "ip": str(address) if address else None, "port": port}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _message(row: Mapping[str, Any]) -> str:
    ends = [f"{row[f'id.{end}_h']}:{row[f'id.{end}_p']}" for end in ("orig", "resp")]
    return plain_text(f"{ends[0]} to {ends[1]}: malicious with probability {row['probability']:.3f}")


def _known(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known, and groups of nothing else."""
    kept = {key: _known(one) if isinstance(one, dict) else one for key, one in value.items()}
    return {key: one for key, one in kept.items() if one is not None and one not in ({}, [], "")}
