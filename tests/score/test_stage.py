"""Claims about scoring a batch of captures, start to end, with a model that can be worked out by hand."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.errors import MissingInput, ModelMismatch
from ptml.schema import CAPTURE_SCORES, CONNECTION_SCORES, HOST_SCORES
from ptml.score import score, stage
from ptml.score.bundle import score_bundle
from ptml.score.capture import NO_CONN, NO_CONNECTIONS
from ptml.settings import ParseSettings
from tests.builders import PCAP, zeek_log
from tests.score.captures import conn, make_model, sigmoid, write_capture
from tests.standin_zeek import stand_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.artifact import Model
    from ptml.errors import PtmlError
    from ptml.score import ScoreResult
    from ptml.score.capture import CaptureOutcome, CaptureTask

TABLES = (
    "connections.parquet",
    "hosts.parquet",
    "captures.parquet",
    "captures.csv",
    "hosts.csv",
    "alerts.jsonl",
)
HERE = LocalEngine(jobs=1)


def scored(tmp_path: Path, model: Model, **changes: object) -> ScoreResult:
    """Score the folder `in` to the folder `out`, in this process."""
    options = {"engine": HERE, **changes}
    return score([tmp_path / "in"], model=model, out=tmp_path / "out", **options)  # type: ignore[arg-type]


def two_captures(tmp_path: Path) -> Model:
    """Write a quiet and a loud capture, and give the model that tells them apart."""
    write_capture(tmp_path / "in" / "quiet", [conn("C1", 1), conn("C2", 5, host="10.0.0.2")])
    write_capture(tmp_path / "in" / "loud", [conn(f"D{n}", n, host="10.0.0.9", ts=n) for n in range(8)])
    return make_model(tmp_path / "tiny")


def test_probabilities_and_verdicts_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    """Each connection has the sigmoid of its packets less five; at one half it is called malicious."""
    scored(tmp_path, two_captures(tmp_path))
    table = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    found = {row["uid"]: (row["probability"], row["verdict"]) for row in table.iter_rows(named=True)}
    packets = {"C1": 1, "C2": 5, **{f"D{n}": n for n in range(8)}}
    for uid, count in packets.items():
        assert found[uid] == (
            pytest.approx(sigmoid(count - 5), abs=1e-6),
            "malicious" if count >= 5 else "benign",
        )
    assert len(found) == len(packets)


def test_captures_are_judged_by_their_own_model_and_ranked(tmp_path: Path) -> None:
    """Eight connections less three as log-odds is loud, two less three is quiet; loud stands first."""
    result = scored(tmp_path, two_captures(tmp_path))
    loud, quiet = result.captures
    assert (loud["name"], loud["connections"], loud["alerts"], loud["verdict"]) == ("loud", 8, 3, "malicious")
    assert loud["probability"] == pytest.approx(sigmoid(5), abs=1e-6)
    assert loud["top_probability"] == pytest.approx(sigmoid(2), abs=1e-6)
    assert loud["mean_probability"] == pytest.approx(sum(sigmoid(n - 5) for n in range(8)) / 8, abs=1e-6)
    assert quiet["mean_probability"] == pytest.approx((sigmoid(-4) + 0.5) / 2, abs=1e-6)
    assert (quiet["name"], quiet["alerts"], quiet["verdict"]) == ("quiet", 1, "benign")
    assert quiet["probability"] == pytest.approx(sigmoid(-1), abs=1e-6)
    assert result.found_malicious


def test_captures_are_judged_by_their_connections_where_the_model_says_so(tmp_path: Path) -> None:
    """The loud capture's median connection has 3.5 packets, less five, less one: log-odds -2.5."""
    two_captures(tmp_path)
    result = scored(tmp_path, make_model(tmp_path / "stacked", stack=True))
    found = {row["name"]: row["probability"] for row in result.captures}
    assert found["loud"] == pytest.approx(sigmoid(-2.5), abs=1e-6)
    assert found["quiet"] == pytest.approx(sigmoid((-4 + 0) / 2 - 1), abs=1e-6)


def test_captures_from_training_are_told_in_result_record_and_page(tmp_path: Path) -> None:
    """A model that was trained on one of the two says so of that one, wherever its scores are read."""
    first = scored(tmp_path, two_captures(tmp_path))
    loud = first.captures[0]["capture_id"]
    assert first.in_training == 0
    assert "in training" not in first.report.read_text("utf-8")
    result = scored(tmp_path, make_model(tmp_path / "seen", captures=[loud]))
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert result.in_training == run["totals"]["in_training"] == 1
    assert [record["in_training"] for record in run["captures"]] == [True, False]
    assert "1 of 2 captures was in training." in result.report.read_text("utf-8")


