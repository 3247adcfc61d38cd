"""One log file → batches of typed rows and of rejects, whatever the format; told by content, not by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import BadData
from ptml.parse import ndjson, tsv
from ptml.parse.blocks import Block, Reject, blocks
from ptml.parse.header import LogHeader, is_directive
from ptml.zeektypes import log_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one log, what could not be read beside them, and the Zeek type of each column where known."""

    log: str
    frame: pl.DataFrame
    rejects: list[Reject] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)


def read_log(path: Path, *, log: str | None = None, block_bytes: int = BLOCK_BYTES) -> Iterator[Batch]:
    """Read a Zeek log, TSV or JSON, plain, gz or zst.

    Rows and line rejects together are all data lines of the file.

    Args:
        path: The file.
        log: The log's name; else what the file declares, else what its name says.
        block_bytes: Bytes of text handled at a time.

    Raises:
        MissingInput: The file cannot be opened.
        BadData: It is neither TSV with a header nor JSON.
    """
    state = _Reading(log or log_name(path), fixed=log is not None)
    for block in blocks(path, block_bytes):
        if isinstance(block, Reject):
            yield Batch(state.log, pl.DataFrame(), [block])
        else:
            yield from state.read(block)


class _Reading:
    """What is known of a log while it is read: its name, and the header that holds now."""

    def __init__(self, log: str, *, fixed: bool) -> None:
        self.log = log
        self.fixed = fixed
        self.header: LogHeader | None = None
        self.json = False
        self.begun = False

    def read(self, block: Block) -> Iterator[Batch]:
        if not self.begun:
            self.begun = True
            self._sniff(block.data)
        if self.json:
            frame, rejects = ndjson.read_block(block, self.log)
            yield Batch(self.log, frame, rejects, ndjson.field_types(self.log))
            return
        for part in _sections(block):
            if isinstance(part, bytes):
                self._take_header_line(part)
            else:
                yield self._read_lines(part)

    def _sniff(self, data: bytes) -> None:
        first = data.lstrip()[:1]
        if first == b"{":
            self.json = True
            self._name_from_json(data.lstrip().partition(b"\n")[0])
        elif first != b"#":
            what = "a binary file" if b"\x00" in data[:4096] else "no Zeek header and no JSON"
            raise BadData(
                f"{what}: begins with {data[:40]!r}",
                hint="give the log as Zeek wrote it, header lines included",
            )

    def _name_from_json(self, line: bytes) -> None:
        try:
            name = json.loads(line).get("_path")
        except (ValueError, AttributeError):
            return
        if isinstance(name, str) and not self.fixed:
            self.log = name

    def _take_header_line(self, line: bytes) -> None:
        self.header = (self.header or LogHeader()).with_line(line)
        if self.header.path and not self.fixed:
            self.log = self.header.path

    def _read_lines(self, block: Block) -> Batch:
        header = (self.header or LogHeader()).require_usable()
        frame, rejects = tsv.read_block(block, header)
        return Batch(self.log, frame, rejects, dict(zip(header.fields, header.types, strict=True)))


def _sections(block: Block) -> Iterator[bytes | Block]:
    """Split a block at its header lines: each is yielded bare, the data lines between as blocks."""
    data, line, start, search = block.data, block.line, 0, 0
    while (found := _next_hash(data, search)) >= 0:
        end = data.find(b"\n", found)
        end = len(data) if end < 0 else end
        search = end
        if not is_directive(data[found:end]):
            continue
        if found > start:
            yield Block(data[start:found], line, block.offset + start)
            line += data.count(b"\n", start, found)
        yield data[found:end]
        line += 1
        start = search = min(end + 1, len(data))
    if start < len(data):
        yield Block(data[start:], line, block.offset + start)


def _next_hash(data: bytes, start: int) -> int:
    if start == 0 and data.startswith(b"#"):
        return 0
    if start and data[start - 1 : start + 1] == b"\n#":
        return start
    found = data.find(b"\n#", start)
    return found + 1 if found >= 0 else -1
