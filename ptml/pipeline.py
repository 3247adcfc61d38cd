"""The stages in order: what `ptml run` does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from ptml.engine import LocalEngine
from ptml.errors import MissingInput, SettingsError, did_you_mean, quoted
from ptml.evaluate.stage import evaluate
from ptml.features.own import own_file
from ptml.features.stage import features
from ptml.inventory import catalog
from ptml.manifest import published
from ptml.parse.stage import parse
from ptml.score.model import scoring_model
from ptml.score.stage import score
from ptml.settings import EvaluateSettings
from ptml.sources.listing import plan as plan_add
from ptml.sources.own import add
from ptml.sources.simulate import plans, simulate, simulate_folders
from ptml.train.spec import load_spec
from ptml.train.stage import train
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ptml.engine import Engine
    from ptml.settings import PipelineSettings, ScoreSettings
    from ptml.types import JsonObject, Progress
    from ptml.workspace import Workspace

RAW_DEPTH = 3  # raw/<source>/<capture_id>


class StageResult(Protocol):
    """What every stage's result can do."""

    def to_dict(self) -> JsonObject:
        """Give the result as plain JSON values."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A pipeline at work: its settings, and where and how it runs."""

    settings: PipelineSettings
    workspace: Workspace
    engine: Engine
    force: bool = False
    progress: Progress = silent
    own: Path | None = None

    @property
    def common(self) -> dict[str, Any]:
        """Give the arguments that every stage takes."""
        return {"engine": self.engine, "force": self.force, "progress": self.progress}

    @property
    def model(self) -> str:
        """Name the model that this pipeline trains, evaluates and scores with.

        Raises:
            SettingsError: There is no table ``train`` to tell.
        """
        if self.settings.train is None:
            raise SettingsError("evaluate and score need a table `train`, which names the model")
        return self.settings.train.name or load_spec(self.settings.train.spec).name


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its name, which is also its table's; what it does with the job; and what it would do."""

    name: str
    run: Callable[[Job], StageResult]
    outlook: Callable[[Job], str]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What each stage gave, in order."""

    workspace: Path
    stages: dict[str, StageResult] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> JsonObject:
        """Give the results as plain JSON values."""
        stages: Any = {name: result.to_dict() for name, result in self.stages.items()}
        return {"workspace": str(self.workspace), "stages": stages, "seconds": self.seconds}


def run(
    settings: PipelineSettings,
    workspace: Workspace,
    *,
    from_stage: str | None = None,
    to_stage: str | None = None,
    own: Path | None = None,
    engine: Engine | None = None,
    force: bool = False,
    progress: Progress = silent,
    on_stage: Callable[[str, StageResult], None] | None = None,
) -> RunResult:
    """Run a pipeline's stages in order; each does only what is new.

    Args:
        settings: A pipeline file's content; a stage runs when its table is there.
        workspace: Where everything goes.
        from_stage: Begin with this stage; what comes before is taken as it is.
        to_stage: End with this stage.
        own: A Python file with features of one's own.
        engine: Where work runs.
        force: Do again what has been done.
        progress: Told as the work goes on.
        on_stage: Told each stage's name and result as it ends.

    Raises:
        SettingsError: There is nothing to run, or no such stage.
        PtmlError: Whatever a stage raises.
    """
    started = time.perf_counter()
    job = Job(settings, workspace, engine or LocalEngine(settings.run.jobs), force, progress, own)
    results: dict[str, StageResult] = {}
    with workspace.locked():
        for stage in chosen(settings, from_stage, to_stage):
            results[stage.name] = stage.run(job)
            if on_stage is not None:
                on_stage(stage.name, results[stage.name])
    return RunResult(workspace.root, results, round(time.perf_counter() - started, 3))


def outlook(
    settings: PipelineSettings,
    workspace: Workspace,
    *,
    from_stage: str | None = None,
    to_stage: str | None = None,
) -> Iterator[str]:
    """Say what each stage would do, and do nothing.

    Raises:
        SettingsError: There is nothing to run, or no such stage.
        MissingInput: Something that a stage reads is not there.
    """
    job = Job(settings, workspace, LocalEngine(settings.run.jobs))
    for stage in chosen(settings, from_stage, to_stage):
        yield f"{stage.name}: {stage.outlook(job)}"


def chosen(
    settings: PipelineSettings, from_stage: str | None = None, to_stage: str | None = None
) -> list[Stage]:
    """List the stages whose table is there, from one to another.

    Raises:
        SettingsError: There is nothing to run, or no such stage.
    """
    names = [stage.name for stage in STAGES]
    unknown = [name for name in (from_stage, to_stage) if name is not None and name not in names]
    if unknown:
        raise SettingsError(f"there is no stage {quoted(unknown)}", hint=did_you_mean(unknown, names))
    begin = 0 if from_stage is None else names.index(from_stage)
    end = len(names) if to_stage is None else names.index(to_stage) + 1
    stages = [stage for stage in STAGES[begin:end] if getattr(settings, stage.name) is not None]
    if not stages:
        reach = ", ".join(names[begin:end]) or "none: --from comes after --to"
        raise SettingsError("the pipeline has no stage to run", hint=f"give it a table of {reach}")
    return stages


def _simulate(job: Job) -> StageResult:
    assert job.settings.simulate is not None
    return simulate(job.workspace, job.settings.simulate, seed=job.settings.run.seed, **job.common)


def _add(job: Job) -> StageResult:
    assert job.settings.add is not None
    return add(job.workspace, job.settings.add, **job.common)


def _parse(job: Job) -> StageResult:
    return parse(job.workspace, job.settings.parse, **job.common)


def _features(job: Job) -> StageResult:
    return features(job.workspace, job.settings.features, own=job.own, **job.common)


def _train(job: Job) -> StageResult:
    settings = job.settings.training()
    assert settings is not None
    return train(
        job.workspace,
        settings,
        labels=job.settings.labels,
        seed=job.settings.run.seed,
        **job.common,
    )


def _evaluate(job: Job) -> StageResult:
    settings = job.settings.evaluate or EvaluateSettings()
    return evaluate(
        job.workspace,
        settings,
        model=job.model,
        labels=job.settings.labels,
        seed=job.settings.run.seed,
        **job.common,
    )


def _score(job: Job) -> StageResult:
    assert job.settings.score is not None
    listed = _listed(job, job.settings.score)
    paths = [*job.settings.score.paths, *listed, *_simulated(job, job.settings.score)]
    return score(
        paths,
        model=scoring_model(job.model, job.workspace, own=own_file(job.own)),
        own=job.own,
        out=job.workspace.score(job.settings.score.name),
        evaluation=job.workspace.report(job.model) / "evaluation.json",
        names=listed,
        parsing=job.settings.parse,
        **job.common,
    )


def _listed(job: Job, settings: ScoreSettings) -> dict[Path, str]:
    """Find the raw folders of the catalog's captures that are to be scored, with their names."""
    names = {
        row["capture_id"]: row["name"] for row in catalog(job.workspace) if row["label"] in settings.catalog
    }
    return {
        job.workspace.root.joinpath(*PurePath(manifest.files[0].path).parts[:RAW_DEPTH]): names[
            manifest.capture_id
        ]
        for manifest in published(job.workspace, "raw")
        if manifest.capture_id in names and manifest.files
    }


