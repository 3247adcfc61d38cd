"""The docs tell the truth about the code, and are whole."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ptml.errors import FAIL_ON_EXIT_CODE, PtmlError
from ptml.train.audit import CHECKS
from ptml.train.spec import ModelSpec
from tests.command_tree import ALL
from tests.pages import PAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


def exit_codes(error: type[PtmlError] = PtmlError) -> Iterator[int]:
    """Give the exit codes of an error and all below it."""
    yield error.exit_code
    for below in error.__subclasses__():
        yield from exit_codes(below)


def test_readme_lists_every_exit_code_and_no_other() -> None:
    """The README's table has a row for done, for `--fail-on` and for each code that an error carries."""
    listed = [
        int(code)
        for code in re.findall(r"^\| (\d+) \|", PAGES["README.md"].read_text("utf-8"), flags=re.MULTILINE)
    ]

    assert listed == sorted({0, FAIL_ON_EXIT_CODE, *exit_codes()})


@pytest.mark.parametrize("words", ALL)
def test_every_command_is_documented(words: str) -> None:
    """Each command teaches what it does, and has its chapter in docs/cli.md."""
    assert ALL[words].help
    assert f"# `{words}`\n" in (ROOT / "docs" / "cli.md").read_text("utf-8")


@pytest.mark.parametrize("words", ALL)
def test_every_option_is_documented(words: str) -> None:
    """Each argument and option of a command says what it is for."""
    mute = [parameter.name for parameter in ALL[words].params if not getattr(parameter, "help", None)]

    assert mute == []


def test_generated_pages_are_up_to_date() -> None:
    """What `make docs` would write is what is there."""
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]

    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    """Each relative link in a page names a file or folder of the repository."""
    path = PAGES[page]

    broken = [link for link in LINK.findall(path.read_text("utf-8")) if not (path.parent / link).exists()]

    assert broken == []


def test_model_keys_are_documented() -> None:
    """models/README.md has a row for each key of a model spec, in order, and for no other."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGES["models/README.md"].read_text("utf-8"), flags=re.MULTILINE)

    assert rows == list(ModelSpec.model_fields)


@pytest.mark.parametrize("check", [check.name for check in CHECKS])
def test_every_check_of_an_audit_is_explained(check: str) -> None:
    """docs/audit.md says of each check what it looks at, where its bound is from, and what it gave."""
    assert PAGES["docs/audit.md"].read_text("utf-8").count(f"`{check}`") >= 3


def test_every_decision_is_listed() -> None:
    """docs/index.md leads to each decision, and their numbers run without a gap."""
    decisions = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    index = (ROOT / "docs" / "index.md").read_text("utf-8")

    assert [name[:4] for name in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    assert [name for name in decisions if f"decisions/{name}" not in index] == []
