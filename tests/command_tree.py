"""The commands of the command line, by the words that call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.cli import app
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Iterator


def walk(command: object, *words: str) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """Give a command and all below it."""
    assert isinstance(command, TyperCommand | TyperGroup)
    yield " ".join(words), command
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from walk(below, *words, name)


ALL = dict(walk(get_command(app), "ptml"))
"""Every command and group, the program itself included: ``{"ptml": …, "ptml catalog verify": …}``."""

RUNNABLE = {
    words: command
    for words, command in ALL.items()
    if not isinstance(command, TyperGroup) or (command.invoke_without_command and words != "ptml")
}
"""Those that do something by themselves, rather than only holding others."""
