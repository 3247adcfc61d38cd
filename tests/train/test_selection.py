from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, SettingsError
from ptml.labels import label_connections
from ptml.settings import DatasetSettings, checked
from ptml.train.dataset import load_dataset
from ptml.train.selection import resolved
from ptml.train.sources import labelled_captures
from ptml.train.spec import ModelSpec
from tests.train.builders import Made, build_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.types import Level
    from ptml.workspace import Workspace

SPEC = ModelSpec(name="x", estimator="logistic-regression")


def day(number: int) -> datetime:
    """Give noon of a day of January 2021."""
    return datetime(2021, 1, number, 12, tzinfo=UTC)


MADE = (
    Made("mirai1", "malicious", 30, family="mirai", source="trap", start=day(2)),
    Made("emotet1", "malicious", 20, family="emotet", source="trap", start=day(3)),
    Made("office1", "benign", 10, source="lab", start=day(4)),
    Made("mirai2", "malicious", 20, family="mirai", source="trap", start=day(12)),
    Made("office2", "benign", 20, source="lab", start=day(13)),
    Made("mirai3", "malicious", 20, family="mirai", source="box", start=day(22)),
    Made("emotet3", "malicious", 20, family="emotet", source="box", start=day(23)),
    Made("office3", "benign", 20, source="box", start=day(24)),
)
NAMES = {one.capture_id: one.name for one in MADE}
PERIODS = {
    "train": (day(1), day(10)),
    "validation": (day(10), day(20)),
    "test": (day(20), day(30)),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Eight captures of three sources, two families and three weeks."""
    found = build_workspace(tmp_path_factory.mktemp("selection"), MADE)
    label_connections(found, engine=LocalEngine(1))
    return found


def dataset(**values: object) -> DatasetSettings:
    """Check settings as a file's."""
    return checked(DatasetSettings, values, "[dataset]")


def chosen(workspace: Workspace, **values: object) -> list[str]:
    """Name the captures that are left, in the order of time."""
    left = labelled_captures(workspace, "connection", dataset(**values))
    names = {NAMES[one.capture_id] for one in left if one.left_out is None}
    return [one.name for one in MADE if one.name in names]


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({}, "mirai1 emotet1 office1 mirai2 office2 mirai3 emotet3 office3"),
        ({"sources": ["lab", "box"]}, "office1 office2 mirai3 emotet3 office3"),
        ({"exclude_sources": ["box"]}, "mirai1 emotet1 office1 mirai2 office2"),
        ({"labels": ["malicious"]}, "mirai1 emotet1 mirai2 mirai3 emotet3"),
        ({"families": ["emotet"]}, "emotet1 office1 office2 emotet3 office3"),
        ({"exclude_families": ["emotet"]}, "mirai1 office1 mirai2 office2 mirai3 office3"),
        (
            {"exclude_captures": ["office1", MADE[1].capture_id]},
            "mirai1 mirai2 office2 mirai3 emotet3 office3",
        ),
        ({"since": day(13)}, "office2 mirai3 emotet3 office3"),
        ({"until": day(12)}, "mirai1 emotet1 office1"),
        ({"min_connections": 20}, "mirai1 emotet1 mirai2 office2 mirai3 emotet3 office3"),
        ({"max_connections": 20}, "emotet1 office1 mirai2 office2 mirai3 emotet3 office3"),
        ({"sources": ["lab"], "since": day(5)}, "office2"),
        ({"unknown_families": ["emotet"]}, "mirai1 emotet1 office1 mirai2 office2 mirai3 emotet3 office3"),
    ],
)
def test_captures_are_chosen_by_what_they_are(
    workspace: Workspace, values: dict[str, Any], left: str
) -> None:
    """Each condition leaves just the captures that meet it, and all of them must be met."""
    assert chosen(workspace, **values) == left.split()


