"""What makes a capture the same capture: its content, not its name or its compression."""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING

from ptml.errors import BadData, MissingInput
from ptml.io import DECODE_ERRORS, chunks, open_binary
from ptml.zeektypes import log_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ID_DIGITS = 16
HASH_LINE = re.compile(rb"(?m)^#[^\n]*\n?")
PCAP_MAGICS = tuple(
    bytes.fromhex(magic)
    for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "a1b2cd34", "34cdb2a1", "0a0d0d0a")
)
"""First bytes of pcap, in either byte order, in micro- and nanoseconds and of one old variant; of pcapng."""


def capture_id_of_logs(paths: Iterable[Path]) -> str:
    """Name a capture of finished logs: ``c`` and 16 hex digits of the hash of (log name, data lines' hash).

    Header lines, compression and the order of the files make no difference.

    >>> capture_id_of_logs([])
    'ce3b0c44298fc1c14'
    """
    return capture_id_of_hashes((log_name(path), data_lines_sha256(path)) for path in paths)


def capture_id_of_hashes(hashes: Iterable[tuple[str, str]]) -> str:
    """Name a capture of finished logs by the names of the logs and the hashes of their data lines."""
    text = "".join(f"{name}\t{digest}\n" for name, digest in sorted(hashes))
    return capture_id_of_sha256(hashlib.sha256(text.encode()).hexdigest())


def is_pcap(path: Path) -> bool:
    """Tell by its first bytes whether a file is a packet capture, plain or compressed.

    >>> import gzip, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.bin"
    >>> _ = path.write_bytes(gzip.compress(bytes.fromhex("d4c3b2a1") + bytes(20)))
    >>> is_pcap(path)
    True

    Raises:
        MissingInput: It is not there or may not be read.
    """
    with open_binary(path) as file:
        try:
            return file.read(4) in PCAP_MAGICS
        except DECODE_ERRORS:
            return False


def is_readable_pcap(path: Path) -> bool:
    """Tell whether a file that may be gone, or that may not be read, is a packet capture.

    >>> import pathlib
    >>> is_readable_pcap(pathlib.Path("no-such-file.pcap"))
    False
    """
    try:
        return path.is_file() and is_pcap(path)
    except MissingInput:
        return False


def pcap_sha256(path: Path) -> str:
    """Hash a packet capture, decompressed; of a broken file, what can be read.

    Raises:
        MissingInput: It is not there or may not be read.
    """
    digest = hashlib.sha256()
    with contextlib.suppress(BadData):  # the parse stage reports the break
        for piece in chunks(path):
            digest.update(piece)
    return digest.hexdigest()


def capture_id_of_pcap(path: Path) -> str:
    """Name a packet capture by the hash of its bytes, decompressed.

    Raises:
        MissingInput: It is not there or may not be read.
    """
    return capture_id_of_sha256(pcap_sha256(path))


def capture_id_of_sha256(digest: str) -> str:
    """Name a capture: ``c`` and the first 16 hex digits of its hash.

    >>> capture_id_of_sha256("00f1d3a522d98c2d42a2346add205aee")
    'c00f1d3a522d98c2d'
    """
    return f"c{digest[:ID_DIGITS]}"


def data_lines_sha256(path: Path) -> str:
    """Hash a log's lines that do not begin with ``#``, decompressed; of a broken file, what can be read."""
    lines = DataLines()
    with contextlib.suppress(BadData):  # the parse stage reports the break
        for piece in chunks(path):
            lines.update(piece)
    return lines.hexdigest()


class DataLines:
    r"""The hash of a log's data lines, while its plain bytes come piece by piece.

    Args:
        marks: Numbers of bytes of data lines after which the hash so far is wanted too.

    Attributes:
        size: How many bytes of data lines have come.

    >>> whole, cut = DataLines(), DataLines(marks=[4])
    >>> whole.update(b"#path\tconn\n1\ta\n")
    >>> for piece in (b"#pa", b"th\tdns\n1", b"\ta\n2\tb"):
    ...     cut.update(piece)
    >>> whole.hexdigest() == cut.hexdigest(), whole.hexdigest() == cut.hexdigest_after(4), cut.size
    (False, True, 7)
    """

    def __init__(self, marks: Iterable[int] = ()) -> None:
        self._digest = hashlib.sha256()
        self._marks = sorted(set(marks), reverse=True)
        self._marked: dict[int, str] = {}
        self.size = 0
        self._begun: bytes = b""
        self._hash(memoryview(b""))

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        end = 0
        if self._begun:  # the line may be longer than memory: none of it is kept back
            end = piece.find(b"\n") + 1 or len(piece)
            if self._begun != b"#":
                self._hash(memoryview(piece)[:end])
        rest = piece[end:]
        self._hash(memoryview(_without_hash_lines(rest)))
        if rest or piece.endswith(b"\n"):
            last = piece.rfind(b"\n") + 1
            self._begun = piece[last : last + 1]

    def _hash(self, data: memoryview) -> None:
        while self._marks and self._marks[-1] <= self.size + len(data):
            until = self._marks.pop() - self.size
            self._digest.update(data[:until])
            self.size += until
            self._marked[self.size] = self._digest.hexdigest()
            data = data[until:]
        self._digest.update(data)
        self.size += len(data)

    def hexdigest(self) -> str:
        """Give the hash of what has come."""
        return self._digest.hexdigest()

    def hexdigest_after(self, mark: int) -> str | None:
        """Give the hash of so many bytes of data lines, which was asked for; None if there are fewer."""
        return self._marked.get(mark)


def _without_hash_lines(lines: bytes) -> bytes:
    if b"#" not in lines or not (lines.startswith(b"#") or b"\n#" in lines):
        return lines
    return HASH_LINE.sub(b"", lines)
