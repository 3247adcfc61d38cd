"""A stand-in for Zeek: checks how it is called, then does what Zeek did, or what a broken Zeek would do.

Zeek is in no package registry, so tests cannot install it. `stand_in` writes a program that runs this file
with a folder of logs to replay, written by a real Zeek or by the tests' builders, and a behaviour.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shlex
import signal
import sys
import time
from pathlib import Path

VERSION = "zeek version 7.0.11"
PCAPS = {"a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a"}
LOADED = """#separator \\x09
#path\tloaded_scripts
#fields\tname
#types\tstring
/opt/zeek/share/zeek/base/init-bare.zeek
  /opt/zeek/share/zeek/base/bif/const.bif.zeek
/opt/zeek/share/zeek/policy/misc/loaded-scripts.zeek
"""


def stand_in(folder: Path, logs: Path, does: str = "replay") -> Path:
    """Write the program.

    Args:
        folder: Where to.
        logs: A folder of logs to replay; or one of such folders, named by the beginning of the PCAP's hash.
        does: What it does: replay, hang, fill, crash, fail, grow or stray.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "zeek"
    words = f"main({str(logs)!r}, {does!r}, sys.argv[1:])"
    setup = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from standin_zeek import main"
    code = shlex.quote(f"{setup}; {words}")
    # By way of a shell: the path of an interpreter after #! may hold no blank, and that of a clone may.
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {code} "$@"\n')
    program.chmod(0o755)
    return program


def main(logs: str, does: str, arguments: list[str]) -> None:
    """Do what Zeek would."""
    if arguments == ["--version"]:
        sys.stdout.write(f"{VERSION}\n")
        return
    refusal = fault(arguments)
    if refusal:
        sys.exit(f"stand-in: {refusal}")
    Path("packet_filter.log").write_text("#separator \\x09\n#path\tpacket_filter\n#fields\tnode\n")
    Path("loaded_scripts.log").write_text(LOADED)
    replay(folder_of(Path(logs), Path(arguments[3])))
    BEHAVIOURS[does]()


def fault(arguments: list[str]) -> str | None:
    """Say what is wrong with the way that this was called."""
    if arguments[:3] + arguments[4:] != ["-C", "-D", "-r", "LogAscii::use_json=F", "misc/loaded-scripts"]:
        return f"arguments {arguments}"
    pcap = Path(arguments[3])
    if not pcap.is_absolute() or pcap.read_bytes()[:4].hex() not in PCAPS:
        return f"{pcap} is no plain PCAP by its full path"
    if os.listdir():  # noqa: PTH208 - as short as can be
        return f"the folder is not empty: {os.listdir()}"  # noqa: PTH208
    if sys.stdin.buffer.read():
        return "stdin is not empty"
    kept = [name for name in os.environ if "KEY" in name or name.startswith("PTML")]
    return f"the environment has {kept}" if kept else None


def folder_of(logs: Path, pcap: Path) -> Path:
    """Find the logs of a capture."""
    digest = hashlib.sha256(pcap.read_bytes()).hexdigest()
    return next(iter(logs.glob(f"*-{digest[:10]}")), logs)


def replay(folder: Path) -> None:
    """Write the logs as Zeek does: plain, in the folder where it works."""
    for path in folder.iterdir():
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        Path(path.name.removesuffix(".gz")).write_bytes(data)


def hang() -> None:
    """Never end, and do not listen."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def fill() -> None:
    """Write logs without end, many small ones."""
    number = 0
    while True:
        number += 1
        Path(f"extra{number}.log").write_bytes(bytes(1 << 16))


def one_large() -> None:
    """Write one log without end; a program that is not Python is killed by the signal that it then gets."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with Path("extra.log").open("wb") as file:
        while True:
            file.write(bytes(1 << 20))


def crash() -> None:
    """Crash in the middle of a line."""
    with Path("conn.log").open("ab") as file:
        file.write(b"17640000")
    os.kill(os.getpid(), signal.SIGSEGV)


def fail() -> None:
    """End with an error, as Zeek does where a capture is cut off."""
    sys.exit("1764000000.0 error: failed to read a packet: truncated dump file\x1b[2J")


def useless() -> None:
    """Log nothing and end with an error."""
    for path in Path().glob("*.log"):
        path.unlink()
    sys.exit("fatal error: problem with trace file")


def grow() -> None:
    """Use up memory."""
    held = []
    while True:
        held.append(bytearray(64 << 20))


def stray() -> None:
    """Leave links and folders among the logs."""
    Path("dns.log").unlink(missing_ok=True)
    Path("dns.log").symlink_to("/etc/passwd")
    Path("ssl.log").mkdir()


BEHAVIOURS = {
    "replay": lambda: None,
    "hang": hang,
    "fill": fill,
    "one_large": one_large,
    "crash": crash,
    "fail": fail,
    "useless": useless,
    "grow": grow,
    "stray": stray,
}