def test_hosts_sum_up_the_connections_they_began(tmp_path: Path) -> None:
    """Hosts stand by risk over all captures, with their own counts."""
    scored(tmp_path, two_captures(tmp_path))
    hosts = pl.read_parquet(tmp_path / "out" / "hosts.parquet")
    assert hosts.select("host", "connections", "alerts", "verdict").rows() == [
        ("10.0.0.9", 8, 3, "malicious"),
        ("10.0.0.2", 1, 1, "malicious"),
        ("10.0.0.1", 1, 0, "benign"),
    ]


def test_tables_obey_their_contract(tmp_path: Path) -> None:
    """Columns, order and types are those of the schema."""
    scored(tmp_path, two_captures(tmp_path))
    for table, name in (
        (CONNECTION_SCORES, "connections"),
        (HOST_SCORES, "hosts"),
        (CAPTURE_SCORES, "captures"),
    ):
        frame = pl.read_parquet(tmp_path / "out" / f"{name}.parquet")
        assert dict(frame.schema) == table.schema
        assert frame.select(table.key).is_duplicated().sum() == 0


def test_the_size_of_batches_changes_nothing(tmp_path: Path) -> None:
    """Scored three connections at a time, the tables are the same to the byte."""
    model = two_captures(tmp_path)
    scored(tmp_path, model)
    before = {
        name: (tmp_path / "out" / name).read_bytes() for name in TABLES if name != "connections.parquet"
    }
    whole = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    scored(tmp_path, model, force=True, batch_rows=3)
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in before}
    assert pl.read_parquet(tmp_path / "out" / "connections.parquet").equals(whole)


def test_a_second_run_scores_only_what_is_new_and_gives_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unchanged captures are taken over, a new one is scored; the tables are as if all had been scored."""
    model = two_captures(tmp_path)
    first = scored(tmp_path, model)
    assert first.unchanged == ()
    write_capture(tmp_path / "in" / "new", [conn("E1", 9)])
    worked: list[str] = []

    def noted(tasks: Sequence[CaptureTask]) -> list[CaptureOutcome | PtmlError]:
        worked.extend(task.found.name for task in tasks)
        return score_bundle(tasks)

    monkeypatch.setattr(stage, "score_bundle", noted)
    second = scored(tmp_path, model)
    assert (worked, second.unchanged) == (["new"], ("loud", "quiet"))
    tables = {name: (tmp_path / "out" / name).read_bytes() for name in TABLES}
    scored(tmp_path, model, force=True)
    assert worked == ["new", "loud", "new", "quiet"]
    assert tables == {name: (tmp_path / "out" / name).read_bytes() for name in TABLES}


def test_a_changed_capture_or_another_model_is_scored_anew(tmp_path: Path) -> None:
    """What could differ is not taken over."""
    model = two_captures(tmp_path)
    scored(tmp_path, model)
    write_capture(tmp_path / "in" / "quiet", [conn("C1", 9)])
    assert scored(tmp_path, model).unchanged == ("loud",)
    assert scored(tmp_path, make_model(tmp_path / "other", threshold=0.9)).unchanged == ()


def test_an_earlier_output_that_was_damaged_is_not_built_on(tmp_path: Path) -> None:
    """A table that is not the one that the record names is not taken over."""
    model = two_captures(tmp_path)
    scored(tmp_path, model)
    (tmp_path / "out" / "connections.parquet").write_bytes(b"not Parquet")
    assert scored(tmp_path, model).unchanged == ()


def test_worker_processes_give_the_same_tables(tmp_path: Path) -> None:
    """Spread over two processes, the tables are the same to the byte."""
    model = two_captures(tmp_path)
    scored(tmp_path, model)
    alone = {name: (tmp_path / "out" / name).read_bytes() for name in TABLES}
    scored(tmp_path, model, engine=LocalEngine(jobs=2), force=True)
    assert alone == {name: (tmp_path / "out" / name).read_bytes() for name in TABLES}


def test_a_capture_without_connections_is_unknown_not_benign(tmp_path: Path) -> None:
    """A conn.log without rows gives a row with null probability and null verdict, and the reason."""
    write_capture(tmp_path / "in" / "empty", [])
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    (row,) = result.captures
    assert (row["connections"], row["probability"], row["mean_probability"], row["verdict"]) == (
        0,
        None,
        None,
        None,
    )
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["captures"][0]["notes"] == [NO_CONNECTIONS]
    assert run["totals"]["unscored"] == 1
    assert not result.found_malicious


def test_packet_captures_are_scored_by_way_of_zeek(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PCAP has the scores of the logs that Zeek makes of it; what Zeek said is in the record of the run."""
    logs = write_capture(tmp_path / "logs", [conn(f"D{n}", n, host="10.0.0.9", ts=n) for n in range(8)])
    (logs / "weird.log").write_bytes(zeek_log("weird", {"name": "string"}, [["odd"]]))
    monkeypatch.setenv("PTML_ZEEK", str(stand_in(tmp_path / "bin", logs)))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/night.pcap.gz").write_bytes(gzip.compress(PCAP))
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    [row] = result.captures
    assert (row["name"], row["connections"], row["alerts"]) == ("night.pcap.gz", 8, 3)
    assert row["verdict"] == "malicious"
    [record] = json.loads((tmp_path / "out/run.json").read_text())["captures"]
    assert "Zeek's weird.log: odd 1" in record["notes"]


