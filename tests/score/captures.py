"""Tiny Zeek folders, and a model whose probabilities can be worked out by hand.

The connection model takes one input, `orig_pkts` less five as log-odds: five packets give probability one
half. The capture model does the same with the number of connections, less three.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ptml.artifact import REFERENCE_FILE, load_model, save_model
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES, feature_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ptml.artifact import AuditMark, Model, Reference
    from ptml.types import Level

HALF: dict[Level, tuple[str, float]] = {"connection": ("orig_pkts", 5), "capture": ("connections", 3)}
"""Input of each level's model, and the value of it that gives probability one half."""
MEDIAN_LESS_ONE = {
    "inputs": ["median"],
    "middles": [0.0],
    "spreads": [1.0],
    "weights": [1.0],
    "intercept": -1.0,
}
FAMILIES = {
    "families": ["many", "throngs"],
    "calibration": {"slope": 1.0, "intercept": 0.0},
    "confidence": 0.5,
    "precision": 0.8,
    "out_of_fold": {"rows": 2, "named": 1.0, "right": 1.0, "first": 1.0},
}
FIELDS = {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "proto": "enum",
    "orig_pkts": "count",
}


def sigmoid(log_odds: float) -> float:
    """Turn log-odds into a probability, independently of ptml."""
    return 1 / (1 + math.exp(-log_odds))


def conn(uid: str, packets: int, *, host: str = "10.0.0.1", ts: float = 1.5) -> list[object]:
    """Make a row of conn.log."""
    return [ts, uid, host, 50_000, "203.0.113.7", 443, "tcp", packets]


def write_capture(folder: Path, rows: Sequence[Sequence[object]], *, log: str = "conn") -> Path:
    """Write a folder with one Zeek log."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{log}",
        "\t".join(["#fields", *FIELDS]),
        "\t".join(["#types", *FIELDS.values()]),
        *("\t".join(str(value) for value in row) for row in rows),
    ]
    (folder / f"{log}.log").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def _estimator(name: str, half: float) -> Pipeline:
    values = pl.DataFrame({name: [half - 1, half + 1]}, schema={name: pl.Float32})
    pipeline = Pipeline(
        [("impute", SimpleImputer(strategy="constant", fill_value=0.0)), ("classify", LogisticRegression())]
    ).fit(values, [0, 1])
    pipeline[-1].coef_ = np.array([[1.0]])
    pipeline[-1].intercept_ = np.array([-float(half)])
    return pipeline


def _level(name: str, threshold: float) -> dict[str, Any]:
    known = {feature.name: feature for feature in (*CAPTURE_FEATURES, *CONNECTION_FEATURES)}
    return {
        "features": [{"name": name, "dtype": str(known[name].dtype)}],
        "threshold": threshold,
        "max_false_positive_rate": 0.01,
        "calibration": {"slope": 1.0, "intercept": 0.0},
        "out_of_fold": {"false_positive_rate": 0.01, "recall": 0.5},
        "training": {"rows": 2, "malicious": 1, "captures": 2, "malicious_captures": 1, "available": 2},
    }


def make_model(
    folder: Path,
    *,
    levels: Sequence[Level] = ("connection", "capture"),
    threshold: float = 0.5,
    version: str | None = None,
    captures: Sequence[str] = (),
    stack: bool = False,
    audit: AuditMark | None = None,
    families: bool = False,
    prior: float | None = None,
    reference: Reference | None = None,
    unit: str = "file",
    half: Mapping[Level, tuple[str, float]] = HALF,
) -> Model:
    """Save the model that this module describes, and load it as a user would.

    With a stack, captures are judged by their median connection alone, less one as log-odds. With families,
    `many` is as likely as the number of connections less six says as log-odds, `throngs` as that less 100.
    """
    parts = {level: {**_level(half[level][0], threshold), "prior": prior} for level in levels}
    estimators = {level: _estimator(*half[level]) for level in levels}
    if stack:
        del estimators["capture"]
        parts["capture"] |= {"features": [], "stack": MEDIAN_LESS_ONE}
    manifest = {
        "name": folder.name,
        "created": "2026-11-20T00:00:00+00:00",
        "ptml_version": "0",
        "fingerprint": "0" * 64,
        "spec": {},
        "levels": parts,
        "feature_version": feature_version() if version is None else version,
        "libraries": {"scikit-learn": sklearn.__version__},
        "data_fingerprint": "0",
        "captures": dict.fromkeys(captures, ""),
        "seed": 0,
        "unit": unit,
        "audit": audit,
    }
    naming: tuple[Pipeline, ...] = ()
    if families:
        naming = (_estimator("connections", 6), _estimator("connections", 100))
        parts["capture"]["family"] = FAMILIES
    record = {REFERENCE_FILE: reference.model_dump_json().encode()} if reference else {}
    save_model(folder, manifest, estimators, folder.parent / ".tmp", record=record, families=naming)
    return load_model(folder)
