"""Model specs: which estimator, with which parameters, on which features and weights (`models/*.toml`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from ptml.errors import SettingsError, did_you_mean, quoted
from ptml.settings import Section, checked, find_shipped, read_toml
from ptml.train.registry import ESTIMATORS, EstimatorName, known_params
from ptml.types import Weights  # noqa: TC001 - pydantic resolves annotations at run time

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.types import Level

Parameter: TypeAlias = bool | int | float | str | None
HeldOut: TypeAlias = Literal["source", "capture"]
Captures: TypeAlias = Literal["features", "pooled", "stack"]
RESERVED = {
    "random_state": "it comes from the run's seed",
    "n_jobs": "it does not belong to a model",
    "class_weight": "use the spec's class_weights",
    "early_stopping": "it would hold out rows of captures that are trained on; use the spec's early_stopping",
    "early_stopping_rounds": "use the spec's early_stopping",
    "categorical_features": "categories are one-hot encoded before the estimator",
    "monotonic_cst": "use the spec's [monotone]",
    "monotone_constraints": "use the spec's [monotone]",
    "warm_start": "each fit begins anew",
    "booster": "only gradient-boosted trees can be kept",
    "boosting_type": "only gradient-boosted trees can be kept",
    "callbacks": "a spec holds no code",
    "objective": "it is that of two classes",
    "kernel": "model files are checked for one kernel, rbf",
    "probability": "ptml calibrates on captures held out",
    "direction": "it is what makes this baseline",
    "strategy": "it is what makes this baseline",
}


class Span(Section):
    """Numbers to search in, both ends included; whole numbers where both ends are."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic span begins above 0")
        return self


class Choice(Section):
    """Values to choose among."""

    choices: tuple[Parameter, ...] = Field(min_length=2)


class Search(Section):
    """A search for parameters, within the rows that a fit may see.

    Attributes:
        trials: Sets of parameters to try.
        folds: Grouped folds by which each is judged.
        params: What to vary: a span of numbers, or choices.
    """

    trials: int = Field(20, ge=1, le=1000)
    folds: int = Field(3, ge=2, le=10)
    params: dict[str, Span | Choice] = Field(min_length=1)


class Families(Section):
    """Naming the family of malicious captures, beside calling them malicious.

    Attributes:
        min_captures: Captures, apart from those that share content, that a family needs to be named.
        precision: Share of the names given that must be right on captures held out; what is less sure than
            that allows is called unknown.
    """

    min_captures: int = Field(5, ge=3)
    precision: float = Field(0.8, gt=0, le=1)


