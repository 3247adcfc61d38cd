"""Settings of each stage: from TOML, checked, overridden by ``--set section.key=value``.

A pipeline file has one table per stage; a stage runs when its table is there. The environment is for
secrets and paths only. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import itertools
import os
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from ptml.errors import MissingInput, SettingsError, did_you_mean, quoted
from ptml.types import HOLDOUTS, MOST_LAST, Holdout, Label, Level, LogFormat, Windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic_core import ErrorDetails

DEFAULT_DATA = "data"
STAGES = ("simulate", "add", "parse", "features", "train", "evaluate", "score")

S = TypeVar("S", bound=BaseModel)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment: TypeAlias = Annotated[datetime, AfterValidator(_in_utc)]
"""A date or a moment; without a time zone it is UTC's."""
Period: TypeAlias = tuple[Moment, Moment]
"""From a moment on, and until just before another."""


class Section(BaseModel):
    """A table of a pipeline file: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunSettings(Section):
    """What holds for the whole run."""

    seed: int = Field(0, ge=0, description="seed of everything random; the same seed gives the same result")
    jobs: int = Field(0, ge=0, description="worker processes; 0 means one a core")


class SimulateSettings(Section):
    """Labelled synthetic Zeek logs."""

    captures: int = Field(24, ge=1, description="captures to write")
    hours: float = Field(1.0, gt=0, le=24 * 31, description="hours of traffic in each capture")
    hosts: int = Field(8, ge=1, le=10_000, description="internal hosts in each capture")
    connections: int | None = Field(
        None, ge=1, description="connections over all captures; else what the hosts would do"
    )
    malicious_share: float = Field(0.5, ge=0, le=1, description="share of captures with an infected host")
    families: tuple[str, ...] | None = Field(None, description="only these malicious families; else all")
    exclude_families: tuple[str, ...] = Field((), description="malicious families to leave out")
    format: LogFormat = Field("tsv", description="how Zeek would write the logs: tsv or json")
    compress: bool = Field(default=False, description="gzip the logs")
    seed: int | None = Field(None, ge=0, description="own seed; else the run's")


class AddSettings(Section):
    """Labelled captures that the user already has."""

    manifest: Path | None = Field(
        None, description="CSV with one capture a row: name, label, family, source, …"
    )
    folders: tuple[str, ...] = Field(
        ("{path}", "{name}", "zeek/{name}"),
        description="where a row's capture may lie beside the manifest, columns in braces; the first found",
    )
    paths: tuple[Path, ...] = Field((), description="capture folders to add without a manifest")
    label: Label | None = Field(None, description="label of the captures in `paths`")
    family: str | None = Field(None, description="family of the captures in `paths`")

    @model_validator(mode="after")
    def _something_to_add(self) -> AddSettings:
        if self.manifest is None and not self.paths:
            raise ValueError("nothing to add: give `manifest` (a CSV) or `paths` (capture folders)")
        return self


class FetchSettings(Section):
    """Captures of others, fetched from a source."""

    source: str = Field(description="which source; `ptml sources` lists them")
    ids: tuple[str, ...] = Field((), description="what to fetch, by the source's ids")
    query: str | None = Field(None, description="fetch what a search finds")
    limit: int = Field(100, ge=1, description="files to fetch at most")
    label: Label | None = Field(None, description="label of what is fetched; else what the source says")
    family: str | None = Field(None, description="family of what is fetched; else what the source says")
    jobs: int = Field(0, ge=0, le=64, description="files at a time; 0 means as many as the source likes")
    allow_private: bool = Field(default=False, description="connect to private and loopback addresses too")
    ca: Path | None = Field(None, description="certificates to trust in place of all others, as PEM")
    passwords: tuple[str, ...] = Field((), description="to be tried where an archive is encrypted")
    url: str | None = Field(None, description="where the source is, in place of its own address")
    wait: float = Field(600.0, ge=0, description="seconds to wait for what is not ready yet")
    record: Path | None = Field(None, description="a folder to keep every call and its answer in")
    replay: Path | None = Field(None, description="a folder to answer from, without a network")
    drop_pcap: bool = Field(default=False, description="leave the packet capture out where there are logs")
    carved: bool = Field(default=False, description="keep files that were carved out of traffic")

    @model_validator(mode="after")
    def _something_to_fetch(self) -> FetchSettings:
        if not self.ids and self.query is None:
            raise ValueError("nothing to fetch: give ids, or a query")
        return self


class ParseSettings(Section):
    """Zeek logs to Parquet."""

    block_bytes: int = Field(
        16 << 20, ge=1 << 12, le=1 << 30, description="bytes of log text handled at a time"
    )
    zeek_seconds: float = Field(3600.0, gt=0, description="time that Zeek may take for a packet capture")
    zeek_memory_gb: float = Field(8.0, gt=0, description="memory that Zeek may use, in GiB")
    zeek_output_gb: float = Field(64.0, gt=0, description="logs that Zeek may write, in GiB")


class FeaturesSettings(Section):
    """Features of connections and captures."""

    batch_rows: int = Field(250_000, ge=1_000, description="connections handled at a time")
    windows: tuple[int, int, int] = Field(
        (2, 60, 600),
        description="seconds that the three windows over time look back, rising; features' names carry them",
    )
    last: int = Field(
        100,
        ge=1,
        le=MOST_LAST,
        description="connections that the windows over counts look back; features' names carry it",
    )

    @field_validator("windows")
    @classmethod
    def _windows_rise(cls, windows: tuple[int, int, int]) -> tuple[int, int, int]:
        return Windows(windows).seconds

    @property
    def reach(self) -> Windows:
        """How far back the features of the moment look."""
        return Windows(self.windows, self.last)


class LabelsSettings(Section):
    """How connections get their labels; not a stage of its own: `train` and `evaluate` label first."""

    policy: Literal["auto", "column", "ioc", "inherit", "inherit-filtered", "capture-only"] = Field(
        "auto",
        description="auto: by a label column where the log has one, by indicators where there are any, else "
        "the capture's label; docs/labels.md explains each",
    )
    indicators: Path | None = Field(
        None, description="CSV or JSON of indicators (address, domain, port, time), for `ioc` and `auto`"
    )

    @model_validator(mode="after")
    def _indicators_are_used(self) -> LabelsSettings:
        if self.indicators is not None and self.policy not in ("auto", "ioc"):
            raise ValueError(f"`indicators` are given, and policy {self.policy!r} does not look at them")
        return self


class PeriodsSettings(Section):
    """Named periods: a capture belongs to the one that it lies in, from its first connection to its last."""

    train: Period | None = Field(None, description="learn from captures of this period; else of none")
    validation: Period | None = Field(
        None, description="choose calibration and thresholds on captures of this period, never learned from"
    )
    test: Period | None = Field(
        None, description="hold this period out, from training and as what `temporal` evaluates on"
    )

    @model_validator(mode="after")
    def _periods_follow_each_other(self) -> PeriodsSettings:
        named = [(name, period) for name, period in self.named() if period is not None]
        if self.train is None:
            raise ValueError("there are periods, and none called `train` to learn from")
        for name, (begin, end) in named:
            if begin >= end:
                raise ValueError(f"{name} ends before it begins")
        for (name, (_, end)), (following, (begin, _)) in itertools.pairwise(named):
            if begin < end:
                raise ValueError(f"{following} begins before {name} has ended")
        return self

    def named(self) -> tuple[tuple[str, Period | None], ...]:
        """Give names and periods, in order of time."""
        return (("train", self.train), ("validation", self.validation), ("test", self.test))


class DatasetSettings(Section):
    """Which captures are learned from and evaluated on; not a stage of its own: `train` reads it.

    A capture must meet every condition that is given. What is left out is counted, with the reason.
    """

    sources: tuple[str, ...] = Field((), description="only captures of these sources; else of all")
    exclude_sources: tuple[str, ...] = Field((), description="no captures of these sources")
    labels: tuple[Label, ...] = Field((), description="only captures with these labels; else with any")
    families: tuple[str, ...] = Field(
        (), description="of the malicious captures, only those of these families; else all"
    )
    exclude_families: tuple[str, ...] = Field((), description="no captures of these families")
    exclude_captures: tuple[str, ...] = Field((), description="none of these captures, by id or name")
    since: Moment | None = Field(None, description="only captures that began then or later")
    until: Moment | None = Field(None, description="only captures that ended before then")
    min_connections: int = Field(0, ge=0, description="only captures with at least so many connections")
    max_connections: int | None = Field(None, ge=0, description="only captures with at most so many")
    known_families: tuple[str, ...] = Field(
        (), description="families to learn from; what is malicious and of none of them is only tested on"
    )
    unknown_families: tuple[str, ...] = Field(
        (), description="families never learned from, only tested on; all others are known"
    )
    periods: PeriodsSettings | None = Field(
        None, description="periods of time to learn from, to validate on and to test on; else no time matters"
    )

    @model_validator(mode="after")
    def _no_contradiction(self) -> DatasetSettings:
        if self.known_families and self.unknown_families:
            raise ValueError("give known_families or unknown_families: each says what the other are")
        for one, other in (("sources", "exclude_sources"), ("families", "exclude_families")):
            if both := sorted({*getattr(self, one)} & {*getattr(self, other)}):
                raise ValueError(f"{quoted(both)} is both in {one} and in {other}")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("until lies before since")
        if self.max_connections is not None and self.max_connections < self.min_connections:
            raise ValueError("max_connections is less than min_connections")
        return self


class TrainSettings(Section):
    """A classifier from features and labels."""

    spec: str = Field("hist-gradient-boosting", description="name or path of a model spec (models/NAME.toml)")
    name: str | None = Field(None, description="name of the model; else the spec's")
    levels: tuple[Level, ...] = Field(("connection", "capture"), min_length=1, description="what to classify")
    folds: int = Field(5, ge=2, description="grouped folds for calibration and threshold")
    max_false_positive_rate: float = Field(
        0.01,
        gt=0,
        lt=1,
        description="share of benign connections that may be called malicious; sets the threshold",
    )
    seed: int | None = Field(None, ge=0, description="own seed; else the run's")
    dataset: DatasetSettings = Field(
        default_factory=DatasetSettings, description="which captures; in a pipeline file, the table `dataset`"
    )


class EvaluateSettings(Section):
    """How good is it on captures it has not seen."""

    protocols: tuple[Holdout, ...] = Field(
        HOLDOUTS,
        min_length=1,
        description="how rows are held out: captures whole, by time, each family, each source, and rows at "
        "random, the unsafe control; those that the data does not allow say why",
    )
    folds: int = Field(5, ge=2, description="folds of grouped and random, windows of temporal")
    seeds: int = Field(1, ge=1, le=100, description="seeds to repeat every protocol with")
    max_splits: int = Field(
        10, ge=2, description="times that sources, and families, are held out at most; small ones go together"
    )
    min_family_captures: int = Field(3, ge=1, description="captures that a family needs to be held out")
    against: tuple[str, ...] = Field((), description="other models to compare with on the same splits")
    seed: int | None = Field(None, ge=0, description="own seed; else the run's")


class AuditSettings(Section):
    """Is a dataset fit to learn from; not a stage of its own: `train` audits what it learns from."""

    spec: str = Field("hist-gradient-boosting", description="model spec that says which features and rows")
    levels: tuple[Level, ...] = Field(("connection", "capture"), min_length=1, description="what to look at")
    dataset: DatasetSettings = Field(
        default_factory=DatasetSettings, description="which captures a model would learn from"
    )
    seed: int | None = Field(None, ge=0, description="own seed; else the run's")


class ScoreSettings(Section):
    """New captures, scored."""

    paths: tuple[Path, ...] = Field((), description="captures to score: folders of Zeek logs, or single logs")
    catalog: tuple[Label, ...] = Field(
        (), description="captures of the catalog with these labels; said where the model was trained on them"
    )
    simulate: SimulateSettings | None = Field(
        None, description="simulate captures just for scoring; they are never added to the catalog"
    )
    name: str = Field("latest", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="folder under scores/")

    @model_validator(mode="after")
    def _something_to_score(self) -> ScoreSettings:
        if not self.paths and not self.catalog and self.simulate is None:
            raise ValueError("nothing to score: give `paths`, `catalog` or a table `score.simulate`")
        return self


class PipelineSettings(Section):
    """A pipeline file: a table per stage; a stage runs when its table is there."""

    description: str = Field("", description="what this run is for; shown at its start")
    run: RunSettings = Field(default_factory=RunSettings)
    simulate: SimulateSettings | None = None
    add: AddSettings | None = None
    parse: ParseSettings | None = None
    features: FeaturesSettings | None = None
    labels: LabelsSettings = Field(default_factory=LabelsSettings)
    dataset: DatasetSettings = Field(default_factory=DatasetSettings)
    train: TrainSettings | None = None
    evaluate: EvaluateSettings | None = None
    score: ScoreSettings | None = None

    @model_validator(mode="after")
    def _one_dataset(self) -> PipelineSettings:
        if self.train is not None and DatasetSettings() not in (self.dataset, self.train.dataset):
            raise ValueError("there are two tables, `dataset` and `train.dataset`: keep the first")
        return self

    def training(self) -> TrainSettings | None:
        """Give the settings of training, with the captures that the table `dataset` chooses."""
        if self.train is None or self.dataset == DatasetSettings():
            return self.train
        return self.train.model_copy(update={"dataset": self.dataset})


def load_pipeline(path: Path, overrides: Sequence[str] = ()) -> PipelineSettings:
    """Read and check a pipeline file.

    Args:
        path: A TOML file.
        overrides: ``section.key=value`` each; the value is TOML, or else taken as text.

    Raises:
        MissingInput: The file is not there.
        SettingsError: It is not TOML, has unknown keys, or values that do not fit.
    """
    return checked(PipelineSettings, with_overrides(read_toml(path), overrides), str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, or say what is wrong with it.

    Raises:
        MissingInput: The file is not there.
        SettingsError: It is not UTF-8 TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise MissingInput(
            f"{path} does not exist", hint="check the name; `ls pipelines models` lists ours"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}", hint="mend the line that it names"
        ) from error


def with_overrides(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Lay ``a.b=value`` overrides over nested tables, leaving the input as it is.

    >>> with_overrides({"run": {"seed": 1}}, ["run.seed=2", "add.manifest=c.csv"])
    {'run': {'seed': 2}, 'add': {'manifest': 'c.csv'}}
    """
    result = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for override in overrides:
        name, equals, text = override.partition("=")
        *tables, key = name.strip().split(".")
        if not equals or not key or "" in tables:
            raise SettingsError(f"--set {override!r} is not section.key=value", hint="--set run.seed=7")
        _descend(result, tables, override)[key] = _toml_value(text.strip())
    return result


