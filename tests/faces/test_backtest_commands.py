"""`backtest` and `whatif`, end to end: exports in, the past looked at, nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.faces.cli import app
from agent.facts.tables import Subscription
from tests.exports import write_workspace
from tests.worlds import MOMENT, World, ago

Run = Callable[..., Result]
RANGE = ("--from", ago(154).isoformat(), "--to", ago(84).isoformat(), "--every", "2w")


def company() -> World:
    """Twelve accounts that press against their plan and upgrade, twelve that only invite people."""
    w = World()
    for number in range(12):
        begins = 150 - 4 * number
        upgrades = begins - 35
        a = w.account(f"up{number:02d}", days=300, subscribed=False)
        w.subscribe(a, "starter", 300, ends_on=ago(upgrades))
        w.subscribe(a, "growth", upgrades, mrr_minor=9900)
        w.measure(a, "storage", dict.fromkeys(range(upgrades + 1, begins + 21, 7), 95))
        for day in range(upgrades + 1, begins, 3):
            w.event(a, "blocked", day, feature="sso", user_id="u1")
        w.event(a, "invited", begins - 2, times=2, user_id="u1")
    for number in range(12):
        a = w.account(f"calm{number:02d}", days=300)
        w.event(a, "invited", 140 - 5 * number, times=3, user_id="u1")
    # The history is known to the day of the newest fact.
    w.measure("calm00", "storage", {0: 10})
    return w


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose exports have been read."""
    folder = write_workspace(tmp_path_factory.mktemp("company"), company().facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
        result = CliRunner().invoke(app, ["sync", "--workspace", str(folder)], catch_exceptions=False)
        assert result.exit_code == 0
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a workspace at the test's moment."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    monkeypatch.delenv("OUTGROWN_STATE_URL", raising=False)

    def invoke(*words: str, workspace: Path) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(workspace)])

    return invoke


@pytest.mark.slow
def test_the_planted_causes_are_found_in_the_facts(run, workspace):
    """Twelve upgrades, foretold by pressure and the paywall, less so by invitations; verdict and figures agree."""
    done = run("backtest", *RANGE, "--json", workspace=workspace)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["expansions_by_kind"] == {"plan_upgrade": 12}
    assert (found["dates"], found["every"], found["last"]) == (6, 14, ago(84).isoformat())
    by_name = {one["name"]: one for one in found["triggers"]}
    pressed, invited = by_name["plan_limit_pressure"], by_name["invites"]
    at_60 = pressed["horizons"][1]
    assert at_60["hits"] == at_60["judged"] > 5
    assert at_60["lift"] > 1
    assert pressed["is_beyond_chance"]
    assert found["triggers"].index(pressed) < found["triggers"].index(invited)
    assert invited["horizons"][1]["lift"] < at_60["lift"]
    assert found["bar"]["alerts"] > 5
    assert found["verdict"].startswith("The bar finds more than chance would.")


@pytest.mark.slow
def test_one_date_speaks_of_the_accounts_that_a_scan_calls_ready(run, workspace):
    """The same day, the same code: as many ready accounts, and no cap yet."""
    day = ago(126).isoformat()
    scanned = json.loads(run("scan", "--as-of", day, "--json", workspace=workspace).stdout)
    ready = [one for one in scanned["accounts"] if one["status"] == "ready"]
    found = json.loads(run("backtest", "--from", day, "--to", day, "--json", workspace=workspace).stdout)
    assert found["dates"] == 1
    assert found["uncapped"]["alerts"] == found["bar"]["alerts"] == len(ready) > 0
    fired = sum(any(f["trigger"] == "invites" for f in one["findings"]) for one in scanned["accounts"])
    assert next(one for one in found["triggers"] if one["name"] == "invites")["alerts"] == fired


def test_the_terminal_says_the_verdict_first(run, workspace, tmp_path):
    """Then the tables; a page is written besides, with the same verdict."""
    page = tmp_path / "report.html"
    done = run("backtest", *RANGE, "--html", str(page), workspace=workspace)
    assert done.exit_code == 0
    assert done.stdout.startswith("The bar finds more than chance would.")
    assert "plan_limit_pressure" in done.stdout
    assert "The bar finds more than chance would." in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", "2025-10-02", "--to", "2025-10-01"), "swap them"),
        (("--from", "soon"), "not a date"),
        (("--every", "sometimes"), "like 7d or 2w"),
        (("--to", "2026-02-01"), "not over yet"),
        (("--to", "2020-01-01"), "no facts in the range"),
    ],
)
def test_a_range_that_cannot_be_is_one_sentence(run, workspace, words, says):
    """Exit code 2, nothing on stdout."""
    done = run("backtest", *words, workspace=workspace)
    assert type(done.exception).__name__ in ("UsageError", "SystemExit")
    assert says in str(done.exception)
    assert done.exception.exit_code == 2
    assert done.stdout == ""