def test_a_capture_belongs_to_the_period_it_lies_in(workspace: Workspace) -> None:
    """Periods take captures by their times; a period that nobody names takes none."""
    captures = labelled_captures(workspace, "capture", dataset(periods=PERIODS))
    period = {NAMES[one.capture_id]: one.period for one in captures}
    assert [period[one.name] for one in MADE] == ["train"] * 3 + ["validation"] * 2 + ["test"] * 3
    assert chosen(workspace, periods={"train": PERIODS["train"], "test": PERIODS["test"]}) == [
        one.name for one in MADE if one.name not in ("mirai2", "office2")
    ]


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(workspace: Workspace) -> None:
    """A capture that begins with a period is in it; one that goes on beyond its end is in none."""
    begin = MADE[0].began
    assert "mirai1" in chosen(workspace, periods={"train": (begin, day(10))})
    assert "mirai1" not in chosen(workspace, periods={"train": (begin + timedelta(microseconds=1), day(10))})
    [end] = [
        one.span.end
        for one in labelled_captures(workspace, "capture")
        if one.capture_id == MADE[2].capture_id
    ]
    assert end is not None
    assert "office1" not in chosen(workspace, periods={"train": (day(1), end)})
    assert "office1" in chosen(workspace, periods={"train": (day(1), end + timedelta(microseconds=1))})


def test_unknown_families_are_never_learned_from(workspace: Workspace) -> None:
    """Rows of unknown families are left out before the test period, and marked in it."""
    settings = dataset(periods=PERIODS, unknown_families=["emotet"])
    data = load_dataset(workspace, "connection", SPEC, dataset=settings)
    kept = (
        data.keys.with_columns(unknown=pl.Series(data.unknown)).group_by("family", "period", "unknown").len()
    )
    assert sorted(kept.drop_nulls("family").rows()) == [
        ("emotet", "test", True, 20),
        ("mirai", "test", False, 20),
        ("mirai", "train", False, 30),
        ("mirai", "validation", False, 20),
    ]
    assert data.excluded == {"connections of unknown families, in the periods train and validation": 20}
    learned = data.to_learn_from()
    assert set(learned.keys["period"]) == {"train", "validation"}
    assert learned.excluded["connections of the test period"] == 60
    assert not {MADE[1].capture_id, MADE[6].capture_id} & set(learned.captures)


@pytest.mark.parametrize("level", ["connection", "capture"])
def test_known_families_make_all_others_unknown(workspace: Workspace, level: Level) -> None:
    """With known families named, what is malicious and of none of them is unknown, a missing name too."""
    data = load_dataset(workspace, level, SPEC, dataset=dataset(known_families=["mirai"]))
    marked = data.keys.filter(pl.Series(data.unknown))
    assert set(marked["family"]) == {"emotet"}
    assert set(data.to_learn_from().keys["family"]) == {"mirai", None}
    assert data.to_learn_from().y.sum() == (data.keys["family"] == "mirai").sum()


def test_groups_that_reach_into_a_later_period_are_not_learned_from(tmp_path: Path) -> None:
    """A capture of the train period that shares a PCAP with one of the test period is left out, and why."""
    made = [*MADE, Made("copy", "malicious", family="mirai", source="trap", start=day(5), sha256="a" * 64)]
    made += [Made("later", "malicious", family="mirai", source="box", start=day(25), sha256="a" * 64)]
    workspace = build_workspace(tmp_path, made)
    label_connections(workspace, engine=LocalEngine(1))
    table = resolved(labelled_captures(workspace, "capture", dataset(periods=PERIODS)))
    rows = {row["name"]: row for row in table.iter_rows(named=True)}
    assert rows["later"]["period"] == "test"
    assert rows["copy"]["period"] is None
    assert rows["copy"]["left_out"] == "shares packets, or a host at one time, with the period test"
    assert rows["copy"]["linked"] == ["pcap"]


def test_the_resolved_list_tells_all(workspace: Workspace) -> None:
    """Every capture is listed, with its time, group and period, and the reason if it is left out."""
    settings = dataset(exclude_sources=["box"], periods=PERIODS)
    table = resolved(labelled_captures(workspace, "connection", settings))
    rows = {row["name"]: row for row in table.iter_rows(named=True)}
    assert len(rows) == len(MADE)
    one = rows["mirai1"]
    assert {key: one[key] for key in ("source", "label", "family", "unit", "connections", "untimed")} == {
        "source": "trap",
        "label": "malicious",
        "family": "mirai",
        "unit": "file",
        "connections": 30,
        "untimed": 0,
    }
    assert (one["start"], one["period"], one["known"], one["left_out"]) == (day(2), "train", True, None)
    assert one["group"] == MADE[0].capture_id
    assert (rows["office3"]["left_out"], rows["office3"]["period"]) == ("excluded source", None)


