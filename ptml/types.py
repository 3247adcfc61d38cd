"""Names and aliases that every room shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Label: TypeAlias = Literal["malicious", "benign", "mixed", "unknown"]
LABELS: Final[tuple[Label, ...]] = get_args(Label)

LabelLevel: TypeAlias = Literal["capture", "connection"]
LabelPolicy: TypeAlias = Literal["column", "ioc", "inherit", "inherit-filtered", "capture-only"]
"""How the connections of a capture get their labels; docs/labels.md tells what each is worth."""
LABEL_POLICIES: Final[tuple[LabelPolicy, ...]] = get_args(LabelPolicy)
Level: TypeAlias = Literal["connection", "capture"]
Weights: TypeAlias = Literal["capture", "source", "family", "row"]
"""What weighs the same in all: every capture, every source, every family, or every row."""
Holdout: TypeAlias = Literal["grouped", "temporal", "leave-family-out", "leave-source-out", "random"]
"""How an evaluation holds rows out; docs/evaluation.md tells what each shows."""
HOLDOUTS: Final[tuple[Holdout, ...]] = get_args(Holdout)

LogFormat: TypeAlias = Literal["tsv", "json"]
Verdict: TypeAlias = Literal["malicious", "benign"]

Light: TypeAlias = Literal["green", "amber", "red"]
"""What an audit says of a dataset; docs/audit.md tells what each means."""
LIGHTS: Final[tuple[Light, ...]] = get_args(Light)

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"
Hashes: TypeAlias = Mapping[str, str]

LONGEST_WINDOW = 7 * 24 * 3600
"""Seconds that a feature may look back."""
MOST_LAST = 255
"""Connections that a feature may look back: counts among them are of one byte."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How far back the features of the moment look.

    Attributes:
        seconds: The short, the middle and the long window over time, rising.
        last: The window over counts: so many connections.

    Raises:
        ValueError: The numbers do not rise, or lie outside of what is possible.

    >>> Windows((2, 60, 30))
    Traceback (most recent call last):
    ValueError: windows are three rising numbers of seconds from 1 to 604800, as (2, 60, 600), not (2, 60, 30)
    """

    seconds: tuple[int, int, int] = (2, 60, 600)
    last: int = 100

    def __post_init__(self) -> None:
        """Insist on what the loops over them take for granted."""
        short, middle, long = self.seconds
        if not 1 <= short < middle < long <= LONGEST_WINDOW:
            raise ValueError(
                f"windows are three rising numbers of seconds from 1 to {LONGEST_WINDOW}, as (2, 60, 600), "
                f"not {self.seconds}"
            )
        if not 1 <= self.last <= MOST_LAST:
            raise ValueError(f"the window over counts is of 1 to {MOST_LAST} connections, not {self.last}")


STANDARD_WINDOWS = Windows()

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (what is being worked on, units done, units in all)."""

ReadProgress: TypeAlias = Callable[[int, int, int], None]
"""Called with (bytes read, bytes in all, rows read), all over all files."""

FetchProgress: TypeAlias = Callable[[int, int, int, int], None]
"""Called with (bytes that came, bytes in all as far as is known, files done, files in all)."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Report progress to nobody.

    >>> silent("parse", 1, 2)
    """


def unseen(_done: int, _total: int, _rows: int) -> None:
    """Report the progress of reading to nobody.

    >>> unseen(1, 2, 3)
    """


def unwatched(_bytes: int, _of_bytes: int, _files: int, _of_files: int) -> None:
    """Report the progress of fetching to nobody.

    >>> unwatched(1, 2, 0, 1)
    """


def never() -> bool:
    """Go on for ever.

    >>> never()
    False
    """
    return False
