"""An evaluation of every kind of result, with hostile names wherever a name of others can stand."""

from __future__ import annotations

import copy
from typing import Any

from ptml.report.naming import MEASURES

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e\"'><img src=x onerror=alert(2)> javascript:alert(3)"
SHOWN = "<script>alert(1)</script>\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}"
"""How it begins once what acts or hides is marked."""

MEASURED = {"recall": 0.95, "false_positive_rate": 0.001, "precision_at_1e-4": 0.0868}


def figure(value: float | None, reason: str | None = None) -> dict[str, Any]:
    """Make a figure with an interval of a tenth each way, or the reason why there is none."""
    low, high = (None, None) if value is None else (round(value - 0.1, 3), round(value + 0.1, 3))
    return {"value": value, "low": low, "high": high, "reason": reason}


def source(name: str, rows: int, malicious: int, area: float | None = None) -> dict[str, Any]:
    """Make a source's result."""
    return {"source": name, "captures": 3, "rows": rows, "malicious": malicious, "roc_auc": area} | {
        "recall": 0.25 if malicious else None,
        "false_positive_rate": None if malicious == rows else 0.02,
    }


def family(name: str, rows: int = 50) -> dict[str, Any]:
    """Make a family's result."""
    return {"family": name, "captures": 4, "captures_detected": 3, "rows": rows, "recall": 0.125}


def split(name: str) -> dict[str, Any]:
    """Make a split."""
    return {
        "name": name,
        "learn_captures": 6,
        "learn_rows": 900,
        "captures": 2,
        "rows": 100,
        "malicious": 30,
        "threshold": 0.6,
        "roc_auc": None,
        "pr_auc": None,
        "recall": 0.5,
        "false_positive_rate": None,
        "starts": "2026-01-02T03:04:05+00:00",
        "ends": None,
    }


def naming() -> dict[str, Any]:
    """Make what is said of two families, one of them with a hostile name, and of a rare one."""
    shares = ("top_1", "top_3", "macro_f1", "named", "right", "rare_unknown", "unseen_unknown")
    row = {"captures": 7, "first": 6, "named": 5, "named_other": 1, "precision": 0.625}
    return {
        "captures": 14,
        "rare": 3,
        "unnamed": 2,
        "metrics": {name: figure(0.5) for name in shares},
        "families": [
            {"family": HOSTILE, **row, "unseen": 4, "unseen_as": HOSTILE},
            {"family": "quiet", **row, "unseen": None, "unseen_as": None},
        ],
        "too_few": {HOSTILE: 2},
        "answers": [HOSTILE, "quiet", "unknown"],
        "confusion": [[5, 1, 1], [0, 5, 2], [0, 0, 3]],
        "notes": [HOSTILE],
    }


def protocol(name: str, area: float) -> dict[str, Any]:
    """Make a protocol's result."""
    metrics = {key: figure(0.5) for key in MEASURES} | {"roc_auc": figure(area)}
    metrics["tpr_at_fpr_1e-3"] = figure(None, "277 benign rows are too few")
    curve = {"band_x": [0.0, 0.5, 1.0], "low": [None, 0.3, 0.9], "high": [None, 0.7, 1.0]}
    return {
        "protocol": name,
        "safe": name != "random",
        "description": f"held out as {name} says",
        "folds": 2,
        "splits": [split("fold 1"), split(HOSTILE)],
        "thresholds": [0.6, 0.8],
        "rows_not_held_out": 5,
        "notes": [HOSTILE],
        "metrics": metrics | {name: figure(value) for name, value in MEASURED.items()},
        "metrics_by_capture": metrics,
        "per_source": [source(HOSTILE, 40, 40), source("lab", 60, 10, 0.9), source("trap", 1200, 30, 0.7)],
        "per_family": [family(HOSTILE), *(family(f"family{number}", number) for number in range(1, 20))],
        "roc": {"x": [0.0, 0.0, 1.0], "y": [0.0, 0.5, 1.0], **curve},
        "precision_recall": {"x": [0.5, 1.0], "y": [1.0, 0.5], **curve},
        "calibration": [
            {"low": 0.0, "high": 0.1, "rows": 90, "mean_probability": 0.05, "malicious_share": 0.0625}
        ],
        "detection": {"captures": 4, "detected": 3, "seconds": {"p50": 3.25, "p90": 600.0}},
        "alerts": {"host_days": 20, "benign_host_days": 10, "alerts": 30, "false_alarms": 5},
    }


