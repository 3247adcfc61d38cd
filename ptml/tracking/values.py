"""What a server takes of a model and its evaluation: flat names with numbers or texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ptml.artifact import ModelManifest
    from ptml.types import JsonObject


def parameters(manifest: ModelManifest) -> dict[str, str]:
    """Give all that determines a model as flat names and texts: spec, settings, labels, seed, versions."""
    told: JsonObject = {
        "spec": manifest.spec,
        "settings": manifest.settings,
        "labels": dict(manifest.labels),
        "libraries": dict(manifest.libraries),
        "seed": manifest.seed,
        "unit": manifest.unit,
        "feature_version": manifest.feature_version,
        "data_fingerprint": manifest.data_fingerprint,
    }
    return {name: str(value) for name, value in _leaves(told)}


def protocol_figures(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Give an evaluation's figures by level, protocol and name, with the bounds of their intervals.

    >>> estimate = {"value": 0.9, "low": 0.8, "high": None}
    >>> protocols = {"grouped": {"metrics": {"roc_auc": estimate}}}
    >>> protocol_figures({"levels": {"capture": {"protocols": protocols}}})
    {'capture.grouped.roc_auc.value': 0.9, 'capture.grouped.roc_auc.low': 0.8}
    """
    figures: dict[str, float] = {}
    for level, found in evaluation["levels"].items():
        for protocol, result in found["protocols"].items():
            figures |= {
                f"{level}.{protocol}.{name}": value for name, value in flat(result["metrics"]).items()
            }
    return figures


def flat(values: Mapping[str, Any]) -> dict[str, float]:
    """Give the numbers of nested tables by their joined names; what is no number is left out.

    >>> flat({"capture": {"rows": 3, "precision": None, "safe": True}, "name": "x"})
    {'capture.rows': 3.0}
    """
    return {
        name: float(value)
        for name, value in _leaves(values)
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _leaves(values: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        joined = f"{within}.{name}" if within else name
        if isinstance(value, dict) and value:
            yield from _leaves(value, joined)
        else:
            yield joined, value
