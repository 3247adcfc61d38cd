"""Features joined with labels: what a model learns from, and what was left out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ptml.artifact import contracts_of, model_inputs, refuse_identity
from ptml.errors import BadData, SettingsError, did_you_mean, quoted
from ptml.features.featureset import STANDARD, at_windows
from ptml.settings import DatasetSettings
from ptml.train.contacts import Contacts
from ptml.train.draw import connection_cap
from ptml.train.selection import is_known
from ptml.train.sources import labelled_captures, windows_used
from ptml.train.weights import row_weights
from ptml.types import Level, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ptml.artifact import FeatureContract
    from ptml.features.featureset import FeatureSet
    from ptml.train.spec import ModelSpec
    from ptml.types import Progress
    from ptml.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows to learn from, in the order of their keys. Identity is in `keys`, never in `inputs`.

    Attributes:
        level: ``connection`` or ``capture``.
        contracts: The features, in the order of their columns, with their published types.
        inputs: Their values, one row a connection or capture, as `model_inputs` makes them.
        y: 1 for malicious, 0 for benign.
        keys: capture_id, uid (connections), source, family, ts (start of the connection, or of the capture;
            null where it cannot be believed), host (who opened the connection; null for captures), period
            (train, validation or test; null where none are named); a row for each row.
        groups: Number of each row's group: its capture, with those that share packets, or a host at one time
            (:mod:`ptml.train.groups`).
        weights: Weight of each row; they average 1.
        captures: The captures that the rows come from, with the hash of their raw data.
        available: Labelled rows there were before capping.
        excluded: Rows left out, by reason.
        unit: What a capture is; `mixed` when they differ.
        unknown: Rows of families that no fit may learn from, though it may be judged on them.
        contacts: Whom each row contacts, where fits leave out what benign rows contact, too; else None.
    """

    level: Level
    contracts: tuple[FeatureContract, ...]
    inputs: pl.DataFrame
    y: NDArray[np.int8]
    keys: pl.DataFrame
    groups: NDArray[np.int64]
    weights: NDArray[np.float64]
    captures: dict[str, str]
    available: int
    excluded: dict[str, int]
    unit: str
    unknown: NDArray[np.bool_]
    contacts: Contacts | None = None

    def counts(self) -> dict[str, Any]:
        """Count rows and captures, as a model's manifest states them."""
        malicious = self.y == 1
        excluded = dict(self.excluded)
        if self.contacts is not None:
            excluded[SHARED] = int(self.contacts.ordinary(self.y).sum())
        return {
            "rows": len(self.y),
            "malicious": int(malicious.sum()),
            "captures": self.keys["capture_id"].n_unique(),
            "malicious_captures": self.keys.filter(pl.Series(malicious))["capture_id"].n_unique(),
            "untimed": self.keys["ts"].null_count(),
            "available": self.available,
            "excluded": excluded,
        }

    def without(self, left_out: NDArray[np.bool_], why: str) -> Dataset:
        """Leave rows out, and count them.

        Args:
            left_out: Whether to leave each row out.
            why: The reason; nothing is counted where there is nothing to leave out.
        """
        if not left_out.any():
            return self
        rows = np.flatnonzero(~left_out)
        keys = self.keys[rows]
        kept = set(keys["capture_id"])
        weights = self.weights[rows]
        return replace(
            self,
            inputs=self.inputs[rows],
            y=self.y[rows],
            keys=keys,
            groups=np.unique(self.groups[rows], return_inverse=True)[1].astype(np.int64),
            weights=weights / (weights.mean() if len(rows) else 1),
            captures={name: raw for name, raw in self.captures.items() if name in kept},
            excluded={**self.excluded, f"{self.level}s {why}": int(left_out.sum())},
            unknown=self.unknown[rows],
            contacts=self.contacts.take(rows) if self.contacts else None,
        )

    def to_learn_from(self) -> Dataset:
        """Leave out what a model that is to be used must not have seen: the test period, unknown families.

        Raises:
            BadData: One class is left.
        """
        data = self.without(
            (self.keys["period"] == "test").fill_null(value=False).to_numpy(), "of the test period"
        )
        data = data.without(data.unknown, "of unknown families")
        require_classes(data.y, self.level, data.excluded)
        return data