def _descend(values: dict[str, Any], tables: Sequence[str], override: str) -> dict[str, Any]:
    for table in tables:
        inner = values.setdefault(table, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"--set {override!r}: {table!r} is a value, not a table")
        values[table] = values = dict(inner)
    return values


def _toml_value(text: str) -> Any:  # noqa: ANN401 - whatever TOML can say
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def checked(model: type[S], values: Mapping[str, Any], where: str) -> S:
    """Validate values against a settings class, with every fault in one message.

    Raises:
        SettingsError: Unknown keys or values that do not fit.

    >>> checked(RunSettings, {"sead": 1}, "demo.toml")
    Traceback (most recent call last):
    ptml.errors.SettingsError: demo.toml: unknown key 'sead'
    Try: did you mean 'seed' for 'sead'?
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = _own_faults(error.errors())
        unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
        message = "; ".join(_describe(fault) for fault in faults)
        hint = _nearest_key(model, unknown[0]) if unknown else _nearest_choice(faults)
        raise SettingsError(f"{where}: {message}", hint=hint) from error


def _own_faults(faults: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Drop lists that are too short only because an item of theirs is at fault."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(
            len(place) > len(fault["loc"]) and place[: len(fault["loc"])] == fault["loc"] for place in places
        )
    ]


def _describe(fault: ErrorDetails) -> str:
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {name!r}"
    text = fault["msg"].removeprefix("Value error, ")
    return f"{name}: {text}" if name else text


def _nearest_choice(faults: Iterable[ErrorDetails]) -> str | None:
    """Suggest the choice that was meant.

    >>> _nearest_choice([{"type": "literal_error", "loc": (), "msg": "", "input": "randm",
    ...                   "ctx": {"expected": "'grouped' or 'random'"}}])
    "did you mean 'random' for 'randm'?"
    """
    for fault in faults:
        if fault["type"] == "literal_error":
            return did_you_mean([str(fault["input"])], re.findall(r"'([^']*)'", fault["ctx"]["expected"]))
    return "see pipelines/README.md for every key"


def _nearest_key(model: type[BaseModel], fault: ErrorDetails) -> str | None:
    for part in fault["loc"][:-1]:
        nested = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        choices = getattr(nested, "__args__", (nested,))
        found = next((c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if found is None:
            return None
        model = found
    return did_you_mean([str(fault["loc"][-1])], model.model_fields)


def find_shipped(kind: Literal["pipelines", "models"], name: str) -> Path:
    """Find a pipeline or model spec: a path as it is given, else by name beside the package.

    Raises:
        MissingInput: There is neither such a file nor such a name.
    """
    given = Path(name)
    if given.suffix == ".toml" and given.exists():
        return given
    roots = [root for root in _shipped_roots(kind) if root.is_dir()]
    known = {path.stem: path for root in roots for path in sorted(root.glob("*.toml"))}
    if name in known:
        return known[name]
    raise MissingInput(
        f"{name!r} is neither a TOML file nor one of ptml's own {kind}: {quoted(sorted(known))}",
        hint=did_you_mean([given.stem], sorted(known)),
    )


def _shipped_roots(kind: str) -> tuple[Path, ...]:
    package = Path(__file__).parent
    clone = package.parent
    return (package / "_data" / kind, *([clone / kind] if (clone / "pyproject.toml").exists() else []))


def default_data() -> Path:
    """Where a workspace is when nobody says: ``PTML_DATA`` or ``./data``."""
    return Path(os.environ.get("PTML_DATA") or DEFAULT_DATA)
