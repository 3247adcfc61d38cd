"""Boosted trees of LightGBM and XGBoost, kept as plain arrays.

Their libraries grow the trees and are needed for nothing else: what is kept are nodes as scikit-learn's own
histogram gradient boosting has them. So a model scores where neither library is installed, no parser of
theirs ever reads a model file, and the same checks hold for every tree (`ptml.artifact.trees`).
"""

from __future__ import annotations

import contextlib
import importlib
import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted, validate_data

from ptml.errors import MissingTool
from ptml.train.baselines import TwoClasses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from numpy.typing import ArrayLike, NDArray

Library: TypeAlias = Literal["lightgbm", "xgboost"]
NODE = PREDICTOR_RECORD_DTYPE
CHECKED_ROWS = 1000
TOLERANCE = 1e-3
MORE_PARAMS: Mapping[Library, tuple[str, ...]] = {
    "lightgbm": (
        *("extra_trees", "feature_fraction_bynode", "max_bin", "max_delta_step", "min_data_in_bin"),
        *("monotone_constraints_method", "path_smooth"),
    ),
    "xgboost": (),
}
"""Parameters that a library's classifier takes and does not list."""
NO_CATEGORIES = np.empty((0, 8), np.uint32)


def library(name: Library) -> ModuleType:
    """Import LightGBM or XGBoost.

    Raises:
        MissingTool: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingTool(
            f"the estimator {name!r} needs the extra of that name, which is not installed",
            hint=f'pip install "ptml[{name}]"',
        ) from error


def library_params(name: Library) -> dict[str, Any]:
    """Give the parameters of a library's classifier with their defaults.

    Raises:
        MissingTool: It is not installed.
    """
    params: dict[str, Any] = _classifier(name)().get_params()
    return params | dict.fromkeys(MORE_PARAMS[name])


def _classifier(name: Library) -> Any:  # noqa: ANN401 - a class of a library without types
    module = library(name)
    return module.LGBMClassifier if name == "lightgbm" else module.XGBClassifier


class LibraryBoosting(TwoClasses):
    """Boosted trees that LightGBM or XGBoost grows, and scikit-learn walks.

    Args:
        library: ``lightgbm`` or ``xgboost``.
        params: The parameters of its classifier.
        monotone: -1, 0 or 1 a column: the score falls with it, is free, or rises; None for all free.
        random_state: Seed.

    Attributes:
        predictors_: The trees.
        baseline_: What all rows begin with.
    """

    def __init__(
        self,
        library: Library = "lightgbm",
        params: Mapping[str, Any] | None = None,
        monotone: list[int] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.library = library
        self.params = params
        self.monotone = monotone
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn's tags
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LibraryBoosting:
        """Grow the trees, and keep them as arrays.

        Raises:
            MissingTool: The library is not installed.
            ValueError: A parameter makes trees that cannot be kept so.
        """
        x, target = self._validated(X, y)
        x, malicious, weights = self._weighed(x, target, sample_weight)
        with self._faults_explained():
            grown = self._grower().fit(x, malicious.astype(np.int8), sample_weight=weights)
        self.baseline_, trees = (
            _lightgbm_trees(grown) if self.library == "lightgbm" else _xgboost_trees(grown)
        )
        self.predictors_ = [TreePredictor(nodes, NO_CATEGORIES, NO_CATEGORIES) for nodes in trees]
        some = x[:CHECKED_ROWS]
        if not np.allclose(self.decision_function(some), _margin(grown, some), atol=TOLERANCE):
            raise ValueError(f"trees of {self.library} with {self.params} do not add up to its own score")
        return self

    def rounds(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.int8],
        weights: NDArray[np.float64],
        *,
        held_out: tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.float64]],
        patience: int,
    ) -> int:
        """Find after how many rounds the log loss of rows held out is least.

        Args:
            x: Rows to learn from.
            y: Their classes.
            weights: Their weights.
            held_out: Rows to judge by, their classes and weights.
            patience: Rounds without a better one after which it stops.
        """
        judged, truth, worth = held_out
        with self._faults_explained():
            if self.library == "lightgbm":
                stop = library("lightgbm").early_stopping(patience, verbose=False)
                grown = self._grower().fit(
                    x, y, weights, eval_X=judged, eval_y=truth, eval_sample_weight=[worth], callbacks=[stop]
                )
                return int(grown.best_iteration_)
            grower = self._grower().set_params(early_stopping_rounds=patience, eval_metric="logloss")
            grown = grower.fit(
                x,
                y,
                sample_weight=weights,
                eval_set=[(judged, truth)],
                sample_weight_eval_set=[worth],
                verbose=False,
            )
            return int(grown.best_iteration) + 1

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give the log-odds of the second class."""
        check_is_fitted(self)
        x = self._validated(X).astype(np.float64)
        none = np.zeros(x.shape[1], np.uint32)
        score = np.full(len(x), self.baseline_)
        for tree in self.predictors_:
            score += tree.predict(x, NO_CATEGORIES, none, 1)
        return score

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give the uncalibrated probability of each class."""
        malicious = 1 / (1 + np.exp(-np.clip(self.decision_function(X), -500, 500)))
        return np.stack([1 - malicious, malicious], axis=1)

    @contextlib.contextmanager
    def _faults_explained(self) -> Iterator[None]:
        """Turn what the library says of a parameter's value into what scikit-learn would raise."""
        module = library(self.library)
        fault = module.basic.LightGBMError if self.library == "lightgbm" else module.core.XGBoostError
        try:
            yield
        except fault as error:
            said = str(error).strip().splitlines()[0]
            raise InvalidParameterError(f"{self.library} refuses its parameters: {said}") from error

    def _validated(self, *arrays: ArrayLike) -> Any:  # noqa: ANN401 - X alone, or X and y
        fitting = len(arrays) > 1
        return validate_data(
            self, *arrays, dtype=np.float32, ensure_all_finite="allow-nan", reset=fitting, order="C"
        )

    def _grower(self) -> Any:  # noqa: ANN401 - a classifier of a library without types
        params = {**(self.params or {}), "n_jobs": 1, "random_state": self.random_state}
        if self.monotone is not None:
            params["monotone_constraints"] = tuple(self.monotone)
        if self.library == "lightgbm":
            params |= {"verbosity": -1, "deterministic": True, "force_row_wise": True}
        return _classifier(self.library)(**params)