def load_dataset(
    workspace: Workspace,
    level: Level,
    spec: ModelSpec,
    *,
    dataset: DatasetSettings | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Dataset:
    """Join the published features of one level with their labels.

    Memory grows with the rows that are kept, at most `spec.max_connections`, not with those that there are.

    Args:
        workspace: Where features and labels are.
        level: ``connection`` or ``capture``.
        spec: Which features, weights and caps.
        dataset: Which captures, and what for; all if not given.
        seed: Seed of the draw where a capture has more connections than the cap.
        progress: Called as captures are read.

    Raises:
        MissingInput: There are no features.
        BadData: Only one class has a labelled row, or `dataset` leaves no capture.
        SettingsError: The spec excludes a feature that does not exist, or `dataset` names what there is not.
    """
    dataset = dataset or DatasetSettings()
    captures = labelled_captures(workspace, level, dataset)
    excluded: Counter[str] = Counter()
    for capture in captures:
        excluded.update(capture.excluded)
    used = [capture for capture in captures if capture.labelled]
    available = sum(capture.labelled for capture in used)
    cap = connection_cap([capture.labelled for capture in used], spec)
    key = ("capture_id", "uid") if level == "connection" else ("capture_id",)
    contracts: tuple[FeatureContract, ...] = ()
    about, inputs = [_NO_ROWS], []
    features = at_windows(windows_used(workspace))
    for number, capture in enumerate(used):
        progress(f"read {level} features", number, len(used))
        frame = capture.read(cap, seed).sort(key)
        contracts = contracts or contracts_of(frame.drop(_ADDED, strict=False).schema, level)
        about.append(frame.select(*key, *(name for name in _ADDED if name in frame.columns)))
        inputs.append(model_inputs(frame, select_features(contracts, spec, level, features)))
    rows = pl.concat(about, how="diagonal")
    require_classes(rows["y"], level, excluded)
    if rows.height < available:
        excluded["over the cap"] = available - rows.height
    data = Dataset(
        level=level,
        contracts=select_features(contracts, spec, level, features),
        inputs=_stacked(inputs),
        y=rows["y"].to_numpy(),
        keys=rows.select(*key, *_ABOUT),
        groups=rows["group"].rank("dense").to_numpy().astype(np.int64) - 1,
        weights=row_weights(rows, spec.weights),
        captures={capture.capture_id: capture.raw for capture in used},
        available=available,
        excluded=dict(sorted(excluded.items())),
        unit=used[0].unit if len({capture.unit for capture in used}) == 1 else "mixed",
        unknown=_unknown(rows, dataset),
        contacts=_contacts(rows) if any(capture.logs for capture in used) else None,
    )
    past = data.unknown & data.keys["period"].is_in(["train", "validation"]).fill_null(value=False).to_numpy()
    return data.without(past, "of unknown families, in the periods train and validation")


def _stacked(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Put tables below each other; they lose each column as it is copied, to save memory."""
    names = parts[0].columns
    return pl.DataFrame(
        [pl.concat([part.drop_in_place(name) for part in parts], rechunk=True) for name in names]
    )


def _unknown(rows: pl.DataFrame, dataset: DatasetSettings) -> NDArray[np.bool_]:
    """Tell the malicious rows that no fit may learn from: those of families that are to be unknown."""
    malicious = rows.filter(pl.col("y") == 1)["family"].unique().to_list()
    unknown = [family for family in malicious if not is_known(family, dataset)]
    found = (pl.col("y") == 1) & pl.col("family").is_in(unknown, nulls_equal=True)
    marked: NDArray[np.bool_] = rows.select(found)["y"].to_numpy()
    return marked


_ABOUT = ("source", "family", "ts", "host", "period")
_ADDED = ("y", "family", "source", "group", "contacts", "ts", "host", "period")
_NO_ROWS = pl.DataFrame(schema={"capture_id": pl.String, "y": pl.Int8})
SHARED = "not fitted on: benign captures contact the same, too"


def _contacts(table: pl.DataFrame) -> Contacts | None:
    return Contacts.of(table["contacts"]) if "contacts" in table.columns else None


def require_classes(y: pl.Series | NDArray[np.int8], level: Level, excluded: Mapping[str, int]) -> None:
    """Insist that there are malicious and benign rows.

    Args:
        y: 1 for malicious, 0 for benign.
        level: What the rows are.
        excluded: Rows that were left out, by reason; they are part of the answer.

    Raises:
        BadData: A class has no row.
    """
    malicious = int(y.sum())
    benign = len(y) - malicious
    if not malicious or not benign:
        left_out = "".join(f", {count} left out ({reason})" for reason, count in sorted(excluded.items()))
        raise BadData(
            f"two classes are needed to learn from; there are {malicious} malicious and {benign} benign "
            f"{level}s{left_out}",
            hint="add captures of the other class, or label those that are unknown",
        )


def select_features(
    contracts: Sequence[FeatureContract], spec: ModelSpec, level: Level, features: FeatureSet = STANDARD
) -> tuple[FeatureContract, ...]:
    """Leave out the features and scopes that a spec excludes; refuse identity.

    Args:
        contracts: The columns of a table of features.
        spec: What to leave out.
        level: ``connection`` or ``capture``.
        features: The features of the table, whose scopes are known; a user's own beside them are kept.

    Raises:
        ModelMismatch: An identity column is among the features.
        SettingsError: The spec excludes a feature that no level has, or all of them.
    """
    refuse_identity(contract.name for contract in contracts)
    catalogued = {*features.connection_features, *features.capture_features}
    known = {feature.name for feature in catalogued} | {contract.name for contract in contracts}
    unknown = [name for name in spec.exclude_features if name not in known]
    if unknown:
        raise SettingsError(
            f"spec {spec.name!r} excludes {quoted(unknown)}, which is no feature",
            hint=did_you_mean(unknown, sorted(known)),
        )
    of_level = features.connection_features if level == "connection" else ()
    scoped = {feature.name for feature in of_level if feature.scope in spec.exclude_scopes}
    kept = tuple(c for c in contracts if c.name not in scoped and c.name not in spec.exclude_features)
    if not kept:
        raise SettingsError(f"spec {spec.name!r} excludes every {level} feature", hint="exclude fewer")
    return kept
