"""All that determines a model, and its hash: the same facts make the same model."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ptml.io import sha256_json
from ptml.labels.indicators import fingerprint_of, read_indicators
from ptml.train.audit import AUDIT_VERSION
from ptml.train.registry import ESTIMATORS
from ptml.train.sources import data_fingerprint, features_used, labelled_captures

if TYPE_CHECKING:
    from ptml.settings import LabelsSettings, TrainSettings
    from ptml.train.spec import ModelSpec
    from ptml.types import JsonObject
    from ptml.workspace import Workspace

STAGE_VERSION = "1"
LIBRARIES = ("numpy", "polars", "scikit-learn", "scipy", "skops")


def label_facts(labels: LabelsSettings) -> JsonObject:
    """Tell how connections were labelled, as manifests state it: policy, and hash of a list of indicators.

    >>> from ptml.settings import LabelsSettings
    >>> label_facts(LabelsSettings())
    {'policy': 'auto', 'indicators': None}
    """
    indicators = fingerprint_of(read_indicators(labels.indicators)) if labels.indicators else None
    return {"policy": labels.policy, "indicators": indicators}


def libraries_of(spec: ModelSpec) -> JsonObject:
    """Give the versions of the libraries that a model of this spec is made with.

    >>> from ptml.train.spec import load_spec
    >>> sorted(libraries_of(load_spec("prevalence"))) == sorted(LIBRARIES)
    True
    """
    extras = [ESTIMATORS[spec.estimator].library, "optuna" if spec.search else None]
    found: JsonObject = {name: str(importlib.import_module(name).__version__) for name in extras if name}
    return {library: version(library) for library in LIBRARIES} | found


def training_facts(
    workspace: Workspace, spec: ModelSpec, settings: TrainSettings, seed: int, labels: LabelsSettings
) -> dict[str, Any]:
    """Gather all that determines a model, and its hash.

    Args:
        workspace: Where features and labels are.
        spec: The model spec.
        settings: Levels, folds, bound on false positives.
        seed: Seed of everything random.
        labels: How connections got their labels.

    Raises:
        MissingInput: There are no features.
        BadData: Captures have features of different versions.
    """
    facts: JsonObject = {
        "spec": spec.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json", exclude={"spec", "name", "seed"}),
        "labels": label_facts(labels),
        "seed": seed,
        **features_used(workspace),
        "libraries": libraries_of(spec),
        "data_fingerprint": data_fingerprint(labelled_captures(workspace, "connection"), workspace),
    }
    return {**facts, "fingerprint": fingerprint_of_facts(facts)}


def fingerprint_of_facts(facts: JsonObject) -> str:
    """Hash all that determines a model."""
    return sha256_json([STAGE_VERSION, AUDIT_VERSION, facts])
