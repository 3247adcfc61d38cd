"""What reading a log gives, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from ptml.parse.blocks import Reject


class Misfit(NamedTuple):
    """A row with values that do not fit their types: its place in the frame, their columns, the line."""

    row: int
    columns: tuple[str, ...]
    reject: Reject


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one log, what could not be read beside them, and the Zeek type of each column where known.

    Attributes:
        log: The log's name.
        frame: The rows; values that do not fit their types are null.
        rejects: Lines that could not be read at all.
        types: Zeek type by column.
        notes: What a reader of the report should know, such as that types were guessed.
        member: The file's name in an archive; None outside of one.
        misfits: The rows in which values do not fit.
    """

    log: str
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    rejects: list[Reject] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    member: str | None = None
    misfits: list[Misfit] = field(default_factory=list)

    def set_aside(self) -> Batch:
        """Take the rows with misfits out and their lines among the rejects.

        >>> from ptml.parse.blocks import Reject
        >>> misfit = Misfit(0, ("n",), Reject(1, 0, "n: 'x' is no count", b"x"))
        >>> batch = Batch("a", pl.DataFrame({"n": [None, 7]}), misfits=[misfit]).set_aside()
        >>> batch.frame["n"].to_list(), len(batch.rejects), batch.misfits
        ([7], 1, [])
        """
        if not self.misfits:
            return self
        wrong = pl.Series([misfit.row for misfit in self.misfits])
        numbers = pl.int_range(self.frame.height, eager=True)
        rejects = [*self.rejects, *(misfit.reject for misfit in self.misfits)]
        return replace(
            self,
            frame=self.frame.filter(~numbers.is_in(wrong.implode())),
            rejects=sorted(rejects, key=lambda reject: reject.offset),
            misfits=[],
        )
