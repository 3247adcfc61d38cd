"""The command line: one thin file per command, each around one function of the library."""

from __future__ import annotations

from ptml.cli._app import app, help_of, main
from ptml.cli.add import add
from ptml.cli.audit import audit
from ptml.cli.catalog import group as catalog
from ptml.cli.doctor import doctor
from ptml.cli.evaluate import evaluate
from ptml.cli.features import features
from ptml.cli.fetch import fetch
from ptml.cli.info import info
from ptml.cli.packettotal import group as packettotal
from ptml.cli.parse import parse
from ptml.cli.report import report
from ptml.cli.reproduce import reproduce
from ptml.cli.run import run
from ptml.cli.schema import schema
from ptml.cli.score import score
from ptml.cli.search import search
from ptml.cli.similar import similar
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
    similar,
    fetch,
    add,
    parse,
    schema,
    features,
    audit,
    train,
    reproduce,
    evaluate,
    score,
    report,
    doctor,
)

for command in COMMANDS:
    app.command(help=help_of(command))(command)
for group in (catalog, packettotal):
    app.add_typer(group)
