"""Fixtures that every test may use, and how hard hypothesis tries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from ptml.workspace import Workspace
from tests.browser import Browser, browsing

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("test", max_examples=60, deadline=None, derandomize=True)
settings.register_profile(
    "fuzz", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's own settings out of the tests."""
    for name in list(os.environ):
        own = name.startswith(("PTML_", "MLFLOW_")) and name != "PTML_REAL_DATA"
        if own or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Give an empty workspace."""
    root = tmp_path / "ws"
    root.mkdir()
    return Workspace(root)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Give the folder of real captures, or skip."""
    given = os.environ.get("PTML_REAL_DATA")
    if not given:
        pytest.skip("PTML_REAL_DATA does not name the real captures")
    return Path(given)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a real browser, one for all tests of a process, or skip."""
    with browsing(tmp_path_factory.mktemp("browser")) as started:
        yield started
