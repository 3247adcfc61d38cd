"""What makes a capture the same capture: its content, not its name or its compression."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ptml.errors import BadData
from ptml.io import chunks
from ptml.zeektypes import log_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ID_DIGITS = 16


def capture_id_of_logs(paths: Iterable[Path]) -> str:
    """Name a capture of finished logs: ``c`` and 16 hex digits of the hash of (log name, data lines' hash).

    Header lines, compression and the order of the files make no difference.

    >>> capture_id_of_logs([])
    'ce3b0c44298fc1c14'
    """
    parts = sorted((log_name(path), data_lines_sha256(path)) for path in paths)
    digest = hashlib.sha256("".join(f"{name}\t{digest}\n" for name, digest in parts).encode())
    return f"c{digest.hexdigest()[:ID_DIGITS]}"


def data_lines_sha256(path: Path) -> str:
    """Hash a log's lines that do not begin with ``#``, decompressed; of a broken file, what can be read."""
    digest = hashlib.sha256()
    rest = b""
    try:
        for piece in chunks(path):
            lines, newline, rest = (rest + piece).rpartition(b"\n")
            digest.update(_without_hash_lines(lines + newline))
    except BadData:
        pass  # identity is then that of the readable part; the parse stage reports the break
    digest.update(_without_hash_lines(rest))
    return digest.hexdigest()


def _without_hash_lines(lines: bytes) -> bytes:
    if not lines.startswith(b"#") and b"\n#" not in lines:
        return lines
    return b"".join(line for line in lines.splitlines(keepends=True) if not line.startswith(b"#"))
