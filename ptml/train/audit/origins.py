"""Where and when captures were made, and whether that alone tells their label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedGroupKFold

from ptml.artifact import CLASSES
from ptml.sources.simulate import SOURCE as SIMULATOR
from ptml.train.audit.check import Found, area_figures, area_text, lit, nothing_to_check
from ptml.train.audit.statistics import auc_interval, others_say, share_of_classes
from ptml.train.audit.subject import FOLDS, grown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.train.audit.results import Cell
    from ptml.train.audit.statistics import Area
    from ptml.train.audit.subject import Subject
    from ptml.types import Light

TELLS = (0.75, 0.95)
SHOWS = (0.1, 0.25)
CONFOUNDED = 0.9
ONE_CLASS = (0.25, 0.75)
SHARED_HOSTS = (0.1, 0.5)
LOPSIDED = 0.1
PERIODS = 10


def source_tells_label(subject: Subject) -> Found:
    """Guess each capture's label from the other captures of its source."""
    strata = subject.strata
    if strata["source"].n_unique() == 1:
        return nothing_to_check("all captures are from one source")
    area = _told_by(_codes(strata["source"]), subject)
    says = f"knowing nothing but a capture's source, its label can be guessed with ROC-AUC {area_text(area)}"
    return Found(lit(area.low, *TELLS), says, area_figures("auc", area), *_by_source(subject))


def one_class_sources(subject: Subject) -> Found:
    """Find sources whose captures are all of one class."""
    by_source = _counts(subject)
    single = by_source.filter((pl.col("malicious") == 0) | (pl.col("benign") == 0))
    theirs = single.select((pl.col("malicious") + pl.col("benign")).sum()).item()
    share = theirs / subject.captures["capture_id"].n_unique()
    figures: dict[str, Cell] = {
        "sources": by_source.height,
        "one_class": single.height,
        "share_of_captures": float(share),
    }
    if by_source.height == 1:
        says = "there is one source only: nothing shows how a model does elsewhere"
        return Found("amber", says, figures, *_by_source(subject))
    says = (
        f"{single.height} of {by_source.height} sources have one class only; "
        f"{share:.1%} of the captures are theirs"
    )
    return Found(lit(share, *ONE_CLASS), says, figures, *_by_source(subject))


def source_in_features(subject: Subject) -> Found:
    """Ask a forest which source a row is from, on captures held out."""
    sample = subject.sample
    source = _codes(subject.data.keys["source"][subject.drawn])
    captures = np.unique(np.stack([source, sample.groups]), axis=1)[0]
    large = np.flatnonzero(np.bincount(captures) >= FOLDS)
    rows = np.flatnonzero(np.isin(source, large))
    if len(large) < 2:  # noqa: PLR2004 - one source cannot be taken for another
        return nothing_to_check(f"fewer than two sources have {FOLDS} captures or more")
    target, groups = source[rows], sample.groups[rows]
    guessed = np.empty_like(target)
    weight = _per_class(target)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=sample.seed)
    for learn, test in folds.split(target, target, groups):
        forest = grown(sample.matrix[rows[learn]], target[learn], weight[learn], sample.seed)
        guessed[test] = forest.predict(sample.matrix[rows[test]])
    chance = 1 / len(large)
    right, low = share_of_classes(target, guessed, groups, seed=sample.seed)
    skill, skill_low = ((share - chance) / (1 - chance) for share in (right, low))
    tells = _told_by(_codes(subject.strata["source"]), subject)
    confounded = skill >= SHOWS[1] and tells.low >= CONFOUNDED
    light: Light = "red" if confounded else "amber" if skill_low >= SHOWS[0] else "green"
    says = (
        f"a forest names the source of captures held out in {right:.0%} of the cases, "
        f"where guessing among {len(large)} sources would in {chance:.0%}"
    )
    figures: dict[str, Cell] = {
        "balanced_accuracy": right,
        "chance": chance,
        "skill": skill,
        "skill_low": skill_low,
        "sources": len(large),
        "label_by_source_auc_low": tells.low,
    }
    return Found(light, says, figures)


def time_tells_label(subject: Subject) -> Found:
    """Guess each capture's label from when it was made."""
    strata = subject.strata
    known = strata["ts"].is_not_null().to_numpy()
    y = strata["y"].to_numpy()
    if min(np.bincount(y[known], minlength=2)) < FOLDS:
        return nothing_to_check("too few captures say when they were made")
    rank = strata["ts"].filter(known).dt.epoch().rank("average").to_numpy()
    groups, y = strata["group"].to_numpy()[known], y[known]
    ones = np.ones(len(y))
    period = np.ceil(rank / len(rank) * PERIODS).astype(np.int64)
    ways = {
        "later": rank,
        "earlier": -rank,
        "period": others_say(period, y, groups, ones),
    }
    areas = {name: auc_interval(score, y, groups, ones, seed=subject.seed) for name, score in ways.items()}
    way, area = max(areas.items(), key=lambda item: item[1].value)
    says = f"knowing nothing but when a capture was made, its label can be guessed with {_roc(area)}"
    rows = [
        (*_days(chosen), chosen["group"].n_unique(), int(chosen["y"].sum()))
        for number in range(1, PERIODS + 1)
        if (chosen := strata.filter(pl.Series(known)).filter(pl.Series(period == number))).height
    ]
    figures: dict[str, Cell] = {**area_figures("auc", area), "by": way, "without_time": int((~known).sum())}
    return Found(
        lit(area.low, *TELLS), says, figures, ("from", "to", "groups", "with_malicious"), tuple(rows)
    )