@pytest.mark.parametrize("dropped", ["every subscription", "all but future ones"])
def test_without_a_past_there_is_one_sentence(run, tmp_path, dropped):
    """No subscriptions, or none that has begun by the end of the facts."""
    facts = [fact for fact in company().facts if not isinstance(fact, Subscription)]
    if dropped == "all but future ones":
        w = World()
        w.subscribe("up00", "starter", -400)
        facts += [fact for fact in w.facts if isinstance(fact, Subscription)]
    folder = write_workspace(tmp_path / "w", facts)
    run("sync", workspace=folder)
    done = run("backtest", workspace=folder)
    assert done.exception.exit_code == 1
    assert ("There are no subscriptions" if dropped == "every subscription" else "there is no past") in str(
        done.exception
    )


def test_before_the_first_sync_the_sentence_says_so(run, tmp_path):
    """The same as for a scan."""
    folder = write_workspace(tmp_path / "w", [])
    done = run("backtest", workspace=folder)
    assert "outgrown sync" in str(done.exception)


def test_history_shorter_than_a_window_is_marked(run, workspace):
    """On the first dates `support_time_up`, which looks back 60 days, sees only part; what has no table never fires."""
    found = json.loads(run("backtest", "--to", ago(270).isoformat(), "--json", workspace=workspace).stdout)
    windows = {one["name"]: one["windows"] for one in found["triggers"]}
    assert windows["plan_limit_pressure"]["partial_dates"] == found["dates"]
    assert windows["support_time_up"]["missing"] == ["tickets"]
    assert windows["renewal_window"]["partial_dates"] == 0
    assert any("reach back before the facts begin" in note for note in found["notes"])


@pytest.mark.slow
def test_whatif_tells_who_changes_and_changes_nothing(run, workspace):
    """A lower bar lets more accounts through in the past; the files and the state stay as they were."""
    run("scan", workspace=workspace)
    before = {path: path.read_bytes() for path in _kept(workspace)}
    done = run(
        "whatif", "--set", "scoring.ready_points=5", "--set", "triggers.invites.at_least=9", *RANGE, "--json",
        workspace=workspace,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["before"]["ready_points"] == 9
    assert found["after"]["ready_points"] == 5
    assert found["after"]["bar"]["alerts"] >= found["before"]["bar"]["alerts"]
    invites = {
        when: next(one for one in found[when]["triggers"] if one["name"] == "invites")["alerts"]
        for when in ("before", "after")
    }
    assert invites["before"] > invites["after"] == 0
    assert {path: path.read_bytes() for path in _kept(workspace)} == before


def _kept(workspace: Path) -> list[Path]:
    private = workspace / ".outgrown"
    return [workspace / "outgrown.toml", private / "facts.duckdb", *sorted(private.glob("state.db*"))]


@pytest.mark.slow
def test_whatif_names_who_becomes_ready_today(run, tmp_path):
    """One trigger made easier: the account it was missing becomes ready, and the sentence says by what."""
    w = World()
    a = w.account("near", seats=20)
    w.measure(a, "storage", {0: 75, 7: 76, 14: 77})
    w.event(a, "blocked", 2, times=2, feature="sso")
    w.event(a, "blocked", 5, feature="sso")
    w.event(a, "invited", 5, times=2, user_id="u1")
    folder = write_workspace(tmp_path / "w", w.facts)
    run("sync", workspace=folder)
    done = run(
        "whatif", "--set", "triggers.plan_limit_pressure.at_least=0.7", "--every", "8w", "--json", workspace=folder
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["ready_before"], found["ready_after"]) == (0, 1)
    [change] = found["becomes_ready"]
    assert change["account_id"] == "near"
    assert "gains plan_limit_pressure" in change["says"]
    assert found["stops_being_ready"] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("triggers.plan_limit_presure.at_least=0.7", "did you mean 'plan_limit_pressure'"),
        ("triggers.limit_hits.at_last=2", "did you mean 'at_least'"),
        ("scoring.redy_points=7", "did you mean 'ready_points'"),
        ("scoring.ready_points=0", "ready_points"),
        ("scoring.ready_points=nine", "written as in outgrown.toml"),
        ("scoring.ready_points", "is not KEY=VALUE"),
        ("state.url='sqlite://'", "has no say"),
        ("scorin.ready_points=7", "did you mean 'scoring'"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(run, workspace, change, says):
    """Named with the nearest known one, exit code 2."""
    done = run("whatif", "--set", change, workspace=workspace)
    assert says in str(done.exception)
    assert "outgrown.toml:" not in str(done.exception)
    assert done.exception.exit_code == 2


def test_whatif_wants_something_to_change(run, workspace):
    """Nothing set is nothing asked."""
    assert "--set" in str(run("whatif", workspace=workspace).exception)