def _simulated(job: Job, settings: ScoreSettings) -> list[Path]:
    if settings.simulate is None:
        return []
    folder = job.workspace.dataset("raw", f"unseen-{settings.name}")
    written = simulate_folders(folder, settings.simulate, seed=job.settings.run.seed, progress=job.progress)
    return [folder / capture.name for capture in written]


def _simulate_outlook(job: Job) -> str:
    assert job.settings.simulate is not None
    todo = plans(job.settings.simulate, job.settings.run.seed)
    connections = sum(plan.connections for plan in todo)
    infected = sum(bool(plan.behaviours) for plan in todo)
    return f"{len(todo)} captures with {connections:,} connections, {infected} infected"


def _add_outlook(job: Job) -> str:
    assert job.settings.add is not None
    listed, missing = plan_add(job.settings.add)
    return f"{len(listed)} captures; {len(missing)} listed ones cannot be added"


def _per_capture_outlook(name: str, before: str) -> Callable[[Job], str]:
    def tell(job: Job) -> str:
        done = sum(1 for _ in published(job.workspace, name))
        there = sum(1 for _ in published(job.workspace, before))
        return f"the captures above, as far as they are new ({there} there now, {done} done)"

    return tell


def _train_outlook(job: Job) -> str:
    assert job.settings.train is not None
    levels = " and ".join(job.settings.train.levels)
    policy = job.settings.labels.policy
    return (
        f"model {job.model!r} from spec {job.settings.train.spec!r}, for {levels}, labels by policy {policy}"
    )


def _evaluate_outlook(job: Job) -> str:
    assert job.settings.evaluate is not None
    protocols = " and ".join(job.settings.evaluate.protocols)
    return f"model {job.model!r} by {protocols} {job.settings.evaluate.folds}-fold, into reports/{job.model}"


def _score_outlook(job: Job) -> str:
    assert job.settings.score is not None
    absent = [str(path) for path in job.settings.score.paths if not path.exists()]
    if absent:
        raise MissingInput(f"{absent[0]} does not exist", hint="set score.paths to captures that are there")
    simulated = job.settings.score.simulate.captures if job.settings.score.simulate else 0
    labels = (
        f", captures labelled {' or '.join(job.settings.score.catalog)}" if job.settings.score.catalog else ""
    )
    what = f"{len(job.settings.score.paths)} paths{labels} and {simulated} simulated captures"
    return f"{what} with model {job.model!r}, into scores/{job.settings.score.name}"


STAGES = (
    Stage("simulate", _simulate, _simulate_outlook),
    Stage("add", _add, _add_outlook),
    Stage("parse", _parse, _per_capture_outlook("parse", "raw")),
    Stage("features", _features, _per_capture_outlook("features", "parse")),
    Stage("train", _train, _train_outlook),
    Stage("evaluate", _evaluate, _evaluate_outlook),
    Stage("score", _score, _score_outlook),
)
