"""No single field tells malicious from benign: what an audit would look for first."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from ptml.sources.simulator import plan_captures, write_capture
from tests.sources.simulator.reading import read_log

NUMBERS = (
    *("duration", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes"),
    *("id.resp_p", "id.orig_p", "missed_bytes", "history_length", "hour", "minutes_in", "host"),
)
CATEGORIES = ("proto", "service", "conn_state", "history", "id.resp_p", "local_resp")
HIGHEST = 0.9
IDENTITY = ("hour", "minutes_in", "host", "id.orig_p")


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Connections of 30 captures with their labels."""
    frames = []
    for plan in plan_captures(captures=30, hours=3, hosts=15, connections=24_000, seed=8):
        folder = tmp_path_factory.mktemp("capture")
        write_capture(plan, folder)
        conn = pl.DataFrame(read_log(folder / "conn.log"), infer_schema_length=None)
        labels = pl.read_parquet(folder / "labels.parquet")
        frames.append(conn.join(labels, on="uid", validate="1:1").with_columns(capture=pl.lit(plan.name)))
    table = pl.concat(frames, how="diagonal_relaxed")
    return table.with_columns(
        malicious=pl.col("label") == "malicious",
        history_length=pl.col("history").str.len_bytes(),
        hour=(pl.col("ts") // 3600 % 24).cast(pl.Int64),
        minutes_in=(pl.col("ts") - pl.col("ts").min().over("capture")) / 60,
        host=pl.col("id.orig_h").str.split(".").list.last().cast(pl.Int64),
    )


def separation(score: np.typing.ArrayLike, malicious: pl.Series) -> float:
    """AUC of one score, in the better direction."""
    auc = float(roc_auc_score(malicious.to_numpy(), score))
    return max(auc, 1 - auc)


@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_separates(pooled: pl.DataFrame, name: str) -> None:
    """Ranking connections by one number has an AUC of at most 0.9; identity and time say far less."""
    score = pooled[name].cast(pl.Float64).fill_null(-1)
    assert separation(score.to_numpy(), pooled["malicious"]) < (0.7 if name in IDENTITY else HIGHEST)


@pytest.mark.parametrize("name", CATEGORIES)
def test_no_category_separates(pooled: pl.DataFrame, name: str) -> None:
    """Nor does the best a category can do: the malicious share of its own value."""
    shares = pooled.select(pl.col("malicious").mean().over(name)).to_series()
    assert separation(shares.to_numpy(), pooled["malicious"]) < HIGHEST


def test_each_family_alone_is_mixed_with_benign_values(pooled: pl.DataFrame) -> None:
    """For each family, most of its (protocol, port, state) values occur in benign traffic too."""
    keys = ["proto", "conn_state", "service"]
    benign = pooled.filter(~pl.col("malicious")).select(keys).unique()
    malicious = pooled.filter(pl.col("malicious"))
    shared = malicious.join(benign, on=keys, how="semi", nulls_equal=True)
    assert shared.height > 0.95 * malicious.height


def test_both_labels_start_at_any_time(pooled: pl.DataFrame) -> None:
    """Captures with and without malicious connections start in the same hours."""
    starts = pooled.group_by("capture").agg(pl.col("malicious").any(), pl.col("ts").min() // 3600 % 24)
    hours = [starts.filter(pl.col("malicious") == flag)["ts"].to_numpy() for flag in (True, False)]
    assert abs(np.mean(hours[0]) - np.mean(hours[1])) < 3
