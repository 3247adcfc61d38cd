"""Options that several commands share: the same name means the same thing everywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ptml.engine import LocalEngine
    from ptml.settings import DatasetSettings, FeaturesSettings, LabelsSettings, ParseSettings
    from ptml.tracking import Tracker
    from ptml.workspace import Workspace

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Workspace that holds everything a run writes. [default: data]"
    ),
]
Jobs = Annotated[
    int, typer.Option("--jobs", metavar="N", min=0, help="Worker processes; 0 means one a core.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of everything random.")]
Force = Annotated[bool, typer.Option("--force", help="Do again what has been done already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the result to stdout as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks; errors only.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Where the source is. [default: PTML_<NAME>_URL, else its own]"
    ),
]
Record = Annotated[
    Path | None,
    typer.Option("--record", metavar="DIR", help="Keep every call and its answer there, without the key."),
]
Replay = Annotated[
    Path | None,
    typer.Option(
        "--replay", metavar="DIR", help="Answer from a recording; no network and no key are needed."
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for what is not ready yet."),
]
Deep = Annotated[bool, typer.Option("--deep", help="Find all that there is, if the source can.")]
DropPcap = Annotated[
    bool, typer.Option("--drop-pcap", help="Leave the packet capture out where there are logs of it.")
]
Carved = Annotated[
    bool, typer.Option("--carved", help="Keep files carved out of traffic: they may be live malware.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Track = Annotated[
    str | None,
    typer.Option(
        "--track",
        metavar="URI",
        help="Log to this MLflow server, too. [default: MLFLOW_TRACKING_URI, if MLflow is installed]",
    ),
]
ModelName = Annotated[str, typer.Option("--model", metavar="NAME-or-DIR", help="A trained model.")]
OwnFeatures = Annotated[
    Path | None,
    typer.Option(
        "--features",
        metavar="FILE.py",
        help="Features of your own: a Python file that is run (docs/own-features.md).",
    ),
]

SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="Which source; `ptml sources` lists them.")]
AllowPrivate = Annotated[
    bool, typer.Option("--allow-private", help="Connect to private and loopback addresses, too.")
]
Certificates = Annotated[
    Path | None,
    typer.Option("--ca", metavar="FILE", help="Trust these certificates (PEM) in place of all others."),
]

SetParse = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="parse.KEY=VALUE",
        help="How logs are read and what Zeek may use: parse.zeek_seconds [3600], parse.zeek_memory_gb [8], "
        "parse.zeek_output_gb [64], parse.block_bytes [16777216]; may be repeated.",
    ),
]
SetFeatures = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="features.KEY=VALUE",
        help="How far back the features of the moment look, in seconds and in connections: features.windows "
        "[[2, 60, 600]], features.last [100]; and features.batch_rows [250000]; may be repeated.",
    ),
]
SetLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="labels.KEY=VALUE",
        help="How connections get their labels: labels.policy [auto], or column, ioc, inherit, "
        "inherit-filtered, capture-only; labels.indicators, a CSV or JSON; may be repeated.",
    ),
]
SetTraining = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.KEY=VALUE",
        help="How connections get their labels (labels.policy, labels.indicators), and which captures are "
        "learned from (dataset.sources, dataset.periods.test, …; docs/datasets.md); may be repeated.",
    ),
]
DatasetFile = Annotated[
    Path | None,
    typer.Option(
        "--dataset",
        metavar="FILE.toml",
        help="Which captures are learned from: a file with a table [dataset] (docs/datasets.md).",
    ),
]


def workspace(data: Path | None) -> Workspace:
    """Name the workspace that an option, else ``PTML_DATA``, else the default chooses."""
    from ptml.settings import default_data
    from ptml.workspace import Workspace

    return Workspace(data or default_data())


def tracker(uri: str | None) -> Tracker | None:
    """Choose where trainings and evaluations are logged, before any work is done.

    Raises:
        MissingTool: A server is named, and MLflow is not installed.
    """
    if uri is None and "MLFLOW_TRACKING_URI" not in os.environ:
        return None
    from ptml.tracking import tracker_for

    return tracker_for(uri)


def engine(jobs: int) -> LocalEngine:
    """Choose where work runs."""
    from ptml.engine import LocalEngine

    return LocalEngine(jobs)


def parse_settings(overrides: list[str] | None) -> ParseSettings | None:
    """Give the settings of parsing that ``--set`` asks for; None where it asks for nothing.

    Raises:
        SettingsError: A setting of another stage, one that there is not, or a value that does not fit.
    """
    if not overrides:
        return None
    from ptml.settings import ParseSettings, checked

    tables = _tables(overrides, ("parse",), "parse.zeek_seconds=600")
    return checked(ParseSettings, tables["parse"], "--set")


def feature_settings(overrides: list[str] | None) -> FeaturesSettings | None:
    """Give the settings of features that ``--set`` asks for; None where it asks for nothing.

    Raises:
        SettingsError: A setting of another stage, one that there is not, or a value that does not fit.
    """
    if not overrides:
        return None
    from ptml.settings import FeaturesSettings, checked

    tables = _tables(overrides, ("features",), "features.windows=[1,30,300]")
    return checked(FeaturesSettings, tables["features"], "--set")


def label_settings(overrides: list[str] | None, *beside: str) -> LabelsSettings | None:
    """Give the settings of labels that ``--set`` asks for; None where it asks for nothing.

    Args:
        overrides: What ``--set`` got.
        beside: Other tables that the command takes.

    Raises:
        SettingsError: A setting of a stage, one that there is not, or a value that does not fit.
    """
    from ptml.settings import LabelsSettings, checked

    tables = _tables(overrides or [], ("labels", *beside), "labels.policy=inherit-filtered")
    return checked(LabelsSettings, tables["labels"], "--set") if "labels" in tables else None


def dataset_settings(file: Path | None, overrides: list[str] | None) -> DatasetSettings:
    """Give the choice of captures that a file and ``--set`` ask for; of all where neither does.

    Raises:
        MissingInput: There is no such file.
        SettingsError: It has no table `dataset`, or a setting does not fit.
    """
    from ptml.errors import SettingsError
    from ptml.settings import DatasetSettings, checked, read_toml, with_overrides

    table: dict[str, Any] = {}
    if file is not None:
        table = read_toml(file)
        if "dataset" not in table:
            raise SettingsError(
                f"{file} has no table [dataset]",
                hint="docs/datasets.md shows one; pipeline files have them, too",
            )
    chosen = with_overrides({"dataset": table.get("dataset", {})}, overrides or [])
    return checked(DatasetSettings, chosen["dataset"], str(file or "--set"))


def _tables(overrides: list[str], wanted: tuple[str, ...], example: str) -> dict[str, Any]:
    from ptml.errors import SettingsError, quoted
    from ptml.settings import with_overrides

    tables = with_overrides({}, overrides)
    others = sorted(tables.keys() - {*wanted})
    if others:
        keys = " or ".join(f"{table}.KEY=VALUE" for table in wanted)
        raise SettingsError(
            f"--set takes {keys} here, and got {quoted(others)}",
            hint=f"--set {example}; the settings of other stages are for `ptml run`",
        )
    return tables


def listed(paths: list[Path]) -> list[Path]:
    """Put the paths on stdin, a line each or ended by NUL, in the place of a dash."""
    found: list[Path] = []
    for path in paths:
        if str(path) != "-":
            found.append(path)
            continue
        text = sys.stdin.buffer.read()
        names = text.split(b"\x00") if b"\x00" in text else text.splitlines()
        found += [Path(os.fsdecode(name)) for name in names if name.strip()]
    return found