def host_tells_label(subject: Subject) -> Found:
    """Guess each row's label from rows of other captures that the same host opened."""
    hosts = subject.data.keys["host"][subject.drawn]
    known = hosts.is_not_null().to_numpy()
    if not known.any():
        return nothing_to_check("no host is known; captures as a whole have none")
    sample = subject.sample
    code = _codes(hosts)
    pairs = np.unique(np.stack([code[known], sample.groups[known]]), axis=1)[0]
    again = known & (np.bincount(pairs, minlength=code.max() + 1)[code] > 1)
    share = float(np.average(again, weights=sample.weight))
    figures: dict[str, Cell] = {
        "share_of_rows": share,
        "hosts_in_several": int((np.bincount(pairs) > 1).sum()),
    }
    light: Light
    y = sample.y[again]
    if len(set(y)) < len(CLASSES):
        light = "amber" if share >= SHARED_HOSTS[0] else "green"
        only = ", all of one class" if len(y) else ""
        says = f"{share:.1%} of the rows are of hosts that open connections in several captures{only}"
        return Found(light, says, figures)
    score = others_say(code, sample.y, sample.groups, sample.weight)[again]
    area = auc_interval(score, y, sample.groups[again], sample.weight[again], seed=sample.seed)
    light = lit(area.low, *TELLS)
    if share < SHARED_HOSTS[0]:
        light = "green"
    elif light == "red" and share < SHARED_HOSTS[1]:
        light = "amber"
    says = (
        f"{share:.1%} of the rows are of hosts that open connections in several captures; "
        f"for these the address alone gives the label with {_roc(area)}"
    )
    return Found(light, says, {**figures, **area_figures("auc", area)})


def simulated(subject: Subject) -> Found:
    """Tell simulated captures from real ones."""
    captures = subject.captures
    made = (captures["source"] == SIMULATOR).fill_null(value=False)
    share = captures.filter(made)["capture_id"].n_unique() / captures["capture_id"].n_unique()
    figures: dict[str, Cell] = {"share_of_captures": share}
    if share == 0:
        return Found("green", "no capture is simulated", figures)
    if share == 1:
        says = "all captures are simulated: figures say nothing about real networks"
        return Found("amber", says, figures)
    parts = [float(captures["y"].to_numpy()[part.to_numpy()].mean()) for part in (made, ~made)]
    figures |= {"malicious_share_simulated": parts[0], "malicious_share_real": parts[1]}
    lopsided = any(not LOPSIDED <= part <= 1 - LOPSIDED for part in parts)
    says = f"{share:.1%} of the captures are simulated and the others are not"
    if lopsided:
        says += ", and nearly all of one of the two are of one class"
    return Found("red" if lopsided else "amber", says, figures)


def _days(strata: pl.DataFrame) -> tuple[str, str]:
    days = strata["ts"].sort().dt.strftime("%Y-%m-%d")
    return days[0], days[-1]


def _roc(area: Area) -> str:
    return f"ROC-AUC {area_text(area)}"


def _told_by(codes: NDArray[np.int64], subject: Subject) -> Area:
    """Tell how well others with the same code give away a stratum's label."""
    y, groups = subject.strata["y"].to_numpy(), subject.strata["group"].to_numpy()
    ones = np.ones(len(y))
    return auc_interval(others_say(codes, y, groups, ones), y, groups, ones, seed=subject.seed)


def _counts(subject: Subject) -> pl.DataFrame:
    malicious = pl.col("y").sum().cast(pl.Int64)
    return (
        subject.captures.group_by("source")
        .agg(malicious.alias("malicious"), (pl.len().cast(pl.Int64) - malicious).alias("benign"))
        .sort(-(pl.col("malicious") + pl.col("benign")), "source")
    )


def _by_source(subject: Subject) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    return ("source", "with_malicious", "with_benign"), tuple(_counts(subject).iter_rows())


def _codes(names: pl.Series) -> NDArray[np.int64]:
    """Number names from 0; null is a name, too."""
    codes: NDArray[np.int64] = names.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return codes


def _per_class(target: NDArray[np.int64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = len(target) / np.bincount(target)[target]
    return weights
