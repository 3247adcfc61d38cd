"""Training: labelled features in, a published model out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptml.artifact import (
    CARD,
    ModelManifest,
    commit_of,
    pool,
    read_model_manifest,
    save_model,
    this_machine,
)
from ptml.errors import BadData, MissingInput, ModelMismatch, SettingsError
from ptml.labels import label_connections
from ptml.schema import schema_version
from ptml.settings import LabelsSettings
from ptml.train.audit import LevelAudit, audited, mark_of, published_audit
from ptml.train.card import render_card
from ptml.train.dataset import load_dataset
from ptml.train.facts import training_facts
from ptml.train.family import fit_families
from ptml.train.fit import fit_level
from ptml.train.record import RecordKeeper, terms_of
from ptml.train.spec import load_spec
from ptml.train.verdicts import FittedStack, fit_stack
from ptml.types import silent
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ptml.engine import Engine
    from ptml.settings import TrainSettings
    from ptml.train.dataset import Dataset
    from ptml.train.family import FittedFamilies
    from ptml.train.fit import Fitted
    from ptml.train.spec import ModelSpec
    from ptml.types import JsonObject, JsonValue, Level, Progress
    from ptml.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A trained model, and whether it had to be trained.

    Attributes:
        name: Its name.
        folder: Where it is.
        unchanged: It was there already, made from the same data, spec, seed and versions.
        manifest: All that is known about it.
        seconds: Wall time of this call.
    """

    name: str
    folder: Path
    unchanged: bool
    manifest: ModelManifest
    seconds: float

    def to_dict(self) -> JsonObject:
        """Give the result as plain JSON values."""
        levels: dict[str, JsonValue] = {
            name: level.model_dump(mode="json", exclude={"features", "file", "sha256"})
            for name, level in self.manifest.levels.items()
        }
        return {
            "name": self.name,
            "folder": str(self.folder),
            "unchanged": self.unchanged,
            "levels": levels,
            "seconds": self.seconds,
        }


