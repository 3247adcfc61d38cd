"""The application that the commands hang on, and how an error becomes a message and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ptml.cli._render import show_error
from ptml.errors import PtmlError
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
EXIT_CODES = (
    "Exit codes: 0 done, 2 bad usage or settings, 3 missing input, 4 bad data, 5 download failed, "
    "6 model does not fit, 7 missing tool, 8 workspace busy, 9 cannot write, 10 --fail-on hit."
)


class _Group(TyperGroup):
    """Shows ptml's own errors as messages; whatever else happens is a defect and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own types here are private
        try:
            return super().invoke(ctx)
        except PtmlError as error:
            show_error(error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("stopped; run the same command again to go on where it stopped", err=True)
            raise typer.Exit(INTERRUPTED) from interrupt


app = typer.Typer(
    name="ptml",
    cls=_Group,
    help="From labelled packet captures to a classifier of malicious traffic that you can trust.\n\n"
    "Start with `ptml run demo`: the whole way on simulated captures.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help starts in a third of the time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ptml {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def help_of(command: Callable[..., None]) -> str:
    r"""Give a command's help, its examples' lines kept as they are.

    >>> def do() -> None:
    ...     '''Do it.
    ...
    ...     Examples:
    ...       ptml do
    ...     '''
    >>> "\b" in help_of(do)
    True
    """
    return (command.__doc__ or "").replace("Examples:\n", "\b\n    Examples:\n")


def main() -> None:
    """Run the command line; Ctrl-C leaves the workspace sound."""
    app()
