"""A trained model: loading, saving, scoring."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ptml.artifact.contract import ModelManifest, parse_manifest
from ptml.artifact.inputs import KEYS, check_features, model_inputs
from ptml.artifact.pooling import pool, stack_table
from ptml.errors import BadData, MissingInput, ModelMismatch, did_you_mean, quoted
from ptml.io import json_bytes, read_json, write_together
from ptml.workspace import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.artifact.contract import LevelManifest
    from ptml.types import Level
    from ptml.workspace import Workspace

MANIFEST = "manifest.json"
CARD = "card.md"
SMOOTHING = 1e-3


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model, ready to score.

    Attributes:
        folder: Where it was loaded from.
        manifest: What it was trained on and what it expects.
        estimators: One fitted scikit-learn pipeline a level, but for captures judged by connections alone.
        families: What tells each family of malicious captures from the others, where it was trained to; in
            the order of its manifest.
    """

    folder: Path
    manifest: ModelManifest
    estimators: Mapping[Level, Pipeline]
    families: tuple[Pipeline, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.manifest.name

    @property
    def levels(self) -> tuple[Level, ...]:
        """What it can score: connections, captures."""
        return tuple(self.manifest.levels)

    def score(self, features: pl.DataFrame | pl.LazyFrame, level: Level = "connection") -> pl.DataFrame:
        """Score a table of features, row by row.

        Rows come back in the order they came in. A row's score depends on that row alone, so that a large
        table can be scored in batches.

        Args:
            features: The features of connections or captures; more columns than the model uses do no harm.
            level: ``connection`` or ``capture``.

        Returns:
            The key columns that there were, then ``probability`` (calibrated, Float64), ``verdict``
            (``malicious`` when the probability reaches the threshold, else ``benign``) and ``threshold``.

        Raises:
            ModelMismatch: Columns are missing or of another type, the model does not know the level, or it
                judges captures by their connections, too.
        """
        contract = self.manifest.level(level)
        if contract.stack is not None:
            raise ModelMismatch(
                f"model {self.name!r} judges captures by the scores of their connections: features do not do",
                hint="model.score_captures(features, connections)",
            )
        keys, odds = self._own_log_odds(features, level)
        return _verdicts(keys, contract, odds)

    def score_captures(
        self, features: pl.DataFrame | pl.LazyFrame, connections: pl.DataFrame | pl.LazyFrame
    ) -> pl.DataFrame:
        """Score captures by their features, by the scores of their connections, or by both.

        Which of these the model looks at is in its manifest; the rest does no harm.

        Args:
            features: The features of the captures.
            connections: The scored connections of these captures: ``capture_id`` and ``probability``; read
                only where the model looks at them.

        Returns:
            As `score` does, a row a capture.

        Raises:
            ModelMismatch: Columns are missing or of another type, or the model does not know captures.
        """
        contract = self.manifest.level("capture")
        if contract.stack is None:
            return self.score(features, level="capture")
        if contract.features:
            keys, own = self._own_log_odds(features, "capture")
        else:
            keys, own = features.lazy().select("capture_id").collect(), None
        scores = connections.lazy().select("capture_id", "probability").collect()
        pooled = pool(scores["capture_id"], scores["probability"].to_numpy())
        table = stack_table(keys["capture_id"], pooled, own)
        return _verdicts(keys, contract, contract.stack.log_odds(table))

    def name_families(self, features: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
        """Name the family of captures, taking for granted that they are malicious.

        Args:
            features: The features of the captures; more columns than the model uses do no harm.

        Returns:
            ``capture_id``, ``family`` (null where it is unknown, or the model names none) and
            ``family_probability`` (of the family that comes first, named or not; null where the model names
            none), a row a capture, in the order they came in.

        Raises:
            ModelMismatch: Columns are missing or of another type, or the model does not know captures.
        """
        contract = self.manifest.level("capture")
        if contract.family is None:
            nothing = {"family": pl.String, "family_probability": pl.Float64}
            empty = [pl.lit(None, dtype).alias(name) for name, dtype in nothing.items()]
            return features.lazy().select("capture_id", *empty).collect()
        keys, inputs = self._own_inputs(features, "capture")
        answers = contract.family.answers(family_log_odds(self.families, inputs))
        return pl.concat([keys, answers], how="horizontal")

    def _own_log_odds(
        self, features: pl.DataFrame | pl.LazyFrame, level: Level
    ) -> tuple[pl.DataFrame, NDArray[np.float64]]:
        keys, inputs = self._own_inputs(features, level)
        return keys, log_odds(self.estimators[level], inputs)

    def _own_inputs(
        self, features: pl.DataFrame | pl.LazyFrame, level: Level
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        contract = self.manifest.level(level)
        lazy = features.lazy()
        schema = lazy.collect_schema()
        check_features(schema, contract.features, self.name)
        keys = [name for name in KEYS[level] if name in schema]
        frame = lazy.select(*keys, *(feature.name for feature in contract.features)).collect()
        return frame.select(keys), model_inputs(frame, contract.features)

    def require_feature_version(self, expected: str) -> None:
        """Insist that the model was trained on this version of the features.

        Raises:
            ModelMismatch: It was trained on another.
        """
        own = self.manifest.own_features
        if self.manifest.feature_version != expected and own is not None:
            raise ModelMismatch(
                f"model {self.name!r} was trained with features of {own.file} (sha256 {own.sha256}), version "
                f"{self.manifest.feature_version}; these are of version {expected}",
                hint=f"give the same file: --features {own.file}",
            )
        if self.manifest.feature_version != expected:
            raise ModelMismatch(
                f"model {self.name!r} was trained on features of version {self.manifest.feature_version}; "
                f"these are of version {expected}",
                hint="train the model again, or use the version of ptml that it was trained with",
            )


def _verdicts(keys: pl.DataFrame, contract: LevelManifest, odds: NDArray[np.float64]) -> pl.DataFrame:
    probability = contract.calibration.apply(odds)
    called = np.where(probability >= contract.threshold, "malicious", "benign")
    return keys.with_columns(
        pl.Series("probability", probability, pl.Float64),
        pl.Series("verdict", called, pl.String),
        pl.Series("threshold", np.full(len(probability), contract.threshold), pl.Float64),
    )


def log_odds(estimator: Pipeline, inputs: pl.DataFrame) -> NDArray[np.float64]:
    """Give an estimator's uncalibrated belief that rows are malicious, as log-odds.

    Estimators that vote rather than add evidence can be certain; their share is drawn in a little from 0
    and 1, which keeps the order.
    """
    if inputs.is_empty():
        return np.empty(0)
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(inputs), np.float64)
    return share_log_odds(np.asarray(estimator.predict_proba(inputs), np.float64)[:, 1])


def share_log_odds(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn shares of votes into log-odds, drawn in a little from 0 and 1.

    >>> share_log_odds(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [-6.907, 0.0, 6.907]
    """
    share = SMOOTHING + (1 - 2 * SMOOTHING) * share
    result: NDArray[np.float64] = np.log(share) - np.log1p(-share)
    return result


def family_log_odds(estimators: Sequence[Pipeline], inputs: pl.DataFrame) -> NDArray[np.float64]:
    """Give what each family's estimator says of each row, a column a family."""
    odds: NDArray[np.float64] = np.stack([log_odds(one, inputs) for one in estimators], axis=1)
    return odds


def save_model(
    folder: Path,
    manifest: Mapping[str, Any],
    estimators: Mapping[Level, Pipeline],
    scratch: Path,
    *,
    families: tuple[Pipeline, ...] = (),
    record: Mapping[str, bytes] | None = None,
    card: Callable[[ModelManifest], str] | None = None,
) -> ModelManifest:
    """Write a model: all of it beside its place, then each file into its place, the manifest last.

    Estimators have names that carry their hash: until the manifest is there, an earlier model stays whole.

    Args:
        folder: The model's folder.
        manifest: What `ModelManifest` holds, without each level's ``file`` and ``sha256``.
        estimators: A fitted pipeline a level; none for captures judged by their connections alone.
        scratch: A folder on the same file system for unfinished files.
        families: A fitted pipeline a family of captures, in the order of the manifest.
        record: Other files of the model's record, by name.
        card: Writes the model's card from its manifest.

    Raises:
        CannotWrite: The operating system refused; an earlier model stays as it was.
        ModelMismatch: An identity column is among the features.
    """
    from ptml.artifact.skopsfile import dump_estimator  # noqa: PLC0415 - loads scikit-learn

    levels: dict[str, Any] = dict(manifest["levels"])
    files: dict[str, bytes] = {}
    record = record or {}

    def dumped(name: str, estimator: Pipeline | tuple[Pipeline, ...]) -> dict[str, str]:
        data = dump_estimator(estimator)
        digest = hashlib.sha256(data).hexdigest()
        file = f"{name}-{digest[:12]}.skops"
        files[file] = data
        return {"file": file, "sha256": digest}

    for level, estimator in estimators.items():
        levels[level] = {**levels[level], **dumped(level, estimator)}
    if families:
        part = {**levels["capture"]["family"], **dumped("family", families)}
        levels["capture"] = {**levels["capture"], "family": part}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in record.items()}
    parts = {**manifest, "manifest_version": 1, "levels": levels, "files": digests}
    whole = parse_manifest(folder / MANIFEST, parts)
    cards = {CARD: card(whole).encode()} if card else {}
    last = {MANIFEST: json_bytes(whole.model_dump(mode="json"))}
    write_together(folder, {**files, **record, **cards, **last}, scratch)
    for stale in folder.glob("*.skops"):
        if stale.name not in files:
            stale.unlink(missing_ok=True)
    return whole


def find_model(name: str | Path, workspace: Workspace | None = None) -> Path:
    """Find a model's folder: by path, by name in the workspace, or by name among those that ptml ships.

    Raises:
        MissingInput: There is none; those that there are, are listed.
    """
    roots = [*([workspace.root / "models"] if workspace else []), *_shipped()]
    by_name = [root / str(name) for root in roots] if NAME.fullmatch(str(name)) else []
    for folder in (*by_name, Path(name)):
        if (folder / MANIFEST).is_file():
            return folder
    known = sorted({path.parent.name for root in roots for path in root.glob(f"*/{MANIFEST}")})
    raise MissingInput(
        f"no model {str(name)!r}: no such folder has a {MANIFEST}, and the models here are {quoted(known)}",
        hint=did_you_mean([Path(name).name], known) or "`ptml train` makes one",
    )


def _shipped() -> list[Path]:
    package = Path(__file__).parent.parent
    clone = package.parent / "models"
    return [package / "_data" / "models", *([clone] if (package.parent / "pyproject.toml").exists() else [])]


def read_model_manifest(name: str | Path, workspace: Workspace | None = None) -> ModelManifest:
    """Read what is known about a model, without loading it.

    Raises:
        MissingInput: There is no such model.
        BadData: Its manifest is not one.
        ModelMismatch: Its manifest is of another version.
    """
    path = find_model(name, workspace) / MANIFEST
    return parse_manifest(path, read_json(path))


def read_record_file(folder: Path, manifest: ModelManifest, name: str) -> bytes:
    """Read one of the other files of a model's record, as it was when the model was trained.

    Raises:
        MissingInput: The model has no such file.
        BadData: It was changed since.
    """
    if name not in manifest.files:
        raise MissingInput(
            f"model {manifest.name!r} has no {name} in its record", hint="train it again with this version"
        )
    return _checked_bytes(folder / name, manifest.files[name])


def load_model(
    name: str | Path, workspace: Workspace | None = None, *, feature_version: str | None = None
) -> Model:
    """Load a model; no pickle is read, and everything in its files is checked before use.

    Args:
        name: A folder, or the name of a model in the workspace or among those that ptml ships.
        workspace: Where to look for a name.
        feature_version: Insist on this version of the features.

    Raises:
        MissingInput: There is no such model, or one of its files is missing.
        BadData: A file is damaged, was edited, or holds anything but a model.
        ModelMismatch: It was made by another scikit-learn, or for other features.
    """
    folder = find_model(name, workspace)
    manifest = parse_manifest(folder / MANIFEST, read_json(folder / MANIFEST))
    _check_libraries(manifest)
    estimators = {
        level: _load_level(folder, part.file, part.sha256)
        for level, part in manifest.levels.items()
        if part.file and part.sha256
    }
    model = Model(folder, manifest, estimators, _load_families(folder, manifest))
    if feature_version is not None:
        model.require_feature_version(feature_version)
    return model


def _check_libraries(manifest: ModelManifest) -> None:
    here = version("scikit-learn")
    made_with = manifest.libraries.get("scikit-learn", "an unknown version")
    if made_with.split(".")[:2] != here.split(".")[:2]:
        raise ModelMismatch(
            f"model {manifest.name!r} was made with scikit-learn {made_with}; here is {here}, "
            "which may read it differently",
            hint="train it again, or install the version that made it",
        )


def _load_families(folder: Path, manifest: ModelManifest) -> tuple[Pipeline, ...]:
    from ptml.artifact.skopsfile import load_estimators  # noqa: PLC0415 - loads scikit-learn

    level = manifest.levels.get("capture")
    if level is None or level.family is None:
        return ()
    part = level.family
    path = folder / part.file
    return load_estimators(_checked_bytes(path, part.sha256), path, len(part.families))


def _load_level(folder: Path, file: str, sha256: str) -> Pipeline:
    from ptml.artifact.skopsfile import load_estimator  # noqa: PLC0415 - loads scikit-learn

    path = folder / file
    return load_estimator(_checked_bytes(path, sha256), path)


def _checked_bytes(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingInput(
            f"{path} cannot be read: {error.strerror}", hint="train or fetch the model again"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise BadData(
            f"{path} has sha256 {found} where its manifest says {sha256}; it was not loaded",
            hint="it was changed or cut short: train or fetch the model again",
        )
    return data