def _margin(grown: Any, x: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: ANN401 - a library's classifier
    if hasattr(grown, "booster_"):
        return np.asarray(grown.booster_.predict(x, raw_score=True), np.float64)
    return np.asarray(grown.predict(x, output_margin=True), np.float64)


def _lightgbm_trees(grown: Any) -> tuple[float, list[NDArray[np.void]]]:  # noqa: ANN401 - LGBMClassifier
    trees = grown.booster_.dump_model()["tree_info"]
    return 0.0, [_nodes(_lightgbm_nodes(tree["tree_structure"])) for tree in trees]


def _lightgbm_nodes(root: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Number the nodes of a tree by depth, so that children lie behind their parent."""
    waiting, count = [root], 1
    for node in waiting:  # grows while it is walked
        if "leaf_value" in node:
            yield (node["leaf_value"], 0, 0.0, 0, 0, 0, 1)
            continue
        missing_left = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        yield (0.0, node["split_feature"], node["threshold"], missing_left, count, count + 1, 0)
        waiting += [node["left_child"], node["right_child"]]
        count += 2


def _xgboost_trees(grown: Any) -> tuple[float, list[NDArray[np.void]]]:  # noqa: ANN401 - XGBClassifier
    learner = json.loads(bytes(grown.get_booster().save_raw("json")))["learner"]
    prior = float(learner["learner_model_param"]["base_score"].strip("[]"))
    trees = learner["gradient_booster"]["model"]["trees"]
    return float(np.log(prior) - np.log1p(-prior)), [_nodes(_xgboost_nodes(tree)) for tree in trees]


def _xgboost_nodes(tree: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    conditions = np.array(tree["split_conditions"], np.float32)
    # It sends a value left that is below the threshold; scikit-learn one that is at most it.
    below = np.nextafter(conditions, np.float32(-np.inf))
    children = zip(tree["left_children"], tree["right_children"], strict=True)
    for at, (left, right) in enumerate(children):
        if left == -1:
            yield (conditions[at], 0, 0.0, 0, 0, 0, 1)
        else:
            yield (0.0, tree["split_indices"][at], below[at], tree["default_left"][at], left, right, 0)


def _nodes(rows: Iterator[tuple[Any, ...]]) -> NDArray[np.void]:
    columns = ("value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf")
    values = list(rows)
    nodes = np.zeros(len(values), NODE)
    for name, column in zip(columns, zip(*values, strict=True), strict=True):
        nodes[name] = column
    return nodes
