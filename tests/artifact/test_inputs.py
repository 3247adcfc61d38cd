from __future__ import annotations

import polars as pl
import pytest

from ptml.artifact.inputs import FeatureContract, check_features, contracts_of, model_inputs, refuse_identity
from ptml.errors import ModelMismatch


def test_keys_are_not_features() -> None:
    """The key columns of a level never become inputs."""
    schema = pl.Schema({"capture_id": pl.String, "uid": pl.String, "id.resp_p": pl.UInt16, "n": pl.UInt32})
    assert contracts_of(schema, "connection") == (FeatureContract(name="n", dtype="UInt32"),)


@pytest.mark.parametrize("name", ["uid", "id.orig_h", "ts", "source", "label", "name", "sha256"])
def test_identity_is_refused(name: str) -> None:
    """A model that is handed an address, a uid, a time, a source or a label as a feature refuses."""
    with pytest.raises(ModelMismatch, match=f"cannot be features of a model: '{name}'"):
        refuse_identity(["duration", name])


def test_null_stays_null_and_is_not_zero() -> None:
    """Numbers and truth values become Float32 with null kept; categories stay text with null kept."""
    frame = pl.DataFrame({"n": [0, None], "is_local": [False, None], "service": ["dns", None]})
    inputs = model_inputs(frame, contracts_of(frame.schema, "connection"))
    assert inputs.schema == {"n": pl.Float32, "is_local": pl.Float32, "service": pl.String}
    assert inputs.rows() == [(0.0, 0.0, "dns"), (None, None, None)]


def test_infinite_is_unknown() -> None:
    """An infinity, and a not-a-number, is a quotient without a value: null."""
    frame = pl.DataFrame({"rate": [1.0, float("inf"), -float("inf"), float("nan")]})
    inputs = model_inputs(frame, contracts_of(frame.schema, "connection"))
    assert inputs["rate"].to_list() == [1.0, None, None, None]


def test_missing_and_other_types_are_all_named() -> None:
    """Columns that are missing or of another type are named in one message."""
    contracts = [
        FeatureContract(name=n, dtype=t) for n, t in [("a", "Float32"), ("b", "String"), ("c", "UInt8")]
    ]
    schema = pl.Schema({"a": pl.Int64, "c": pl.UInt8})
    with pytest.raises(
        ModelMismatch, match="columns are missing: 'b'; a is Int64 where Float32 was expected"
    ):
        check_features(schema, contracts, "small")
