"""JSON objects that are laid out over several lines, or stand in an array → one line each."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np

from ptml.parse.blocks import KEPT_BYTES, MAX_LINE_BYTES, Reject
from ptml.parse.lines import Lines

if TYPE_CHECKING:
    from ptml.parse.blocks import Block

BETWEEN = re.compile(r"(?:[\s,\[\]]|(?m:^#[^\n]*\n))*")
UNFINISHED_CHARS = 10  # a literal that is cut, such as `tru`, is reported from its beginning


def is_spread(data: bytes) -> bool:
    r"""Tell whether a JSON log's objects are not one a line.

    >>> is_spread(b'{\n "ts": 1\n}\n'), is_spread(b'[{"ts": 1}]'), is_spread(b'{"ts": 1}\n')
    (True, True, False)
    """
    first = re.sub(rb"^(?:\s|#[^\n]*\n)*", b"", data[:4096]).partition(b"\n")[0].strip()
    return first[:1] == b"[" or first == b"{"


class ObjectStream:
    """Takes blocks and gives the objects that are whole, each as one line."""

    def __init__(self) -> None:
        self.text = ""
        self.line, self.offset = 1, 0
        self.decoder = json.JSONDecoder()

    def take(self, block: Block | None) -> tuple[Lines, list[Reject]]:
        """Give what is whole by now; None says that nothing more comes."""
        if block is not None:
            if not self.text:
                self.line, self.offset = block.line, block.offset
            self.text += block.data.decode("latin-1")  # one character a byte: places stay places
        found: list[tuple[int, int, bytes]] = []
        rejects: list[Reject] = []
        place, counted, number = 0, 0, self.line
        while True:
            between = BETWEEN.match(self.text, place)
            place = between.end() if between else place
            if place == len(self.text):
                break
            end, whole = self._object(place, final=block is None)
            if end is None:
                break
            raw = self.text[place:end].encode("latin-1")
            number, counted = number + self.text.count("\n", counted, place), place
            if whole:
                found.append((number, self.offset + place, raw.replace(b"\n", b" ").replace(b"\r", b" ")))
            else:
                reason = "no JSON object, and none that goes on later"
                rejects.append(Reject(number, self.offset + place, reason, raw[:KEPT_BYTES]))
            place = end
        self.line += self.text.count("\n", 0, place)
        self.offset += place
        self.text = self.text[place:]
        return _lines(found), rejects

    def _object(self, place: int, *, final: bool) -> tuple[int | None, bool]:
        """Find where the object at a place ends, and whether it is one; None if more has to come first."""
        try:
            return self.decoder.raw_decode(self.text, place)[1], True
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated") or len(self.text) - error.pos < UNFINISHED_CHARS
        except RecursionError:
            cut = False
        if cut and not final and len(self.text) - place <= MAX_LINE_BYTES:
            return None, False
        if cut:
            return len(self.text), False
        newline = self.text.find("\n", place)
        return (len(self.text) if newline < 0 else newline + 1), False


def _lines(found: list[tuple[int, int, bytes]]) -> Lines:
    data = b"".join(raw + b"\n" for _, _, raw in found)
    numbers = np.array([number for number, _, _ in found], dtype=np.int64)
    return Lines(data, numbers, np.array([offset for _, offset, _ in found], dtype=np.int64))
