"""What `run.json` says of a batch, and what the page says of its model."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData
from ptml.io import read_json, sha256_file
from ptml.report import evaluation_sentence
from ptml.report.environment import count, decimal
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import polars as pl

    from ptml.artifact import Model
    from ptml.score.capture import CaptureOutcome, CaptureTask
    from ptml.score.found import Skipped

VERSION = 1
SUMMED = ("connections", "alerts", "rows_read", "rows_quarantined", "rows_left_out")


def run_record(
    model: Model,
    outcomes: Sequence[tuple[CaptureTask, CaptureOutcome]],
    skipped: Sequence[Skipped],
    *,
    ranked: pl.DataFrame,
    hosts: int,
    began: datetime,
    base_rate: float | None = None,
    drift: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Record what was read, with which model, and what was left out.

    Args:
        model: What judged the captures.
        outcomes: What became of each capture.
        skipped: Paths that were left out.
        ranked: The table of captures, in its order.
        hosts: Rows of the table of hosts.
        began: When the run began.
        base_rate: The share of malicious rows that probabilities were turned to, if any.
        drift: How the captures that were scored now compare with the training data; None if nobody knows.
    """
    by_id = {outcome.capture_id: (task, outcome) for task, outcome in outcomes}
    trained_on = model.manifest.captures
    captures = [
        {**_capture_record(*by_id[capture_id]), "in_training": capture_id in trained_on}
        for capture_id in ranked["capture_id"]
    ]
    totals: Counter[str] = Counter(dict.fromkeys(SUMMED, 0))
    for capture in captures:
        totals.update({name: capture[name] for name in SUMMED})
    return {
        "version": VERSION,
        "ptml_version": __version__,
        "began": began.isoformat(timespec="seconds"),
        "model": model_record(model, base_rate),
        "captures": captures,
        "skipped": [asdict(one) for one in skipped],
        "drift": drift,
        "totals": {
            **totals,
            "captures": len(captures),
            "unscored": sum(capture["connections"] == 0 for capture in captures),
            "malicious": int((ranked["verdict"] == "malicious").sum()),
            "hosts": hosts,
            "in_training": sum(capture["in_training"] for capture in captures),
            "skipped": len(skipped),
        },
    }


def model_record(model: Model, base_rate: float | None = None) -> dict[str, Any]:
    """Record which model judged, and at which base rate."""
    return {
        "base_rate": base_rate,
        "name": model.name,
        "sha256": sha256_file(model.folder / "manifest.json"),
        "fingerprint": model.manifest.fingerprint,
        "feature_version": model.manifest.feature_version,
        "audit": model.manifest.audit.model_dump(mode="json") if model.manifest.audit else None,
        "thresholds": {level: part.threshold for level, part in model.manifest.levels.items()},
    }


def _capture_record(task: CaptureTask, outcome: CaptureOutcome) -> dict[str, Any]:
    return {
        **asdict(outcome),
        "name": task.found.name,
        "path": task.found.path,
        "unit": task.found.unit,
        "inputs": task.inputs,
        "notes": list(outcome.notes),
    }


def read_evaluation(path: Path | None, model: Model) -> str | None:
    """Say in a sentence how the model was evaluated; None if there is no evaluation of this very model.

    Raises:
        BadData: The file is there but is not an evaluation.
    """
    if path is None or not path.exists():
        return None
    found = read_json(path)
    try:
        same = found["model_fingerprint"] == model.manifest.fingerprint
        return evaluation_sentence(found) if same else None
    except (KeyError, TypeError, AttributeError) as error:
        raise BadData(
            f"{path} is not an evaluation: {error!r} is wrong", hint="`ptml evaluate` makes one"
        ) from error


def model_facts(model: Model) -> list[tuple[str, object]]:
    """List what a reader of the page should know of the model, name and value."""
    manifest = model.manifest
    reasons = manifest.audit.reasons if manifest.audit else ()
    facts: list[tuple[str, object]] = [
        ("Name", model.name),
        ("Trained", manifest.created),
        ("Training captures", f"{count(len(manifest.captures))}, each one {manifest.unit}"),
    ]
    for level, part in manifest.levels.items():
        noun = f"{level}s"
        rows, malicious = count(part.training.rows), count(part.training.malicious)
        threshold = (
            f"{decimal(part.threshold)}, chosen for at most {part.max_false_positive_rate:.2%} false alarms; "
            f"on training captures held out {part.out_of_fold.false_positive_rate:.2%} were, "
            f"and {part.out_of_fold.recall:.1%} of malicious {noun} were found"
        )
        facts += [
            (f"Learned {noun} from", f"{rows} {noun}, {malicious} of them malicious"),
            (f"Threshold for {noun}", threshold),
        ]
    return [
        *facts,
        ("Audit of its training data", manifest.audit.light if manifest.audit else "none was made"),
        *((f"Audit: {reason.partition(':')[0]}", reason.partition(": ")[2]) for reason in reasons),
        ("Feature version", manifest.feature_version),
        ("Fingerprint", manifest.fingerprint),
    ]
