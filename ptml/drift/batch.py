"""Has a batch of captures drifted from what the model was trained on?

By the population stability index of each feature, averaged by family: the sum over parts of (share now less
share then) times the logarithm of their quotient. Each capture weighs the same, as it did in training. By
chance alone the index of n captures against N is about (parts - 1) (1/n + 1/N), so a family counts as drifted
only beyond that, three deviations of chi-squared included, and beyond the customary quarter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from ptml.artifact import LevelReference, Reference

ROWS = 2000
"""Rows of a batch that are counted: evenly spaced."""
LEAST_CAPTURES = 10
LARGE = 0.25
FLOOR = 0.001
DEVIATIONS = 3
USUAL, NEVER, MOST = 0.9, 0.01, 0.5
NAMED = 5
DIGITS = 4


@dataclass(slots=True)
class Tally:
    """What one capture looks like: counts by level, feature and part; the logs it has, and its Zeek.

    Plain values only: it travels as JSON from the process that scores the capture.
    """

    levels: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    zeek: str | None = None

    def add(self, level: str, reference: LevelReference, inputs: pl.DataFrame) -> None:
        """Count rows: features as `model_inputs` makes them."""
        some = inputs.gather_every(max(1, -(-inputs.height // ROWS)))
        counted = self.levels.setdefault(level, {})
        for feature in reference.features:
            new = feature.counts(some[feature.name])
            counted[feature.name] = (np.array(counted.get(feature.name, 0)) + new).tolist()


def batch_drift(
    reference: Reference, tallies: Sequence[Tally], families: Mapping[str, str]
) -> dict[str, Any]:
    """Hold a batch against the training data.

    Args:
        reference: What the model was trained on.
        tallies: One a capture.
        families: Family of each feature.

    Returns:
        ``captures``, whether these are ``enough`` to tell, ``levels`` (for each family the index ``psi``, how
        much of it chance explains, whether it is ``large``, the share of nulls in training and now), features
        with ``new_categories``, and ``warnings`` in words.
    """
    enough = len(tallies) >= LEAST_CAPTURES
    levels: dict[str, Any] = {}
    novel: list[str] = []
    for level, seen in reference.levels.items():
        counted = [one.levels[level] for one in tallies if level in one.levels]
        if counted:
            levels[level], new = _level(seen, counted, families)
            novel += new
    warnings = [*_logs(reference, tallies), *_zeek(reference, tallies)]
    if enough:
        warnings += _large(levels)
    elif tallies:
        warnings.append(
            f"{'1 capture is' if len(tallies) == 1 else f'{len(tallies)} captures are'} too few to tell "
            f"whether traffic has drifted from the training data: {LEAST_CAPTURES} are needed"
        )
    return {
        "captures": len(tallies),
        "enough": enough,
        "levels": levels,
        "new_categories": sorted(novel),
        "warnings": warnings,
    }


def stability_index(now: NDArray[np.float64], then: NDArray[np.float64]) -> float:
    """Give the population stability index of two distributions over the same parts.

    >>> round(stability_index(np.array([0.5, 0.5]), np.array([0.5, 0.5])), 3)
    0.0
    >>> round(stability_index(np.array([0.75, 0.25]), np.array([0.25, 0.75])), 3)  # twice a half, times ln 3
    1.099
    """
    now, then = np.maximum(now, FLOOR), np.maximum(then, FLOOR)
    return float(((now - then) * np.log(now / then)).sum())


def by_chance(parts: int, captures: int, trained_on: int) -> float:
    """Give the index that so many captures of the training's own kind hardly ever exceed."""
    free = max(parts - 1, 0)
    reach = free + DEVIATIONS * np.sqrt(2 * free)
    return float(reach * (1 / max(captures, 1) + 1 / max(trained_on, 1)))


def _level(
    seen: LevelReference, counted: Sequence[Mapping[str, list[int]]], families: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    found: dict[str, list[tuple[float, float, float, float, str]]] = {}
    novel = []
    for feature in seen.features:
        now = _shares([one[feature.name] for one in counted])
        then = feature.expected()
        psi, chance = (
            stability_index(now, then),
            by_chance(int(np.count_nonzero(then)), len(counted), seen.captures),
        )
        if feature.categories and now[-2] > 0:
            novel.append(feature.name)
        found.setdefault(families[feature.name], []).append(
            (psi, chance, feature.nulls, now[-1], feature.name)
        )
    return {family: _family(members) for family, members in sorted(found.items())}, novel


def _shares(counts: Iterable[list[int]]) -> NDArray[np.float64]:
    shares = [np.array(one) / max(sum(one), 1) for one in counts]
    mean: NDArray[np.float64] = np.mean(shares, axis=0)
    return mean


def _family(members: Sequence[tuple[float, float, float, float, str]]) -> dict[str, Any]:
    psi, chance, before, now = (
        round(float(np.mean([one[at] for one in members])), DIGITS) for at in range(4)
    )
    return {
        "psi": psi,
        "by_chance": chance,
        "large": psi > max(LARGE, chance),
        "nulls_in_training": before,
        "nulls": now,
        "most": max(members)[-1],
    }


def _large(levels: Mapping[str, Mapping[str, Any]]) -> list[str]:
    said = []
    for level, families in levels.items():
        large = sorted((-one["psi"], family) for family, one in families.items() if one["large"])
        if large:
            named = ", ".join(f"{family} ({-psi:.2f})" for psi, family in large[:NAMED])
            said.append(
                f"features of {level}s have drifted from the training data in {len(large)} of "
                f"{len(families)} families: {named}; believe the scores less"
            )
    return said


def _logs(reference: Reference, tallies: Sequence[Tally]) -> list[str]:
    if not tallies:
        return []
    count = Counter(log for one in tallies for log in set(one.logs))
    share = {log: count[log] / len(tallies) for log in {*count, *reference.logs}}
    then = reference.logs
    gone = sorted(log for log, usual in then.items() if usual >= USUAL and not share[log])
    new = sorted(log for log, now in share.items() if now >= MOST and then.get(log, 0) < NEVER)
    said = [f"no capture has {log}.log, which {then[log]:.0%} of the training captures had" for log in gone]
    return said + [f"most captures have {log}.log, which hardly any training capture had" for log in new]


def _zeek(reference: Reference, tallies: Sequence[Tally]) -> list[str]:
    versions = sorted({one.zeek for one in tallies if one.zeek} - {*reference.zeek})
    if not versions or not reference.zeek:
        return []
    here, there = ", ".join(versions), ", ".join(sorted(reference.zeek))
    said = f"logs were made by {here}, those of the training captures by {there}"
    return [f"{said}: features may differ for that reason"]
