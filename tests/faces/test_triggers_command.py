"""`outgrown triggers`: what there is, what it needs, whom it fired for."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.faces.cli import app
from agent.foundation.settings import read_settings
from agent.signals.library import library_of
from tests.exports import write_workspace
from tests.worlds import MOMENT, World

Run = Callable[..., Result]
OWN = """
[groups]
habits = 3

[triggers.limit_hits]
at_least = 2

[triggers.invites]
enabled = false

[triggers.heavy_use]
kind = "count_in_window"
group = "habits"
event = "used"
days = 30
at_least = 2
says = "your team worked {count} in the last {window}"
play = "capacity"

[triggers.storage_filling]
kind = "share_of_ceiling"
group = "usage_pressure"
metric = ["storage", "seats"]
at_least = 0.5
"""
CODE = '''
from agent.signals.formula import EVENTS
from agent.signals.rule import Quote, Rule, trigger, window


@trigger(group="habits")
def looks_around(*, at_least: int = 1):
    """People look at pages."""
    seen = EVENTS.last(7).where(kind="viewed").count()
    return Rule(
        value=seen, threshold=at_least, unit="looks", fires=seen >= at_least, says="your team looked {looks}",
        quotes=(Quote("looks", "looks", seen, noun=("time", "times")), window(7)), oldest=6, needs=("events",),
    )
'''


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three accounts, synced, with triggers of each sort."""
    w = World()
    for name in ("acme", "bolt", "calm"):
        w.account(name)
    w.event("acme", "used", 1, times=2)
    w.event("bolt", "used", 1, times=3)
    w.event("bolt", "viewed", 1)
    w.event("calm", "limit_hit", 1)
    w.event("calm", "limit_hit", 2)
    folder = write_workspace(tmp_path_factory.mktemp("own"), w.facts)
    toml = folder / "outgrown.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + OWN, encoding="utf-8")
    (folder / "triggers.py").write_text(CODE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
        result = CliRunner().invoke(app, ["sync", "--workspace", str(folder)], catch_exceptions=False)
        assert result.exit_code == 0
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command at the test's moment."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())

    def invoke(*words: str, workspace: Path) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(workspace)])

    return invoke


def by_name(result: Result) -> dict[str, Any]:
    """The triggers of the JSON on stdout."""
    assert result.exit_code == 0, result.output
    return {one["name"]: one for one in json.loads(result.stdout)["triggers"]}


def test_every_trigger_is_listed_with_its_settings_data_and_count(run: Run, workspace: Path):
    """Built-in and own, on and off, with what was changed and whom each fired for."""
    result = run("triggers", "--json", workspace=workspace)
    found = by_name(result)
    assert json.loads(result.stdout)["as_of"] == "2026-01-31"
    assert json.loads(result.stdout)["groups"]["habits"] == 3
    assert len(found) == 28
    assert found["heavy_use"] == {
        "name": "heavy_use", "own": True, "kind": "count_in_window", "where": "outgrown.toml", "enabled": True,
        "summary": "So many in the last days: events, tickets, or people who joined.", "group": "habits", "points": 3,
        "play": "capacity",
        "parameters": {
            "says": {"value": "your team worked {count} in the last {window}", "default": None},
            "event": {"value": ["used"], "default": None}, "days": {"value": 30, "default": None},
            "at_least": {"value": 2, "default": None},
        },
        "needs": [{"table": "events", "rows": 8}], "metrics": [], "fired": 2,
    }  # fmt: skip
    assert found["limit_hits"]["parameters"]["at_least"] == {"value": 2, "default": 3}
    assert (found["limit_hits"]["fired"], found["limit_hits"]["own"]) == (1, False)
    assert (found["invites"]["enabled"], found["invites"]["fired"]) == (False, None)
    assert (found["looks_around"]["kind"], found["looks_around"]["where"]) == ("python", "triggers.py line 6")
    assert found["looks_around"]["fired"] == 1
    assert found["storage_filling"]["metrics"] == [
        {"metric": "storage", "known": True, "rows": 0, "ceilings": 3},
        {"metric": "seats", "known": True, "rows": None, "ceilings": None},
    ]
    assert found["support_time_up"]["needs"][0] == {"table": "tickets", "rows": 0}


