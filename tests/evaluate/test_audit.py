from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput
from ptml.evaluate.audit import AuditResult, audit
from ptml.io import read_json
from ptml.settings import AuditSettings, LabelsSettings, TrainSettings
from ptml.train.audit import CHECKS, Audit
from ptml.train.stage import train
from ptml.workspace import Workspace
from tests.train.builders import Made, build_workspace, captures

if TYPE_CHECKING:
    from pathlib import Path

SPEC = "logistic-regression"


def run(workspace: Workspace, settings: AuditSettings | None = None, *, force: bool = False) -> AuditResult:
    """Audit in this process."""
    return audit(workspace, settings or AuditSettings(spec=SPEC), engine=LocalEngine(1), force=force)


def test_an_audit_is_written_whole(tmp_path: Path) -> None:
    """JSON and page are there, with a finding a check and level; the JSON is what was returned."""
    result = run(build_workspace(tmp_path))
    assert sorted(path.name for path in result.folder.iterdir()) == ["audit.html", "audit.json"]
    assert Audit.model_validate(read_json(result.folder / "audit.json")) == result.audit
    for level in result.audit.levels.values():
        assert [finding.check for finding in level.findings] == [check.name for check in CHECKS]
    assert result.audit.levels["connection"].data["rows"] == 240


def test_what_it_finds_is_what_lies_there(tmp_path: Path) -> None:
    """Six captures of a class are too few, and one of two sources is malicious for the most part."""
    found = run(build_workspace(tmp_path)).audit.levels["capture"]
    by_name = {finding.check: finding for finding in found.findings}
    assert by_name["few-captures"].light == "red"
    table = by_name["one-class-sources"].table
    assert table is not None
    assert table.rows == (("trap", 6, 3), ("lab", 0, 3))


def test_nothing_changed_is_kept(tmp_path: Path) -> None:
    """The same again is kept and said so; --force, another level or another label looks anew."""
    workspace = build_workspace(tmp_path)
    first = run(workspace)
    again = run(workspace)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert again.audit == first.audit
    assert not run(workspace, force=True).unchanged
    one = run(workspace, AuditSettings(spec=SPEC, levels=("capture",)))
    assert (one.unchanged, list(one.audit.levels)) == (False, ["capture"])
    one.page.unlink()
    assert not run(workspace, AuditSettings(spec=SPEC, levels=("capture",))).unchanged
    assert one.page.is_file()


@pytest.mark.parametrize(("light", "amber", "red"), [("green", 0, 0), ("amber", 1, 0), ("red", 1, 1)])
def test_fail_on_is_that_light_or_worse(tmp_path: Path, light: str, amber: int, red: int) -> None:
    """`--fail-on amber` takes red, too."""
    found = Audit.model_validate({"ptml_version": "1", "light": light, "levels": {}})
    result = AuditResult(tmp_path, unchanged=False, audit=found, seconds=0)
    assert (result.hits("amber"), result.hits("red")) == (bool(amber), bool(red))


def test_findings_are_listed_worst_first(tmp_path: Path) -> None:
    """Red, amber, green, then what could not be checked."""
    order = [finding.light for _, finding in run(build_workspace(tmp_path)).findings()]
    ranks = [("red", "amber", "green", None).index(light) for light in order]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}


def test_a_model_carries_the_mark(tmp_path: Path) -> None:
    """A red dataset trains, and the manifest says red and why; it is the audit that `ptml audit` writes."""
    workspace = build_workspace(tmp_path)
    settings = TrainSettings(spec=SPEC, folds=3)
    mark = train(workspace, settings, engine=LocalEngine(1)).manifest.audit
    assert mark is not None
    assert mark.light == "red"
    assert any(
        "How many captures there are: 6 groups of captures have malicious rows, 6 benign" in reason
        for reason in mark.reasons
    )
    assert run(workspace).audit.light == "red"
    trained_again = train(workspace, settings, engine=LocalEngine(1), force=True)
    assert trained_again.manifest.audit == mark


def test_one_class_is_bad_data(tmp_path: Path) -> None:
    """With benign captures only there is nothing to audit, and no report is left."""
    workspace = build_workspace(tmp_path, captures(0, 4))
    with pytest.raises(BadData, match="0 malicious and 80 benign"):
        run(workspace)
    assert not workspace.report("audit").exists()


def test_no_workspace_and_no_features_are_missing_input(tmp_path: Path) -> None:
    """A mistyped --data is named, and a workspace without features says what to run."""
    with pytest.raises(MissingInput, match="no workspace at"):
        run(Workspace(tmp_path / "nowhere"))
    with pytest.raises(MissingInput, match=r"has features(.|\n)*`ptml features`"):
        run(build_workspace(tmp_path / "bare", [Made("a")], without=["a"]))


def test_an_unknown_spec_is_missing_input(tmp_path: Path) -> None:
    """A misspelt spec is answered with the nearest."""
    with pytest.raises(MissingInput, match="did you mean 'random-forest'"):
        run(build_workspace(tmp_path), AuditSettings(spec="random-forst"))


def test_connections_without_labels_cannot_be_audited(tmp_path: Path) -> None:
    """By policy capture-only connections have no labels; captures are audited all the same."""
    workspace = build_workspace(tmp_path)
    alone = LabelsSettings(policy="capture-only")
    with pytest.raises(BadData, match="0 malicious and 0 benign"):
        audit(workspace, AuditSettings(spec=SPEC), labels=alone, engine=LocalEngine(1))
    settings = AuditSettings(spec=SPEC, levels=("capture",))
    assert list(audit(workspace, settings, labels=alone, engine=LocalEngine(1)).audit.levels) == ["capture"]


def test_a_broken_report_is_made_again(tmp_path: Path) -> None:
    """A torn audit.json counts as none."""
    workspace = build_workspace(tmp_path)
    folder = run(workspace).folder
    (folder / "audit.json").write_text("{", "utf-8")
    assert not run(workspace).unchanged
    assert run(workspace).unchanged
