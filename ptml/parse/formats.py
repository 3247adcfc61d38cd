"""The ways to read a text log block by block, once its beginning has told which it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ptml.parse import csvlog, ndjson, tsv
from ptml.parse.batch import Batch
from ptml.parse.blocks import Block
from ptml.parse.headless import named_sections, typed_header
from ptml.parse.jsonshape import LOG
from ptml.parse.jsonstream import ObjectStream
from ptml.parse.lines import Lines
from ptml.parse.sections import sections

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ptml.parse.aliases import Layout
    from ptml.parse.header import LogHeader


class Format(Protocol):
    """A way to read a log's blocks.

    Attributes:
        log: The name of the log that was met last.
        columns: Those that are wanted; all if None. A format may give more.
    """

    log: str
    columns: Collection[str] | None

    def read(self, block: Block) -> Iterator[Batch]:
        """Read a block."""
        ...

    def finish(self) -> Iterator[Batch]:
        """Read what was kept back until no more comes."""
        ...


class JsonFormat:
    """JSON, one object a line or laid out freely."""

    columns: Collection[str] | None = None

    def __init__(self, log: str, *, fixed: bool, spread: bool) -> None:
        self.log = log
        self.reader = ndjson.JsonReader(log, fixed=fixed)
        self.stream = ObjectStream() if spread else None
        self.begun = False

    def read(self, block: Block) -> Iterator[Batch]:
        """Read a block."""
        if self.stream is not None:
            yield from self._take(block)
            return
        lines = Lines.of(block)
        lines = lines.keep(~ndjson.idle_lines(lines, first=not self.begun))
        self.begun = True
        if len(lines):
            yield from self.reader.read(lines)

    def finish(self) -> Iterator[Batch]:
        """Read what was kept back."""
        if self.stream is not None:
            yield from self._take(None)

    def _take(self, block: Block | None) -> Iterator[Batch]:
        assert self.stream is not None
        lines, rejects = self.stream.take(block)
        if len(lines):
            yield from self.reader.read(lines)
        if rejects:
            yield Batch(self.log, rejects=rejects)


class CsvFormat:
    """A comma-separated table whose first line names the columns."""

    columns: Collection[str] | None = None

    def __init__(self, layout: Layout) -> None:
        self.log = layout.log
        self.layout = layout
        self.begun = False

    def read(self, block: Block) -> Iterator[Batch]:
        """Read a block."""
        lines = Lines.of(block, crlf=True).without_blank()
        notes: tuple[str, ...] = ()
        if not self.begun:
            self.begun = True
            lines = lines.without_first()
            unknown = self.layout.unknown
            notes = (f"{self.log}: columns of {self.layout.dialect.name}",)
            notes += (f"{self.log}: kept as text: {', '.join(unknown)[:200]}",) if unknown else ()
        yield replace(csvlog.read_block(lines, self.layout), notes=notes)

    def finish(self) -> Iterator[Batch]:
        """Read what was kept back."""
        yield from ()


class TsvFormat:
    """TSV: what the header that holds now says of the lines that follow it.

    Args:
        log: The log's name, until a header tells another.
        header: What holds before any header line.
        fixed: Whether the name stays whatever headers say.
        named: Whether headers are lines of bare names.
        notes: What to say of the log, once.
    """

    columns: Collection[str] | None = None

    def __init__(
        self,
        log: str,
        header: LogHeader,
        *,
        fixed: bool,
        named: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.log = log
        self.header = header
        self.fixed = fixed
        self.named = named
        self.notes = notes

    def read(self, block: Block) -> Iterator[Batch]:
        """Read a block."""
        for part in sections(block, lambda: self.header):
            if isinstance(part, bytes):
                self.named = False
                self._take_header_line(part)
                continue
            for data in named_sections(part, self.log) if self.named else [part]:
                if isinstance(data, Block):
                    yield self._read_lines(data)
                else:
                    self.header = data

    def finish(self) -> Iterator[Batch]:
        """Read what was kept back."""
        yield from ()

    def _take_header_line(self, line: bytes) -> None:
        self.header = self.header.with_line(line)
        path = self.header.path
        if path and not self.fixed:
            if LOG.fullmatch(path):
                self.log = path
            else:
                self.header = replace(self.header, problem=f"#path {path[:100]!r} is no log's name")

    def _read_lines(self, block: Block) -> Batch:
        header, notes = self.header, self.notes
        self.notes = ()
        if header.fields and not header.types and header.problem is None:
            header = self.header = typed_header(header, self.log)
            notes += (f"{self.log}: no #types line; types are those of Zeek's own {self.log}.log",)
        fault = header.fault()
        if fault is not None:
            return Batch(self.log, rejects=tsv.reject_block(block, fault, crlf=header.crlf), notes=notes)
        frame, rejects, misfits = tsv.read_block(block, header, self.columns)
        types = dict(zip(header.fields, header.types, strict=True))
        return Batch(self.log, frame, rejects, types, notes, misfits=misfits)
