"""What is known about a model: the manifest in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from ptml.artifact.calibration import Calibration  # noqa: TC001 - pydantic resolves annotations at run time
from ptml.artifact.family import FamilyManifest  # noqa: TC001 - pydantic resolves annotations at run time
from ptml.artifact.inputs import FeatureContract, refuse_identity
from ptml.artifact.origin import Commit, Machine  # noqa: TC001 - pydantic resolves annotations at run time
from ptml.artifact.pooling import FEATURES, CaptureStack
from ptml.errors import BadData, ModelMismatch, quoted
from ptml.settings import Section
from ptml.types import STANDARD_WINDOWS, Level, Light, Windows

if TYPE_CHECKING:
    from pathlib import Path

MODEL_MANIFEST_VERSION = 1
CLASSES = ("benign", "malicious")
RecordName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.(json|parquet)$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BudgetThreshold(Section):
    """The threshold that keeps false alarms within a budget, or the reason why there is none."""

    threshold: float | None = Field(None, ge=0, allow_inf_nan=False)
    reason: str | None = None

    @model_validator(mode="after")
    def _either(self) -> BudgetThreshold:
        if (self.threshold is None) == (self.reason is None):
            raise ValueError("either a threshold or the reason why there is none")
        return self


class TrainingCounts(Section):
    """What a level of a model was trained on.

    Attributes:
        rows: Rows it learned from.
        malicious: How many of these are malicious.
        captures: Captures they come from.
        malicious_captures: Captures with at least one malicious row.
        untimed: Rows whose time cannot be believed, such as 1970-01-01.
        available: Labelled rows there were before capping.
        excluded: Rows left out, by reason.
    """

    rows: int = Field(ge=0)
    malicious: int = Field(ge=0)
    captures: int = Field(ge=0)
    malicious_captures: int = Field(ge=0)
    untimed: int = Field(0, ge=0)
    available: int = Field(ge=0)
    excluded: dict[str, int] = Field(default_factory=dict)


class OutOfFold(Section):
    """How the threshold did on rows of training captures that the fold's model had not seen."""

    false_positive_rate: float = Field(ge=0, le=1)
    recall: float = Field(ge=0, le=1)
    roc_auc: float | None = Field(None, ge=0, le=1)


class LevelManifest(Section):
    """A model for one level: inputs in order, threshold, calibration, and the estimator's file.

    Attributes:
        prior: Share of malicious weight that its probabilities reckon with; None in models from before it was
            recorded.
        thresholds: Thresholds for stated budgets of false alarms, by budget; for connections only.
        params: Parameters that a search found.
        stack: What a verdict on a capture makes of the scores of its connections, if it looks at them; where
            it looks at nothing else, there are no features and no file.
        family: What names the family of malicious captures from the same features, if the spec asked for it.
    """

    features: tuple[FeatureContract, ...]
    classes: tuple[Literal["benign"], Literal["malicious"]] = ("benign", "malicious")
    threshold: float = Field(ge=0, allow_inf_nan=False)
    max_false_positive_rate: float = Field(gt=0, lt=1)
    prior: float | None = Field(None, gt=0, lt=1)
    calibration: Calibration
    out_of_fold: OutOfFold
    thresholds: dict[str, BudgetThreshold] = Field(default_factory=dict)
    params: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    training: TrainingCounts
    stack: CaptureStack | None = None
    family: FamilyManifest | None = None
    file: str | None = Field(None, pattern=r"^[a-z]+-[0-9a-f]{12}\.skops$")
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")

    @field_validator("features")
    @classmethod
    def _no_identity(cls, features: tuple[FeatureContract, ...]) -> tuple[FeatureContract, ...]:
        refuse_identity(feature.name for feature in features)
        return features

    @model_validator(mode="after")
    def _whole(self) -> LevelManifest:
        alone = self.stack is not None and FEATURES not in self.stack.inputs
        if any(bool(part) == alone for part in (self.features, self.file, self.sha256)):
            raise ValueError("features, file and sha256 belong to a level, unless it pools scores alone")
        if self.family and not (self.features and self.family.file and self.family.sha256):
            raise ValueError("families are named from features, by estimators in a file")
        return self


class OwnFeatures(Section):
    """The file of a user's own features: its name and hash, never its code."""

    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class AuditMark(Section):
    """What the audit of the training data said: its light, and a sentence for each check not green."""

    light: Light
    reasons: tuple[str, ...] = ()


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
        windows: How far back the features of the moment look.
        own_features: The user's own file of features, if there was one.
        libraries: Versions of the libraries that made it.
        data_fingerprint: Hash of the features and labels it learned from.
        captures: Capture ids, with the hash of their raw data.
        seed: Seed of everything random.
        unit: What its captures are: file, sensor-hour, …; `mixed` when they differ.
        audit: What the audit said of the data it learned from; null in models from before there was one.
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
    windows: Windows = STANDARD_WINDOWS
    own_features: OwnFeatures | None = None
    libraries: dict[str, str]
    data_fingerprint: str
    captures: dict[str, str]
    seed: int
    unit: str
    audit: AuditMark | None = None
    schema_version: str | None = None
    machine: Machine | None = None
    commit: Commit | None = None
    files: dict[RecordName, Sha256] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _stack_has_connections(self) -> ModelManifest:
        if "connection" in self.levels and self.levels["connection"].stack is not None:
            raise ValueError("only captures have connections whose scores can be pooled")
        if "capture" in self.levels and self.levels["capture"].stack and "connection" not in self.levels:
            raise ValueError("captures are judged by their connections, and there is no level for these")
        return self

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
