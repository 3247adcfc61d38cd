"""Zeek logs as lazy frames."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

import polars as pl
from polars.io.plugins import register_io_source

from ptml.errors import BadData, MissingInput, SettingsError, ZeekLogWarning, did_you_mean
from ptml.parse.parts import find_parts, log_files, united
from ptml.parse.values import bare, column_of, to_time
from ptml.zeektypes import polars_type

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ptml.parse.batch import Batch
    from ptml.parse.blocks import Reject
    from ptml.parse.parts import Beginning, Part, Place

__all__ = ["log_files", "scan_logs", "scan_zeek"]

OnError: TypeAlias = Literal["raise", "quarantine", "null"]
ON_ERROR: tuple[OnError, ...] = ("raise", "quarantine", "null")
SHOWN_BYTES = 80


def scan_zeek(
    source: Place | Sequence[Place],
    *,
    log: str | None = None,
    on_error: OnError = "raise",
    schema: Mapping[str, str | pl.DataType | type[pl.DataType]] | None = None,
) -> pl.LazyFrame:
    r"""Read a Zeek log lazily, in any dialect, plain or compressed, with Zeek's names and Polars' types.

    Only the columns that a query needs are converted, a filter is applied block by block, and reading stops
    at a row limit. Which lines are rows depends on their structure alone, never on the columns asked for.

    Args:
        source: A file, a pattern, a folder, an open binary file, a URL of an object store (``s3://…``), or a
            list of these. Rotated parts join in the order of their times and unite by column name.
        log: The log's name. Of a folder or file with several logs it chooses one; it also names a log where
            neither the content nor the file's name tells.
        on_error: ``raise`` stops at a line that is no row and at a value that does not fit its type.
            ``null`` makes such values null and stops at such lines. ``quarantine`` makes such values null and
            leaves such lines out; what was left out is told in a :class:`ptml.errors.ZeekLogWarning`.
        schema: Types by column, Zeek's (``"set[port]"``) or Polars', where the log does not tell: a log
            without header, or JSON that Zeek does not know. A column that is not there is null.

    Returns:
        Times as ``Datetime("us", "UTC")``, intervals as seconds in ``Float64``, counts as ``UInt64``, ports
        as ``UInt16``, sets and vectors as ``List``; unset is null, empty is empty.

    Raises:
        MissingInput: Nothing is there.
        BadData: It is no Zeek log, or several; when collected also what `on_error` raises at.
        SettingsError: `on_error` is none of the three.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "conn.log"
    >>> _ = path.write_text("#separator \\x09\n#fields\tid.resp_p\n#types\tport\n443\n99999\n")
    >>> scan_zeek(path, on_error="null").collect()["id.resp_p"].to_list()
    [443, None]
    """
    if on_error not in ON_ERROR:
        raise SettingsError(
            f"on_error={on_error!r} is none of {', '.join(ON_ERROR)}", hint=did_you_mean([on_error], ON_ERROR)
        )
    own = {
        name: polars_type(kind) if isinstance(kind, str) else kind for name, kind in (schema or {}).items()
    }
    found = _found(source, log)
    if not own:
        _tell(start for _, start in found)
    return _Scan(*_of_one_log(found, source, log), on_error, pl.Schema(own)).frame()


def scan_logs(folder: Path | str, *, on_error: OnError = "raise") -> dict[str, pl.LazyFrame]:
    """Read a folder's Zeek logs lazily: log name → frame; the parts of one log unite by column name.

    Args:
        folder: The folder, or one file; a file that mixes logs gives each of them.
        on_error: As for :func:`scan_zeek`.

    Raises:
        MissingInput: There is no such folder, or no log in it.
        BadData: A file is no Zeek log.
    """
    if not Path(folder).exists():
        raise MissingInput(f"{folder} does not exist", hint="give a folder of Zeek logs, or one log")
    found: dict[str, list[tuple[Part, pl.Schema]]] = {}
    starts = [(part, part.beginning()) for part in find_parts(Path(folder))]
    _tell(start for _, start in starts)
    for part, start in starts:
        for log, schema in start.schemas.items():
            found.setdefault(log, []).append((part, schema))
    if not found:
        raise MissingInput(
            f"{folder} holds no Zeek log", hint="Zeek's files end in .log, .json, .log.gz or .log.zst"
        )
    logs = frozenset(found)
    return {
        log: _Scan(
            [part for part, _ in parts],
            log,
            united(schema for _, schema in parts),
            logs,
            on_error,
            pl.Schema(),
        ).frame()
        for log, parts in sorted(found.items())
    }


def _tell(starts: Iterable[Beginning]) -> None:
    for note in dict.fromkeys(note for start in starts for note in start.notes):
        warnings.warn(note, ZeekLogWarning, stacklevel=3)


def _found(source: Place | Sequence[Place], log: str | None) -> list[tuple[Part, Beginning]]:
    """Find the parts; where they do not tell that they hold the log that was named, they are taken for it."""
    try:
        found = [(part, part.beginning()) for part in find_parts(source)]
    except BadData:
        if log is None:
            raise
        found = []
    if log is None or any(log in start.schemas for _, start in found):
        return found
    return [(part, part.beginning()) for part in find_parts(source, log)]


def _of_one_log(
    found: Sequence[tuple[Part, Beginning]], source: object, log: str | None
) -> tuple[list[Part], str, pl.Schema, frozenset[str]]:
    """Choose the parts of one log: which they are, its name, its columns, and what else the parts hold."""
    logs = sorted({name for _, start in found for name in start.schemas})
    chosen = log or (logs[0] if len(logs) == 1 else None)
    if chosen is None and logs:
        raise BadData(
            f"{source} holds {' and '.join(logs)}; one log was expected",
            hint=f"choose one, such as log={logs[0]!r}, or read all with ptml.scan_logs",
        )
    kept = [(part, start.schemas[chosen]) for part, start in found if chosen in start.schemas]
    schema = united(schema for _, schema in kept)
    return [part for part, _ in kept], chosen or "", schema, frozenset(logs)


@dataclass(frozen=True, slots=True)
class _Scan:
    """One log, lazily: the files it is in, its columns, and what to do where something cannot be read."""

    parts: Sequence[Part]
    log: str
    found: pl.Schema
    others: frozenset[str]
    on_error: OnError
    own: pl.Schema

    def frame(self) -> pl.LazyFrame:
        schema = pl.Schema({**self.found, **self.own})
        return register_io_source(self.batches, schema=schema, is_pure=True, explain_name=f"ZEEK {self.log}")

    def batches(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        _batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        """Read what a query needs: Polars expects the limit first, then the filter, then the columns.

        The columns of the filter are among those that it asks for.
        """
        left = n_rows
        for frame in self.frames(with_columns):
            rows = frame if left is None else frame.head(left)
            left = None if left is None else left - rows.height
            rows = rows if predicate is None else rows.filter(predicate)
            yield rows if with_columns is None else rows.select(map(column_of, with_columns))
            if left == 0:
                return

    def frames(self, columns: Collection[str] | None) -> Iterator[pl.DataFrame]:
        """Read all rows of some columns."""
        schema = {**self.found, **self.own}
        wanted = {name: schema[name] for name in (schema if columns is None else columns)}
        for part in self.parts:
            with _Account(part.name, self.on_error) as account:
                for batch in part.read(None if columns is None else list(wanted)):
                    account.take(batch, wanted)
                    if batch.frame.width and batch.log == self.log:
                        yield self.typed(batch.frame, wanted, account)
                    elif batch.frame.width and batch.log not in self.others:
                        raise BadData(
                            f"{part.name} also holds {batch.log}, further on than was looked",
                            hint="`ptml parse` parts a file by its logs",
                        )

    def typed(
        self, frame: pl.DataFrame, wanted: Mapping[str, pl.DataType], account: _Account
    ) -> pl.DataFrame:
        """Give a batch the columns and types of the whole log: its own may be those of another version."""
        account.more_columns(frame.columns, {**self.found, **self.own})
        exprs = [
            _cast(column_of(name), frame.schema[name], dtype).alias(name)
            if name in frame.columns
            else pl.lit(None, dtype).alias(name)
            for name, dtype in wanted.items()
        ]
        typed = frame.select(exprs) if exprs else frame
        for name in wanted.keys() & self.own.keys() & set(frame.columns):
            account.lost(name, frame[name], typed[name])
        return typed


def _cast(column: pl.Expr, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    if found == pl.String and isinstance(wanted, pl.Datetime):
        return to_time(column.cast(pl.Float64, strict=False))
    return column if found == wanted else column.cast(wanted, strict=False)


class _Account:
    """What could not be read of one file, and what that leads to."""

    def __init__(self, name: str, on_error: OnError) -> None:
        self.name = name
        self.on_error = on_error
        self.left_out: list[int | None] = []
        self.first = ""
        self.unexpected: dict[str, None] = {}

    def take(self, batch: Batch, wanted: Collection[str]) -> None:
        """Look at what a batch could not read.

        Raises:
            BadData: It cannot be passed over.
        """
        for reject in batch.rejects:
            if self.on_error != "quarantine":
                raise self.error(reject)
            self.first = self.first or f"line {reject.line}: {reject.reason}"
            self.left_out.append(reject.line)
        if self.on_error == "raise":
            for misfit in batch.misfits:
                if set(misfit.columns) & set(wanted):
                    raise self.error(misfit.reject)

    def error(self, reject: Reject) -> BadData:
        return BadData(
            f"{self.name}, line {reject.line}: {reject.reason}: {reject.raw[:SHOWN_BYTES]!r}",
            hint='on_error="quarantine" leaves such lines out, `ptml parse` also keeps them apart',
        )

    def lost(self, name: str, before: pl.Series, after: pl.Series) -> None:
        """Look at a column that was given a type by hand.

        Raises:
            BadData: A value does not fit it, and that is to stop the reading.
        """
        before, after = bare(before), bare(after)
        lost = before.filter(after.is_null() & before.is_not_null())
        if self.on_error == "raise" and len(lost):
            raise BadData(
                f"{self.name}: {name}: {lost[0]!r} is no {after.dtype}", hint="give another type in schema"
            )

    def more_columns(self, names: Collection[str], known: Collection[str]) -> None:
        """Remember columns that were not there at the beginning."""
        self.unexpected |= dict.fromkeys(name for name in names if name not in known)

    def __enter__(self) -> Self:
        """Begin with nothing left out."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Tell what was left out, also where a row limit ends the reading early."""
        if self.left_out:
            more = f"{self.name}: {len(self.left_out)} lines left out; {self.first}"
            warnings.warn(more, ZeekLogWarning, stacklevel=2)
        if self.unexpected:
            columns = ", ".join(self.unexpected)[:200]
            warnings.warn(
                f"{self.name}: columns that begin further on are left out: {columns}; "
                "name them in schema to have them",
                ZeekLogWarning,
                stacklevel=2,
            )
