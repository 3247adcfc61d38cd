"""Saved models: their manifest, their files, and scoring with them.

A model is a folder with ``manifest.json`` and one ``<level>-<hash>.skops`` a level. No pickle is ever read.
"""

from __future__ import annotations

from ptml.artifact.contract import (
    CLASSES,
    AuditMark,
    BudgetThreshold,
    Calibration,
    LevelManifest,
    ModelManifest,
    OutOfFold,
    TrainingCounts,
)
from ptml.artifact.inputs import (
    IDENTITY,
    KEYS,
    FeatureContract,
    contracts_of,
    model_inputs,
    refuse_identity,
)
from ptml.artifact.model import Model, find_model, load_model, log_odds, read_model_manifest, save_model
from ptml.artifact.pooling import FEATURES, POOLS, CaptureStack, pool, stack_table

__all__ = [
    "CLASSES",
    "FEATURES",
    "IDENTITY",
    "KEYS",
    "POOLS",
    "AuditMark",
    "BudgetThreshold",
    "Calibration",
    "CaptureStack",
    "FeatureContract",
    "LevelManifest",
    "Model",
    "ModelManifest",
    "OutOfFold",
    "TrainingCounts",
    "contracts_of",
    "find_model",
    "load_model",
    "log_odds",
    "model_inputs",
    "pool",
    "read_model_manifest",
    "refuse_identity",
    "save_model",
    "stack_table",
]
