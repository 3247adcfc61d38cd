"""``ptml doctor``."""

from __future__ import annotations

import typer

from ptml.cli._options import AsJson, Data, workspace
from ptml.cli._render import show_json, show_table

MISSING_TOOL = 7


def doctor(data: Data = None, as_json: AsJson = False) -> None:
    """Say what is installed and what is missing.

    Exit code 7 if something is missing that ptml cannot do without.

    Examples:
      ptml doctor
    """
    from ptml.doctor import doctor as examine

    diagnosis = examine(workspace(data))
    if as_json:
        show_json(diagnosis.to_dict())
    else:
        rows = [(one.what, one.state, one.detail, one.todo) for one in diagnosis.findings]
        show_table("ptml doctor", ("what", "state", "found", "what to do"), rows)
    if not diagnosis.healthy:
        raise typer.Exit(MISSING_TOOL)
