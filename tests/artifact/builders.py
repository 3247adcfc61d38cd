"""Small fitted pipelines and saved models."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ptml.artifact import FeatureContract, ModelManifest, contracts_of, model_inputs, save_model
from ptml.train.estimators import fit_pipeline
from ptml.train.spec import ModelSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.train.registry import EstimatorName

SMALL: dict[EstimatorName, dict[str, Any]] = {
    "hist-gradient-boosting": {"max_iter": 5},
    "random-forest": {"n_estimators": 3},
    "extra-trees": {"n_estimators": 3},
    "logistic-regression": {},
    "support-vector": {},
    "isolation-forest": {"n_estimators": 9},
    "lightgbm": {"n_estimators": 5, "min_child_samples": 5},
    "xgboost": {"n_estimators": 5},
    "rita-score": {},
    "single-best-feature": {},
    "prevalence": {},
}
NAMES: tuple[EstimatorName, ...] = tuple(SMALL)


def table(rows: int = 60) -> pl.DataFrame:
    """Make connections with keys, three numbers, a truth value and a category, and nulls among them."""
    rng = np.random.default_rng(7)
    frame = pl.DataFrame(
        {
            "capture_id": ["c0123456789abcdef"] * rows,
            "uid": [f"C{i:04d}" for i in range(rows)],
            "duration": rng.normal(size=rows).astype(np.float32),
            "orig_pkts": rng.integers(0, 9, rows).astype(np.uint32),
            "established": rng.random(rows) < 0.5,
            "service": rng.choice(["dns", "ssl"], rows),
        }
    )
    gone = pl.col("duration") > 1
    frame = frame.with_columns(beacon_score=(1 / (1 + (-pl.col("duration")).exp())).cast(pl.Float32))
    return frame.with_columns(
        pl.when(~gone).then(name).alias(name) for name in ("orig_pkts", "established", "service")
    )


def labels(frame: pl.DataFrame) -> NDArray[np.int8]:
    """Call a connection malicious where its duration is above zero."""
    return (frame["duration"] > 0).to_numpy().astype(np.int8)


def fitted(estimator: EstimatorName) -> tuple[Pipeline, tuple[FeatureContract, ...]]:
    """Fit a small pipeline on `table`."""
    frame = table()
    contracts = contracts_of(frame.schema, "connection")
    spec = ModelSpec(name="small", estimator=estimator, params=SMALL[estimator])
    y = labels(frame)
    inputs = model_inputs(frame, contracts)
    return fit_pipeline(spec, contracts, inputs, y, np.ones(len(y)), level="connection", seed=0), contracts


def draft(contracts: tuple[FeatureContract, ...], **changes: object) -> dict[str, Any]:
    """Write the manifest of a model without its files."""
    level = {
        "features": contracts,
        "threshold": 0.5,
        "max_false_positive_rate": 0.01,
        "calibration": {"slope": 1.0, "intercept": 0.0},
        "out_of_fold": {"false_positive_rate": 0.0, "recall": 1.0, "roc_auc": 1.0},
        "training": {
            "rows": 60,
            "malicious": 30,
            "captures": 1,
            "malicious_captures": 1,
            "available": 60,
            "excluded": {},
        },
    }
    return {
        "name": "small",
        "created": "2026-11-24T00:00:00+00:00",
        "ptml_version": "0.1.0",
        "fingerprint": "f" * 64,
        "spec": {},
        "levels": {"connection": level},
        "feature_version": "v1",
        "libraries": {"scikit-learn": version("scikit-learn")},
        "data_fingerprint": "d" * 64,
        "captures": {},
        "seed": 0,
        "unit": "file",
        **changes,
    }


def saved(folder: Path, estimator: EstimatorName = "logistic-regression", **changes: object) -> ModelManifest:
    """Save a small model."""
    pipeline, contracts = fitted(estimator)
    return save_model(folder, draft(contracts, **changes), {"connection": pipeline}, folder.parent / ".tmp")
