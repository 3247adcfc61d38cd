"""One tracking server, and what is logged there."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.artifact import CARD, read_model_manifest
from ptml.errors import MissingTool, PtmlError
from ptml.evaluate.stage import PAGE, RESULT, EvaluationResult
from ptml.io import read_json
from ptml.text import shown_url
from ptml.tracking.values import flat, parameters, protocol_figures
from ptml.train.record import METRICS_FILE
from ptml.train.stage import TrainResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mlflow import MlflowClient

    from ptml.artifact import ModelManifest
    from ptml.workspace import Workspace

VARIABLE = "MLFLOW_TRACKING_URI"
EXPERIMENT = "ptml"
FINGERPRINT = "ptml.fingerprint"
LOGGED = {"training": "ptml.training", "evaluation": "ptml.evaluation"}
MANNERS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # that is where results go
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing of a run goes anywhere but to the server that was named
}
EVALUATION_FILES = (RESULT, PAGE, CARD)
LONGEST_VALUE = 6000
DIGEST_LENGTH = 32
BATCH = 100  # parameters that a server takes at a time


def is_installed() -> bool:
    """Tell whether the extra ``mlflow`` is there, without loading it."""
    return importlib.util.find_spec("mlflow") is not None


def tracker_for(uri: str | None) -> Tracker | None:
    """Choose where to log: a server that is named, else the one in ``MLFLOW_TRACKING_URI``, else nowhere.

    The variable alone, which other programs read as well, asks for nothing where MLflow is not installed.

    >>> tracker_for(None) is None
    True

    Raises:
        MissingTool: A server is named, and MLflow is not installed.
    """
    if uri is None:
        uri = os.environ.get(VARIABLE) if is_installed() else None
    elif not is_installed():
        raise MissingTool(
            "--track logs to MLflow, which is not installed; nothing was done",
            hint="pip install 'ptml[mlflow]', or leave --track out",
        )
    return Tracker(uri) if uri else None


@dataclass(frozen=True, slots=True)
class Tracker:
    """Logs to one tracking server.

    Attributes:
        uri: Where it is, as MLflow takes it.
    """

    uri: str

    def training(self, folder: Path, manifest: ModelManifest) -> str:
        """Log a trained model: parameters, figures on what was held out, data set, and the folder's files.

        Args:
            folder: The model's folder.
            manifest: Its manifest.

        Returns:
            The id of the run.

        Raises:
            PtmlError: The server did not take it; the model stays as it is.
        """
        figures = flat(read_json(folder / METRICS_FILE))
        with self._run(manifest, "training", manifest.fingerprint) as (client, run, fresh):
            if fresh:
                _log_values(client, run, parameters(manifest), figures)
                client.log_inputs(run, datasets=[_dataset(manifest)])
                client.log_artifacts(run, str(folder), "model")
        return run

    def evaluation(self, folder: Path, manifest: ModelManifest) -> str:
        """Log an evaluation to the run of its model: each protocol's figures, and the report.

        Args:
            folder: The report's folder.
            manifest: The model's manifest.

        Returns:
            The id of the run.

        Raises:
            PtmlError: The server did not take it; the report stays as it is.
        """
        found = read_json(folder / RESULT)
        with self._run(manifest, "evaluation", str(found["fingerprint"])) as (client, run, fresh):
            if fresh:
                _log_values(client, run, {}, protocol_figures(found))
                for file in EVALUATION_FILES:  # the predictions, a row a connection, stay where they are
                    if (folder / file).is_file():
                        client.log_artifact(run, str(folder / file), "evaluation")
        return run

    def stage(self, workspace: Workspace, result: object) -> None:
        """Log the result of a stage, if it is a training or an evaluation.

        Args:
            workspace: Where the model is.
            result: What the stage gave.

        Raises:
            PtmlError: The server did not take it.
        """
        if isinstance(result, TrainResult):
            self.training(result.folder, result.manifest)
        elif isinstance(result, EvaluationResult):
            self.evaluation(result.folder, read_model_manifest(result.evaluation.model, workspace))

    @contextlib.contextmanager
    def _run(self, manifest: ModelManifest, part: str, mark: str) -> Iterator[tuple[Any, str, bool]]:
        """Lend the model's run; what is logged there is marked at the end, so that it is logged once."""
        with _manners(), self._told(part):
            from mlflow import MlflowClient

            client = MlflowClient(tracking_uri=self.uri)
            run, tags = _find_or_create(client, manifest)
            fresh = tags.get(LOGGED[part]) != mark
            yield client, run, fresh
            if fresh:
                client.set_tag(run, LOGGED[part], mark)
                client.set_terminated(run, "FINISHED")

    @contextlib.contextmanager
    def _told(self, part: str) -> Iterator[None]:
        try:
            yield
        except PtmlError:
            raise
        except Exception as error:  # what MLflow raises depends on the kind of server
            lines = str(error).replace(self.uri, shown_url(self.uri)).splitlines() or [type(error).__name__]
            raise PtmlError(
                f"the {part} is done and in its folder, but MLflow at {shown_url(self.uri)} did not take it: "
                f"{lines[0][:500]}",
                hint="is the server up? Run the same again: nothing is trained twice, only logged",
            ) from error


@contextlib.contextmanager
def _manners() -> Iterator[None]:
    """Keep MLflow from waiting for minutes, talking and telling others, unless the user says otherwise."""
    added = {name: value for name, value in MANNERS.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _find_or_create(client: MlflowClient, manifest: ModelManifest) -> tuple[str, Mapping[str, str]]:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    known = client.get_experiment_by_name(name)
    experiment = known.experiment_id if known else client.create_experiment(name)
    query = f"tags.`{FINGERPRINT}` = '{manifest.fingerprint}' and tags.`ptml.model` = '{manifest.name}'"
    for run in client.search_runs([experiment], filter_string=query, max_results=1):
        return run.info.run_id, run.data.tags
    tags = {
        FINGERPRINT: manifest.fingerprint,
        "ptml.model": manifest.name,
        "ptml.version": manifest.ptml_version,
        "ptml.commit": manifest.commit.commit if manifest.commit else "none",
    }
    return client.create_run(experiment, tags=tags, run_name=manifest.name).info.run_id, {}


def _log_values(
    client: MlflowClient, run: str, params: Mapping[str, str], figures: Mapping[str, float]
) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    entries = [Param(name, value[:LONGEST_VALUE]) for name, value in params.items()]
    for start in range(0, len(entries), BATCH):
        client.log_batch(run, params=entries[start : start + BATCH])
    metrics = [Metric(name, value, now, 0) for name, value in figures.items()]
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run, metrics=metrics[start : start + BATCH])


def _dataset(manifest: ModelManifest) -> Any:  # noqa: ANN401 - MLflow's own type
    """Describe the data set by its fingerprint: the captures themselves stay where they are."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    source = CodeDatasetSource({"ptml": manifest.ptml_version, "captures": str(len(manifest.captures))})
    digest = manifest.data_fingerprint[:DIGEST_LENGTH]
    described = MetaDataset(source, name="captures", digest=digest)
    entity = described._to_mlflow_entity()  # noqa: SLF001 - as MLflow's own `log_input` does
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training")])
