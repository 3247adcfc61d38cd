"""Keeping every call and its reply in a folder, and answering from such a folder without a network.

``calls.jsonl`` has a line a call: when it was made, what was asked, the status, which file holds the reply's
body. The key is in none of it: headers of requests are not kept, and where a reply repeats the key, it is
struck out.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ptml.errors import BadData, MissingInput
from ptml.io import open_raw, sha256_file, sha256_json, writing
from ptml.sources.packettotal.calls import READY, Reply

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.sources.packettotal.calls import Call, Carrier, Into

INDEX, LOCK = "calls.jsonl", ".lock"
KEPT_HEADERS = ("content-type", "content-length", "retry-after", "date")
STRUCK_OUT = b"[key]"
ZIP = b"PK"


class Recorder:
    """Carries calls by way of another carrier and keeps them all.

    Args:
        carrier: What carries them.
        folder: Where they are kept; what is there already stays, and other runs may record there as well.
        secret: What must not be kept.
    """

    def __init__(self, carrier: Carrier, folder: Path, secret: str) -> None:
        self.carrier = carrier
        self.folder = folder
        self.secret = secret.encode()
        self.lock = threading.Lock()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def pause(self, seconds: float) -> None:
        """Wait as the other carrier does."""
        self.carrier.pause(seconds)

    def send(self, call: Call, into: Into | None = None) -> Reply:
        """Carry a call, and keep it with its reply before that is used."""
        began = time.perf_counter()
        reply = self.carrier.send(call, into)
        seconds = time.perf_counter() - began
        # Another run may record into the same folder: each call is numbered and kept while nobody else is.
        with self.lock, writing(self.folder), FileLock(self.folder / LOCK):
            self._keep(call, reply, seconds, _whole_lines(self.folder / INDEX) + 1)
        return reply

    def _keep(self, call: Call, reply: Reply, seconds: float, number: int) -> None:
        stem = f"{number:04}"
        line: dict[str, Any] = {
            "number": number,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            "method": call.method,
            "path": call.path,
            "query": dict(call.query),
            "status": reply.status,
            "headers": {name: reply.headers[name] for name in KEPT_HEADERS if name in reply.headers},
        }
        if call.body is not None:
            line["asked"] = self._file(f"{stem}-asked.json", json.dumps(call.body).encode())
            line["asked_sha256"] = sha256_json(call.body)
        if reply.file is not None:
            line["answer"] = f"{stem}.zip" if _begins_with_zip(reply.file) else f"{stem}.bin"
            shutil.copyfile(reply.file, self.folder / line["answer"])
        else:
            line["answer"] = self._file(f"{stem}.json", reply.body)
        line["sha256"] = sha256_file(self.folder / line["answer"])
        with (self.folder / INDEX).open("a", encoding="utf-8") as file:
            file.write(self._without_secret(json.dumps(line, sort_keys=True).encode()).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _file(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(self._without_secret(data))
        return name

    def _without_secret(self, data: bytes) -> bytes:
        return data.replace(self.secret, STRUCK_OUT) if self.secret else data


class Replayer:
    """Answers calls from a recording, those alike in the order in which they were made; the last one stays.

    Raises:
        MissingInput: There is no recording in the folder.
        BadData: It is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for number, line in enumerate(_lines(folder), 1):
            try:
                entry = json.loads(line)
                self.calls[_key(entry)].append(entry)
            except (ValueError, KeyError, TypeError) as error:
                raise BadData(
                    f"{folder / INDEX}, line {number} is no call that was recorded: {error!r}",
                    hint="remove the line, or record again",
                ) from error

    def pause(self, seconds: float) -> None:
        """Go on at once: nothing changes in a recording."""

    def send(self, call: Call, into: Into | None = None) -> Reply:
        """Answer a call as it was answered once.

        Raises:
            MissingInput: It was not recorded.
            BadData: The reply's body is gone or has been changed.
        """
        asked = None if call.body is None else sha256_json(call.body)
        key = _key(
            {"method": call.method, "path": call.path, "query": dict(call.query), "asked_sha256": asked}
        )
        with self.lock:
            entries = self.calls.get(key)
            if not entries:
                raise MissingInput(
                    f"{call} is not in the recording {self.folder}; nothing was asked of the network",
                    hint="record it: the same command with --record in place of --replay",
                )
            entry = entries.pop(0) if len(entries) > 1 else entries[0]
        body = self._body(entry)
        if into is None or entry["status"] != READY:
            return Reply(entry["status"], entry["headers"], body)
        with writing(into.path):
            into.path.write_bytes(body)
        return Reply(entry["status"], entry["headers"], file=into.path)

    def _body(self, entry: dict[str, Any]) -> bytes:
        path = self.folder / str(entry["answer"])
        if path.parent != self.folder:
            raise BadData(f"{self.folder / INDEX} names {entry['answer']!r}, which lies outside of it")
        with open_raw(path) as file:
            body = file.read()
        if hashlib.sha256(body).hexdigest() != entry["sha256"]:
            raise BadData(
                f"{path} is not what was recorded: its hash differs", hint="record again, or restore it"
            )
        return body


def _key(entry: dict[str, Any]) -> str:
    return json.dumps(
        [entry["method"], entry["path"], sorted(entry["query"].items()), entry.get("asked_sha256")]
    )


def _lines(folder: Path) -> list[str]:
    path = folder / INDEX
    if not path.exists():
        raise MissingInput(f"{folder} holds no recording: there is no {INDEX}", hint="--record DIR makes one")
    with open_raw(path) as file:
        whole, _, _ = file.read().rpartition(b"\n")  # a run that was killed may have begun another line
    return whole.decode("utf-8", errors="replace").splitlines()


def _whole_lines(index: Path) -> int:
    """Count the calls that are kept, and cut off a line that a run that was killed had begun."""
    if not index.exists():
        return 0
    data = index.read_bytes()
    whole, newline, rest = data.rpartition(b"\n")
    if rest:
        os.truncate(index, len(whole + newline))
    return data.count(b"\n")


def _begins_with_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == ZIP
