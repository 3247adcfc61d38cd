from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from ptml.train.audit import CHECKS, audit_dataset, origins
from ptml.train.audit.shortcuts import PLACES, PORTS, PROTOCOLS
from tests.train.audit.datasets import NUMBERS, ROWS, clean, number, taken, with_feature, with_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.types import Light


def lights(data: Dataset) -> dict[str, Light | None]:
    """Audit a dataset; give each check's light."""
    return {finding.check: finding.light for finding in audit_dataset(data).findings}


def copied(data: Dataset, of: slice, *, other_label: bool, noise: float = 0.0) -> Dataset:
    """Let each capture of a slice have the rows of another capture, of its own label or the other."""
    inputs = data.inputs.to_dict(as_series=False)
    rng = np.random.default_rng(5)
    step = 1 if other_label else 2
    for capture in range(64)[of]:
        to, start = capture * ROWS, ((capture + step) % 64) * ROWS
        for values in inputs.values():
            values[to : to + ROWS] = [
                value * (1 + noise * rng.uniform(-1, 1)) if isinstance(value, float) else value
                for value in values[start : start + ROWS]
            ]
    return replace(data, inputs=type(data.inputs)(inputs, schema=data.inputs.schema))


def agreeing(y: NDArray[np.int8], share: float) -> NDArray[np.int8]:
    """Repeat a label in this share of the rows, and the other in the rest."""
    return np.where(np.random.default_rng(3).random(len(y)) < share, y, 1 - y)


def same_rows(data: Dataset) -> Dataset:
    """Half of the captures hold rows of another capture of their class."""
    return copied(data, slice(0, 64, 3), other_label=False)


def nearly_same_rows(data: Dataset) -> Dataset:
    """Two thirds of the captures hold rows of another, every number changed by up to a hundredth."""
    data = copied(data, slice(0, 64, 4), other_label=False, noise=0.01)
    return copied(data, slice(1, 64, 4), other_label=False, noise=0.01)


def same_rows_other_label(data: Dataset) -> Dataset:
    """A quarter of the captures hold rows of a capture of the other class."""
    return copied(data, slice(0, 64, 8), other_label=True)


def telling_feature(data: Dataset) -> Dataset:
    """A number is larger in every malicious row than in any benign one."""
    return with_feature(data, "mean_packet_gap", data.y * 10 + np.random.default_rng(5).random(len(data.y)))


def telling_nulls(data: Dataset) -> Dataset:
    """A feature is known in benign rows only: a log that malicious captures lack."""
    values = np.where(data.y == 1, np.nan, number(data, "mean_packet_gap"))
    changed = with_feature(data, "mean_packet_gap", values)
    return replace(changed, inputs=changed.inputs.fill_nan(None))


def constant_feature(data: Dataset) -> Dataset:
    """A feature is 0 in all malicious rows, and something else in half of the benign ones."""
    values = np.where((data.y == 0) & (np.random.default_rng(5).random(len(data.y)) < 0.5), 7, 0)
    return with_feature(data, "dns_query_length", values)


def telling_port(data: Dataset) -> Dataset:
    """Nine in ten malicious rows go to another port than nine in ten benign ones."""
    return with_feature(data, "well_known_port", np.where(agreeing(data.y, 0.92) == 1, 4444, 443))


def telling_protocol(data: Dataset) -> Dataset:
    """Nine in ten malicious rows speak another protocol than nine in ten benign ones."""
    return with_feature(data, "service", np.where(agreeing(data.y, 0.92) == 1, "irc", "http").tolist())


def telling_place(data: Dataset) -> Dataset:
    """Nine in ten malicious rows come from private addresses, nine in ten benign ones do not."""
    return with_feature(data, "orig_private", agreeing(data.y, 0.92))


def telling_sources(data: Dataset) -> Dataset:
    """Each source has one class only."""
    return with_key(data, "source", np.where(data.y == 1, "trap", "office").tolist())


def some_sources_of_one_class(data: Dataset) -> Dataset:
    """A third of the captures are from two sources of one class each."""
    names = np.where(data.y == 1, "trap", "office")
    third = data.groups % 3 == 0
    return with_key(data, "source", np.where(third, names, data.keys["source"].to_numpy()).tolist())


def one_source(data: Dataset) -> Dataset:
    """All captures are from one source."""
    return with_key(data, "source", ["lab"] * len(data.y))


