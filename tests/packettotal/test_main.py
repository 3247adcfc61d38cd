"""The loopback server can be started for a look."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.pages import ROOT


def test_it_says_how_to_reach_it_and_answers_as_told() -> None:
    """Its first lines set the environment of a client; orders are carried out; Ctrl-C stops it."""
    command = [sys.executable, "-m", "tests.packettotal", "--port", "0", "--tell", "usage=504,ok"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline().strip() for _ in range(2)]
        told = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        request = urllib.request.Request(
            told["PTML_PACKETTOTAL_URL"] + "/usage", headers={"x-api-key": told["PACKETTOTAL_API_KEY"]}
        )
        with pytest.raises(urllib.error.HTTPError, match="504") as failure:
            urllib.request.urlopen(request, timeout=10)
        failure.value.close()
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["user"] == "loopback"
        server.send_signal(signal.SIGINT)
        assert server.stdout.read() == "stopped\n"
    assert server.returncode == 0
