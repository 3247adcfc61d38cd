from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.sources.simulator import MALICIOUS, CapturePlan, WrittenCapture, write_capture
from tests.sources.simulator.reading import Row, header, lines_of, read_json, read_log

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = tuple(behaviour.name for behaviour in MALICIOUS)


Everything = tuple["Path", WrittenCapture, dict[str, list[Row]]]


def plan_of(*behaviours: str, connections: int = 1_500, seed: int = 11) -> CapturePlan:
    """A plan of two hours on a Wednesday."""
    started_at = datetime(2026, 3, 4, 9, 30, 0, 250_000, tzinfo=UTC)
    return CapturePlan("sim-0001-test", seed, started_at, 2.0, 8, connections, behaviours)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    """One capture with every behaviour in it, read back."""
    folder = tmp_path_factory.mktemp("everything")
    written = write_capture(plan_of(*FAMILIES, connections=6_000), folder)
    logs = {path.name.split(".")[0]: read_log(path) for path in written.files if path.suffix == ".log"}
    return folder, written, logs


def digests(folder: Path) -> dict[str, str]:
    """Hash of each file in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(("log_format", "compress"), [("tsv", False), ("json", False), ("tsv", True)])
def test_same_plan_same_bytes(tmp_path: Path, log_format: str, compress: bool) -> None:
    """Writing a plan twice gives the same files byte by byte, and another seed gives others."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_capture(
            plan_of("http-beacon", seed=seed),
            tmp_path / name,
            log_format="json" if log_format == "json" else "tsv",
            compress=compress,
        )
    first, second, other = (digests(tmp_path / name) for name in "abc")
    assert first == second
    assert first.keys() >= {"labels.parquet", "conn.log.gz" if compress else "conn.log"}
    assert all(first[name] != other[name] for name in first.keys() & other.keys())


def test_gz_carries_neither_time_nor_name(tmp_path: Path) -> None:
    """The header of a compressed log has no name and no time, so its bytes depend on the rows alone."""
    write_capture(plan_of(), tmp_path, compress=True)
    head = (tmp_path / "conn.log.gz").read_bytes()[:8]
    assert head[3] == 0
    assert head[4:8] == b"\x00\x00\x00\x00"
    assert gzip.decompress((tmp_path / "conn.log.gz").read_bytes()).startswith(b"#separator \\x09\n")


@pytest.mark.parametrize("connections", [20, 57, 1_000, 1_001])
@pytest.mark.parametrize("behaviours", [(), ("dga",), ("exploit-kit", "vertical-scan")])
def test_the_number_of_connections_is_exact(
    tmp_path: Path, connections: int, behaviours: tuple[str, ...]
) -> None:
    """conn.log has as many rows as planned, and the labels count the malicious ones among them."""
    written = write_capture(plan_of(*behaviours, connections=connections), tmp_path)
    labels = pl.read_parquet(tmp_path / "labels.parquet")
    assert len(read_log(tmp_path / "conn.log")) == connections == written.connections
    assert labels["label"].eq("malicious").sum() == written.malicious
    assert (written.malicious > 0) == bool(behaviours)
    assert written.label == ("mixed" if behaviours else "benign")
    assert written.family == (behaviours[0] if len(behaviours) == 1 else None)


def test_exact_over_many_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slicing changes neither the number of rows nor the order of the lines."""
    monkeypatch.setattr("ptml.sources.simulator.schedule.SLICE", 400)
    write_capture(plan_of("https-beacon", "dga", connections=5_000), tmp_path)
    conn = read_log(tmp_path / "conn.log")
    ends = [row["ts"] + row.get("duration", 0.0) for row in conn]
    assert len(conn) == 5_000
    assert all(later >= earlier - 1e-5 for earlier, later in pairwise(ends))
    for log in ("dns", "http", "ssl", "files", "x509"):
        times = [row["ts"] for row in read_log(tmp_path / f"{log}.log")]
        assert times == sorted(times)
    assert len({row["uid"] for row in conn}) == 5_000


def test_slices_share_victims_and_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn once for a capture stays over its slices: at most three victims, at most two servers."""
    monkeypatch.setattr("ptml.sources.simulator.schedule.SLICE", 200)
    write_capture(plan_of("https-beacon", connections=4_000), tmp_path)
    malicious = pl.read_parquet(tmp_path / "labels.parquet").filter(pl.col("label") == "malicious")
    uids = set(malicious["uid"])
    beacons = [row for row in read_log(tmp_path / "ssl.log") if row["uid"] in uids]
    assert len(beacons) > 20
    assert len({row["id.orig_h"] for row in beacons}) <= 3
    assert len({row["id.resp_h"] for row in beacons}) <= 4


def test_labels_cover_every_connection(
    everything: Everything,
) -> None:
    """labels.parquet has a row for each of conn.log, in its order; only malicious ones have a family."""
    folder, _, logs = everything
    labels = pl.read_parquet(folder / "labels.parquet")
    assert labels.schema == {"uid": pl.String, "label": pl.String, "family": pl.String}
    assert labels["uid"].to_list() == [row["uid"] for row in logs["conn"]]
    assert set(labels["label"]) == {"benign", "malicious"}
    assert labels.filter(pl.col("family").is_null() == (pl.col("label") == "malicious")).is_empty()
    assert set(labels["family"].drop_nulls()) == set(FAMILIES)