def test_limits_of_zeek_hold_for_scoring_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture that takes Zeek too long is skipped, with the reason."""
    logs = write_capture(tmp_path / "logs", [conn("D0", 0)])
    monkeypatch.setenv("PTML_ZEEK", str(stand_in(tmp_path / "bin", logs, "fill")))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/night.pcap").write_bytes(PCAP)
    with pytest.raises(MissingInput, match=r"night\.pcap: zeek wrote 1048576 bytes or more"):
        scored(tmp_path, make_model(tmp_path / "tiny"), parsing=ParseSettings(zeek_output_gb=1 / 1024))


def test_a_packet_capture_without_connections_is_unknown_not_benign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeek writes no conn.log where there was no connection: that is no fault of the capture."""
    (tmp_path / "logs").mkdir()
    monkeypatch.setenv("PTML_ZEEK", str(stand_in(tmp_path / "bin", tmp_path / "logs")))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/empty.pcap").write_bytes(PCAP)
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    assert [(row["connections"], row["verdict"]) for row in result.captures] == [(0, None)]


def test_a_capture_without_conn_log_is_skipped_and_the_others_go_on(tmp_path: Path) -> None:
    """The reason stands in the result, in the record and on the page."""
    model = two_captures(tmp_path)
    write_capture(tmp_path / "in" / "names", [conn("C1", 1)], log="dns")
    result = scored(tmp_path, model)
    assert [(one.path, one.reason) for one in result.skipped] == [(str(tmp_path / "in" / "names"), NO_CONN)]
    assert len(result.captures) == 2
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["skipped"] == [{"path": str(tmp_path / "in" / "names"), "reason": NO_CONN}]
    assert NO_CONN in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_lines_that_cannot_be_read_are_counted_with_the_reason(tmp_path: Path) -> None:
    """A broken line is set aside; rows read and rows set aside are all lines."""
    folder = write_capture(tmp_path / "in" / "torn", [conn("C1", 1), conn("C2", 2)])
    with (folder / "conn.log").open("a") as file:
        file.write("torn line\n")
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    (record,) = json.loads((tmp_path / "out" / "run.json").read_text())["captures"]
    assert (record["rows_read"], record["rows_quarantined"]) == (2, 1)
    assert sum(record["quarantine_reasons"].values()) == 1
    assert result.totals["rows_quarantined"] == 1


def test_repeated_uids_are_left_out_and_counted(tmp_path: Path) -> None:
    """Of a uid that comes twice the first row is scored, and the second is counted as left out."""
    write_capture(tmp_path / "in" / "twice", [conn("C1", 1), conn("C1", 9)])
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    assert (result.totals["connections"], result.totals["alerts"], result.totals["rows_left_out"]) == (
        1,
        0,
        1,
    )


def test_captures_of_equal_content_are_scored_once(tmp_path: Path) -> None:
    """A copy of a capture is reported as such, since its rows would have the same keys."""
    write_capture(tmp_path / "in" / "a", [conn("C1", 1)])
    write_capture(tmp_path / "in" / "b", [conn("C1", 1)])
    result = scored(tmp_path, make_model(tmp_path / "tiny"))
    assert [row["name"] for row in result.captures] == ["a"]
    assert [one.reason for one in result.skipped] == [
        f"same content as {tmp_path / 'in' / 'a'}; it is scored once"
    ]


