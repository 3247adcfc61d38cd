"""One level of an evaluation: every protocol that the data allows, and why not for the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ptml.errors import BadData, SettingsError
from ptml.evaluate.bootstrap import DRAWS, draw
from ptml.evaluate.judge import Judged, compare, gap, judge
from ptml.evaluate.matrix import Maker, source_matrix
from ptml.evaluate.metrics import METRICS
from ptml.evaluate.naming import judge_naming
from ptml.evaluate.outcome import Outcome
from ptml.evaluate.protocols import out_of_fold
from ptml.evaluate.results import LevelResult
from ptml.evaluate.watching import Watcher
from ptml.train.holdout import Holding, Rows, plan_splits
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from ptml.evaluate.parts import Comparison, FamilyNaming, SourceMatrix
    from ptml.evaluate.protocols import HeldOut
    from ptml.settings import EvaluateSettings
    from ptml.train.dataset import Dataset
    from ptml.train.holdout import Plan
    from ptml.train.spec import ModelSpec
    from ptml.types import Holdout, Progress

WATCHED: Holdout = "grouped"
"""The protocol whose models are asked for importances and reasons: what they judge is like what they know."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another model that this one is compared with.

    Attributes:
        name: Its name.
        spec: Its spec.
        data: The dataset as its spec reads it.
        max_false_positive_rate: The bound that its thresholds keep.
        connections: The connections that its verdicts on captures rest on, if they do.
    """

    name: str
    spec: ModelSpec
    data: Dataset
    max_false_positive_rate: float
    connections: Dataset | None = None


@dataclass(frozen=True, slots=True)
class LevelRun:
    """What evaluating a level gives.

    Attributes:
        result: What is published of it.
        predictions: Rows held out, by protocol.
        comparisons: With each rival, by each protocol.
    """

    result: LevelResult
    predictions: Mapping[Holdout, pl.DataFrame]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class LevelEvaluation:
    """A level that is being evaluated.

    Attributes:
        spec: The model's spec.
        data: The dataset.
        settings: Protocols, folds, seeds and bounds.
        max_false_positive_rate: Bound that thresholds keep.
        seed: The first seed.
        rivals: Models to compare with.
        connections: The connections that verdicts on captures rest on, if they do.
        progress: Called as the work goes on.
    """

    spec: ModelSpec
    data: Dataset
    settings: EvaluateSettings
    max_false_positive_rate: float
    seed: int
    rivals: tuple[Rival, ...] = ()
    connections: Dataset | None = None
    progress: Progress = silent

    def run(self) -> LevelRun:
        """Evaluate by every protocol that was asked for and is possible.

        Raises:
            BadData: None of them is.
            SettingsError: A rival's spec draws other rows.
        """
        for rival in self.rivals:
            _require_same_rows(self.data, rival)
        judged: dict[Holdout, Judged] = {}
        watcher = Watcher.of(self.data, self.seed)
        by_seed: dict[Holdout, dict[str, tuple[float | None, ...]]] = {}
        not_possible: dict[str, str] = {}
        comparisons: list[Comparison] = []
        for protocol in dict.fromkeys(self.settings.protocols):
            try:
                judged[protocol] = self._judge(protocol, watcher if protocol == WATCHED else None)
                by_seed[protocol] = self._by_seed(protocol, judged[protocol])
            except BadData as error:
                judged.pop(protocol, None)
                not_possible[protocol] = error.message
                last = error
                continue
            comparisons += self._compare(judged[protocol], not_possible)
        if not judged:
            raise BadData(
                f"no protocol is possible for {self.data.level}s: "
                + "; ".join(f"{name}: {reason}" for name, reason in not_possible.items()),
                hint=last.hint,
            )
        protocols = {
            name: found.result.model_copy(update={"by_seed": by_seed[name]}) for name, found in judged.items()
        }
        result = LevelResult(
            data=self.data.counts(),
            protocols=dict(protocols),
            not_possible=not_possible,
            gap=gap(judged),
            matrix=self._matrix(judged),
            importances=watcher.importances.found() if WATCHED in judged else (),
            mistakes=watcher.mistakes.found() if WATCHED in judged else (),
            naming=self._naming(not_possible),
        )
        predictions = {name: found.held_out.rows for name, found in judged.items()}
        return LevelRun(result, predictions, tuple(comparisons))

    def _judge(self, protocol: Holdout, watcher: Watcher | None) -> Judged:
        held_out = self.held_out(self._plan(protocol, self.seed), self.seed, watcher)
        return judge(held_out, self.data, seed=self.seed, weights=self.spec.weights)

    def _plan(self, protocol: Holdout, seed: int) -> Plan:
        how = Holding(
            folds=self.settings.folds,
            seed=seed,
            max_splits=self.settings.max_splits,
            min_family_captures=self.settings.min_family_captures,
        )
        return plan_splits(protocol, Rows(self.data.y, self.data.groups, self.data.keys), how)

    def held_out(self, plan: Plan, seed: int, watcher: Watcher | None = None) -> HeldOut:
        """Predict what a plan holds out, and let each model be watched."""
        return out_of_fold(
            self.spec,
            self.data,
            plan,
            max_false_positive_rate=self.max_false_positive_rate,
            seed=seed,
            connections=self.connections,
            progress=self.progress,
            watch=watcher,
        )

    def _by_seed(self, protocol: Holdout, first: Judged) -> dict[str, tuple[float | None, ...]]:
        """Give each metric with each seed; nothing where there is one."""
        if self.settings.seeds == 1:
            return {}
        runs = [first.by_row]
        for seed in range(self.seed + 1, self.seed + self.settings.seeds):
            outcome = Outcome.of(self.held_out(self._plan(protocol, seed), seed).rows)
            runs.append(draw(outcome, outcome.ones, draws=1, seed=seed))
        return {
            name: tuple(float(run.values[number]) if run.why_unknown(name) is None else None for run in runs)
            for number, name in enumerate(METRICS)
        }

    def _compare(self, mine: Judged, not_possible: dict[str, str]) -> list[Comparison]:
        """Compare with each rival in the splits that this model was judged by."""
        plan, found = mine.held_out.plan, []
        for rival in self.rivals:
            other = replace(
                self,
                spec=rival.spec,
                data=rival.data,
                connections=rival.connections,
                max_false_positive_rate=rival.max_false_positive_rate,
            )
            try:
                held_out = other.held_out(plan, self.seed)
            except BadData as error:
                not_possible[f"{plan.protocol} against {rival.name}"] = error.message
                continue
            its = judge(held_out, rival.data, seed=self.seed, weights=rival.spec.weights)
            found.append(compare(rival.name, self.data.level, mine, its))
        return found

    def _naming(self, not_possible: dict[str, str]) -> FamilyNaming | None:
        if self.spec.family is None or self.data.level != "capture":
            return None
        try:
            return judge_naming(
                self.spec, self.data, folds=self.settings.folds, seed=self.seed, progress=self.progress
            )
        except BadData as error:
            not_possible["naming families"] = error.message
            return None

    def _matrix(self, judged: Mapping[Holdout, Judged]) -> SourceMatrix | None:
        if "leave-source-out" not in judged:
            return None
        maker = Maker(self.spec, self.data, self.max_false_positive_rate, self.seed, DRAWS, self.connections)
        return source_matrix(maker, self.settings.max_splits, self.progress)


def _require_same_rows(data: Dataset, rival: Rival) -> None:
    keys = [name for name in ("capture_id", "uid") if name in data.keys.columns]
    if not data.keys.select(keys).equals(rival.data.keys.select(keys)):
        raise SettingsError(
            f"{rival.name!r} draws other {data.level}s than this model: they cannot be compared in pairs",
            hint="give both specs the same max_connections and max_connections_per_capture",
        )
