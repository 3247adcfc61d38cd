"""Evaluating: the model's own spec, fitted anew without each fold, against what is known of that fold."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ptml.artifact import CARD, read_model_manifest
from ptml.errors import BadData, MissingInput, SettingsError
from ptml.evaluate.bootstrap import DRAWS
from ptml.evaluate.judge import headline
from ptml.evaluate.level import LevelEvaluation, Rival
from ptml.evaluate.results import Evaluation, LevelResult
from ptml.io import read_json, sha256_json, write_bytes, write_json, write_parquet
from ptml.labels import label_connections
from ptml.report import render_evaluation
from ptml.settings import DatasetSettings, LabelsSettings, checked
from ptml.train.audit import AUDIT_VERSION, Audit, LevelAudit, audited, published_audit
from ptml.train.card import evaluated_card
from ptml.train.dataset import load_dataset
from ptml.train.facts import label_facts
from ptml.train.sources import data_fingerprint, features_used, labelled_captures
from ptml.train.spec import ModelSpec
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl

    from ptml.artifact import ModelManifest
    from ptml.engine import Engine
    from ptml.evaluate.parts import Comparison
    from ptml.settings import EvaluateSettings
    from ptml.train.dataset import Dataset
    from ptml.types import JsonObject, Level, Progress
    from ptml.workspace import Workspace

STAGE_VERSION = "2"
RESULT = "evaluation.json"
PAGE = "evaluation.html"
TABLE_METRICS = ("roc_auc", "pr_auc", "tpr_at_fpr_1e-2", "precision", "recall", "false_positive_rate")


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """An evaluation, and whether it had to be made.

    Attributes:
        folder: Where its files are.
        unchanged: It was there already, of the same model, data, settings, seed and versions.
        evaluation: What it found.
        seconds: Wall time of this call.
    """

    folder: Path
    unchanged: bool
    evaluation: Evaluation
    seconds: float

    @property
    def page(self) -> Path:
        """The HTML page."""
        return self.folder / PAGE

    def table(self) -> tuple[str, tuple[str, ...], list[tuple[object, ...]]]:
        """Give title, columns and rows of the figures that matter most, a level and protocol a row."""
        columns = ("level", "protocol", *TABLE_METRICS)
        rows: list[tuple[object, ...]] = [
            (level, protocol, *(found.metrics[name].value for name in TABLE_METRICS))
            for level, result in self.evaluation.levels.items()
            for protocol, found in result.protocols.items()
        ]
        kept = "kept, nothing changed" if self.unchanged else f"evaluated in {self.seconds:.1f} s"
        return f"model {self.evaluation.model} on held-out rows ({kept})", columns, rows

    def to_dict(self) -> JsonObject:
        """Give the result as plain JSON values."""
        return {
            "folder": str(self.folder),
            "unchanged": self.unchanged,
            "seconds": self.seconds,
            **self.evaluation.model_dump(mode="json"),
        }


def evaluate(
    workspace: Workspace,
    settings: EvaluateSettings,
    *,
    model: str,
    labels: LabelsSettings | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> EvaluationResult:
    """Evaluate a model's spec on the labelled captures of a workspace, and write `reports/<model>/`.

    The saved model has seen every capture, so it is never asked: its spec is fitted anew in each fold,
    calibration and threshold within the training part, and judged on the rows held out. A protocol that the
    data does not allow says why, and the others go on. The dataset is audited, and the evaluation carries
    what was found.

    Args:
        workspace: Where features, labels and the model are, and where the report goes.
        settings: Protocols, folds, seeds, bounds, and models to compare with.
        model: Name of the model.
        labels: How connections get their labels; as the model was trained, by default.
        seed: Seed of everything random, unless the settings have their own.
        engine: Where labelling runs.
        force: Evaluate even if nothing changed.
        progress: Called as the work goes on.

    Raises:
        MissingInput: There is no such model, none of those to compare with, or no features.
        SettingsError: The model was trained with a list of indicators, and none is given; a model to compare
            with draws other rows, or has not the levels of this one.
        BadData: There is one class only, or no protocol is possible.
        CannotWrite: The operating system refused; an earlier report stays as it was.
    """
    started = time.perf_counter()
    seed = seed if settings.seed is None else settings.seed
    with workspace.require().locked():
        manifest = read_model_manifest(model, workspace)
        rivals = [read_model_manifest(name, workspace) for name in dict.fromkeys(settings.against)]
        folder = workspace.report(manifest.name)
        labels = labels or labels_of(manifest)
        label_connections(workspace, labels, engine=engine, progress=progress)
        data_hash = data_fingerprint(labelled_captures(workspace, "connection"), workspace)
        used = features_used(workspace)
        compared = [rival.fingerprint for rival in rivals]
        facts = _facts(manifest, settings, seed, [data_hash, compared], labels=labels, used=used)
        old = None if force else _published(folder)
        unchanged = old is not None and old.fingerprint == facts["fingerprint"]
        if old is not None and unchanged:
            found = old
        else:
            found = _evaluate(workspace, manifest, rivals, settings, facts=facts, progress=progress)
    return EvaluationResult(folder, unchanged, found, round(time.perf_counter() - started, 3))


def labels_of(manifest: ModelManifest) -> LabelsSettings:
    """Give the policy by which the connections that a model learned from got their labels.

    Raises:
        SettingsError: It took a list of indicators, which only whoever calls can give.
    """
    if manifest.labels.get("indicators"):
        raise SettingsError(
            f"model {manifest.name!r} was trained with a list of indicators, and none was given",
            hint="--set labels.indicators=FILE names it",
        )
    return LabelsSettings.model_validate({"policy": manifest.labels.get("policy") or "auto"})


def dataset_of(manifest: ModelManifest) -> DatasetSettings:
    """Give the choice of captures that a model was trained with; evaluating it means these."""
    return checked(DatasetSettings, manifest.settings.get("dataset", {}), f"model {manifest.name!r}")


def _facts(
    manifest: ModelManifest,
    settings: EvaluateSettings,
    seed: int,
    compared: list[Any],
    *,
    labels: LabelsSettings,
    used: JsonObject,
) -> dict[str, Any]:
    notes = []
    by, trained_by = label_facts(labels), manifest.labels or label_facts(LabelsSettings())
    if by != trained_by:
        notes.append(
            f"connections are labelled by policy {by['policy']} here, and were by {trained_by['policy']} for "
            "training" + ("" if by["policy"] != trained_by["policy"] else ", with other indicators")
        )
    data_hash, _ = compared
    if manifest.data_fingerprint != data_hash:
        notes.append("captures, labels or features changed since the model was trained")
    if manifest.feature_version != used["feature_version"]:
        notes.append("the model was trained on features of another version")
    facts: dict[str, Any] = {
        "model": manifest.name,
        "model_fingerprint": manifest.fingerprint,
        "spec": manifest.spec,
        "seed": seed,
        "seeds": list(range(seed, seed + settings.seeds)),
        "draws": DRAWS,
        "feature_version": used["feature_version"],
        "notes": notes,
        "labels": by,
    }
    protocols = settings.model_dump(mode="json", exclude={"seed"})
    determined = sha256_json([STAGE_VERSION, AUDIT_VERSION, facts, protocols, compared])
    return {**facts, "fingerprint": determined}


def _published(folder: Path) -> Evaluation | None:
    try:
        return checked(Evaluation, read_json(folder / RESULT), str(folder / RESULT))
    except (MissingInput, BadData, SettingsError):
        return None


def _evaluate(
    workspace: Workspace,
    manifest: ModelManifest,
    rivals: Sequence[ModelManifest],
    settings: EvaluateSettings,
    *,
    facts: dict[str, Any],
    progress: Progress,
) -> Evaluation:
    spec = checked(ModelSpec, manifest.spec, f"model {manifest.name!r}")
    levels: dict[Level, LevelResult] = {}
    predictions: dict[str, pl.DataFrame] = {}
    earlier = published_audit(workspace)
    audits: dict[Level, LevelAudit] = {}
    comparisons: list[Comparison] = []
    read = partial(_read, workspace, seed=facts["seed"], progress=progress)
    for level, trained in manifest.levels.items():
        data, connections = read(manifest, spec, level)
        audits[level] = audited(data, earlier, seed=facts["seed"], progress=progress)
        found = LevelEvaluation(
            spec=spec,
            data=data,
            connections=connections,
            settings=settings,
            max_false_positive_rate=trained.max_false_positive_rate,
            seed=facts["seed"],
            rivals=tuple(_rival(rival, level, read) for rival in rivals),
            progress=progress,
        ).run()
        levels[level] = found.result
        comparisons += found.comparisons
        for protocol, rows in found.predictions.items():
            predictions[f"predictions-{level}-{protocol}.parquet"] = rows
    sentences = tuple(headline(level, result) for level, result in levels.items())
    evaluation = Evaluation(
        **facts,
        headline=sentences,
        levels=levels,
        comparisons=tuple(comparisons),
        audit=Audit.of(audits).model_dump(mode="json"),
    )
    card = evaluated_card(workspace, manifest, evaluation.model_dump(mode="json"))
    _write(workspace, workspace.report(manifest.name), evaluation, predictions, card)
    return evaluation


def _read(
    workspace: Workspace,
    manifest: ModelManifest,
    spec: ModelSpec,
    level: Level,
    *,
    seed: int,
    progress: Progress,
) -> tuple[Dataset, Dataset | None]:
    """Read what a model's level is judged on: its rows, and connections where captures rest on them."""
    levels: list[Level] = [level]
    if level == "capture" and spec.captures != "features":
        levels.append("connection")
    chosen = dataset_of(manifest)
    data, *rest = (
        load_dataset(workspace, one, spec, dataset=chosen, seed=seed, progress=progress) for one in levels
    )
    return data, rest[0] if rest else None


