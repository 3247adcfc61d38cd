"""``ptml simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ptml.cli._options import AsJson, Data, Force, Jobs, Quiet, Seed, engine, workspace
from ptml.cli._render import progress_bar, remark, show_json, show_report
from ptml.types import LogFormat


def simulate(
    captures: Annotated[int, typer.Option(metavar="N", min=1, help="Captures to write.")] = 24,
    hours: Annotated[float, typer.Option(metavar="X", min=0.01, help="Hours of traffic in each.")] = 1.0,
    hosts: Annotated[int, typer.Option(metavar="N", min=1, help="People's computers in each.")] = 8,
    connections: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Connections over all captures; else what the hosts would do."),
    ] = None,
    malicious_share: Annotated[
        float, typer.Option(metavar="X", min=0, max=1, help="Share of captures with an infected host.")
    ] = 0.5,
    family: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this malicious family; may be repeated.")
    ] = None,
    exclude_family: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Leave this family out; may be repeated.")
    ] = None,
    log_format: Annotated[
        LogFormat, typer.Option("--format", help="How Zeek would write: tsv or json.")
    ] = "tsv",
    compress: Annotated[bool, typer.Option("--gz", help="Compress the logs.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write plain folders there instead of into the workspace."),
    ] = None,
    seed: Seed = 0,
    data: Data = None,
    jobs: Jobs = 0,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write labelled synthetic Zeek logs.

    For a first look, for tests, and as load. Hosts browse, mail, back up and make calls; in some captures
    one of them is infected, and the label of every connection lies beside the logs. The same seed gives
    the same bytes.

    Examples:
      ptml simulate
      ptml simulate --captures 1 --connections 10000000 --out /tmp/load
      ptml simulate --family dns-tunnel --captures 3 --out /tmp/tunnels
    """
    from ptml.settings import SimulateSettings, checked
    from ptml.sources.simulate import simulate as into_workspace
    from ptml.sources.simulate import simulate_folders

    values = {
        "captures": captures,
        "hours": hours,
        "hosts": hosts,
        "connections": connections,
        "malicious_share": malicious_share,
        "families": family or None,
        "exclude_families": exclude_family or (),
        "format": log_format,
        "compress": compress,
    }
    settings = checked(SimulateSettings, values, "ptml simulate")
    with progress_bar(quiet=quiet) as progress:
        if out is None:
            report = into_workspace(
                workspace(data), settings, seed=seed, engine=engine(jobs), force=force, progress=progress
            )
            written = None
        else:
            written = simulate_folders(out, settings, seed=seed, progress=progress)
    if written is None:
        show_report(report, as_json=as_json, quiet=quiet)
        return
    total = sum(capture.connections for capture in written)
    if as_json:
        show_json({"out": str(out), "captures": [capture.name for capture in written], "connections": total})
    else:
        typer.echo(str(out))
        remark(f"simulated {len(written)} captures with {total:,} connections", quiet=quiet)