def train(
    workspace: Workspace,
    settings: TrainSettings,
    *,
    labels: LabelsSettings | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> TrainResult:
    """Train a model for each level on all labelled captures of a workspace, and publish it.

    Labels are brought up to date first. Probabilities are calibrated on captures held out, thresholds on
    sources. A model that is there already, from the same data, spec, seed and versions, is kept. The
    dataset is audited, and the model carries the light: one from a red dataset is trained, and says so.

    Args:
        workspace: Where features are, and where the model goes.
        settings: Spec, levels, folds, bound on false positives, and which captures.
        labels: How connections get their labels.
        seed: Seed of everything random, unless the settings have their own.
        engine: Where labelling runs.
        force: Train even if nothing changed.
        progress: Called as the work goes on.

    Raises:
        MissingInput: There is no workspace, no feature, or no such spec.
        BadData: Only one class is labelled, or a class has fewer captures than there are folds.
        SettingsError: The spec asks for something impossible.
        CannotWrite: The operating system refused; an earlier model stays as it was.
    """
    started = time.perf_counter()
    spec = load_spec(settings.spec)
    labels = labels or LabelsSettings()
    seed = seed if settings.seed is None else settings.seed
    name = settings.name or spec.name
    folder = workspace.model(name)
    with workspace.require().locked():
        _check_levels(settings, labels, spec)
        label_connections(workspace, labels, engine=engine, force=force, progress=progress)
        facts = training_facts(workspace, spec, settings, seed, labels)
        old = None if force else _published(workspace, name)
        unchanged = old is not None and old.fingerprint == facts["fingerprint"]
        if old is not None and unchanged:
            manifest = old
        else:
            manifest = _train(workspace, name, spec, settings, facts=facts, progress=progress)
    return TrainResult(name, folder, unchanged, manifest, round(time.perf_counter() - started, 3))


def _published(workspace: Workspace, name: str) -> ModelManifest | None:
    """Read a model's manifest where it is whole; a broken one counts as none, since it is about to go."""
    folder = workspace.model(name)
    try:
        manifest = read_model_manifest(folder)
    except (MissingInput, BadData, ModelMismatch):
        return None
    parts = manifest.levels.values()
    named = [level.family.file for level in parts if level.family]
    files = [*(level.file for level in parts), *named, *manifest.files, CARD]
    return manifest if all((folder / file).is_file() for file in files if file) else None


def _check_levels(settings: TrainSettings, labels: LabelsSettings, spec: ModelSpec) -> None:
    pooled = spec.captures != "features" and "capture" in settings.levels
    if pooled and "connection" not in settings.levels:
        raise SettingsError(
            f"spec {spec.name!r} judges captures by their connections, and these are not trained",
            hint='train both levels, or set captures = "features" in the spec',
        )
    if labels.policy == "capture-only" and "connection" in settings.levels:
        raise SettingsError(
            "labels.policy 'capture-only' leaves every connection without a label: none can be learned from",
            hint="learn from captures: `ptml train --level capture`, or train.levels=['capture'] in a run",
        )


@dataclass(frozen=True, slots=True)
class FittedPart:
    """One level of a model, fitted.

    Attributes:
        data: What it learned from.
        fitted: What judges it.
        families: What names the family of malicious captures, where the spec asks for it.
    """

    data: Dataset
    fitted: Fitted | FittedStack
    families: FittedFamilies | None = None


def fit_levels(
    workspace: Workspace, spec: ModelSpec, settings: TrainSettings, *, seed: int, progress: Progress = silent
) -> Iterator[FittedPart]:
    """Fit a model's levels one after the other, each on all labelled rows there are.

    Args:
        workspace: Where features and labels are.
        spec: The model spec.
        settings: Levels, folds, bound on false positives.
        seed: Seed of everything random.
        progress: Called as the work goes on.

    Raises:
        MissingInput: There are no features.
        BadData: Only one class is labelled, a class has fewer captures than there are folds, or fewer than
            two families have enough captures to be named.
    """
    pooled: pl.DataFrame | None = None
    bound = settings.max_false_positive_rate
    for level in sorted(settings.levels, reverse=True):  # captures may rest on the scores of connections
        data = load_dataset(
            workspace, level, spec, dataset=settings.dataset, seed=seed, progress=progress
        ).to_learn_from()
        rows = np.arange(len(data.y))
        folds = settings.folds
        if level == "capture" and pooled is not None:
            stack = fit_stack(
                spec,
                data,
                rows,
                pooled,
                folds=folds,
                max_false_positive_rate=bound,
                seed=seed,
                progress=progress,
            )
            yield FittedPart(data, stack, _families(spec, data, folds, seed, progress))
            continue
        fitted = fit_level(
            spec, data, rows, folds=folds, max_false_positive_rate=bound, seed=seed, progress=progress
        )
        if spec.captures != "features":
            pooled = pool(data.keys["capture_id"], fitted.held_out)
        yield FittedPart(data, fitted, _families(spec, data, folds, seed, progress))


def _families(
    spec: ModelSpec, data: Dataset, folds: int, seed: int, progress: Progress
) -> FittedFamilies | None:
    if spec.family is None or data.level != "capture":
        return None
    return fit_families(spec, data, np.arange(len(data.y)), folds=folds, seed=seed, progress=progress)


def level_manifest(settings: TrainSettings, part: FittedPart) -> dict[str, Any]:
    """Tell what a model's manifest says of a level, but for its files."""
    data, fitted = part.data, part.fitted
    family = {} if part.families is None else {"family": part.families.part.model_dump(mode="json")}
    stack = fitted.stack if isinstance(fitted, FittedStack) else None
    own = fitted.features if isinstance(fitted, FittedStack) else fitted
    return {
        "features": data.contracts if own else (),
        "threshold": fitted.threshold,
        "max_false_positive_rate": settings.max_false_positive_rate,
        "prior": fitted.prior,
        "calibration": fitted.calibration,
        "out_of_fold": fitted.out_of_fold,
        "thresholds": own.thresholds if own else {},
        "params": own.params if own else {},
        "stack": stack,
        "training": data.counts(),
        **family,
    }


def _train(
    workspace: Workspace,
    name: str,
    spec: ModelSpec,
    settings: TrainSettings,
    *,
    facts: dict[str, Any],
    progress: Progress,
) -> ModelManifest:
    levels: dict[str, Any] = {}
    pipelines: dict[Level, Any] = {}
    captures: dict[str, str] = {}
    units: set[str] = set()
    earlier = published_audit(workspace)
    audits: dict[Level, LevelAudit] = {}
    families: tuple[Any, ...] = ()
    keeper = RecordKeeper(workspace, settings.dataset)
    for part in fit_levels(workspace, spec, settings, seed=facts["seed"], progress=progress):
        data, fitted = part.data, part.fitted
        families = part.families.pipelines if part.families else families
        if fitted.pipeline is not None:
            pipelines[data.level] = fitted.pipeline
        levels[data.level] = level_manifest(settings, part)
        audits[data.level] = audited(data, earlier, seed=facts["seed"], progress=progress)
        captures |= data.captures
        units.add(data.unit)
        keeper.add(data, fitted)
    record = keeper.record()
    manifest = {
        **facts,
        "name": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "ptml_version": __version__,
        "levels": levels,
        "captures": captures,
        "unit": units.pop() if len(units) == 1 else "mixed",
        "audit": mark_of(audits).model_dump(mode="json"),
        "schema_version": schema_version(),
        "machine": this_machine(),
        "commit": commit_of(Path.cwd()),
    }
    terms = terms_of(workspace)
    with workspace.scratch_folder() as scratch:
        return save_model(
            workspace.model(name),
            manifest,
            pipelines,
            scratch,
            families=families,
            record=record.files(),
            card=lambda whole: render_card(whole, record, terms),
        )
