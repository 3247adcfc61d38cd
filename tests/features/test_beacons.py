"""Claims about beacons: the table of pairs, and the scores on each connection."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.errors import MissingInput
from ptml.features.beacons import BESIDE, TYPES
from ptml.features.build import connection_features, iter_connection_features, pair_features
from ptml.features.connection.beacon import BEACONS
from ptml.features.stage import features, pairs
from ptml.parse.stage import parse
from ptml.schema import PAIRS
from ptml.settings import SimulateSettings
from ptml.sources.simulate import simulate
from tests.features.frames import SECOND, conn, conn_row, log

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.features.family import Logs
    from ptml.workspace import Workspace

FEATURES = [feature.name for family in BEACONS for feature in family.features]
DAY = 86_400

connection = st.fixed_dictionaries(
    {
        "ts": st.integers(0, 300) | st.integers(0, 40_000),
        "id__orig_h": st.sampled_from(["10.0.0.1", "10.0.0.2", None]),
        "id__resp_h": st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        "id__resp_p": st.sampled_from([53, 443]),
        "orig_ip_bytes": st.sampled_from([0, 60, 61, 3000, 2**63, None]),
        "orig_bytes": st.sampled_from([0, 20, None]),
        "name": st.sampled_from(["a.test", "B.test", "b.test:8080", "", None]),
    }
)
connections = st.lists(connection, min_size=1, max_size=40)


def logs_of(rows: list[dict[str, Any]], *, days: int = 0, prefix: str = "") -> dict[str, pl.LazyFrame]:
    """Make conn, ssl and dns of drawn connections, later by whole days, with other addresses."""
    kept = [{**row, "uid": f"C{number}"} for number, row in enumerate(rows)]
    conns = []
    for row in kept:
        changes = {key: value for key, value in row.items() if key not in ("ts", "uid", "name")}
        for end in ("id__orig_h", "id__resp_h"):
            changes[end] = prefix + changes[end] if changes[end] else None
        conns.append(conn_row(row["uid"], row["ts"] + days * DAY, **changes))
    names = [{"uid": row["uid"], "server_name": row["name"]} for row in kept]
    queries = [{"uid": row["uid"], "query": row["name"]} for row in kept]
    return {"conn": conn(*conns), "ssl": log("ssl", names), "dns": log("dns", queries)}


def scores(logs: Logs) -> pl.DataFrame:
    """Give the features of this family, by uid."""
    return connection_features(logs).select("uid", *FEATURES).sort("uid").collect()


def clockwork(count: int, gap: int = 60, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - values of many types
    """Give connections at equal gaps with equal sizes."""
    uid = changes.pop("uid", "B")
    return [conn_row(f"{uid}{number}", number * gap, **changes) for number in range(count)]


@settings(max_examples=25)
@given(connections, st.integers(1, 15))
def test_connections_carry_the_scores_of_their_pairs(rows: list[dict[str, Any]], batch_rows: int) -> None:
    """Every connection's scores of addresses are those of its pair's row in the table."""
    logs = logs_of(rows)
    table = pair_features(logs).filter(kind="address").collect()
    keyed = {row[:3]: row[3:] for row in table.select("orig_h", "resp", "resp_p", *BESIDE).rows()}
    found = pl.concat(iter_connection_features(logs, batch_rows=batch_rows))
    for row in found.select("id.orig_h", "id.resp_h", "id.resp_p", *FEATURES[: len(BESIDE)]).rows():
        assert row[3:] == keyed.get(row[:3], (None,) * len(BESIDE))
    assert table["connections"].sum() == sum(row["id__orig_h"] is not None for row in rows)


@settings(max_examples=15)
@given(connections, st.randoms(use_true_random=False))
def test_order_and_day_and_addresses_do_not_matter(rows: list[dict[str, Any]], random: Any) -> None:  # noqa: ANN401 - hypothesis gives its own Random
    """Shuffled rows, times later by 3 days and renamed addresses leave every score bit for bit the same."""
    before = scores(logs_of(rows))
    changed = logs_of(rows, days=3, prefix="1")
    for name, frame in changed.items():
        table = frame.collect()
        changed[name] = table[random.sample(range(table.height), table.height)].lazy()
    assert_frame_equal(before, scores(changed), check_exact=True)


@settings(max_examples=15)
@given(connections, st.integers(1, 15))
def test_shares_give_the_same_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], batch_rows: int
) -> None:
    """The table that is written share by share is the one that is made at once."""
    logs = logs_of(rows)
    path = tmp_path_factory.mktemp("pairs") / "pairs.parquet"
    list(iter_connection_features(logs, batch_rows=batch_rows, pairs=path))
    expected = pair_features(logs).drop("capture_id").collect()
    assert_frame_equal(pl.read_parquet(path), expected, check_exact=True)


def test_a_clockwork_has_full_marks() -> None:
    """A connection an hour of one size through a day, the capture's whole span, scores 1 throughout."""
    row = pair_features({"conn": conn(*clockwork(24, 3600))}).collect().row(0, named=True)
    assert [row[name] for name in BESIDE] == [1.0] * 5 + [100, 0.0, 0.0, 100, 100, False]
    assert (row["connections"], row["orig_bytes"], row["resp_bytes"]) == (24, 24 * 30, 24 * 10)
    assert (row["gap_median"], row["gap_mode"], row["gap_mode_count"]) == (3600.0, 3600.0, 23)
    assert (row["last"] - row["first"]).total_seconds() == 23 * 3600


