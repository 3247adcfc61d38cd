from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import SettingsError
from ptml.sources.simulator import MALICIOUS, CapturePlan, plan_captures

FAMILIES = {behaviour.name for behaviour in MALICIOUS}


def plans_of(**changes: object) -> list[CapturePlan]:
    """Plans of 30 captures, some settings changed."""
    settings = {"captures": 30, "hours": 2.0, "hosts": 10, "connections": 30_000, "seed": 4} | changes
    return plan_captures(**settings)  # type: ignore[arg-type]


@given(captures=st.integers(1, 40), spare=st.integers(0, 5_000), seed=st.integers(0, 2**63))
def test_connections_add_up(captures: int, spare: int, seed: int) -> None:
    """The captures share the connections out exactly, and none gets fewer than twenty."""
    plans = plans_of(captures=captures, connections=20 * captures + spare, seed=seed)
    assert sum(plan.connections for plan in plans) == 20 * captures + spare
    assert min(plan.connections for plan in plans) >= 20


def test_same_seed_same_plans() -> None:
    """Plans follow from the seed; captures differ in seed, day, hour and size."""
    assert plans_of() == plans_of()
    assert plans_of() != plans_of(seed=5)
    plans = plans_of()
    for name in ("seed", "started_at", "connections", "name"):
        assert len({getattr(plan, name) for plan in plans}) > 25
    assert len({plan.started_at.date() for plan in plans}) > 15
    assert len({plan.started_at.hour for plan in plans}) > 6
    assert len(set(plans)) == 30


def test_captures_start_on_workdays_in_utc() -> None:
    """No capture starts on a weekend."""
    assert all(plan.started_at.tzinfo is UTC and plan.started_at.weekday() < 5 for plan in plans_of())


def test_names_say_what_is_in_a_capture() -> None:
    """A name is the position and the family, or benign."""
    for place, plan in enumerate(plans_of()):
        assert plan.name == f"sim-{place:04d}-{plan.behaviours[0] if plan.behaviours else 'benign'}"


def test_families_take_turns() -> None:
    """Half of 30 captures are malicious; all families come before one comes twice."""
    used = [plan.behaviours[0] for plan in plans_of() if plan.behaviours]
    assert len(used) == 15
    assert set(used) == FAMILIES
    assert all(not plan.behaviours for plan in plans_of(malicious_share=0.0))


def test_families_can_be_chosen_and_left_out() -> None:
    """Only the chosen families appear, without the excluded ones."""
    chosen = plans_of(families=["dga", "p2p-bot"], exclude_families=["dga"])
    assert {plan.behaviours for plan in chosen} == {(), ("p2p-bot",)}


def test_a_number_of_connections_is_found() -> None:
    """Without a number, captures of twice the hosts and hours get four times the connections."""
    small = sum(plan.connections for plan in plans_of(connections=None))
    large = sum(plan.connections for plan in plans_of(connections=None, hosts=20, hours=4.0))
    assert large == 4 * small


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"families": ["http-beakon"]}, "no family is called 'http-beakon'\nTry: did you mean 'http-beacon'"),
        ({"exclude_families": ["zzz"]}, "no family is called 'zzz'\nTry: use one of"),
        ({"families": ["dga"], "exclude_families": ["dga"]}, "no malicious family is left"),
        ({"connections": 100}, "100 connections are too few for 30 captures"),
        ({"captures": 0}, "captures must be more than 0, not 0"),
        ({"hours": -1.0}, "hours must be more than 0, not -1.0"),
        ({"hosts": 0}, "hosts must be more than 0, not 0"),
        ({"hosts": 20_001}, "hosts must be at most 20000, the inside is a /16, not 20001"),
        ({"malicious_share": 1.5}, "malicious_share must lie between 0 and 1, not 1.5"),
    ],
)
def test_impossible_plans_are_refused(changes: dict[str, object], match: str) -> None:
    """An unknown family or an impossible number is named, with what to do."""
    with pytest.raises(SettingsError, match=match):
        plans_of(**changes)
