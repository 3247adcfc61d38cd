"""What reading a log gives, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from ptml.parse.blocks import Reject


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one log, what could not be read beside them, and the Zeek type of each column where known.

    Attributes:
        log: The log's name.
        frame: The rows.
        rejects: Lines that could not be read.
        types: Zeek type by column.
        notes: What a reader of the report should know, such as that types were guessed.
        member: The file's name in an archive; None outside of one.
    """

    log: str
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    rejects: list[Reject] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    member: str | None = None