class ModelSpec(Section):
    """A model to train. The same spec trains one estimator for connections and one for captures.

    Attributes:
        name: What the model is called unless the run names it.
        description: What it is good for.
        estimator: Which classifier.
        params: Its parameters, as scikit-learn (or LightGBM, XGBoost) names them.
        class_weights: `balanced` lets malicious and benign weigh the same in all while fitting.
        weights: `capture` lets every capture weigh the same, however many rows it has; `source` every source,
            and within it every capture; `family` every family (what is benign is one), and within it
            every capture; `row` every row.
        captures: What a verdict on a capture rests on: its own `features`, the `pooled` scores of its
            connections, or a `stack` of both.
        calibration: How log-odds become probabilities: `sigmoid`, `isotonic`, `none`; `auto` is isotonic from
            a thousand captures on, and sigmoid before.
        held_out: What is held out together when thresholds are chosen: whole `source`s, so that what they
            promise holds on networks not seen, or single `capture`s. Where a class has too few sources for
            the folds, captures are. `capture` by default where `captures` is not `features`.
        early_stopping: Rounds of boosting without a better one on captures held out, after which it stops;
            0 for all rounds.
        exclude_features: Features to leave out, by name.
        exclude_scopes: Scopes to leave out: connection, past, capture.
        capture_params: Parameters laid over these for the capture level, which has far fewer rows.
        monotone: Features with which the score may only rise (1) or only fall (-1).
        search: Parameters to search for, and how.
        family: Whether the family of malicious captures is named, too, and when.
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
    weights: Weights = "capture"
    captures: Captures = "features"
    calibration: Literal["auto", "sigmoid", "isotonic", "none"] = "auto"
    held_out: HeldOut = "source"
    early_stopping: int = Field(0, ge=0)
    exclude_features: tuple[str, ...] = ()
    exclude_scopes: tuple[Literal["connection", "past", "capture"], ...] = ()
    monotone: dict[str, Annotated[int, Field(ge=-1, le=1)]] = Field(default_factory=dict)
    search: Search | None = None
    family: Families | None = None
    fit_connections_per_capture: int = Field(500, ge=1)
    max_connections_per_capture: int = Field(50_000, ge=1)
    max_connections: int = Field(1_000_000, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _pooled_by_capture(cls, values: Any) -> Any:  # noqa: ANN401 - whatever a file holds
        # Sources differ so much that scores of sources held out say little of what a pool of scores means.
        if isinstance(values, dict) and values.get("captures", "features") != "features":
            return {"held_out": "capture", **values}
        return values

    @field_validator("params", "capture_params")
    @classmethod
    def _not_reserved(cls, params: dict[str, Parameter]) -> dict[str, Parameter]:
        _refuse_reserved(params)
        return params

    @field_validator("search")
    @classmethod
    def _not_searched(cls, search: Search | None) -> Search | None:
        _refuse_reserved(search.params if search else {})
        return search

    @model_validator(mode="after")
    def _able(self) -> ModelSpec:
        kind = ESTIMATORS[self.estimator]
        if self.monotone and kind.monotone is None:
            raise ValueError(f"{self.estimator} takes no monotone constraints")
        if self.family and self.captures == "pooled":
            raise ValueError("families are named from capture features, and captures = 'pooled' has none")
        if self.early_stopping and kind.rounds is None:
            raise ValueError(f"{self.estimator} has no rounds of boosting that early_stopping could end")
        return self

    def params_of(self, level: Level) -> dict[str, Parameter]:
        """Give the estimator's parameters for one level."""
        return {**self.params, **self.capture_params} if level == "capture" else self.params

    def with_params(self, params: dict[str, Parameter]) -> ModelSpec:
        """Lay parameters over those of both levels."""
        return self.model_copy(
            update={
                "params": {**self.params, **params},
                "capture_params": {**self.capture_params, **params},
            }
        )


def _refuse_reserved(params: dict[str, Any]) -> None:
    for name in params:
        if name in RESERVED:
            raise ValueError(f"{name!r} cannot be set here: {RESERVED[name]}")


def load_spec(name: str) -> ModelSpec:
    """Read a model spec, by path or by the name of one that ptml ships.

    >>> load_spec("random-forest").estimator
    'random-forest'

    Raises:
        MissingInput: There is neither such a file nor such a name.
        MissingTool: Its estimator comes with an extra that is not installed.
        SettingsError: It has unknown keys, or parameters that the estimator does not have.
    """
    path = find_shipped("models", name)
    return check_spec(checked(ModelSpec, read_toml(path), str(path)), path)


def check_spec(spec: ModelSpec, path: Path) -> ModelSpec:
    """Let a spec through whose parameters its estimator has.

    Raises:
        MissingTool: The estimator comes with an extra that is not installed.
        SettingsError: One is unknown.
    """
    known = [param for param in known_params(spec.estimator) if param not in RESERVED]
    searched = spec.search.params if spec.search else {}
    unknown = [param for param in {**spec.params, **spec.capture_params, **searched} if param not in known]
    if unknown:
        raise SettingsError(
            f"{path}: {spec.estimator} has no parameter {quoted(unknown)}", hint=did_you_mean(unknown, known)
        )
    return spec
