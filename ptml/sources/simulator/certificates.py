"""Certificates that sites show: leaf and intermediate from invented authorities, or self-signed ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from ptml.sources.simulator.dice import Dice
from ptml.sources.simulator.words import AUTHORITIES

if TYPE_CHECKING:
    import numpy as np

_DAY: Final = 86_400

COLUMNS: Final[dict[str, pl.DataType]] = {
    "fingerprint": pl.String(),
    "certificate.version": pl.Int64(),
    "certificate.serial": pl.String(),
    "certificate.subject": pl.String(),
    "certificate.issuer": pl.String(),
    "certificate.not_valid_before": pl.Int64(),
    "certificate.not_valid_after": pl.Int64(),
    "certificate.key_alg": pl.String(),
    "certificate.sig_alg": pl.String(),
    "certificate.key_type": pl.String(),
    "certificate.key_length": pl.Int64(),
    "certificate.exponent": pl.String(),
    "certificate.curve": pl.String(),
    "san.dns": pl.List(pl.String()),
    "basic_constraints.ca": pl.Boolean(),
    "basic_constraints.path_len": pl.Int64(),
    "host_cert": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Certificates:
    """The chains of a capture.

    Attributes:
        chains: One list of fingerprints a site, leaf first.
        table: One row a certificate, with x509.log's columns (times in microseconds).
        matches: Whether the certificate names the site.
    """

    chains: pl.Series
    table: pl.DataFrame
    matches: pl.Series


def issue(
    rng: np.random.Generator, names: list[str], self_signed: list[bool], started_at: int
) -> Certificates:
    """Draw a chain for each name; ``started_at`` is the capture's start in seconds since 1970."""
    dice = Dice(rng)
    authorities = [_authority(dice, place, started_at) for place in range(len(AUTHORITIES))]
    rows = [row for row, _ in authorities]
    chains: list[list[str]] = []
    matches: list[bool] = []
    for name, own in zip(names, self_signed, strict=True):
        row = _leaf(dice, name, own=own, started_at=started_at)
        place = dice.below(len(AUTHORITIES))
        if not own:
            row["certificate.issuer"] = authorities[place][1]
        fingerprint = _seal(row)
        rows.append(row)
        chains.append([fingerprint] if own else [fingerprint, str(authorities[place][0]["fingerprint"])])
        alternatives = row["san.dns"]
        matches.append(isinstance(alternatives, list) and name in alternatives)
    return Certificates(
        chains=pl.Series(chains, dtype=pl.List(pl.String)),
        table=pl.DataFrame(rows, schema=COLUMNS),
        matches=pl.Series(matches, dtype=pl.Boolean),
    )


def _authority(dice: Dice, place: int, started_at: int) -> tuple[dict[str, object], str]:
    common, organisation, country = AUTHORITIES[place]
    subject = f"CN={common},O={organisation},C={country}"
    before = started_at - (400 + dice.below(2100)) * _DAY
    row = _certificate(dice, subject, f"CN={organisation} Root,O={organisation},C={country}", before, 3650)
    row |= {"basic_constraints.ca": True, "basic_constraints.path_len": 0, "host_cert": False}
    _seal(row)
    return row, subject


def _leaf(dice: Dice, name: str, *, own: bool, started_at: int) -> dict[str, object]:
    days = dice.pick((365, 1095, 3650)) if own else dice.pick((90, 90, 365, 397))
    age = dice.below(int(days * 0.9)) * _DAY + dice.below(_DAY)
    default_name = own and dice.coin(0.5)
    subject = "CN=localhost,O=Default Company Ltd,L=Default City,C=XX" if default_name else f"CN={name}"
    row = _certificate(dice, subject, subject, started_at - age, days)
    row["host_cert"] = True
    if not default_name:
        wildcard = "*." + name.split(".", 1)[1]
        row["san.dns"] = [name, wildcard] if dice.coin(0.6) else [name]
    row["basic_constraints.ca"] = False if dice.coin(0.9) else None
    return row


def _certificate(dice: Dice, subject: str, issuer: str, before: int, days: int) -> dict[str, object]:
    elliptic = dice.coin(0.35)
    return dict.fromkeys(COLUMNS) | {
        "certificate.version": 3,
        "certificate.serial": dice.digits(32).upper(),
        "certificate.subject": subject,
        "certificate.issuer": issuer,
        "certificate.not_valid_before": before * 1_000_000,
        "certificate.not_valid_after": (before + days * _DAY - 1) * 1_000_000,
        "certificate.key_alg": "id-ecPublicKey" if elliptic else "rsaEncryption",
        "certificate.sig_alg": "ecdsa-with-SHA256" if elliptic else "sha256WithRSAEncryption",
        "certificate.key_type": "ecdsa" if elliptic else "rsa",
        "certificate.key_length": 256 if elliptic else dice.pick((2048, 2048, 4096)),
        "certificate.exponent": None if elliptic else "65537",
        "certificate.curve": "prime256v1" if elliptic else None,
    }


def _seal(row: dict[str, object]) -> str:
    """Set the fingerprint: a hash over all that the certificate says."""
    text = "\n".join(f"{name}={value}" for name, value in row.items() if name != "fingerprint")
    row["fingerprint"] = hashlib.sha256(text.encode()).hexdigest()
    return str(row["fingerprint"])
