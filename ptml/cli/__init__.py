"""The command line: one thin file per command, each around one function of the library."""

from __future__ import annotations

from ptml.cli._app import app, main
from ptml.cli.add import add
from ptml.cli.catalog import catalog
from ptml.cli.doctor import doctor
from ptml.cli.evaluate import evaluate
from ptml.cli.features import features
from ptml.cli.fetch import fetch
from ptml.cli.info import info
from ptml.cli.parse import parse
from ptml.cli.run import run
from ptml.cli.schema import schema
from ptml.cli.score import score
from ptml.cli.search import search
from ptml.cli.simulate import simulate
from ptml.cli.sources import sources
from ptml.cli.train import train

__all__ = ["app", "main"]

COMMANDS = (
    run,
    simulate,
    sources,
    search,
    info,
    fetch,
    add,
    catalog,
    parse,
    schema,
    features,
    train,
    evaluate,
    score,
    doctor,
)

for command in COMMANDS:
    # \b keeps the examples' lines as they are
    app.command(help=(command.__doc__ or "").replace("Examples:\n", "\b\n    Examples:\n"))(command)
