"""Small captures scored together: their features are computed at once, all else is as for each alone."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import polars as pl

from ptml.engine import attempt
from ptml.errors import BadData, PtmlError
from ptml.features.together import describe_together
from ptml.io import writing
from ptml.score.capture import Reading, describe_and_judge, judge, model_of, read_capture, score_capture
from ptml.score.model import features_of
from ptml.zeektypes import log_name

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from ptml.features.together import Described
    from ptml.score.capture import CaptureOutcome, CaptureTask

AT_ONCE = 32
AT_ONCE_BYTES = 8 << 20
"""Bytes of the logs of captures that are worked on together: some 50,000 rows uncompressed."""


def bundled(tasks: Sequence[CaptureTask]) -> list[Sequence[CaptureTask]]:
    """Put small captures with the same logs together; in what order they come out is no matter."""
    bundles: list[list[CaptureTask]] = []
    open_ones: dict[Hashable, list[CaptureTask]] = {}
    taken: defaultdict[Hashable, int] = defaultdict(int)
    for task in tasks:
        files, size = task.found.chosen or task.found.files, task.found.bytes
        logs = tuple(sorted(map(log_name, files)))
        full = logs not in open_ones or len(open_ones[logs]) == AT_ONCE or taken[logs] + size > AT_ONCE_BYTES
        if full:
            open_ones[logs], taken[logs] = [], 0
            bundles.append(open_ones[logs])
        open_ones[logs].append(task)
        taken[logs] += size
    return list(bundles)


def score_bundle(tasks: Sequence[CaptureTask]) -> list[CaptureOutcome | PtmlError]:
    """Score captures, the features of small ones at once; each has its outcome, or its own error.

    Raises:
        ModelMismatch: The model does not fit the features.
        CannotWrite: The operating system refused.
    """
    if len(tasks) == 1:
        return [attempt(score_capture, tasks[0])]
    with contextlib.ExitStack() as stack:
        readings = [attempt(lambda one: stack.enter_context(read_capture(one)), task) for task in tasks]
        found = _described([one for one in readings if isinstance(one, Reading) and one.is_small])
        return [
            one if isinstance(one, PtmlError) else attempt(lambda reading: _judged(reading, found), one)
            for one in readings
        ]


def _described(readings: Sequence[Reading]) -> Mapping[str, Described]:
    """Describe captures at once; none where one of them is bad, which shows when each stands alone.

    Those that share an id stand alone, too: what is found is handed on by id.
    """
    times = Counter(one.manifest.capture_id for one in readings)
    logs = {one.manifest.capture_id: one.logs for one in readings if times[one.manifest.capture_id] == 1}
    try:
        return dict(describe_together(logs, features_of(model_of(readings[0].task), None))) if logs else {}
    except (BadData, pl.exceptions.PolarsError):
        return {}


def _judged(reading: Reading, found: Mapping[str, Described]) -> CaptureOutcome:
    described = found.get(reading.manifest.capture_id)
    if described is None:
        return describe_and_judge(reading)
    with writing(reading.task.pairs):
        pairs = described.pairs.drop("capture_id")
        pairs.write_parquet(reading.task.pairs, compression="zstd", compression_level=1)
    return judge(reading, [described.connections], lambda: described.capture)
