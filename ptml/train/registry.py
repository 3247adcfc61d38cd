"""The estimators that a model spec can name: how each is made, and what it wants done to its inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from ptml.train.baselines import BenignForest, SingleFeature
from ptml.train.boosting import LibraryBoosting, library_params

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ptml.train.boosting import Library

EstimatorName: TypeAlias = Literal[
    "hist-gradient-boosting",
    "random-forest",
    "extra-trees",
    "logistic-regression",
    "support-vector",
    "isolation-forest",
    "lightgbm",
    "xgboost",
    "rita-score",
    "single-best-feature",
    "prevalence",
]
Numbers: TypeAlias = Literal["as they are", "median", "normal quantiles", "unmarked quantiles", "zero"]
BEACON_SCORE = "beacon_score"


@dataclass(frozen=True, slots=True)
class Estimator:
    """One kind of estimator.

    Attributes:
        kind: Its class.
        numbers: What becomes of numbers: nulls kept; nulls replaced by the median and marked; the same and
            then spread to normal quantiles; these without the marks, which tell the laboratory rather
            than the attacker; nulls replaced by 0.
        fixed: Parameters that are always the same.
        rounds: Its parameter that counts rounds of boosting, if it has any.
        monotone: Its parameter for monotone constraints, if it has one.
        library: The extra that it needs, of the same name.
        only: The one feature it looks at; None for all.
    """

    kind: Callable[..., Any]
    numbers: Numbers
    fixed: Mapping[str, Any] = field(default_factory=dict)
    rounds: str | None = None
    monotone: str | None = None
    library: Library | None = None
    only: str | None = None

    def params(self) -> list[str]:
        """Name its parameters.

        Raises:
            MissingTool: It comes with an extra that is not installed.
        """
        return sorted(library_params(self.library) if self.library else self.kind().get_params())

    def make(self, params: Mapping[str, Any], seed: int, monotone: Sequence[int] | None = None) -> Any:  # noqa: ANN401 - a scikit-learn classifier
        """Make an unfitted one.

        Args:
            params: Parameters of the spec.
            seed: Seed of everything random in it.
            monotone: -1, 0 or 1 for each column it will see.
        """
        direction = list(monotone) if monotone and any(monotone) else None
        if self.library:
            return LibraryBoosting(self.library, dict(params), direction, random_state=seed)
        seeded = {"random_state": seed} if "random_state" in self.params() else {}
        constrained = {self.monotone: direction} if self.monotone and direction else {}
        return self.kind(**{**self.fixed, **seeded, **constrained, **params})


ESTIMATORS: dict[EstimatorName, Estimator] = {
    "hist-gradient-boosting": Estimator(
        HistGradientBoostingClassifier,
        "as they are",
        {"early_stopping": False},
        rounds="max_iter",
        monotone="monotonic_cst",
    ),
    "random-forest": Estimator(RandomForestClassifier, "median", {"n_jobs": 1}, monotone="monotonic_cst"),
    "extra-trees": Estimator(  # cuts are drawn evenly over the range, which one outlier would stretch
        ExtraTreesClassifier, "unmarked quantiles", {"n_jobs": 1}, monotone="monotonic_cst"
    ),
    "logistic-regression": Estimator(LogisticRegression, "normal quantiles", {"max_iter": 5000}),
    "support-vector": Estimator(SVC, "unmarked quantiles", {"cache_size": 500, "kernel": "rbf"}),
    "isolation-forest": Estimator(BenignForest, "median"),
    "lightgbm": Estimator(
        LibraryBoosting,
        "as they are",
        rounds="n_estimators",
        monotone="monotone_constraints",
        library="lightgbm",
    ),
    "xgboost": Estimator(
        LibraryBoosting,
        "as they are",
        rounds="n_estimators",
        monotone="monotone_constraints",
        library="xgboost",
    ),
    "rita-score": Estimator(SingleFeature, "zero", {"direction": "up"}, only=BEACON_SCORE),
    "single-best-feature": Estimator(SingleFeature, "normal quantiles"),
    "prevalence": Estimator(DummyClassifier, "median", {"strategy": "prior"}),
}


def known_params(estimator: EstimatorName) -> list[str]:
    """Name an estimator's parameters.

    >>> "max_iter" in known_params("hist-gradient-boosting")
    True

    Raises:
        MissingTool: It comes with an extra that is not installed.
    """
    return ESTIMATORS[estimator].params()
