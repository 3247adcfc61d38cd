"""What differs between a model's record and another training, told by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN = 5
TOLD = ("source", "label", "family", "group", "period", "known", "left_out")
HASHED = {"raw": "raw data", "features": "features", "labels": "labels of connections"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared.

    Attributes:
        what: Its name.
        same: It is as it was recorded.
        detail: What differs; else what is the same.
        decides: A difference means that the model was not reproduced; else it may only explain one.
    """

    what: str
    same: bool
    detail: str
    decides: bool = True


def check(what: str, differences: Sequence[str], fine: str, *, decides: bool = True) -> Check:
    """Make a check of a list of differences, the first few told.

    >>> check("folds", ["a", "b", "c", "d", "e", "f"], "all as recorded").detail
    'a; b; c; d; e; and 1 more'
    """
    more = [f"and {len(differences) - SHOWN} more"] if len(differences) > SHOWN else []
    detail = "; ".join([*differences[:SHOWN], *more]) if differences else fine
    return Check(what, not differences, detail, decides)


def value_differences(
    recorded: object, found: object, tolerance: float = 0.0, where: str = ""
) -> Iterator[str]:
    """Name each value that differs, through tables and lists; numbers may differ by a tolerance.

    Args:
        recorded: As it was.
        found: As it is.
        tolerance: By how much numbers may differ.
        where: The name of the whole.

    >>> list(value_differences({"a": 1.0, "b": {"c": "x"}}, {"a": 1.0 + 1e-12, "b": {"c": "y"}}, 1e-9))
    ["b.c: recorded 'x', now 'y'"]
    >>> list(value_differences({"a": None}, {}))
    ['a: recorded None, now not there']
    """
    if isinstance(recorded, dict) and isinstance(found, dict):
        for name in sorted({*recorded, *found}):
            inner = f"{where}.{name}" if where else name
            if name in recorded and name in found:
                yield from value_differences(recorded[name], found[name], tolerance, inner)
            else:
                was, now = (repr(side[name]) if name in side else "not there" for side in (recorded, found))
                yield f"{inner}: recorded {was}, now {now}"
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for number, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from value_differences(one, other, tolerance, f"{where}[{number}]")
    elif not _alike(recorded, found, tolerance):
        yield f"{where}: recorded {recorded!r}, now {found!r}"


def _alike(one: object, other: object, tolerance: float) -> bool:
    numbers = [
        value for value in (one, other) if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if len(numbers) == len((one, other)):
        return math.isclose(*numbers, rel_tol=0, abs_tol=tolerance)
    return type(one) is type(other) and one == other


def capture_differences(recorded: pl.DataFrame, found: pl.DataFrame) -> list[str]:
    """Name the captures that came, went or changed.

    Args:
        recorded: The table ``models/captures`` of the model.
        found: The same of what there is now.
    """
    both = recorded.join(found, on="capture_id", how="full", suffix="_now", coalesce=True).sort("capture_id")
    gone = both.filter(pl.col("group_now").is_null())["capture_id"]
    new = both.filter(pl.col("group").is_null())["capture_id"]
    kept = both.filter(pl.col("group_now").is_not_null() & pl.col("group").is_not_null())
    return [
        *(f"{capture} is gone" for capture in gone),
        *(f"{capture} is new" for capture in new),
        *(text for row in kept.iter_rows(named=True) for text in _changes(row)),
    ]


def _changes(row: Mapping[str, object]) -> Iterator[str]:
    for name in TOLD:
        if row[name] != row[f"{name}_now"]:
            yield f"{row['capture_id']}: {name} was {row[name]!r}, is {row[f'{name}_now']!r}"
    changed = [text for name, text in HASHED.items() if row[name] != row[f"{name}_now"]]
    if changed:
        yield f"{row['capture_id']}: {' and '.join(changed)} changed"


def split_differences(recorded: pl.DataFrame, found: pl.DataFrame) -> list[str]:
    """Name the captures that another fold holds out, or that count otherwise.

    Args:
        recorded: The table ``models/splits`` of the model, at one level.
        found: The same of the training now.
    """
    keys = ["capture_id", "fold", "group", "rows", "malicious"]
    only = [
        (recorded.join(found, on=keys, how="anti"), "was"),
        (found.join(recorded, on=keys, how="anti"), "is"),
    ]
    return [
        "{capture_id} {verb} in fold {fold} with {rows} rows, {malicious} malicious".format(verb=verb, **row)
        for frame, verb in only
        for row in frame.sort("capture_id").iter_rows(named=True)
    ]


def shown(fact: object) -> str:
    """Show a fact in a line.

    >>> shown({"policy": "auto", "indicators": None}), shown(None)
    ('policy auto', 'none')
    """
    if isinstance(fact, dict):
        return ", ".join(f"{name} {value}" for name, value in fact.items() if value is not None)
    return str(fact or "none")