def cell(train: str, test: str, area: float | None, **other: float) -> dict[str, Any]:
    """Make a cell of the matrix."""
    low, high = (None, None) if area is None else (0.25, 0.75)
    counts = {"captures": 2, "rows": 30, "malicious": 10, "recall": None, "false_positive_rate": None}
    return {"train": train, "test": test, "roc_auc": area, "low": low, "high": high, **counts, **other}


def mistake(kind: str, probability: float) -> dict[str, Any]:
    """Make an error."""
    return {
        "kind": kind,
        "capture_id": "c0123456789abcdef",
        "uid": HOSTILE,
        "source": HOSTILE,
        "family": HOSTILE if kind == "missed" else None,
        "probability": probability,
        "reasons": [f"dns: 0.31 instead of 0.99 if usual (dns_query {HOSTILE}, usually 3)"],
    }


GAPS = {"grouped": 0.2, "temporal": 0.25, "leave-family-out": 0.3, "leave-source-out": 0.4}
EVALUATION: dict[str, Any] = {
    "model": "forest",
    "fingerprint": "f",
    "model_fingerprint": "m",
    "spec": {"estimator": "random-forest"},
    "seed": 7,
    "seeds": [7, 8],
    "draws": 1000,
    "feature_version": "1",
    "headline": [],
    "notes": [HOSTILE],
    "labels": {"policy": "inherit"},
    "levels": {
        "connection": {
            "data": {"rows": 1300, "malicious": 80, "captures": 9, "excluded": {HOSTILE: 12}},
            "protocols": {
                "random": protocol("random", 0.95),
                **{name: protocol(name, round(0.95 - gap, 2)) for name, gap in GAPS.items()},
            },
            "not_possible": {},
            "gap": {name: {"roc_auc": figure(gap)} for name, gap in GAPS.items()},
            "matrix": {
                "train": ["lab", HOSTILE],
                "test": ["lab", "trap", HOSTILE],
                "cells": [
                    cell("lab", "lab", 1.0),
                    cell("lab", "trap", 0.5),
                    cell("lab", HOSTILE, None, recall=0.875),
                    cell(HOSTILE, "lab", None, false_positive_rate=0.125),
                    cell(HOSTILE, "trap", 0.0),
                    cell(HOSTILE, HOSTILE, None),
                ],
                "notes": [HOSTILE],
            },
            "importances": [
                {"family": "dns", "features": 19, "drop": 0.125, "low": 0.1, "high": 0.15},
                {"family": HOSTILE, "features": 1, "drop": -0.01, "low": None, "high": None},
            ],
            "mistakes": [mistake("false_alarm", 0.99), mistake("missed", 0.001)],
            "naming": naming(),
        }
    },
    "comparisons": [
        {"against": HOSTILE, "level": "connection", "protocol": "grouped"}
        | {"differences": {"roc_auc": figure(0.05)}, "differences_by_capture": {}}
    ],
    "audit": {
        "light": "red",
        "levels": {
            "connection": {
                "findings": [
                    {"light": "green", "title": "Label conflicts", "says": "none", "advice": ""},
                    {"light": "red", "title": "Exact duplicates", "says": HOSTILE, "advice": HOSTILE},
                    {"light": None, "title": "Drift", "says": "no times", "advice": ""},
                ]
            }
        },
    },
}


def only(*names: str) -> dict[str, Any]:
    """Keep some protocols."""
    data = copy.deepcopy(EVALUATION)
    level = data["levels"]["connection"]
    level["protocols"] = {name: level["protocols"][name] for name in names}
    level["gap"] = {name: gap for name, gap in level["gap"].items() if name in names and "random" in names}
    return data


def bare() -> dict[str, Any]:
    """Leave out all that an evaluation need not have."""
    data = only("grouped")
    data |= {"comparisons": [], "audit": None, "notes": [], "labels": {}, "seeds": []}
    level = data["levels"]["connection"]
    level |= {
        "matrix": None,
        "importances": [],
        "mistakes": [],
        "naming": None,
        "not_possible": {"temporal": HOSTILE},
    }
    level["data"]["excluded"] = {}
    result = level["protocols"]["grouped"]
    result |= {"splits": [], "detection": None, "alerts": None, "per_family": [], "calibration": []}
    for curve in ("roc", "precision_recall"):
        result[curve] = {"x": [0.0, 1.0], "y": [0.0, 1.0], "band_x": [], "low": [], "high": []}
    return data
