"""The record of a training, beside the model: folds, captures, and figures on what was held out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ptml.artifact import REFERENCE_FILE, read_record_file
from ptml.catalog import read_provenance
from ptml.errors import BadData
from ptml.io import json_bytes, parse_json
from ptml.manifest import published
from ptml.schema import LEARNED, SPLITS
from ptml.train.reference import level_reference, training_reference
from ptml.train.sources import labelled_captures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ptml.artifact import LevelReference, ModelManifest, Reference
    from ptml.schema import Table
    from ptml.settings import DatasetSettings
    from ptml.train.capture import Capture
    from ptml.train.dataset import Dataset
    from ptml.train.fit import Fitted
    from ptml.train.verdicts import FittedStack
    from ptml.types import JsonObject, Level
    from ptml.workspace import Workspace

SPLITS_FILE = "splits.parquet"
CAPTURES_FILE = "captures.parquet"
METRICS_FILE = "metrics.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What is written beside a model.

    Attributes:
        splits: Which fold held each capture out, a level at a time (table ``models/splits``).
        captures: The captures that there were (table ``models/captures``).
        metrics: Figures on rows held out, by level. Calibration and threshold were chosen on these same rows.
        reference: What the rows looked like; None where the record is read again, which has no use for it.
    """

    splits: pl.DataFrame
    captures: pl.DataFrame
    metrics: Mapping[str, JsonObject]
    reference: Reference | None = None

    def files(self) -> dict[str, bytes]:
        """Give its files by name, as `save_model` takes them."""
        files = {
            SPLITS_FILE: _parquet(self.splits),
            CAPTURES_FILE: _parquet(self.captures),
            METRICS_FILE: json_bytes(self.metrics),
        }
        if self.reference is not None:
            files[REFERENCE_FILE] = self.reference.model_dump_json().encode()
        return files


class RecordKeeper:
    """Takes down a training as it goes, a level at a time."""

    def __init__(self, workspace: Workspace, dataset: DatasetSettings | None = None) -> None:
        self._workspace = workspace
        self._captures = labelled_captures(workspace, "connection", dataset)
        self._groups = {one.capture_id: one.group for one in self._captures}
        self._splits: list[pl.DataFrame] = []
        self._metrics: dict[str, JsonObject] = {}
        self._references: dict[Level, LevelReference] = {}
        self._used: set[str] = set()

    def add(self, data: Dataset, fitted: Fitted | FittedStack) -> None:
        """Take down a level."""
        self._splits.append(splits_of(data, fitted.fold_of, self._groups))
        at = fitted.fold_of >= 0
        self._metrics[data.level] = figures_of(
            data.y[at], fitted.held_out[at], data.weights[at], fitted.threshold
        )
        self._references[data.level] = level_reference(data, fitted.pipeline)
        self._used |= data.captures.keys()

    def record(self) -> Record:
        """Give all that was taken down."""
        captures = captures_of(self._workspace, self._captures, self._used)
        reference = training_reference(self._workspace, self._references, self._used)
        return Record(pl.concat(self._splits), captures, self._metrics, reference)


def read_record(folder: Path, manifest: ModelManifest) -> Record:
    """Read a model's record.

    Raises:
        MissingInput: It has none, or a file of it is gone.
        BadData: A file of it was changed since the model was trained.
    """
    metrics = parse_json(read_record_file(folder, manifest, METRICS_FILE), folder / METRICS_FILE)
    return Record(
        splits=_table(folder, manifest, SPLITS_FILE, SPLITS),
        captures=_table(folder, manifest, CAPTURES_FILE, LEARNED),
        metrics=metrics,
    )


def _table(folder: Path, manifest: ModelManifest, name: str, table: Table) -> pl.DataFrame:
    data = read_record_file(folder, manifest, name)
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        raise BadData(f"{folder / name} cannot be read as Parquet: {error}") from error
    return table.check(frame)


def _parquet(frame: pl.DataFrame) -> bytes:
    data = io.BytesIO()
    frame.write_parquet(data, compression="zstd", compression_level=1)
    return data.getvalue()


