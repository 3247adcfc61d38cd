"""All features, in the order of their columns, and the version that names this set of them."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ptml.features.capture.dns import CAPTURE_DNS
from ptml.features.capture.fanout import FANOUT
from ptml.features.capture.files import CAPTURE_FILES
from ptml.features.capture.http import CAPTURE_HTTP
from ptml.features.capture.kinds import KINDS
from ptml.features.capture.lengths import LENGTHS
from ptml.features.capture.oddities import ODDITIES
from ptml.features.capture.outcome import OUTCOME
from ptml.features.capture.sizes import SIZES
from ptml.features.capture.software import CAPTURE_SOFTWARE
from ptml.features.capture.timing import CAPTURE_TIMING
from ptml.features.capture.tls import CAPTURE_TLS
from ptml.features.capture.traffic import TRAFFIC
from ptml.features.capture.ways import WAYS
from ptml.features.connection.addresses import ADDRESSES
from ptml.features.connection.alerts import INTEL, SIGNATURES
from ptml.features.connection.beacon import BEACONS
from ptml.features.connection.certificates import CERTIFICATES
from ptml.features.connection.chain import CHAIN
from ptml.features.connection.clients import CLIENTS
from ptml.features.connection.directory import LDAP, LDAP_SEARCH
from ptml.features.connection.dns import DNS
from ptml.features.connection.filekinds import FILE_KINDS
from ptml.features.connection.files import FILES
from ptml.features.connection.ftp import FTP
from ptml.features.connection.handshake import HANDSHAKE
from ptml.features.connection.history import HISTORY
from ptml.features.connection.http import HTTP
from ptml.features.connection.logon import KERBEROS, NTLM
from ptml.features.connection.mail import MAIL
from ptml.features.connection.names import DNS_NAMES, HTTP_NAMES, TLS_NAMES
from ptml.features.connection.network import DHCP, TUNNELED, TUNNELS
from ptml.features.connection.oddities import NOTICE, WEIRD
from ptml.features.connection.pair import PAIRS
from ptml.features.connection.quic import QUIC
from ptml.features.connection.remote import RDP, SSH
from ptml.features.connection.resolved import RESOLVED
from ptml.features.connection.rpc import RPC
from ptml.features.connection.service import SERVICE
from ptml.features.connection.smb import SMB_FILES, SMB_SHARES
from ptml.features.connection.software import SOFTWARE
from ptml.features.connection.state import STATE
from ptml.features.connection.timing import TIMING
from ptml.features.connection.tls import TLS
from ptml.features.connection.volume import VOLUME
from ptml.features.moment.damped import DAMPED_PAIR, DAMPED_SOURCE
from ptml.features.moment.destination import DESTINATION
from ptml.features.moment.network import NETWORK
from ptml.features.moment.pair import PAIR
from ptml.features.moment.source import SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from ptml.features.family import Family, Feature

CONNECTION_FAMILIES: tuple[Family, ...] = (
    VOLUME,
    TIMING,
    STATE,
    HISTORY,
    SERVICE,
    ADDRESSES,
    DNS,
    DNS_NAMES,
    HTTP,
    CLIENTS,
    HTTP_NAMES,
    TLS,
    HANDSHAKE,
    TLS_NAMES,
    CERTIFICATES,
    CHAIN,
    FILES,
    FILE_KINDS,
    SOURCE,
    DESTINATION,
    PAIR,
    NETWORK,
    DAMPED_SOURCE,
    DAMPED_PAIR,
    PAIRS,
    *BEACONS,
    RESOLVED,
    QUIC,
    SSH,
    RDP,
    MAIL,
    FTP,
    SMB_FILES,
    SMB_SHARES,
    RPC,
    KERBEROS,
    NTLM,
    LDAP,
    LDAP_SEARCH,
    DHCP,
    TUNNELS,
    TUNNELED,
    WEIRD,
    NOTICE,
    INTEL,
    SIGNATURES,
    *SOFTWARE,
)
CAPTURE_FAMILIES: tuple[Family, ...] = (
    TRAFFIC,
    OUTCOME,
    SIZES,
    LENGTHS,
    KINDS,
    WAYS,
    *FANOUT,
    *CAPTURE_DNS,
    *CAPTURE_HTTP,
    *CAPTURE_TLS,
    CAPTURE_FILES,
    *ODDITIES,
    *CAPTURE_SOFTWARE,
    *CAPTURE_TIMING,
)

CONNECTION_FEATURES: tuple[Feature, ...] = tuple(
    feature for family in CONNECTION_FAMILIES for feature in family.features
)
CAPTURE_FEATURES: tuple[Feature, ...] = tuple(
    feature for family in CAPTURE_FAMILIES for feature in family.features
)

_INDIFFERENT = (
    "batches",
    "catalog",
    "compare",
    "describe",
    "distances",
    "example",
    "featureset",
    "large",
    "lazily",
    "own",
    "shares",
    "similar",
    "small",
    "stage",
    "together",
)
"""Modules that do not decide the features' values: how these are batched, listed, published or compared."""


@cache
def feature_version() -> str:
    """Name this set of features: a hash of their names, types and code.

    Docstrings, comments and blank lines do not count, so that a better explanation leaves models valid.

    >>> len(feature_version())
    12
    """
    digest = hashlib.sha256()
    for feature in (*CONNECTION_FEATURES, *CAPTURE_FEATURES):
        digest.update(f"{feature.name}:{feature.dtype}\n".encode())
    for name, content in sorted(_contents(files("ptml.features"))):
        digest.update(f"{name}\n{content}\n".encode())
    return digest.hexdigest()[:12]


def _contents(folder: Traversable) -> Iterator[tuple[str, str]]:
    """Read the code that decides the features' values, and the tables that it reads."""
    for entry in folder.iterdir():
        stem, _, kind = entry.name.rpartition(".")
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _contents(entry)
        elif kind == "py" and stem not in _INDIFFERENT:
            yield entry.name, code_of(entry.read_text("utf-8"))
        elif entry.is_file() and kind != "py":
            yield entry.name, hashlib.sha256(entry.read_bytes()).hexdigest()


def code_of(source: str) -> str:
    r"""Leave out of a module's source what does not change what it does.

    Args:
        source: Text of a Python module.

    >>> code_of("# why\n\nx = 1\n")
    'x = 1'
    """
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            skipped.update(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    code = (line.rstrip() for number, line in lines if number not in skipped)
    return "\n".join(line for line in code if line and not line.lstrip().startswith("#"))
