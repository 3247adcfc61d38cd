"""Training a model again from its own record, and telling what came out differently and why."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptml.artifact import family_log_odds, find_model, load_model, log_odds, read_model_manifest, this_machine
from ptml.errors import BadData, MissingInput, ModelMismatch, SettingsError
from ptml.labels import label_connections
from ptml.settings import LabelsSettings, TrainSettings, checked
from ptml.train.compare import Check, capture_differences, check, shown, split_differences, value_differences
from ptml.train.facts import fingerprint_of_facts, training_facts
from ptml.train.record import RecordKeeper, read_record
from ptml.train.spec import ModelSpec, check_spec
from ptml.train.stage import fit_levels, level_manifest
from ptml.types import silent
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from ptml.artifact import Model, ModelManifest
    from ptml.engine import Engine
    from ptml.train.dataset import Dataset
    from ptml.train.family import FittedFamilies
    from ptml.train.record import Record
    from ptml.train.stage import FittedPart
    from ptml.types import JsonObject, Progress
    from ptml.workspace import Workspace

TOLERANCE = 1e-9
FACTS = (
    "spec",
    "settings",
    "labels",
    "seed",
    "feature_version",
    "own_features",
    "windows",
    "libraries",
    "data_fingerprint",
)
UNUSABLE = (BadData, MissingInput, ModelMismatch, SettingsError)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A model trained again, compared with its record.

    Attributes:
        name: The model.
        folder: Where it is.
        checks: What was compared, causes first, then what came out.
        seconds: Wall time of this call.
    """

    name: str
    folder: Path
    checks: tuple[Check, ...]
    seconds: float

    @property
    def reproduced(self) -> bool:
        """Tell whether nothing that decides differs."""
        return all(one.same for one in self.checks if one.decides)

    def to_dict(self) -> JsonObject:
        """Give the result as plain JSON values."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "reproduced": self.reproduced,
            "checks": [asdict(one) for one in self.checks],
            "seconds": self.seconds,
        }


def reproduce(
    workspace: Workspace,
    model: str | Path,
    *,
    indicators: Path | None = None,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> Reproduction:
    """Train a model again as its manifest says, on the captures of a workspace, and compare; publish nothing.

    Labels of connections are made by the policy that the manifest names. The model is reproduced if its
    record is whole, data, labels and features are what they were, and folds, thresholds, figures and
    probabilities come out the same, to 1e-9. Other versions and another machine may explain a difference,
    and are none.

    Args:
        workspace: Where features are; nothing but labels is written there.
        model: A folder, or the name of a model in the workspace or among those that ptml ships.
        indicators: The list of indicators, if the model's labels came from one: manifests hold only its hash.
        engine: Where labelling runs.
        progress: Called as the work goes on.

    Raises:
        MissingInput: There is no such model or workspace, or no features.
        BadData: The manifest is none.
        ModelMismatch: The manifest is of another version.
        SettingsError: Its labels came from a list of indicators, and none is given.
    """
    started = time.perf_counter()
    folder = find_model(model, workspace)
    manifest = read_model_manifest(folder)
    labels = _labels(manifest, indicators)
    with workspace.require().locked():
        label_connections(workspace, labels, engine=engine, progress=progress)
        checks = tuple(_Replay(workspace, folder, manifest, labels, progress).checks())
    return Reproduction(manifest.name, folder, checks, round(time.perf_counter() - started, 3))


def _labels(manifest: ModelManifest, indicators: Path | None) -> LabelsSettings:
    if manifest.labels.get("indicators") and indicators is None:
        raise SettingsError(
            f"model {manifest.name!r} was trained with a list of indicators, and none was given",
            hint="--indicators FILE names it",
        )
    values = {"policy": manifest.labels.get("policy") or "auto", "indicators": indicators}
    return checked(LabelsSettings, values, f"model {manifest.name!r}")


@dataclass(frozen=True, slots=True)
class _Replay:
    workspace: Workspace
    folder: Path
    manifest: ModelManifest
    labels: LabelsSettings
    progress: Progress

    def checks(self) -> Iterator[Check]:
        """Compare causes, then train and compare what comes out."""
        recorded = self.manifest.model_dump(mode="json")
        record, model, broken = self._recorded()
        if fingerprint_of_facts({name: recorded[name] for name in FACTS}) != self.manifest.fingerprint:
            broken.append("manifest.json: its fingerprint is not that of its content: it was edited")
        yield check("record", broken, "whole, and as it was written")
        try:
            spec = checked(ModelSpec, self.manifest.spec, "spec")
            check_spec(spec, self.folder)
            settings = checked(TrainSettings, self.manifest.settings, "settings")
            seed = self.manifest.seed
            facts = training_facts(self.workspace, spec, settings, seed, self.labels)
            yield from self._causes(recorded, facts)
            yield from self._outcomes(spec, settings, record, model, same_data=_same(recorded, facts))
        except UNUSABLE as error:
            yield Check("training", same=False, detail=error.message)

    def _recorded(self) -> tuple[Record | None, Model | None, list[str]]:
        """Read the record and load the model; say what stands against it."""
        broken: list[str] = []
        record = model = None
        try:
            record = read_record(self.folder, self.manifest)
        except UNUSABLE as error:
            broken.append(error.message)
        try:
            model = load_model(self.folder)
        except UNUSABLE as error:
            broken.append(error.message)
        return record, model, broken

    def _causes(self, recorded: JsonObject, facts: JsonObject) -> Iterator[Check]:
        for what, name in (
            ("labels", "labels"),
            ("features", "feature_version"),
            ("own features", "own_features"),
        ):
            differ = list(value_differences(recorded[name], facts[name], where=name))
            yield check(what, differ, shown(facts[name]))
        versions = {**_table(recorded["libraries"]), "ptml": recorded["ptml_version"]}
        here = {**_table(facts["libraries"]), "ptml": __version__}
        yield check("versions", list(value_differences(versions, here)), "as recorded", decides=False)
        if recorded["machine"] is not None:
            differ = list(value_differences(recorded["machine"], this_machine().model_dump(mode="json")))
            yield check("machine", differ, "of the same kind", decides=False)

    def _outcomes(
        self,
        spec: ModelSpec,
        settings: TrainSettings,
        record: Record | None,
        model: Model | None,
        *,
        same_data: bool,
    ) -> Iterator[Check]:
        keeper = RecordKeeper(self.workspace, settings.dataset)
        outcomes: list[Check] = []
        captures: dict[str, str] = {}
        fitting = fit_levels(self.workspace, spec, settings, seed=self.manifest.seed, progress=self.progress)
        for part in fitting:
            data, fitted = part.data, part.fitted
            keeper.add(data, fitted)
            captures |= data.captures
            outcomes.append(self._level(settings, part))
            if fitted.pipeline is not None:
                outcomes.append(self._estimator(model, data, fitted.pipeline))
            if part.families is not None:
                outcomes.append(self._naming(model, data, part.families))
        now = keeper.record()
        differ = capture_differences(record.captures, now.captures) if record else []
        if not differ:
            differ = list(value_differences(self.manifest.captures, captures))
        if not differ and not same_data:
            differ = ["features, labels or the catalog changed"]
        yield check("captures", differ, f"{len(captures)}, with the same labels and features")
        if record is not None:
            yield check(
                "folds", split_differences(record.splits, now.splits), "each capture in the same fold"
            )
            metrics = value_differences(record.metrics, now.metrics, TOLERANCE)
            yield check("figures", list(metrics), "the same to 1e-9")
        yield from outcomes

    def _level(self, settings: TrainSettings, part: FittedPart) -> Check:
        """Compare all that the manifest says of a level but its files."""
        what = f"{part.data.level}: manifest"
        recorded = self.manifest.levels.get(part.data.level)
        if recorded is None:
            return Check(what, same=False, detail="the model has no such level")
        made = level_manifest(settings, part)
        if recorded.family and "family" in made:
            files = {"file": recorded.family.file, "sha256": recorded.family.sha256}
            made["family"] = {**made["family"], **files}
        now = type(recorded).model_validate({**made, "file": recorded.file, "sha256": recorded.sha256})
        differ = value_differences(recorded.model_dump(mode="json"), now.model_dump(mode="json"), TOLERANCE)
        return check(what, list(differ), "features, threshold, calibration and counts are the same")

    def _estimator(self, model: Model | None, data: Dataset, pipeline: Pipeline) -> Check:
        """Compare what the estimators say of each row that was learned from; the rest is in the manifest."""
        what = f"{data.level}: estimator"
        if model is None or data.level not in model.estimators:
            return Check(what, same=False, detail="the model cannot be loaded, so nothing was compared")
        if model.manifest.levels[data.level].features != data.contracts:
            return Check(what, same=False, detail="it takes other features, so nothing was compared")
        was, now = (log_odds(one, data.inputs) for one in (model.estimators[data.level], pipeline))
        apart = float(np.abs(was - now).max())
        same = bool(np.allclose(was, now, rtol=TOLERANCE, atol=TOLERANCE))
        return Check(what, same, f"log-odds of {len(was)} rows, at most {apart:.1e} apart")

    def _naming(self, model: Model | None, data: Dataset, families: FittedFamilies) -> Check:
        """Compare what the estimators of families say of each row that was learned from."""
        what = f"{data.level}: families"
        if model is None or len(model.families) != len(families.pipelines):
            return Check(what, same=False, detail="the model does not name these families")
        was = family_log_odds(model.families, data.inputs)
        now = families.log_odds(data.inputs)
        apart = float(np.abs(was - now).max())
        same = bool(np.allclose(was, now, rtol=TOLERANCE, atol=TOLERANCE))
        return Check(what, same, f"log-odds of {now.size} answers, at most {apart:.1e} apart")


def _same(recorded: JsonObject, facts: JsonObject) -> bool:
    return recorded["data_fingerprint"] == facts["data_fingerprint"]


def _table(value: object) -> dict[str, str]:
    return dict(value) if isinstance(value, dict) else {}