def test_every_row_belongs_to_a_connection(
    everything: Everything,
) -> None:
    """Rows of the other logs carry uid, addresses and ports of a row in conn.log, and lie in its time."""
    *_, logs = everything
    by_uid = {row["uid"]: row for row in logs["conn"]}
    keys = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
    for log in ("dns", "http", "ssl", "files", "weird"):
        assert logs[log]
        for row in logs[log]:
            conn = by_uid[row["uid"]]
            assert [row[key] for key in keys] == [conn[key] for key in keys]
            assert row["ts"] >= conn["ts"] - 1e-6
            if log in {"http", "ssl"}:
                assert row["ts"] <= conn["ts"] + conn["duration"]
    for log, service in (("dns", "dns"), ("http", "http"), ("ssl", "ssl")):
        assert {by_uid[row["uid"]]["service"] for row in logs[log]} == {service}
        assert {row["uid"] for row in logs[log]} == {
            row["uid"] for row in logs["conn"] if row.get("service") == service
        }


def test_files_and_certificates_join(
    everything: Everything,
) -> None:
    """Each fuid of http.log is in files.log with the body's size, each fingerprint of ssl.log in x509.log."""
    *_, logs = everything
    files = {row["fuid"]: row for row in logs["files"]}
    assert len(files) == len(logs["files"])
    for row in logs["http"]:
        for fuid in row.get("resp_fuids", []):
            assert files[fuid]["seen_bytes"] == row["response_body_len"]
            assert files[fuid]["uid"] == row["uid"]
        for fuid in row.get("orig_fuids", []):
            assert files[fuid]["seen_bytes"] == row["request_body_len"]
        assert ("resp_fuids" in row) == (row["response_body_len"] > 0)
    counted = Counter(row["fingerprint"] for row in logs["x509"])
    shown = {print_ for row in logs["ssl"] for print_ in row.get("cert_chain_fps", [])}
    assert shown == set(counted)
    assert set(counted.values()) == {1}
    first = {row["fingerprint"]: row["ts"] for row in logs["x509"]}
    assert all(
        row["ts"] < first[row["cert_chain_fps"][0]] + 1e9 for row in logs["ssl"] if "cert_chain_fps" in row
    )
    assert any(row["certificate.subject"] == row["certificate.issuer"] for row in logs["x509"])


def test_answers_name_later_destinations(
    everything: Everything,
) -> None:
    """Many TLS sessions go to an address that an earlier answer for their name gave to the same host."""
    *_, logs = everything
    told: dict[tuple[str, str], list[tuple[float, list[str]]]] = {}
    for row in logs["dns"]:
        if "answers" in row:
            told.setdefault((row["id.orig_h"], row["query"]), []).append((row["ts"], row["answers"]))
    named = [row for row in logs["ssl"] if "server_name" in row]
    known = 0
    for row in named:
        told_of = told.get((row["id.orig_h"], row["server_name"]), [])
        earlier = [answers for ts, answers in told_of if ts < row["ts"]]
        known += any(row["id.resp_h"] in answers for answers in earlier)
    assert 0.2 < known / len(named) < 0.9


def test_files_say_the_same_in_tsv_and_json(tmp_path: Path) -> None:
    """A plan written as TSV and as JSON carries the same values, the unset ones absent from JSON."""
    plan = plan_of(*FAMILIES, connections=3_000)
    write_capture(plan, tmp_path / "tsv")
    written = write_capture(plan, tmp_path / "json", log_format="json")
    for path in written.files[:-1]:
        assert read_json(path) == read_log(tmp_path / "tsv" / path.name)
    assert digests(tmp_path / "tsv")["labels.parquet"] == digests(tmp_path / "json")["labels.parquet"]


def test_headers_are_zeeks(everything: Everything) -> None:
    """A TSV log begins and ends with Zeek's meta lines, the fields in Zeek's order."""
    folder, written, _ = everything
    lines = lines_of(folder / "conn.log")
    assert lines[:6] == [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        "#path\tconn",
        "#open\t2026-03-04-09-30-00",
    ]
    meta = header(folder / "conn.log")
    assert " ".join(meta["fields"]) == (
        "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes "
        "conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts "
        "resp_ip_bytes tunnel_parents ip_proto"
    )
    assert meta["types"][8:11] == ["interval", "count", "count"]
    assert lines[-1] == f"#close\t{written.ended_at:%Y-%m-%d-%H-%M-%S}"


def test_identifiers_are_zeeks(everything: Everything) -> None:
    """A uid is C and 17 base-62 digits, a fuid F and 17, and none stands twice."""
    *_, logs = everything
    uids = [row["uid"] for row in logs["conn"]]
    fuids = [row["fuid"] for row in logs["files"]]
    for ids, letter in ((uids, "C"), (fuids, "F")):
        assert len(set(ids)) == len(ids)
        assert all(len(text) == 18 and text[0] == letter and text.isalnum() for text in ids)


def test_times_are_exact_to_the_microsecond(
    everything: Everything,
) -> None:
    """Every time of conn.log is written with six decimals, and none lies before the capture's start."""
    folder, written, _ = everything
    times = [line.split("\t")[0] for line in lines_of(folder / "conn.log") if line[0] != "#"]
    assert all(len(text.split(".")[1]) == 6 for text in times)
    assert min(times) >= f"{written.started_at.timestamp():.6f}"


def test_infected_hosts_behave_normally_too(
    everything: Everything,
) -> None:
    """Each host with malicious connections has benign ones as well."""
    folder, _, logs = everything
    label = dict(pl.read_parquet(folder / "labels.parquet").select("uid", "label").iter_rows())
    by_host: dict[str, set[str]] = {}
    for row in logs["conn"]:
        by_host.setdefault(row["id.orig_h"], set()).add(label[row["uid"]])
    infected = [labels for labels in by_host.values() if "malicious" in labels]
    assert infected
    assert all("benign" in labels for labels in infected)
