"""Claims about the whole set of features."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ptml.features import catalog
from ptml.features.catalog import (
    CAPTURE_FEATURES,
    CONNECTION_FEATURES,
    code_of,
    feature_version,
)
from ptml.features.inputs import COLUMNS, KEYS

if TYPE_CHECKING:
    from ptml.features.family import Feature

FEATURES = (*CONNECTION_FEATURES, *CAPTURE_FEATURES)


def named(feature: Feature) -> str:
    """Name a test case by its feature."""
    return feature.name


def test_there_are_enough() -> None:
    """There are at least 150 features of a connection and 120 of a capture."""
    assert len(CONNECTION_FEATURES) >= 150
    assert len(CAPTURE_FEATURES) >= 120


def test_names_are_unique() -> None:
    """No name stands for two features, be it of a connection or of a capture, nor for a key."""
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)
    assert not set(names) & set(KEYS)


@pytest.mark.parametrize("feature", FEATURES, ids=named)
def test_docstring_works_an_example(feature: Feature) -> None:
    """Every feature has an example that is run, and every log that it names is known."""
    assert doctest.DocTestParser().get_examples(inspect.getdoc(feature.build) or "")
    assert set(feature.logs) <= set(COLUMNS)
    assert feature.build.__name__ == feature.name


@pytest.mark.parametrize("feature", FEATURES, ids=named)
def test_identity_is_no_feature(feature: Feature) -> None:
    """No feature hands on a key: neither uid, nor an address, nor a time."""
    assert feature.name not in COLUMNS["conn"] or feature.name not in KEYS
    assert not {"uid", "capture_id"} & feature.columns()


def test_version_ignores_docstrings_comments_and_blank_lines() -> None:
    """A better explanation leaves the version as it is."""
    plain = "def f():\n    return 1\n"
    explained = '"""Module."""\n\n# why\ndef f():\n    """Say.\n\n    More.\n    """\n    return 1\n'
    assert code_of(explained) == code_of(plain)


def test_version_follows_the_code() -> None:
    """A changed formula is another version."""
    assert code_of("x = 1\n") != code_of("x = 2\n")


def test_version_follows_names_and_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another set of features is another version."""
    before = feature_version()
    monkeypatch.setattr(catalog, "CONNECTION_FEATURES", CONNECTION_FEATURES[1:])
    assert feature_version.__wrapped__() != before


def test_version_is_stable() -> None:
    """The version is twelve hexadecimal digits, the same whenever it is asked for."""
    assert feature_version.__wrapped__() == feature_version()
    assert int(feature_version(), 16) >= 0
    assert len(feature_version()) == 12


def test_the_version_covers_the_code_that_computes_features_and_no_other() -> None:
    """A module that is not even loaded to compute features is not part of their version."""
    look = "import sys, ptml.features.build, ptml.features.large; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    root = Path(str(files("ptml.features")))
    covered = [path for path in root.rglob("*.py") if path.stem not in catalog._INDIFFERENT]
    names = [".".join(("ptml.features", *path.relative_to(root).with_suffix("").parts)) for path in covered]
    assert {name.removesuffix(".__init__") for name in names} <= set(run.stdout.split())