def test_jitter_is_tolerated() -> None:
    """Gaps of 48 to 60 seconds are one period; gaps that double each time are none."""
    times = [0, 48, 107, 167, 217, 270]
    steady = [conn_row(f"S{n}", t) for n, t in enumerate(times)]
    wild = [conn_row(f"W{n}", 2**n, id__resp_p=80) for n in range(6)]
    table = scores({"conn": conn(*steady, *wild)})
    assert table["pair_periodicity"].to_list() == [100] * 6 + [20] * 6
    # 48, 50, 53 and 59, 60 lie in one octave; 1, 2, 4, 8 and 16 in five
    assert table["pair_gap_entropy"].to_list()[::6] == pytest.approx([0.0, 2.322])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_connections_have_no_score(count: int) -> None:
    """Below four connections RITA's scores and the rhythm are null, not zero."""
    row = scores({"conn": conn(*clockwork(count))}).row(0, named=True)
    assert [row[name] for name in FEATURES[:8]] == [None] * 8
    assert row["pair_strobe"] is False
    assert row["pair_orig_bytes_mode"] == (100 if count > 1 else None)


def test_without_sizes_the_rhythm_remains() -> None:
    """A beacon to a dead server has no payload: sizes and the combined score are null, not the others."""
    frame = conn(*clockwork(24)).drop("orig_bytes", "resp_bytes", "orig_ip_bytes")
    row = scores({"conn": frame}).row(0, named=True)
    assert (row["ts_score"], row["hist_score"], row["dur_score"]) == (1.0, 1.0, 1.0)
    assert (row["beacon_score"], row["ds_score"], row["pair_orig_bytes_mode"]) == (None, None, None)


def test_a_name_behind_many_addresses_is_one_pair() -> None:
    """A beacon that changes its address each time shows under its name, however it is written."""
    rows = [conn_row(f"B{n}", n * 3600, id__resp_h=f"203.0.113.{n}") for n in range(24)]
    names = ["C2.test", "c2.test."]
    ssl = log("ssl", [{"uid": f"B{n}", "server_name": names[n % 2]} for n in range(12)])
    http = log("http", [{"uid": f"B{n}", "host": "c2.TEST:8080"} for n in range(12, 24) for _ in range(3)])
    logs = {"conn": conn(*rows), "ssl": ssl, "http": http}
    table = scores(logs)
    assert table["beacon_score"].to_list() == [None] * 24
    assert table["name_beacon_score"].to_list() == [1.0] * 24
    row = pair_features(logs).filter(kind="name").collect().row(0, named=True)
    assert (row["resp"], row["resp_p"], row["connections"]) == ("c2.test", None, 24)


def test_of_several_names_the_highest_counts() -> None:
    """A connection that asks for a steady name and for others has the score of the steady one."""
    dns = [{"uid": f"B{n}", "query": "c2.test"} for n in range(24)]
    dns += [{"uid": f"B{n}", "query": f"n{n}.test"} for n in range(24)]
    logs = {"conn": conn(*clockwork(24, 3600)), "dns": log("dns", dns)}
    assert scores(logs)["dns_beacon_score"].to_list() == [1.0] * 24


def test_queries_are_pairs_of_their_own() -> None:
    """A name asked for at equal gaps is a dns pair, and no pair of TLS or HTTP."""
    dns = log("dns", [{"uid": f"B{n}", "query": "c2.test"} for n in range(24)])
    logs = {"conn": conn(*clockwork(24, 3600, id__resp_p=53)), "dns": dns}
    row = scores(logs).row(0, named=True)
    assert (row["dns_beacon_score"], row["name_beacon_score"]) == (1.0, None)
    assert pair_features(logs).collect()["kind"].to_list() == ["address", "dns"]