def splits_of(data: Dataset, fold_of: NDArray[np.int64], groups: Mapping[str, str]) -> pl.DataFrame:
    """Tell which fold held each capture out, at one level.

    Args:
        data: The dataset.
        fold_of: The fold of each of its rows; those of a capture have the same. Negative where no fold held
            it out.
        groups: Group of each capture, by name.

    Returns:
        A row a capture, by id, as the table ``models/splits`` says.
    """
    fold = pl.Series(np.where(fold_of < 0, np.nan, fold_of)).fill_nan(None)
    rows = data.keys.select("capture_id", fold=fold, y=pl.Series(data.y))
    counted = rows.group_by("capture_id", "fold").agg(rows=pl.len(), malicious=pl.col("y").sum())
    group = pl.col("capture_id").replace_strict(groups, return_dtype=pl.String)
    return SPLITS.check(
        counted.with_columns(level=pl.lit(data.level), group=group).sort("capture_id", "fold")
    )


def captures_of(
    workspace: Workspace, captures: Iterable[Capture], learned_from: Iterable[str]
) -> pl.DataFrame:
    """List the captures that there are, with what was published of each.

    Args:
        workspace: Where they are.
        captures: The captures, as `labelled_captures` gives them for connections.
        learned_from: Ids of those that the model learned from.

    Returns:
        A row a capture, by id, as the table ``models/captures`` says.
    """
    prints = {
        stage: {manifest.capture_id: manifest.fingerprint for manifest in published(workspace, stage)}
        for stage in ("features", "labels")
    }
    used = set(learned_from)
    rows = [
        {
            "capture_id": one.capture_id,
            "source": one.source,
            "label": one.label,
            "family": one.family,
            "unit": one.unit,
            "group": one.group,
            "raw": one.raw,
            "features": prints["features"].get(one.capture_id),
            "labels": prints["labels"].get(one.capture_id),
            "connections": one.labelled,
            "name": one.name,
            "start": one.span.start,
            "end": one.span.end,
            "period": one.period,
            "known": one.known,
            "left_out": one.left_out,
            "used": one.capture_id in used,
        }
        for one in captures
    ]
    return pl.DataFrame(rows, schema=LEARNED.schema).sort("capture_id")


def figures_of(
    y: NDArray[np.int8], probability: NDArray[np.float64], weights: NDArray[np.float64], threshold: float
) -> JsonObject:
    """Measure probabilities, and the verdicts that a threshold makes of them.

    Args:
        y: 1 for malicious, 0 for benign.
        probability: Of being malicious.
        weights: Weight of each row.
        threshold: The probability from which a row is called malicious.

    >>> found = figures_of(np.array([0, 1], np.int8), np.array([0.2, 0.9]), np.ones(2), 0.5)
    >>> [found[name] for name in ("recall", "false_positive_rate", "precision", "pr_auc")]
    [1.0, 0.0, 1.0, 1.0]
    """
    called = probability >= threshold
    bad = y == 1
    caught, false = weights[called & bad].sum(), weights[called & ~bad].sum()
    return {
        "rows": len(y),
        "malicious": int(bad.sum()),
        "threshold": threshold,
        "recall": float(caught / weights[bad].sum()),
        "false_positive_rate": float(false / weights[~bad].sum()),
        "precision": float(caught / (caught + false)) if called.any() else None,
        "roc_auc": float(roc_auc_score(y, probability, sample_weight=weights)),
        "pr_auc": float(average_precision_score(y, probability, sample_weight=weights)),
        "brier": float(brier_score_loss(y, probability, sample_weight=weights)),
    }


def terms_of(workspace: Workspace) -> dict[str, str]:
    """Tell under which terms each source gives its captures, where it says so."""
    told = read_provenance(workspace).drop_nulls("licence").group_by("source").agg(pl.col("licence").unique())
    return {source: "; ".join(sorted(licences)) for source, licences in told.iter_rows()}