def test_the_list_on_the_terminal_says_the_same(run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch):
    """One line a trigger; what is missing is said where it is needed."""
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = run("triggers", workspace=workspace).stdout.splitlines()
    assert (
        lines[0]
        == "28 triggers, 3 of them your own, 1 switched off; accounts each fired for as of 2026-01-31."
    )
    row = {line.split()[0]: line for line in lines[2:-1]}
    assert "at_least 2 (default 3)" in row["limit_hits"]
    assert "(off)" in row["invites"]
    assert "(yours)" in row["heavy_use"]
    assert "no values of storage" in row["storage_filling"]
    assert "tickets none" in row["support_time_up"]


@pytest.mark.parametrize(
    "name", ["heavy_use", "storage_filling", "looks_around", "limit_hits", "near_ceiling", "new_team"]
)
def test_one_trigger_is_shown_in_full_with_lines_that_would_change_it(run: Run, workspace: Path, name: str):
    """The example under it is TOML that loads to the same settings."""
    result = run("triggers", name, workspace=workspace)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{name} (")
    for part in ("Fires when", "Says", "Figures", "Settings", "To change it, in outgrown.toml:"):
        assert part in result.stdout
    example = result.stdout.split("To change it, in outgrown.toml:\n")[1]
    table = tomllib.loads(example)["triggers"][name]
    settings = read_settings(workspace / "outgrown.toml")
    before = library_of(settings)[name]
    changed = settings.model_copy(update={"triggers": {**settings.triggers, name: table | {"enabled": True}}})
    assert dict(library_of(changed)[name].parameters) == dict(before.parameters)
    full = by_name(run("triggers", name, "--json", workspace=workspace))[name]
    assert full["says"]
    assert full["fires"]
    assert all(figure["formula"] for figure in full["figures"])


def test_an_unknown_name_is_answered_with_the_nearest(run: Run, workspace: Path):
    """Exit 1 and one sentence."""
    result = run("triggers", "heavy_user", workspace=workspace)
    assert result.exit_code == 1
    assert "There is no trigger 'heavy_user'; did you mean 'heavy_use'?" in str(result.exception)


def test_nothing_is_recorded(run: Run, workspace: Path):
    """Looking at the rules is no scan."""
    run("triggers", workspace=workspace)
    assert json.loads(run("drafts", "--json", workspace=workspace).stdout) in ([], {"drafts": []})
    assert not list((workspace / ".outgrown").glob("outbox/*"))


def test_before_the_first_sync_the_rules_are_listed_and_the_rest_is_unknown(run: Run, tmp_path: Path):
    """Rows and counts are null, and why is said on stderr."""
    folder = write_workspace(tmp_path / "new", [])
    result = run("triggers", "--json", workspace=folder)
    found = by_name(result)
    assert found["limit_hits"]["needs"] == [{"table": "events", "rows": None}]
    assert found["limit_hits"]["fired"] is None
    assert "outgrown sync" in json.loads(result.stdout)["problem"]


def test_explain_and_scan_tell_of_own_triggers(run: Run, workspace: Path):
    """Findings with their figures, formulas and rows."""
    document = json.loads(run("explain", "bolt", "--json", workspace=workspace).stdout)
    findings = {one["trigger"]: one for one in document["findings"]}
    assert findings["heavy_use"]["says"] == "your team worked 3 times in the last 30 days"
    assert len(findings["heavy_use"]["figures"][0]["rows"]) == 3
    assert document["groups"] == {"habits": 3}
    assert "heavy_use" in run("scan", "--all", workspace=workspace).stdout