def test_strangers_do_not_mix() -> None:
    """A uid that conn lacks, and the same uid in another capture, give no pair."""
    ssl = [log("ssl", [{"uid": "X", "server_name": "a.test"}])]
    ssl += [log("ssl", [{"uid": "B0", "server_name": "a.test"}], capture_id="c2")]
    logs = {"conn": conn(*clockwork(4)), "ssl": pl.concat(ssl)}
    assert pair_features(logs).collect()["kind"].to_list() == ["address"]
    assert scores(logs)["name_beacon_score"].to_list() == [None] * 4


def test_hostile_names_are_cut_and_kept() -> None:
    """Names of 10 kB, with control bytes or not in ASCII, are pairs of at most 256 characters."""
    names = ["é" * 10_000, "a\x00\n\x1b[31m.test", "💥.test"]
    ssl = log("ssl", [{"uid": f"B{n}", "server_name": name} for n, name in enumerate(names)])
    found = pair_features({"conn": conn(*clockwork(3)), "ssl": ssl}).filter(kind="name").collect()
    assert sorted(found["resp"].to_list()) == sorted(["é" * 256, *names[1:]])


def test_a_flood_in_one_second_is_a_strobe() -> None:
    """200,000 connections of one pair within a second are a strobe, without any rhythm."""
    number = pl.int_range(200_000, eager=True)
    frame = pl.select(
        capture_id=pl.lit("c1"),
        uid=pl.format("C{}", number),
        ts=(number + 1_764_000_000 * SECOND).cast(pl.Datetime("us", "UTC")),
        orig_ip_bytes=number.cast(pl.UInt64),
        orig=pl.lit("10.0.0.1"),
        resp=pl.lit("192.0.2.1"),
        port=pl.lit(80, pl.UInt16),
    ).rename({"orig": "id.orig_h", "resp": "id.resp_h", "port": "id.resp_p"})
    table = scores({"conn": frame.lazy()})
    assert table["pair_strobe"].all()
    assert table["beacon_score"].null_count() == frame.height


def test_a_capture_of_one_connection() -> None:
    """One connection is a pair without scores."""
    table = pair_features({"conn": conn(conn_row("C1"))}).collect()
    assert (table.height, table["connections"][0], table["beacon_score"][0]) == (1, 1, None)


def test_no_connections_give_an_empty_typed_table(tmp_path: Path) -> None:
    """Without rows the table has its columns and types, also when it is written."""
    logs = {"conn": conn(conn_row("C1")).head(0), "dns": log("dns", [{"uid": "C1", "query": "a"}])}
    assert pair_features(logs).collect().schema == TYPES
    list(iter_connection_features(logs, pairs=tmp_path / "pairs.parquet"))
    assert pl.read_parquet(tmp_path / "pairs.parquet").schema == {k: TYPES[k] for k in list(TYPES)[1:]}


def test_small_captures_do_without_numba() -> None:
    """The features of a small capture are computed without importing the compiler, which takes a second."""
    code = (
        "import sys; import polars as pl; import ptml;"
        "ts = pl.Series(range(50)).cast(pl.Datetime('us', 'UTC'));"
        "uids = [str(n) for n in range(50)];"
        "conn = pl.LazyFrame({'uid': uids, 'ts': ts, 'id.orig_h': 'a', 'id.resp_h': 'b', 'id.resp_p': 1});"
        "ptml.pair_features({'conn': conn}).collect(); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_stage_writes_a_table_that_is_read_back(workspace: Workspace) -> None:
    """`features` leaves a table of the contract's columns, one row a key; `pairs` reads it by capture."""
    with pytest.raises(MissingInput):
        pairs(workspace)
    simulate(workspace, SimulateSettings(captures=2, hosts=2, hours=0.2), seed=3)
    parse(workspace)
    with pytest.raises(MissingInput, match="no table of pairs"):
        pairs(workspace)
    features(workspace)
    table = pairs(workspace).collect()
    assert table.schema == PAIRS.schema
    assert table.select(PAIRS.key).is_unique().all()
    assert set(table["kind"]) == {"address", "name", "dns"}
    one = table["capture_id"][0]
    assert set(pairs(workspace, [one]).collect()["capture_id"]) == {one}
