"""Which Zeek reads packet captures, and how it is called.

Zeek is found on the PATH; ``PTML_ZEEK`` names another; ``PTML_ZEEK_COMMAND`` is the command line of a
container or a wrapper, with ``{folder}`` and ``{pcap}`` for the paths that it must see as they are. They are
taken from the environment only: a pipeline that somebody shared cannot start a program.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ptml.errors import BadData, MissingTool, SettingsError
from ptml.parse.limited import Limits, run_limited

PROGRAM_VARIABLE = "PTML_ZEEK"
COMMAND_VARIABLE = "PTML_ZEEK_COMMAND"
INSTALL = (
    f"install Zeek (zeek.org) and put it on the PATH, name it in {PROGRAM_VARIABLE}, "
    f"or give a container's command line in {COMMAND_VARIABLE}"
)
OPTIONS = ("-C", "-D", "-r")
"""Ignore bad checksums, as captures of offloaded packets have them; the same uids each time; read a file."""
SCRIPTS = ("LogAscii::use_json=F", "misc/loaded-scripts")
VERSION_LIMITS = Limits(seconds=60, output_bytes=1 << 20)


@dataclass(frozen=True, slots=True)
class Zeek:
    """A way to start Zeek: the words of its command line, the program's path first."""

    words: tuple[str, ...]
    template: bool = False

    def command(self, folder: Path, pcap: Path) -> list[str]:
        """Give the command line that makes logs of a capture.

        >>> zeek = Zeek(("/bin/podman", "run", "-v{folder}:{folder}", "zeek"), template=True)
        >>> zeek.command(Path("/a"), Path("/b/c.pcap"))[2:]
        ['-v/a:/a', 'zeek', '-C', '-D', '-r', '/b/c.pcap', 'LogAscii::use_json=F', 'misc/loaded-scripts']
        """
        return [*self.start(folder, pcap), *OPTIONS, str(pcap), *SCRIPTS]

    def version(self) -> str:
        """Ask Zeek for its version.

        Raises:
            MissingTool: It does not start.
        """
        return _version(self)

    def start(self, folder: Path, pcap: Path) -> list[str]:
        """Give the words that a command line begins with."""
        if not self.template:
            return list(self.words)
        return [word.replace("{folder}", str(folder)).replace("{pcap}", str(pcap)) for word in self.words]


def find_zeek() -> Zeek:
    """Find the Zeek that this environment has.

    Raises:
        MissingTool: There is none.
        SettingsError: The command line in the environment is not one.
    """
    template = os.environ.get(COMMAND_VARIABLE, "")
    if template.strip():
        return Zeek(_split(template), template=True)
    given = os.environ.get(PROGRAM_VARIABLE)
    program = shutil.which(given or "zeek")
    if program is None:
        problem = (
            f"{PROGRAM_VARIABLE} names {given}, which is no program"
            if given
            else "there is no Zeek on the PATH"
        )
        raise MissingTool(f"packet captures are read by Zeek, and {problem}", hint=INSTALL)
    return Zeek((str(Path(program).absolute()),))


def _split(template: str) -> tuple[str, ...]:
    try:
        program, *words = shlex.split(template)
    except ValueError as error:
        raise SettingsError(f"{COMMAND_VARIABLE} is no command line: {error}") from error
    found = shutil.which(program)
    if found is None:
        raise MissingTool(
            f"packet captures are read by Zeek, and {program} in {COMMAND_VARIABLE} is no program",
            hint=INSTALL,
        )
    return (str(Path(found).absolute()), *words)


@cache
def _version(zeek: Zeek) -> str:
    with tempfile.TemporaryDirectory() as place:
        folder, scratch = Path(place, "folder"), Path(place, "scratch")
        folder.mkdir()
        scratch.mkdir()
        command = [*zeek.start(folder, folder / "none.pcap"), "--version"]
        try:
            ended = run_limited(command, folder, scratch, VERSION_LIMITS)
        except BadData as error:
            raise MissingTool(f"{zeek.words[0]} --version {error.message}", hint=INSTALL) from error
        said = (scratch / "stdout").read_text("utf-8", errors="replace").strip() or ended.said
    if ended.code:
        raise MissingTool(f"{zeek.words[0]} --version ended with {ended.code}: {said[-200:]}", hint=INSTALL)
    return said.splitlines()[-1][:100] if said else "unknown version"
