"""Another process that holds a workspace."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptml.workspace import Workspace

HOLD = """
import sys, time
from pathlib import Path
from ptml.workspace import Workspace
with Workspace(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(60)
"""


def hold(workspace: Workspace) -> subprocess.Popen[str]:
    """Start another process that holds the workspace's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(workspace.root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process