def _rival(
    manifest: ModelManifest,
    level: Level,
    read: Callable[[ModelManifest, ModelSpec, Level], tuple[Dataset, Dataset | None]],
) -> Rival:
    trained = manifest.levels.get(level)
    if trained is None:
        raise SettingsError(
            f"model {manifest.name!r} does not judge {level}s, so that it cannot be compared there",
            hint="train both models with the same --level",
        )
    spec = checked(ModelSpec, manifest.spec, f"model {manifest.name!r}")
    data, connections = read(manifest, spec, level)
    return Rival(manifest.name, spec, data, trained.max_false_positive_rate, connections)


def _write(
    workspace: Workspace,
    folder: Path,
    found: Evaluation,
    predictions: dict[str, pl.DataFrame],
    card: str | None,
) -> None:
    """Write the files, the result last: it is what says that the others are there."""
    content = found.model_dump(mode="json")
    for old in folder.glob("predictions-*.parquet"):
        if old.name not in predictions:
            old.unlink()
    with workspace.scratch_folder() as scratch:
        for name, table in predictions.items():
            write_parquet(folder / name, table, scratch)
        write_bytes(folder / PAGE, render_evaluation(content).encode(), scratch)
        if card is not None:
            write_bytes(folder / CARD, card.encode(), scratch)
        write_json(folder / RESULT, content, scratch)