def showing_sources(data: Dataset) -> Dataset:
    """A feature without worth for the label lies elsewhere in each source."""
    shift = data.keys["source"].rank("dense").to_numpy()
    return with_feature(data, "mean_packet_gap", number(data, "mean_packet_gap") * 10.0 ** (2 * shift))


def sometimes_showing_sources(data: Dataset) -> Dataset:
    """The same feature shows the source of every third capture only: a third of the way to certainty."""
    shown = showing_sources(data).inputs["mean_packet_gap"]
    every_third = pl.Series(data.groups % 3 == 0)
    return with_feature(
        data, "mean_packet_gap", shown.zip_with(every_third, data.inputs["mean_packet_gap"]).to_numpy()
    )


def confounded_sources(data: Dataset) -> Dataset:
    """Each source has one class, and a feature shows the source."""
    return showing_sources(
        with_key(
            data, "source", [f"s{y}{group % 4 // 2}" for y, group in zip(data.y, data.groups, strict=True)]
        )
    )


def older_benign(data: Dataset) -> Dataset:
    """Every benign capture is older than any malicious one."""
    earlier = data.keys["ts"].dt.offset_by("-1y")
    return with_key(data, "ts", earlier.zip_with(pl.Series(data.y == 0), data.keys["ts"]).to_list())


def alternating_periods(data: Dataset) -> Dataset:
    """The benign captures lie before and after the malicious ones, so that neither is later on the whole."""
    times = data.keys["ts"]
    moved = [
        time.replace(year=2026 if y else (2025 if group % 4 else 2027))
        for time, y, group in zip(times, data.y, data.groups, strict=True)
    ]
    return with_key(data, "ts", moved)


def telling_hosts(data: Dataset) -> Dataset:
    """Each host opens connections in captures of one class only."""
    names = [f"10.{y}.0.{group % 8}" for y, group in zip(data.y, data.groups, strict=True)]
    return with_key(data, "host", names)


def rare_malice(data: Dataset) -> Dataset:
    """Three of 35 captures are malicious."""
    return taken(data, (data.y == 0) | (data.groups < 6))


def single_malicious(data: Dataset) -> Dataset:
    """One capture of 64 is malicious."""
    data = clean(captures=126)
    return taken(data, (data.y == 0) | (data.groups < 2))


def one_family(data: Dataset) -> Dataset:
    """All malicious captures are of one family."""
    return with_key(data, "family", [("amber" if y else None) for y in data.y])


def unlike_captures(data: Dataset) -> Dataset:
    """Of twelve captures each has its own ranges of all numbers."""
    data = taken(data, data.groups < 12)
    rng = np.random.default_rng(5)
    for name in NUMBERS:
        data = with_feature(data, name, number(data, name) * 1000.0 ** rng.permutation(12)[data.groups])
    return data


def drifting(data: Dataset) -> Dataset:
    """Three of eleven numbers grow tenfold in the later half of the year, in both classes."""
    days = data.keys["ts"].dt.ordinal_day().to_numpy()
    for name in ("duration", "orig_bytes", "mean_packet_gap"):
        data = with_feature(data, name, np.where(days > 32, 10, 1) * number(data, name))
    return data


def few(data: Dataset) -> Dataset:
    """Eight captures of a class."""
    return taken(data, data.groups < 16)


def flooded(data: Dataset) -> Dataset:
    """One capture holds 2,000 rows of 2,756, all unlike each other."""
    more = clean(seed=9, captures=2, rows=2000)
    more = taken(more, more.groups == 0)
    keys = pl.concat([data.keys[:1].drop("uid")] * 2000).insert_column(1, more.keys["uid"])
    return replace(
        data,
        inputs=pl.concat([data.inputs, more.inputs]),
        y=np.concatenate([data.y, more.y]),
        keys=pl.concat([data.keys, keys]),
        groups=np.concatenate([data.groups, np.zeros(2000, np.int64)]),
        weights=np.ones(len(data.y) + 2000),
    )


def all_simulated(data: Dataset) -> Dataset:
    """All captures are simulated."""
    return with_key(data, "source", ["simulator"] * len(data.y))


def some_simulated(data: Dataset) -> Dataset:
    """A third of the captures is simulated, as often malicious as the others."""
    return with_key(data, "source", data.keys["source"].replace("west", "simulator").to_list())


def simulated_malice(data: Dataset) -> Dataset:
    """All malicious captures, and no others, are simulated."""
    return with_key(
        data, "source", np.where(data.y == 1, "simulator", data.keys["source"].to_numpy()).tolist()
    )


