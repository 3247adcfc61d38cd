from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.svm import NuSVC

from ptml.artifact import log_odds, model_inputs
from ptml.artifact.skopsfile import dump_estimator, load_estimator
from ptml.errors import BadData
from tests.artifact.builders import NAMES, fitted, table

PATH = Path("model.skops")


class Escape:
    """A class that would run a command if it were ever unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Name the command."""
        return (print, ("unpickled",))


def edited(data: bytes, change: Any) -> bytes:  # noqa: ANN401 - a function on the schema
    """Change the schema of a skops file."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                change(schema)
                content = json.dumps(schema).encode()
            new.writestr(name, content)
    return result.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_a_round_trip_keeps_every_bit(name: Any) -> None:  # noqa: ANN401 - an estimator's name
    """What is loaded gives the very log-odds of what was saved, nulls and unknown categories included."""
    pipeline, contracts = fitted(name)
    again = load_estimator(dump_estimator(pipeline), PATH)
    inputs = model_inputs(table().with_columns(service=None).cast({"service": str}), contracts)
    assert np.array_equal(log_odds(pipeline, inputs), log_odds(again, inputs))


def test_a_pickle_is_not_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    """A pickle in place of the model is refused, and nothing in it runs."""
    with pytest.raises(BadData, match="not a skops file"):
        load_estimator(pickle.dumps(Escape()), PATH)
    assert capsys.readouterr().out == ""


def test_a_type_outside_the_list_is_refused() -> None:
    """A skops file that names an estimator ptml does not use is refused, though skops would trust it."""
    with pytest.raises(BadData, match=r"sklearn\.svm\._classes\.NuSVC"):
        load_estimator(skops.io.dumps(NuSVC()), PATH)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("__class__", "system"),
        ("__module__", "os"),
        ("__loader__", "FunctionNode"),
        ("__loader__", "MethodNode"),
    ],
)
def test_an_edited_schema_is_refused(key: str, value: str) -> None:
    """Another class, module or way of building, anywhere in the file, is refused before anything is built."""
    data = dump_estimator(fitted("logistic-regression")[0])
    with pytest.raises(BadData, match="holds what no model of ptml has"):
        load_estimator(edited(data, lambda schema: schema["content"].update({key: value})), PATH)


@pytest.mark.parametrize(
    ("name", "tree"),
    [
        ("hist-gradient-boosting", lambda model: model._predictors[0][0]),
        ("lightgbm", lambda model: model.predictors_[0]),
        ("xgboost", lambda model: model.predictors_[-1]),
    ],
)
def test_edited_indices_are_found_on_loading(name: Any, tree: Any) -> None:  # noqa: ANN401
    """A file whose types are all permitted, and whose tree leads outside, is refused as it is loaded."""
    pipeline, _ = fitted(name)
    tree(pipeline[-1]).nodes["feature_idx"][0] = 10_000
    with pytest.raises(BadData, match="beyond its"):
        load_estimator(dump_estimator(pipeline), PATH)


def test_a_file_names_no_module_of_another_library() -> None:
    """What LightGBM and XGBoost grew is saved as arrays: neither library is named in the file."""
    for name in ("lightgbm", "xgboost"):
        with zipfile.ZipFile(io.BytesIO(dump_estimator(fitted(name)[0]))) as archive:
            schema = json.loads(archive.read("schema.json"))
        assert f'"__module__": "{name}' not in json.dumps(schema)


def test_a_truncated_file_is_refused() -> None:
    """A file that was cut short is refused."""
    data = dump_estimator(fitted("logistic-regression")[0])
    with pytest.raises(BadData, match="not a skops file"):
        load_estimator(data[: len(data) // 2], PATH)


def test_something_else_of_permitted_types_is_refused() -> None:
    """A list is made of permitted types and is no model."""
    with pytest.raises(BadData, match="holds a list, not a pipeline"):
        load_estimator(skops.io.dumps([1, 2]), PATH)


def test_a_model_that_could_not_be_read_is_not_written() -> None:
    """Saving refuses what loading would refuse."""
    with pytest.raises(BadData, match=r"the fitted model holds .*NuSVC"):
        dump_estimator(NuSVC())
