"""Reading and writing the estimator of a model, without pickle.

A skops file is an archive of JSON and arrays. Before anything in it is built, each type it names is held
against the list below: it holds what ptml itself writes and nothing else, and lives here, not beside the
model.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from ptml.artifact.trees import check_trees
from ptml.errors import BadData, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from ptml.types import JsonObject, JsonValue

MAX_BYTES = 2 << 30
MAX_MEMBERS = 100_000
LOADERS = frozenset(
    {
        "DictNode",
        "DTypeNode",
        "JsonNode",
        "ListNode",
        "LossNode",
        "NdArrayNode",
        "ObjectNode",
        "RandomGeneratorNode",
        "SliceNode",
        "TreeNode",
        "TupleNode",
        "TypeNode",
    }
)
TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "numpy.dtype",
        "numpy.float32",
        "numpy.float64",
        "numpy.int64",
        "numpy.ndarray",
        "numpy.random._generator.Generator",
        "numpy.uint64",
        "ptml.train.baselines.BenignForest",
        "ptml.train.baselines.SingleFeature",
        "ptml.train.boosting.LibraryBoosting",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.dummy.DummyClassifier",
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.ensemble._iforest.IsolationForest",
        "sklearn.impute._base.MissingIndicator",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.QuantileTransformer",
        "sklearn.preprocessing._encoders.OneHotEncoder",
        "sklearn.preprocessing._function_transformer.FunctionTransformer",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.svm._classes.SVC",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._classes.ExtraTreeClassifier",
        "sklearn.tree._classes.ExtraTreeRegressor",
        "sklearn.tree._tree.Tree",
    }
)


def dump_estimator(estimator: Pipeline | tuple[Pipeline, ...]) -> bytes:
    """Turn a fitted pipeline, or several, into the bytes of a skops file.

    Raises:
        BadData: It holds a type that reading would refuse.
    """
    content = list(estimator) if isinstance(estimator, tuple) else estimator
    data: bytes = skops.io.dumps(content, compression=zipfile.ZIP_DEFLATED, compresslevel=6)
    _check_contents(data, "the fitted model")
    return data


def load_estimator(data: bytes, path: Path) -> Pipeline:
    """Build the pipeline that a skops file describes, after checking all it names and all it holds.

    Raises:
        BadData: It is not such a file, names a type outside the list, or its trees are broken.
    """
    estimator = _read(data, path)
    _check_pipeline(estimator, path)
    return estimator


def load_estimators(data: bytes, path: Path, count: int) -> tuple[Pipeline, ...]:
    """Build the pipelines of a skops file of several, checked like one.

    Raises:
        BadData: It is not such a file, holds another number, names a type outside the list, or its trees are
            broken.
    """
    estimators = _read(data, path)
    if not isinstance(estimators, list) or len(estimators) != count:
        raise BadData(f"{path} does not hold {count} pipelines", hint="train or fetch the model again")
    for estimator in estimators:
        _check_pipeline(estimator, path)
    return tuple(estimators)


def _read(data: bytes, path: Path) -> Any:  # noqa: ANN401 - whatever the file describes
    _check_contents(data, str(path))
    try:
        return skops.io.loads(data, trusted=sorted(TYPES))
    except UntrustedTypesFoundException as error:
        raise BadData(f"{path} holds types that no model of ptml has: {error}; nothing was loaded") from error
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError, EOFError) as error:
        raise BadData(
            f"{path} does not hold a model that this version can read: {error}",
            hint="train or fetch it again",
        ) from error


def _check_pipeline(estimator: Any, path: Path) -> None:  # noqa: ANN401 - whatever the file describes
    if type(estimator).__name__ != "Pipeline" or not hasattr(estimator, "steps"):
        raise BadData(f"{path} holds a {type(estimator).__name__}, not a pipeline")
    check_trees(estimator.steps[-1][1])


def _check_contents(data: bytes, what: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > MAX_MEMBERS or size > MAX_BYTES:
                raise BadData(
                    f"{what} unpacks to {size} bytes in {len(members)} members: more than any model"
                )
            schema = json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, RecursionError) as error:
        raise BadData(
            f"{what} is not a skops file: {error}; nothing was loaded", hint="train or fetch the model again"
        ) from error
    types, loaders = set(), set()
    for node in _nodes(schema):
        types.add(f"{node.get('__module__')}.{node.get('__class__')}")
        loaders.add(str(node.get("__loader__")))
    unknown = sorted(types - TYPES) + sorted(loaders - LOADERS)
    if unknown:
        raise BadData(
            f"{what} holds what no model of ptml has: {quoted(unknown)}; nothing was loaded",
            hint="load only models that ptml trained",
        )


def _nodes(schema: JsonValue) -> Iterator[JsonObject]:
    """Find every object that names a class or loader; without recursion, which a deep file could exhaust."""
    waiting: list[JsonValue] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "__class__" in value or "__loader__" in value or "__module__" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
