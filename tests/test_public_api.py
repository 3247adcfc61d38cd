"""What users may import, and that the command line offers nothing that Python does not."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest

import ptml
from ptml import api
from tests.command_tree import RUNNABLE


@pytest.mark.parametrize("name", ptml.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Each name in `ptml.__all__` can be had from `ptml`."""
    assert getattr(ptml, name) is not None


def test_public_names_are_listed_once_and_shown() -> None:
    """`ptml.__all__` is sorted and without doubles, and `dir(ptml)` shows it."""
    assert ptml.__all__ == sorted(set(ptml.__all__))
    assert set(ptml.__all__) <= set(dir(ptml))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that ptml does not have is refused as Python refuses it, so that `hasattr` works."""
    with pytest.raises(AttributeError, match="module 'ptml' has no attribute 'tarin'"):
        _ = ptml.tarin


def test_the_version_is_that_of_the_package() -> None:
    """`ptml.__version__` is the version that was installed."""
    assert ptml.__version__ == version("ptml")


@pytest.mark.parametrize("words", sorted(RUNNABLE))
def test_every_command_has_its_function(words: str) -> None:
    """`ptml.api` has for each command a documented function of the same name with every type written out."""
    name = "_".join(words.split()[1:]).replace("-", "_")
    function = getattr(api, name)
    signature = inspect.signature(function)

    untyped = [p.name for p in signature.parameters.values() if p.annotation is inspect.Parameter.empty]

    assert name in api.__all__
    assert inspect.getdoc(function)
    assert untyped == []
    assert signature.return_annotation is not inspect.Signature.empty