def test_what_is_left_out_is_counted(workspace: Workspace) -> None:
    """The dataset counts captures that were left out, by reason, and has no row of them."""
    data = load_dataset(
        workspace, "connection", SPEC, dataset=dataset(exclude_sources=["box"], min_connections=20)
    )
    assert data.excluded == {
        "captures left out: excluded source": 3,
        "captures left out: too few connections": 1,
    }
    assert data.counts()["captures"] == 4
    assert data.available == 90


def test_captures_without_a_time_are_in_no_period(tmp_path: Path) -> None:
    """Where time matters, a capture of 1970 is left out and counted; where it does not, it stays."""
    made = [*MADE, Made("old", "malicious", start=datetime(1970, 1, 1, tzinfo=UTC))]
    workspace = build_workspace(tmp_path, made)
    label_connections(workspace, engine=LocalEngine(1))
    for values in ({"periods": PERIODS}, {"since": day(1)}, {"until": day(30)}):
        data = load_dataset(workspace, "capture", SPEC, dataset=dataset(**values))
        assert data.excluded["captures left out: no time that can be believed"] == 1
    assert load_dataset(workspace, "capture", SPEC).counts()["captures"] == 9


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sources": ["trab"]}, r"dataset\.sources: no capture has 'trab'(.|\n)*did you mean 'trap'"),
        ({"exclude_families": ["emotett"]}, r"dataset\.exclude_families(.|\n)*did you mean 'emotet'"),
        ({"unknown_families": ["miray"]}, r"dataset\.unknown_families(.|\n)*did you mean 'mirai'"),
        ({"exclude_captures": ["offise1"]}, r"dataset\.exclude_captures(.|\n)*did you mean 'office1'"),
    ],
)
def test_names_that_nobody_has_are_refused(workspace: Workspace, values: dict[str, Any], said: str) -> None:
    """A slip of the pen in a name is answered with the nearest, not with an empty or a full choice."""
    with pytest.raises(SettingsError, match=said):
        labelled_captures(workspace, "connection", dataset(**values))


def test_a_choice_that_leaves_nothing_says_why(workspace: Workspace) -> None:
    """The message counts the captures by what left them out."""
    with pytest.raises(BadData, match=r"leaves none of 8 captures: 5 another source, 3 begins before"):
        labelled_captures(workspace, "connection", dataset(sources=["box"], since=day(29)))


def test_an_empty_train_period_says_why(workspace: Workspace) -> None:
    """With nothing to learn from, the message counts where the captures lie."""
    periods = {"train": (day(28), day(29)), "test": (day(29), day(30))}
    with pytest.raises(BadData, match="leaves none of 8 captures: 8 outside of all periods"):
        labelled_captures(workspace, "connection", dataset(periods=periods))
    periods = {"train": (day(5), day(6)), "test": (day(6), day(30))}
    with pytest.raises(BadData, match=r"no capture lies in dataset\.periods\.train: 5 chosen, 3 outside"):
        labelled_captures(workspace, "connection", dataset(periods=periods))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"known_families": ["a"], "unknown_families": ["b"]}, "known_families or unknown_families"),
        ({"sources": ["a"], "exclude_sources": ["a"]}, "'a' is both in sources and in exclude_sources"),
        ({"since": day(2), "until": day(1)}, "until lies before since"),
        ({"min_connections": 5, "max_connections": 4}, "max_connections is less"),
        ({"periods": {"test": PERIODS["test"]}}, "none called `train`"),
        ({"periods": {"train": (day(2), day(1))}}, "train ends before it begins"),
        (
            {"periods": {"train": (day(1), day(9)), "test": (day(8), day(10))}},
            "test begins before train has ended",
        ),
        ({"source": ["a"]}, r"unknown key 'source'(.|\n)*did you mean 'sources'"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(values: dict[str, Any], said: str) -> None:
    """Each contradiction is told before any capture is looked at."""
    with pytest.raises(SettingsError, match=said):
        dataset(**values)


def test_dates_are_moments_of_utc() -> None:
    """A date is its midnight, a moment without zone is UTC's, one with a zone is converted."""
    zoned = datetime.fromisoformat("2021-01-03T02:00:00+02:00")
    found = dataset(since="2021-01-02", until=zoned)
    assert (found.since, found.until) == (
        datetime(2021, 1, 2, tzinfo=UTC),
        datetime(2021, 1, 3, tzinfo=UTC),
    )