def test_nothing_to_score_is_an_error(tmp_path: Path) -> None:
    """Where no capture can be scored the run says why, and writes no tables."""
    write_capture(tmp_path / "in" / "names", [conn("C1", 1)], log="dns")
    with pytest.raises(MissingInput, match=r"nothing was scored: .*names: no conn.log among its logs"):
        scored(tmp_path, make_model(tmp_path / "tiny"))
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    """A model trained on another version of the features judges nothing."""
    two_captures(tmp_path)
    with pytest.raises(ModelMismatch, match="was trained on features of version older"):
        scored(tmp_path, make_model(tmp_path / "old", version="older"))


def test_without_a_model_for_captures_their_verdict_is_unknown(tmp_path: Path) -> None:
    """Connections are judged all the same, captures are ranked by the mean of these."""
    two_captures(tmp_path)
    result = scored(tmp_path, make_model(tmp_path / "tiny", levels=["connection"]))
    assert [(row["name"], row["probability"], row["verdict"]) for row in result.captures] == [
        ("loud", None, None),
        ("quiet", None, None),
    ]
    assert result.found_malicious


def test_a_failure_leaves_the_earlier_output_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while the page is made, the folder still holds the earlier run, whole, and no scraps."""
    model = two_captures(tmp_path)
    scored(tmp_path, model)
    names = [*TABLES, "report.html", "run.json"]
    before = {name: (tmp_path / "out" / name).read_bytes() for name in names}
    write_capture(tmp_path / "in" / "new", [conn("E1", 9)])

    def stop(*_args: object, **_options: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "scores_page", stop)
    with pytest.raises(KeyboardInterrupt):
        scored(tmp_path, model)
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in names}
    assert list((tmp_path / "out" / ".tmp").iterdir()) == []


def test_hostile_names_stay_text_in_every_output(tmp_path: Path) -> None:
    """A folder named like markup, a formula and an escape sequence is harmless in page, CSV and JSON."""
    name = "=cmd()<script>alert(1)<\x1b[2J"
    write_capture(tmp_path / "in" / name, [conn("<img src=x>", 9, host="=1+1")])
    scored(tmp_path, make_model(tmp_path / "tiny"))
    out = tmp_path / "out"
    page = (out / "report.html").read_text("utf-8")
    assert page.count("<script") == 1  # that of sorting tables
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    csv = (out / "captures.csv").read_text("utf-8")
    assert ",'=cmd()<script>alert(1)<�[2J," in csv
    assert ",'=1+1," in (out / "hosts.csv").read_text("utf-8")
    assert b"\x1b" not in (out / "alerts.jsonl").read_bytes()
    assert pl.read_parquet(out / "captures.parquet")["name"].to_list() == [name]


def test_the_result_is_plain_json(tmp_path: Path) -> None:
    """`--json` can print the result as it is."""
    result = scored(tmp_path, two_captures(tmp_path))
    assert json.loads(json.dumps(result.to_dict()))["totals"]["connections"] == 10


def test_the_name_of_the_results_folder_is_only_a_name(tmp_path: Path) -> None:
    """Brackets and equals signs in the path of the results are neither patterns nor partitions."""
    model = two_captures(tmp_path)
    out = tmp_path / "day=[2026-11-23]"
    first = score([tmp_path / "in"], model=model, out=out, engine=HERE)
    again = score([tmp_path / "in"], model=model, out=out, engine=HERE)
    assert (again.unchanged, again.captures) == (("loud", "quiet"), first.captures)
    assert pl.read_parquet(out / "hosts.parquet", glob=False).width == len(HOST_SCORES.schema)


def test_the_family_of_captures_called_malicious_is_named(tmp_path: Path) -> None:
    """Eight connections are `many` by the sigmoid of 2, four of no known family; two are benign, so nothing.

    The page says the name; a second run takes it from the first.
    """
    two_captures(tmp_path)
    write_capture(tmp_path / "in" / "some", [conn(f"E{n}", n, host="10.0.0.7", ts=n) for n in range(4)])
    model = make_model(tmp_path / "naming", families=True)
    for _ in range(2):
        result = scored(tmp_path, model)
        found = {row["name"]: (row["family"], row["family_probability"]) for row in result.captures}
        assert found["loud"] == ("many", pytest.approx(sigmoid(2), abs=1e-9))
        assert found["some"] == (None, pytest.approx(sigmoid(-2), abs=1e-9))
        assert found["quiet"] == (None, None)
    assert len(result.unchanged) == 3
    assert "many, 0.881" in (tmp_path / "out" / "report.html").read_text("utf-8")