ABOUT_SOURCES = {"source-tells-label", "one-class-sources", "source-in-features"}
FEW_MALICIOUS = {
    "few-captures",
    "family-balance",
    "fold-spread",
    "host-tells-label",
    "class-balance",
    "time-drift",
}
FOREST = {"ports-alone", "protocols-alone", "places-alone"}
PLANTS: tuple[tuple[Callable[[Dataset], Dataset], str, Light, set[str]], ...] = (
    (same_rows, "exact-duplicates", "red", {"near-duplicates"}),
    (nearly_same_rows, "near-duplicates", "red", set()),
    (same_rows_other_label, "label-conflicts", "red", {"exact-duplicates", "near-duplicates"}),
    (telling_feature, "single-feature", "red", set()),
    (telling_nulls, "single-feature", "red", {"constant-in-class"}),
    (telling_nulls, "constant-in-class", "red", {"single-feature"}),
    (constant_feature, "constant-in-class", "amber", set()),
    (telling_port, "ports-alone", "amber", set()),
    (telling_protocol, "protocols-alone", "amber", set()),
    (telling_place, "places-alone", "amber", set()),
    (telling_sources, "source-tells-label", "red", ABOUT_SOURCES),
    (some_sources_of_one_class, "one-class-sources", "amber", ABOUT_SOURCES),
    (one_source, "one-class-sources", "amber", ABOUT_SOURCES),
    (showing_sources, "source-in-features", "amber", set()),
    (sometimes_showing_sources, "source-in-features", "amber", set()),
    (confounded_sources, "source-in-features", "red", ABOUT_SOURCES | {"single-feature"}),
    (older_benign, "time-tells-label", "red", set()),
    (alternating_periods, "time-tells-label", "amber", set()),
    (telling_hosts, "host-tells-label", "red", set()),
    (rare_malice, "class-balance", "amber", FEW_MALICIOUS),
    (single_malicious, "class-balance", "red", FEW_MALICIOUS | FOREST | ABOUT_SOURCES | {"time-tells-label"}),
    (one_family, "family-balance", "red", set()),
    (unlike_captures, "fold-spread", "amber", {"few-captures", "time-drift", "source-in-features"}),
    (drifting, "time-drift", "amber", set()),
    (few, "few-captures", "red", {"time-drift"}),
    (flooded, "floods", "amber", set()),
    (all_simulated, "simulated", "amber", ABOUT_SOURCES),
    (some_simulated, "simulated", "amber", set()),
    (simulated_malice, "simulated", "red", ABOUT_SOURCES),
)


@pytest.mark.parametrize("seed", range(4))
def test_a_clean_dataset_is_green(seed: int) -> None:
    """Where nothing is wrong every check looks, and none says anything."""
    assert lights(clean(seed)) == {check.name: "green" for check in CHECKS}


@pytest.mark.parametrize(("plant", "check", "light", "others"), PLANTS)
def test_a_planted_defect_is_found(
    plant: Callable[[Dataset], Dataset], check: str, light: Light, others: set[str]
) -> None:
    """A defect turns its check's light; no check that has nothing to do with it changes."""
    after = lights(plant(clean()))
    assert after[check] == light
    assert {name for name, now in after.items() if now != "green"} - {check} <= others


def test_every_check_has_a_planted_defect() -> None:
    """No check is there that nothing proves."""
    assert {check for _, check, _, _ in PLANTS} == {check.name for check in CHECKS}


def test_features_of_probes_exist() -> None:
    """The features that probes look at are in the catalogue; a renamed one would silently be passed over."""
    known = {feature.name for feature in (*CONNECTION_FEATURES, *CAPTURE_FEATURES)}
    assert not set(PORTS + PROTOCOLS + PLACES) - known


@pytest.mark.parametrize(("low", "light"), [(0.54, "green"), (0.56, "amber")])
def test_the_lower_end_decides_whether_sources_show(
    monkeypatch: pytest.MonkeyPatch, low: float, light: Light
) -> None:
    """Of two sources 0.6 named right is a fifth of the way; amber only if the lower end is a tenth of it."""
    monkeypatch.setattr(origins, "share_of_classes", lambda *_, **__: (0.6, low))
    data = clean()
    two = np.where(data.groups % 2 == 0, "east", "west").tolist()
    assert lights(with_key(data, "source", two))["source-in-features"] == light
