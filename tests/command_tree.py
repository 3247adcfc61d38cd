"""The commands of the command line, by the words that call them."""

from __future__ import annotations

from typer.core import TyperGroup
from typer.main import get_command

from docs.generate import commands
from ptml.cli import app

ALL = dict(commands(get_command(app), "ptml"))
"""Every command and group, the program itself included: ``{"ptml": …, "ptml catalog verify": …}``."""

RUNNABLE = {
    words: command
    for words, command in ALL.items()
    if not isinstance(command, TyperGroup) or (command.invoke_without_command and words != "ptml")
}
"""Those that do something by themselves, rather than only holding others."""
