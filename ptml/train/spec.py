"""Model specs: which estimator, with which parameters, on which features and weights (`models/*.toml`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field, field_validator

from ptml.errors import SettingsError, did_you_mean, quoted
from ptml.settings import Section, checked, find_shipped, read_toml
from ptml.train.estimators import EstimatorName, known_params

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.types import Level

Parameter: TypeAlias = bool | int | float | str | None
RESERVED = {
    "random_state": "it comes from the run's seed",
    "n_jobs": "it does not belong to a model",
    "class_weight": "use the spec's class_weights",
    "early_stopping": "it would hold out rows of captures that are trained on",
    "categorical_features": "categories are one-hot encoded before the estimator",
}


class ModelSpec(Section):
    """A model to train. The same spec trains one estimator for connections and one for captures.

    Attributes:
        name: What the model is called unless the run names it.
        description: What it is good for.
        estimator: Which scikit-learn classifier.
        params: Its parameters, as scikit-learn names them.
        class_weights: `balanced` lets malicious and benign weigh the same in all while fitting.
        weights: `capture` lets every capture weigh the same, however many rows it has; `row` every row.
        exclude_features: Features to leave out, by name.
        exclude_scopes: Scopes to leave out: connection, past, capture.
        capture_params: Parameters laid over these for the capture level, which has far fewer rows.
        fit_connections_per_capture: Connections of each class of one capture that a fit learns from at most,
            drawn by the seed and weighing as much as all of them; calibration and evaluation look at all.
        max_connections_per_capture: Connections read of one capture at most.
        max_connections: Connections in all at most; the per-capture cap falls until they fit.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    description: str = ""
    estimator: EstimatorName
    params: dict[str, Parameter] = Field(default_factory=dict)
    capture_params: dict[str, Parameter] = Field(default_factory=dict)
    class_weights: Literal["balanced", "none"] = "balanced"
    weights: Literal["capture", "row"] = "capture"
    exclude_features: tuple[str, ...] = ()
    exclude_scopes: tuple[Literal["connection", "past", "capture"], ...] = ()
    fit_connections_per_capture: int = Field(500, ge=1)
    max_connections_per_capture: int = Field(50_000, ge=1)
    max_connections: int = Field(1_000_000, ge=1)

    @field_validator("params", "capture_params")
    @classmethod
    def _not_reserved(cls, params: dict[str, Parameter]) -> dict[str, Parameter]:
        for name in params:
            if name in RESERVED:
                raise ValueError(f"{name!r} cannot be set here: {RESERVED[name]}")
        return params

    def params_of(self, level: Level) -> dict[str, Parameter]:
        """Give the estimator's parameters for one level."""
        return {**self.params, **self.capture_params} if level == "capture" else self.params


def load_spec(name: str) -> ModelSpec:
    """Read a model spec, by path or by the name of one that ptml ships.

    >>> load_spec("random-forest").estimator
    'random-forest'

    Raises:
        MissingInput: There is neither such a file nor such a name.
        SettingsError: It has unknown keys, or parameters that the estimator does not have.
    """
    path = find_shipped("models", name)
    return check_spec(checked(ModelSpec, read_toml(path), str(path)), path)


def check_spec(spec: ModelSpec, path: Path) -> ModelSpec:
    """Let a spec through whose parameters its estimator has.

    Raises:
        SettingsError: One is unknown.
    """
    known = known_params(spec.estimator)
    unknown = [param for param in {**spec.params, **spec.capture_params} if param not in known]
    if unknown:
        raise SettingsError(
            f"{path}: {spec.estimator} has no parameter {quoted(unknown)}", hint=did_you_mean(unknown, known)
        )
    return spec
