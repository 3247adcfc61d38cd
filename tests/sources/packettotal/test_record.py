"""A recording holds every call and reply but not the key, and answers without a network."""

from __future__ import annotations

import json
import multiprocessing
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData, MissingInput
from ptml.sources.packettotal.calls import Call, Into, Reply
from ptml.sources.packettotal.record import Recorder, Replayer

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

KEY = "s3cret-key"
USAGE = Call("GET", "/usage")
DOWNLOAD = Call("GET", "/pcaps/x/download")


@dataclass
class Written:
    """Gives replies that were written down beforehand."""

    replies: list[Reply]
    calls: list[Call] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        """Wait for nothing."""

    def send(self, call: Call, into: Into | None = None) -> Reply:
        """Give the next reply; a body with 200 goes to the file."""
        self.calls.append(call)
        reply = self.replies.pop(0)
        if into is None or reply.status != 200:
            return reply
        into.path.write_bytes(reply.body)
        return Reply(200, reply.headers, file=into.path)


def test_replay_gives_what_was_recorded(tmp_path: Path) -> None:
    """Status, body, file and the order of like calls are the same; the last reply of several stays."""
    replies = [
        Reply(202, {"retry-after": "1"}, b"{}"),
        Reply(200, {}, b"PK zip"),
        Reply(200, {}, b'{"a": 1}'),
    ]
    recorder = Recorder(Written(replies), tmp_path / "trail", KEY)
    for call in (DOWNLOAD, DOWNLOAD, USAGE):
        recorder.send(call, Into(tmp_path / "live.zip", tmp_path) if call is DOWNLOAD else None)
    replayer = Replayer(tmp_path / "trail")
    first, second, third = (replayer.send(DOWNLOAD, Into(tmp_path / "again.zip", tmp_path)) for _ in range(3))
    assert (first.status, first.headers, first.body) == (202, {"retry-after": "1"}, b"{}")
    assert second.file == third.file == tmp_path / "again.zip"
    assert (tmp_path / "again.zip").read_bytes() == b"PK zip"
    assert replayer.send(USAGE).body == b'{"a": 1}'
    began = time.monotonic()
    replayer.pause(60)
    assert time.monotonic() - began < 1


def test_key_is_nowhere_in_a_recording(tmp_path: Path) -> None:
    """Even where the service repeats the key, or the caller asks for it, it is struck out."""
    body = json.dumps({"user": KEY}).encode()
    recorder = Recorder(Written([Reply(200, {"x-api-key": KEY}, body)] * 2), tmp_path / "trail", KEY)
    recorder.send(USAGE)
    recorder.send(Call("POST", "/search/deep", body={"query": KEY}))
    kept = [path.read_bytes() for path in (tmp_path / "trail").iterdir() if path.name != ".lock"]
    assert len(kept) == 4
    assert [KEY.encode() in data for data in kept] == [False] * 4
    assert b"[key]" in (tmp_path / "trail" / "0001.json").read_bytes()


def test_recording_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A second command with the same folder adds to it."""
    for number in (1, 2):
        Recorder(Written([Reply(200, {}, b"%d" % number)]), tmp_path, KEY).send(USAGE)
    lines = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [(line["number"], line["path"], line["answer"]) for line in lines] == [
        (1, "/usage", "0001.json"),
        (2, "/usage", "0002.json"),
    ]
    replayer = Replayer(tmp_path)
    assert [replayer.send(USAGE).body for _ in range(3)] == [b"1", b"2", b"2"]


def test_recording_of_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    """A line that was begun and not ended is no call, and the next one is not glued to it."""
    Recorder(Written([Reply(200, {}, b"1")]), tmp_path, KEY).send(USAGE)
    with (tmp_path / "calls.jsonl").open("a") as file:
        file.write('{"number": 2, "at": ')
    assert Replayer(tmp_path).send(USAGE).body == b"1"
    Recorder(Written([Reply(200, {}, b"2")]), tmp_path, KEY).send(USAGE)
    replayer = Replayer(tmp_path)
    assert [replayer.send(USAGE).body for _ in range(2)] == [b"1", b"2"]


def test_call_that_was_not_recorded_is_missing_input(tmp_path: Path) -> None:
    """Another query is another call; the error says that nothing went over the network."""
    Recorder(Written([Reply(200)]), tmp_path, KEY).send(Call("GET", "/search", {"query": "a"}))
    with pytest.raises(MissingInput, match=r"GET /search is not in the recording.*nothing was asked"):
        Replayer(tmp_path).send(Call("GET", "/search", {"query": "b"}))


def test_damaged_recordings_are_told_apart(tmp_path: Path) -> None:
    """No recording, a line that is none, a body that was changed or leads elsewhere: each says so."""
    with pytest.raises(MissingInput, match="holds no recording"):
        Replayer(tmp_path)
    Recorder(Written([Reply(200, {}, b"true")]), tmp_path, KEY).send(USAGE)
    index = tmp_path / "calls.jsonl"
    line = index.read_text()
    (tmp_path / "0001.json").write_bytes(b"false")
    with pytest.raises(BadData, match="is not what was recorded"):
        Replayer(tmp_path).send(USAGE)
    index.write_text(line.replace("0001.json", "../elsewhere"))
    with pytest.raises(BadData, match="lies outside of it"):
        Replayer(tmp_path).send(USAGE)
    index.write_text(line + "{}\n")
    with pytest.raises(BadData, match="line 2 is no call"):
        Replayer(tmp_path)


def record_some(folder: Path, who: str, count: int, both: Barrier) -> None:
    """Record calls of one asker, each with a reply of its own, once the other is there as well."""
    replies = [Reply(200, {}, f'{{"{who}": {number}}}'.encode()) for number in range(count)]
    recorder = Recorder(Written(replies), folder, KEY)
    both.wait(60)
    for number in range(count):
        recorder.send(Call("GET", f"/{who}/{number}"))


def test_two_runs_that_record_into_one_folder_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Sixty calls of two processes at once: sixty numbers, and each call's own reply."""
    spawn = multiprocessing.get_context("spawn")
    folder, both = tmp_path / "trail", spawn.Barrier(2)
    runs = [spawn.Process(target=record_some, args=(folder, who, 30, both)) for who in ("a", "b")]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    numbers = [
        json.loads(line)["number"] for line in (folder / "calls.jsonl").read_text("utf-8").splitlines()
    ]
    assert numbers == list(range(1, 61))
    replayer = Replayer(folder)
    for who in ("a", "b"):
        for number in range(30):
            assert replayer.send(Call("GET", f"/{who}/{number}")).body == f'{{"{who}": {number}}}'.encode()
