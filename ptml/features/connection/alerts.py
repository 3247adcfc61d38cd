"""What other detectors said: over a connection's rows of intel.log, signatures.log and signature_alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, at_most, distinct
from ptml.features.family import family

if TYPE_CHECKING:
    from ptml.features.family import Logs


def signature_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of signatures.log, and of PacketTotal's signature_alerts, which Suricata wrote.

    What label a capture of PacketTotal has may come from these alerts: a model that is to find what no rule
    finds must not be given them.

    >>> alerts = pl.LazyFrame({"capture_id": ["c1"], "uid": ["C1"]})
    >>> signature_rows({"signature_alerts": alerts}).collect().height
    1
    """
    tables = [rows_of(log)(logs) for log in ("signatures", "signature_alerts")]
    found = [table for table in tables if table is not None]
    return pl.concat(found, how="diagonal") if found else None


def intel_hits() -> pl.Expr:
    """Indicators of a user's own lists that were seen.

    Unit: indicators. Type: UInt8. Range: 1 to 255, where it saturates. Logs: intel. Scope: connection.
    Null: no row in intel.log. Source: Zeek intel.log.

    >>> pl.DataFrame({"seen.indicator_type": ["Intel::ADDR", "Intel::DOMAIN"]}).select(intel_hits()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def intel_kinds() -> pl.Expr:
    """Kinds of indicators that were seen: address, domain, URL, hash and others.

    Unit: kinds. Type: UInt8. Range: 0 to 255, where it saturates. Logs: intel. Scope: connection.
    Null: no row in intel.log. Source: Zeek intel.log.

    >>> pl.DataFrame({"seen.indicator_type": ["Intel::ADDR", "Intel::DOMAIN"]}).select(intel_kinds()).item()
    2
    """
    return at_most(distinct(pl.col("seen.indicator_type")), BYTE)


def signature_hits() -> pl.Expr:
    """Rules that fired, each as often as it did.

    Unit: alerts. Type: UInt8. Range: 1 to 255, where it saturates. Logs: signatures, signature_alerts.
    Scope: connection.
    Null: no row in either log. Source: Zeek signatures.log; Suricata.

    >>> pl.DataFrame({"sig_id": ["a", "a"]}).select(signature_hits()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def signature_rules() -> pl.Expr:
    """Different rules of Zeek that fired.

    Unit: rules. Type: UInt8. Range: 0 to 255, where it saturates. Logs: signatures, signature_alerts.
    Scope: connection.
    Null: no row in either log. Source: Zeek signatures.log.

    >>> pl.DataFrame({"sig_id": ["a", "a"]}).select(signature_rules()).item()
    1
    """
    return at_most(distinct(pl.col("sig_id")), BYTE)


INTEL = family(
    "intel",
    (
        intel_hits,
        intel_kinds,
    ),
    rows_of("intel"),
)
SIGNATURES = family(
    "signatures",
    (
        signature_hits,
        signature_rules,
    ),
    signature_rows,
)
