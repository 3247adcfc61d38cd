"""Features joined with labels: what a model learns from, and what was left out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ptml.artifact import contracts_of, model_inputs, refuse_identity
from ptml.errors import BadData, SettingsError, did_you_mean, quoted
from ptml.features.featureset import STANDARD, at_windows
from ptml.train.contacts import Contacts
from ptml.train.sources import labelled_captures, windows_used
from ptml.types import Level, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        keys: capture_id, uid (connections), source, family, ts (start of the connection, or of the capture),
            host (who opened the connection; null for captures); a row for each row.
        groups: Number of each row's group: its capture, with those that share content.
        weights: Weight of each row; they average 1.
        captures: The captures that the rows come from, with the hash of their raw data.
        available: Labelled rows there were before capping.
        excluded: Rows left out, by reason.
        unit: What a capture is; `mixed` when they differ.
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
            "available": self.available,
            "excluded": excluded,
        }


def load_dataset(
    workspace: Workspace, level: Level, spec: ModelSpec, *, seed: int = 0, progress: Progress = silent
) -> Dataset:
    """Join the published features of one level with their labels.

    Memory grows with the rows that are kept, at most `spec.max_connections`, not with those that there are.

    Args:
        workspace: Where features and labels are.
        level: ``connection`` or ``capture``.
        spec: Which features, weights and caps.
        seed: Seed of the draw where a capture has more connections than the cap.
        progress: Called as captures are read.

    Raises:
        MissingInput: There are no features.
        BadData: Only one class has a labelled row.
        SettingsError: The spec excludes a feature that does not exist.
    """
    captures = labelled_captures(workspace, level)
    excluded: Counter[str] = Counter()
    for capture in captures:
        excluded.update(capture.excluded)
    used = [capture for capture in captures if capture.labelled]
    available = sum(capture.labelled for capture in used)
    cap = connection_cap([capture.labelled for capture in used], spec)
    frames = []
    for number, capture in enumerate(used):
        progress(f"read {level} features", number, len(used))
        frames.append(capture.read(cap, seed))
    _require_classes(frames, level, excluded)
    table = pl.concat(frames).sort("capture_id", *(["uid"] if level == "connection" else []))
    capped = available - table.height
    contracts = select_features(
        contracts_of(table.drop(_ADDED, strict=False).schema, level),
        spec,
        level,
        at_windows(windows_used(workspace)),
    )
    groups = table["group"].rank("dense").to_numpy().astype(np.int64) - 1
    return Dataset(
        level=level,
        contracts=contracts,
        inputs=model_inputs(table, contracts).rechunk(),
        y=table["y"].to_numpy(),
        keys=table.select("capture_id", *(["uid"] if level == "connection" else []), *_ABOUT),
        groups=groups,
        weights=row_weights(table["capture_id"], spec),
        captures={capture.capture_id: capture.raw for capture in used},
        available=available,
        excluded={**dict(sorted(excluded.items())), **({"over the cap": capped} if capped else {})},
        unit=used[0].unit if len({capture.unit for capture in used}) == 1 else "mixed",
        contacts=_contacts(table) if any(capture.logs for capture in used) else None,
    )


_ABOUT = ("source", "family", "ts", "host")
_ADDED = ("y", "family", "source", "group", "contacts", "ts", "host")
SHARED = "not fitted on: benign captures contact the same, too"


def _contacts(table: pl.DataFrame) -> Contacts | None:
    return Contacts.of(table["contacts"]) if "contacts" in table.columns else None


def _require_classes(frames: list[pl.DataFrame], level: Level, excluded: Counter[str]) -> None:
    malicious = sum(int(frame["y"].sum()) for frame in frames)
    benign = sum(frame.height for frame in frames) - malicious
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


def connection_cap(sizes: Sequence[int], spec: ModelSpec) -> int:
    """Find how many rows a capture may give, so that all of them stay within the spec's bounds.

    >>> from ptml.train.spec import ModelSpec
    >>> spec = ModelSpec(name="x", estimator="random-forest", max_connections=100)
    >>> connection_cap([10, 1000, 1000], spec)
    45
    """
    cap = spec.max_connections_per_capture
    left, remaining = spec.max_connections, len(sizes)
    for size in sorted(sizes):
        share = max(left // remaining, 1)
        if size > share:
            return min(cap, share)
        left -= size
        remaining -= 1
    return cap


def row_weights(captures: pl.Series, spec: ModelSpec) -> NDArray[np.float64]:
    """Weigh rows as the spec says; they average 1.

    >>> from ptml.train.spec import ModelSpec
    >>> spec = ModelSpec(name="x", estimator="random-forest")
    >>> row_weights(pl.Series(["a", "a", "a", "b"]), spec).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    if spec.weights == "row":
        return np.ones(len(captures))
    size = captures.to_frame("id").select(pl.len().over("id"))["len"].to_numpy()
    return len(captures) / captures.n_unique() / size
