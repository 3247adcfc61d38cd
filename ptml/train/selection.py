"""Which captures a dataset is made of, and what each is for: to learn from, to validate on, to test on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import BadData, SettingsError, did_you_mean, quoted
from ptml.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from ptml.settings import DatasetSettings
    from ptml.train.capture import Capture

UNTIMED = "no time that can be believed"
PERIODS = ("train", "validation", "test")
RESOLVED: dict[str, pl.DataType | type[pl.DataType]] = {
    "capture_id": pl.String,
    "name": pl.String,
    "source": pl.String,
    "label": pl.String,
    "family": pl.String,
    "unit": pl.String,
    "start": UTC_TIME,
    "end": UTC_TIME,
    "connections": pl.UInt64,
    "untimed": pl.UInt64,
    "group": pl.String,
    "linked": pl.List(pl.String),
    "period": pl.String,
    "known": pl.Boolean,
    "left_out": pl.String,
}


def select(captures: Sequence[Capture], settings: DatasetSettings) -> list[Capture]:
    """Leave out what the settings do not ask for, saying why, and tell the rest what they are for.

    Args:
        captures: All captures of a workspace.
        settings: The table `dataset` of a pipeline file.

    Returns:
        The same captures in the same order; those left out have no labelled rows any more, and the reason.

    Raises:
        SettingsError: A source, family or capture is named that no capture has.
        BadData: No capture is left, or none to learn from.
    """
    _check_names(captures, settings)
    chosen = [_judged(capture, settings) for capture in captures]
    if settings.periods is not None:
        chosen = _keep_groups_whole(chosen)
    left = [capture for capture in chosen if capture.left_out is None and capture.features]
    if not left:
        raise BadData(
            f"[dataset] leaves none of {len(captures)} captures: {_why(chosen)}", hint="ask for less of them"
        )
    if settings.periods is not None and not any(capture.period == "train" for capture in left):
        raise BadData(
            f"no capture lies in dataset.periods.train: {_why(chosen)}",
            hint="widen the period; `ptml catalog` and captures.parquet of a model tell when captures were",
        )
    return chosen


def resolved(captures: Iterable[Capture]) -> pl.DataFrame:
    """List the captures as they were chosen, by id.

    Args:
        captures: What `labelled_captures` gives.

    Returns:
        capture_id, name, source, label, family, unit; start and end (null where no time can be believed),
        connections, untimed (how many of these have no such time); group, linked (what links it with
        others of its group); period (null where none are named), known (whether its family may be learned
        from), left_out (why; null where it was not).
    """
    rows = [
        {
            "capture_id": one.capture_id,
            "name": one.name,
            "source": one.source,
            "label": one.label,
            "family": one.family,
            "unit": one.unit,
            "start": one.span.start,
            "end": one.span.end,
            "connections": one.span.connections,
            "untimed": one.span.untimed,
            "group": one.group,
            "linked": list(one.linked),
            "period": one.period,
            "known": one.known,
            "left_out": one.left_out or next(iter(one.excluded), None) if not one.labelled else None,
        }
        for one in captures
    ]
    return pl.DataFrame(rows, schema=RESOLVED).sort("capture_id")


def is_known(family: str | None, settings: DatasetSettings) -> bool:
    """Tell whether what is malicious and of this family may be learned from.

    >>> from ptml.settings import DatasetSettings
    >>> settings = DatasetSettings(known_families=("emotet",))
    >>> [is_known(family, settings) for family in ("emotet", "qakbot", None)]
    [True, False, False]
    """
    if settings.known_families:
        return family in settings.known_families
    return family not in settings.unknown_families


def _check_names(captures: Sequence[Capture], settings: DatasetSettings) -> None:
    """Insist that whatever is named is there, lest a slip of the pen leaves nothing, or everything, in."""
    known: dict[str, set[str]] = {
        "sources": {one.source for one in captures},
        "families": _families(captures) if settings != type(settings)() else set(),
        "captures": {one.capture_id for one in captures} | {one.name for one in captures if one.name},
    }
    for key in type(settings).model_fields:
        kind = key.rsplit("_", 1)[-1]
        if kind not in known:
            continue
        unknown = sorted(set(getattr(settings, key)) - known[kind])
        if unknown:
            raise SettingsError(
                f"dataset.{key}: no capture has {quoted(unknown)}",
                hint=did_you_mean(unknown, sorted(known[kind])),
            )


def _families(captures: Sequence[Capture]) -> set[str]:
    """Name the families of captures, and of their connections where these have their own."""
    named = {one.family for one in captures if one.family}
    if files := [path for one in captures for path in one.labels]:
        own = pl.scan_parquet(files, hive_partitioning=False, glob=False).select(pl.col("family").unique())
        named |= set(own.collect()["family"].drop_nulls())
    return named


def _judged(capture: Capture, settings: DatasetSettings) -> Capture:
    """Leave a capture out if a condition fails; else tell which period it is of, and whether it is known."""
    if not capture.features:
        return capture
    for reason, fails in _CONDITIONS:
        if fails(capture, settings):
            return _left_out(capture, reason)
    known = capture.label == "benign" or is_known(capture.family, settings)
    if settings.periods is None:
        return replace(capture, known=known)
    period = _period(capture, settings)
    if period is None:
        return _left_out(capture, "outside of all periods" if capture.span.start else UNTIMED)
    return replace(capture, known=known, period=period)


def _left_out(capture: Capture, reason: str) -> Capture:
    excluded = {f"captures left out: {reason}": 1}
    return replace(capture, left_out=reason, labelled=0, excluded=excluded, period=None)


def _period(capture: Capture, settings: DatasetSettings) -> str | None:
    """Name the period that a capture lies in, whole."""
    start, end = capture.span.start, capture.span.end
    if settings.periods is None or start is None:
        return None
    for name, period in settings.periods.named():
        if period is not None and period[0] <= start and (end or start) < period[1]:
            return name
    return None


def _keep_groups_whole(captures: list[Capture]) -> list[Capture]:
    """Leave out captures whose group reaches into a later period: who learned from them has seen that."""
    latest: defaultdict[str, int] = defaultdict(int)
    for one in captures:
        if one.period is not None:
            latest[one.group] = max(latest[one.group], PERIODS.index(one.period))
    return [
        _left_out(one, f"shares packets, or a host at one time, with the period {PERIODS[latest[one.group]]}")
        if one.period is not None and PERIODS.index(one.period) < latest[one.group]
        else one
        for one in captures
    ]


def _why(captures: Iterable[Capture]) -> str:
    counted: defaultdict[str, int] = defaultdict(int)
    for one in captures:
        counted[one.left_out or ("chosen" if one.features else "without features")] += 1
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counted.items()))


def _not_among(name: str | None, names: Collection[str]) -> bool:
    return bool(names) and name not in names


def _before(capture: Capture, settings: DatasetSettings) -> bool:
    start = capture.span.start
    return settings.since is not None and start is not None and start < settings.since


def _after(capture: Capture, settings: DatasetSettings) -> bool:
    end = capture.span.end
    return settings.until is not None and end is not None and end >= settings.until


def _untimed(capture: Capture, settings: DatasetSettings) -> bool:
    return capture.span.start is None and (settings.since is not None or settings.until is not None)


_CONDITIONS: tuple[tuple[str, Callable[[Capture, DatasetSettings], bool]], ...] = (
    ("another source", lambda one, wanted: _not_among(one.source, wanted.sources)),
    ("excluded source", lambda one, wanted: one.source in wanted.exclude_sources),
    ("another label", lambda one, wanted: _not_among(one.label, wanted.labels)),
    (
        "another family",
        lambda one, wanted: one.label != "benign" and _not_among(one.family, wanted.families),
    ),
    ("excluded family", lambda one, wanted: one.family in wanted.exclude_families),
    (
        "excluded capture",
        lambda one, wanted: bool({one.capture_id, one.name} & {*wanted.exclude_captures}),
    ),
    (UNTIMED, _untimed),
    ("begins before dataset.since", _before),
    ("ends after dataset.until", _after),
    ("too few connections", lambda one, wanted: one.span.connections < wanted.min_connections),
    (
        "too many connections",
        lambda one, wanted: (
            wanted.max_connections is not None and one.span.connections > wanted.max_connections
        ),
    ),
)
