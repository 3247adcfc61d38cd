"""How a batch of scores becomes real: file by file, each whole, and `run.json` last.

A folder of scores is there once its `run.json` is, which names the other files with their hashes. It goes
first and comes last, so that a reader never takes files of two runs for one; the protocol needs no folder to
be renamed, so it fits mounted volumes and object stores, and leaves other files in the folder alone.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData, MissingInput, SettingsError
from ptml.io import read_json, replace_atomically, sha256_file, writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RUN = "run.json"
SUFFIXES = {".parquet", ".csv", ".jsonl", ".html"}


def check_output(out: Path) -> None:
    """Insist that results can go to a folder.

    Raises:
        SettingsError: There is a file of that name.
    """
    if out.exists() and not out.is_dir():
        raise SettingsError(
            f"{out} is a file, and scores need a folder; nothing was done", hint="choose another --out"
        )


def publish(folder: Path, names: Sequence[str], out: Path, run: Mapping[str, Any]) -> None:
    """Move finished files into place, then the record of the run that names them.

    Files that an earlier run left there and this one does not make are removed: they tell of other scores.

    Raises:
        CannotWrite: The operating system refused.
    """
    files = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256_file(folder / name)}
        for name in names
    }
    text = json.dumps({**run, "files": files}, indent=1, sort_keys=True, allow_nan=False) + "\n"
    with writing(folder / RUN):
        (folder / RUN).write_text(text, "utf-8")
    stale = _named(out) - set(names)
    with writing(out / RUN):
        (out / RUN).unlink(missing_ok=True)
        for name in stale:
            (out / name).unlink(missing_ok=True)
    for name in names:
        replace_atomically(folder / name, out / name)
    replace_atomically(folder / RUN, out / RUN)


def _named(out: Path) -> set[str]:
    """Read which files an earlier run says that it left; names only, whatever its record holds."""
    with contextlib.suppress(MissingInput, BadData, AttributeError, TypeError):
        names = read_json(out / RUN).get("files", {})
        return {name for name in names if name == PurePath(name).name and PurePath(name).suffix in SUFFIXES}
    return set()
