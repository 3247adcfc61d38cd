"""ptml: from labelled packet captures to a trustworthy classifier of malicious traffic."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptml.artifact import load_model
    from ptml.features.build import capture_features, connection_features, pair_features
    from ptml.parse.scan import scan_logs, scan_zeek

from ptml.version import __version__

__all__ = [
    "__version__",
    "api",
    "capture_features",
    "connection_features",
    "load_model",
    "pair_features",
    "scan_logs",
    "scan_zeek",
]

_HOMES = {
    "capture_features": "ptml.features.build",
    "connection_features": "ptml.features.build",
    "load_model": "ptml.artifact",
    "pair_features": "ptml.features.build",
    "scan_logs": "ptml.parse.scan",
    "scan_zeek": "ptml.parse.scan",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type is that of the name asked for
    """Load public names on first use, so that `import ptml` stays light."""
    if name == "api":
        return import_module("ptml.api")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ptml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
