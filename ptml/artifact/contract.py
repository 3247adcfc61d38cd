"""What is known about a model: the manifest in its folder, and the calibration of its probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field, StringConstraints, ValidationError, field_validator

from ptml.artifact.inputs import FeatureContract, refuse_identity
from ptml.artifact.origin import Commit, Machine  # noqa: TC001 - pydantic resolves annotations at run time
from ptml.errors import BadData, ModelMismatch, quoted
from ptml.settings import Section
from ptml.types import Level  # noqa: TC001 - pydantic resolves annotations at run time

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MODEL_MANIFEST_VERSION = 1
CLASSES = ("benign", "malicious")
RecordName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.(json|parquet)$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Calibration(Section):
    """Platt's sigmoid: probability = 1 / (1 + exp(-(slope x log-odds + intercept))).

    The slope is positive, so that calibration never changes the order of two rows.
    """

    slope: float = Field(gt=0, allow_inf_nan=False)
    intercept: float = Field(allow_inf_nan=False)

    def apply(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn an estimator's log-odds into probabilities.

        >>> Calibration(slope=1.0, intercept=0.0).apply(np.array([0.0])).tolist()
        [0.5]
        """
        shifted = np.clip(self.slope * log_odds + self.intercept, -500, 500)  # exp would overflow beyond 709
        result: NDArray[np.float64] = 1 / (1 + np.exp(-shifted))
        return result


class TrainingCounts(Section):
    """What a level of a model was trained on.

    Attributes:
        rows: Rows it learned from.
        malicious: How many of these are malicious.
        captures: Captures they come from.
        malicious_captures: Captures with at least one malicious row.
        available: Labelled rows there were before capping.
        excluded: Rows left out, by reason.
    """

    rows: int = Field(ge=0)
    malicious: int = Field(ge=0)
    captures: int = Field(ge=0)
    malicious_captures: int = Field(ge=0)
    available: int = Field(ge=0)
    excluded: dict[str, int] = Field(default_factory=dict)


class OutOfFold(Section):
    """How the threshold did on rows of training captures that the fold's model had not seen."""

    false_positive_rate: float = Field(ge=0, le=1)
    recall: float = Field(ge=0, le=1)
    roc_auc: float | None = Field(None, ge=0, le=1)


class LevelManifest(Section):
    """A model for one level: inputs in order, threshold, calibration, and the estimator's file."""

    features: tuple[FeatureContract, ...] = Field(min_length=1)
    classes: tuple[Literal["benign"], Literal["malicious"]] = ("benign", "malicious")
    threshold: float = Field(ge=0, allow_inf_nan=False)
    max_false_positive_rate: float = Field(gt=0, lt=1)
    calibration: Calibration
    out_of_fold: OutOfFold
    training: TrainingCounts
    file: str = Field(pattern=r"^[a-z]+-[0-9a-f]{12}\.skops$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @field_validator("features")
    @classmethod
    def _no_identity(cls, features: tuple[FeatureContract, ...]) -> tuple[FeatureContract, ...]:
        refuse_identity(feature.name for feature in features)
        return features


class OwnFeatures(Section):
    """The file of a user's own features: its name and hash, never its code."""

    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ModelManifest(Section):
    """All that is known about a trained model; `manifest.json` in its folder.

    Attributes:
        name: Its name.
        created: When it was trained, UTC.
        fingerprint: Hash of all that determines it: data, spec, settings, seed, versions.
        spec: The model spec it was made from.
        labels: How connections got their labels: `policy`, and the hash of a list of `indicators`.
        levels: One model a level.
        feature_version: Version of the feature catalogue it was trained on.
        own_features: The user's own file of features, if there was one.
        libraries: Versions of the libraries that made it.
        data_fingerprint: Hash of the features and labels it learned from.
        captures: Capture ids, with the hash of their raw data.
        seed: Seed of everything random.
        unit: What its captures are: file, sensor-hour, …; `mixed` when they differ.
        schema_version: Version of the tables that stages hand to each other.
        machine: On what kind of machine it was trained.
        commit: The commit of the folder that it was trained in; None where that was no git repository.
        files: The other files of its record, by name, with their sha256.
    """

    manifest_version: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    created: str
    ptml_version: str
    fingerprint: str
    spec: dict[str, Any]
    settings: dict[str, Any] = Field(default_factory=dict)
    labels: dict[str, str | None] = Field(default_factory=dict)
    levels: dict[Level, LevelManifest] = Field(min_length=1)
    feature_version: str
    own_features: OwnFeatures | None = None
    libraries: dict[str, str]
    data_fingerprint: str
    captures: dict[str, str]
    seed: int
    unit: str
    schema_version: str | None = None
    machine: Machine | None = None
    commit: Commit | None = None
    files: dict[RecordName, Sha256] = Field(default_factory=dict)

    def level(self, level: Level) -> LevelManifest:
        """Give the model of one level.

        Raises:
            ModelMismatch: It was not trained for that level.
        """
        if level not in self.levels:
            raise ModelMismatch(
                f"model {self.name!r} has no {level} level; it has {quoted(self.levels)}",
                hint=f"train one with --set 'train.levels=[\"{level}\"]'",
            )
        return self.levels[level]


def parse_manifest(path: Path, value: dict[str, Any]) -> ModelManifest:
    """Check a model's manifest.

    Raises:
        BadData: It is not one.
        ModelMismatch: It is of another version, or an identity column is among its features.
    """
    version = value.get("manifest_version")
    if version != MODEL_MANIFEST_VERSION:
        raise ModelMismatch(
            f"{path} is a model manifest of version {version!r}; "
            f"this ptml reads version {MODEL_MANIFEST_VERSION}",
            hint="train the model again with this version",
        )
    try:
        return ModelManifest.model_validate(value)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:3]
        )
        raise BadData(
            f"{path} is not a model manifest: {faults}", hint="train the model again, or fetch it anew"
        ) from error
