"""Saved models: their manifest, their files, and scoring with them.

A model is a folder with ``manifest.json``, one ``<level>-<hash>.skops`` a level, and the record of its
training. No pickle is ever read.
"""

from __future__ import annotations

from ptml.artifact.calibration import Calibration
from ptml.artifact.contract import (
    CLASSES,
    AuditMark,
    BudgetThreshold,
    LevelManifest,
    ModelManifest,
    OutOfFold,
    TrainingCounts,
)
from ptml.artifact.family import FamilyFigures, FamilyManifest, first_of
from ptml.artifact.inputs import (
    IDENTITY,
    KEYS,
    FeatureContract,
    contracts_of,
    model_inputs,
    refuse_identity,
)
from ptml.artifact.model import (
    CARD,
    Model,
    family_log_odds,
    find_model,
    load_model,
    log_odds,
    read_model_manifest,
    read_record_file,
    save_model,
    share_log_odds,
)
from ptml.artifact.origin import Commit, Machine, commit_of, this_machine
from ptml.artifact.pooling import FEATURES, POOLS, CaptureStack, pool, stack_table
from ptml.artifact.reference import (
    REFERENCE_FILE,
    FeatureReference,
    LevelReference,
    Reference,
    read_reference,
    unusual_share,
)

__all__ = [
    "CARD",
    "CLASSES",
    "FEATURES",
    "IDENTITY",
    "KEYS",
    "POOLS",
    "REFERENCE_FILE",
    "AuditMark",
    "BudgetThreshold",
    "Calibration",
    "CaptureStack",
    "Commit",
    "FamilyFigures",
    "FamilyManifest",
    "FeatureContract",
    "FeatureReference",
    "LevelManifest",
    "LevelReference",
    "Machine",
    "Model",
    "ModelManifest",
    "OutOfFold",
    "Reference",
    "TrainingCounts",
    "commit_of",
    "contracts_of",
    "family_log_odds",
    "find_model",
    "first_of",
    "load_model",
    "log_odds",
    "model_inputs",
    "pool",
    "read_model_manifest",
    "read_record_file",
    "read_reference",
    "refuse_identity",
    "save_model",
    "share_log_odds",
    "stack_table",
    "this_machine",
    "unusual_share",
]
