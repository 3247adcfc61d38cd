"""Classifiers that a model has to beat, and one that knows benign traffic only.

They follow scikit-learn's rules, so that they stand in a pipeline wherever its own do.
"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ptml.artifact import CLASSES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Direction: TypeAlias = Literal["either", "up"]


class TwoClasses(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What binary classifiers with a score of their own share: the larger the score, the more malicious."""

    classes_: NDArray[Any]

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn's tags
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _weighed(
        self, x: NDArray[Any], y: NDArray[Any], sample_weight: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.float64]]:
        """Give the rows that weigh anything, which of them are of the second class, and their weights."""
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64)
        check_classification_targets(y)
        heavy = weights > 0
        return x[heavy], self._learn_classes(y[heavy]), weights[heavy]

    def _learn_classes(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        self.classes_ = np.unique(y)
        if len(self.classes_) != len(CLASSES):
            kind = type_of_target(y, input_name="y", raise_unknown=True)
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
                if len(self.classes_) > 1
                else f"{type(self).__name__} needs two classes; there is one class"
            )
        malicious: NDArray[np.bool_] = y == self.classes_[1]
        return malicious

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Give the second class where the score is above zero."""
        above = self.decision_function(X) > 0
        found: NDArray[Any] = self.classes_[above.astype(int)]
        return found

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give the score of each row."""
        raise NotImplementedError


class SingleFeature(TwoClasses):
    """The one feature that ranks best, as it is: what a model of all features must be better than.

    Args:
        direction: ``up`` takes high values for malicious; ``either`` learns which way round is better.

    Attributes:
        feature_: Position of the feature.
        sign_: 1 where high values are malicious, else -1.
        middle_: The value, times the sign, above which a row counts as malicious: it divides best.

    >>> x, y = np.array([[5, 9], [5, 8], [6, 2], [4, 1]]), np.array([0, 0, 1, 1])
    >>> found = SingleFeature().fit(x, y)
    >>> int(found.feature_), int(found.sign_), found.decision_function(x).tolist()
    (1, -1, [-4.0, -3.0, 3.0, 4.0])
    """

    def __init__(self, direction: Direction = "either") -> None:
        self.direction = direction

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn's tags
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = self.direction == "up"  # low values may be the malicious ones
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> SingleFeature:
        """Choose the feature with the largest area under the ROC curve; of equals, the first."""
        x, target = validate_data(self, X, y)
        x, malicious, weights = self._weighed(x, target, sample_weight)
        areas = np.array([roc_auc_score(malicious, column, sample_weight=weights) for column in x.T])
        merit = areas if self.direction == "up" else np.maximum(areas, 1 - areas)
        self.feature_ = int(np.argmax(merit))
        self.sign_ = 1 if self.direction == "up" or areas[self.feature_] >= 0.5 else -1  # noqa: PLR2004 - chance
        self.middle_ = _dividing_value(
            self.sign_ * x[:, self.feature_].astype(np.float64), malicious, weights
        )
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give how far the feature lies beyond the dividing value."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False)
        score: NDArray[np.float64] = self.sign_ * x[:, self.feature_].astype(np.float64) - self.middle_
        return score


def _dividing_value(
    score: NDArray[np.float64], malicious: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """Find the middle between two scores that leaves the least weight on the wrong side."""
    values, at = np.unique(score, return_inverse=True)
    if len(values) == 1:
        return float(values[0])
    wrong = np.cumsum(np.bincount(at, weights * np.where(malicious, 1, -1)))[:-1]
    best = int(np.argmin(wrong))
    return float(values[best] / 2 + values[best + 1] / 2)


class BenignForest(TwoClasses):
    """An isolation forest of benign rows: what is unlike all of them is taken for malicious.

    Malicious rows are looked at by nothing but the calibration after it, so that it can find what no
    malicious training row resembles.

    Args:
        n_estimators: Trees.
        max_samples: Rows of a tree: a number (all where there are fewer), a share, or ``auto`` for 256.
        max_features: Features of a tree: a number or a share.
        contamination: Share of benign rows that count as unlike, or ``auto``; moves `predict` alone.
        bootstrap: Draw a tree's rows with replacement.
        random_state: Seed.

    Attributes:
        forest_: The fitted isolation forest.

    >>> x, y = np.append(np.linspace(0, 1, 50), 9.0).reshape(-1, 1), np.repeat([0, 1], [50, 1])
    >>> unlike = BenignForest(random_state=0).fit(x, y).decision_function(x)
    >>> bool(unlike[50] > 0 > np.median(unlike))
    True
    """

    def __init__(
        self,
        n_estimators: int = 100,
        max_samples: str | float = "auto",
        max_features: float = 1.0,
        contamination: str | float = "auto",
        *,
        bootstrap: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.max_features = max_features
        self.contamination = contamination
        self.bootstrap = bootstrap
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn's tags
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # it never sees the second class
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> BenignForest:
        """Fit the forest on the rows of the first class."""
        x, target = validate_data(self, X, y)
        x, malicious, weights = self._weighed(x, target, sample_weight)
        benign = x[~malicious]
        whole = isinstance(self.max_samples, Integral)
        most = min(self.max_samples, len(benign)) if whole else self.max_samples
        forest = IsolationForest(**{**self.get_params(), "max_samples": most})
        self.forest_ = forest.fit(benign, sample_weight=weights[~malicious])
        self.forest_._sample_weight = None  # noqa: SLF001 - one number a training row, which scoring never reads
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give how unlike the benign rows each row is; 0 is where the forest itself draws the line."""
        check_is_fitted(self)
        unlike: NDArray[np.float64] = -self.forest_.decision_function(validate_data(self, X, reset=False))
        return unlike
