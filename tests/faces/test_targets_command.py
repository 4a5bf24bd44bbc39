"""`outgrown targets`: the list, push, retry; what the doctor and the service say of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.faces.cli import app
from tests.faces.slack.desks import MONDAY, ready_workspace
from tests.vendors.hooksink import ENV, HookSink
from tests.vendors.hubspot_out import ENV as HUBSPOT_ENV
from tests.vendors.hubspot_out import HubspotOut
from tests.vendors.outward import Trouble


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two drafts that wait."""
    return ready_workspace(tmp_path_factory.mktemp("company") / "read", 2)


@pytest.fixture
def sink() -> Iterator[HookSink]:
    """A receiver of webhooks."""
    with HookSink() as running:
        yield running


@pytest.fixture
def run(company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sink: HookSink) -> Any:
    """The command line in a copy of it that tells the receiver of everything, from the beginning."""
    monkeypatch.setenv("OUTGROWN_NOW", MONDAY)
    monkeypatch.delenv("OUTGROWN_WORKSPACE", raising=False)
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    folder = shutil.copytree(company, tmp_path / "copy")
    path = folder / "outgrown.toml"
    path.write_text(path.read_text() + sink.workspace() + "backfill = true\n")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(folder)])

    invoke.folder = folder  # type: ignore[attr-defined]
    return invoke


def document(result: Result) -> Any:
    """What a program reads."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_ready_account_and_an_outcome_are_told(run: Any, sink: HookSink) -> None:
    """Foretold, told, listed; the second time there is nothing to tell."""
    ready = document(run("targets", "push", "--dry-run", "--json"))["would_tell"]["webhook"]
    assert {one["kind"] for one in ready} == {"ready"}
    assert sink.asked == []
    account = ready[0]["account_id"]
    assert (
        run("outcome", account, "--kind", "upgraded", "--amount-minor", "4900", "--currency", "EUR").exit_code
        == 0
    )
    done = document(run("targets", "push", "--json"))["records"]
    assert {one["result"] for one in done} == {"done"}
    assert len(done) == len(ready) + 1 == len(sink.taken)
    [outcome] = [one for one in sink.taken.values() if one["type"] == "outgrown.outcome.recorded"]
    assert (outcome["data"]["amount"], outcome["data"]["result"]) == ("49.00", "won")
    assert "0 told." in run("targets", "push").stdout
    listed = document(run("targets", "--json"))
    assert listed["targets"] == [
        {"name": "webhook", "on": ["ready", "sent", "outcome"], "lacks": "", "records": {"done": len(done)}}
    ]
    assert listed["troubled"] == []


def test_what_fails_is_said_and_told_again(run: Any, sink: HookSink) -> None:
    """With the exit code of work that failed; `retry` and `push` mend it."""
    sink.troubles.append(Trouble(400))
    failed = run("targets", "push")
    assert failed.exit_code == 1
    assert "refuses the record (400)" in failed.stdout
    assert "failed" in run("targets").stdout
    checks = {
        one["says"]
        for one in json.loads(run("doctor", "--json").stdout)["checks"]
        if one["name"] == "targets"
    }
    assert any("1 failed" in one and "outgrown targets retry" in one for one in checks)
    assert document(run("targets", "retry", "--json")) == {"records": 1}
    assert "1 told." in run("targets", "push").stdout
    assert run("targets", "retry", "nobody").exit_code != 0


def test_the_doctor_says_what_is_missing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is well, without a post."""
    said = [one for one in json.loads(run("doctor", "--json").stdout)["checks"] if one["name"] == "targets"]
    assert [(one["state"], "signed JSON goes to 127.0.0.1" in one["says"]) for one in said] == [("ok", True)]
    monkeypatch.delenv("OUTGROWN_WEBHOOK_SECRET")
    said = [one for one in json.loads(run("doctor", "--json").stdout)["checks"] if one["name"] == "targets"]
    assert [(one["state"], "OUTGROWN_WEBHOOK_SECRET in .env" in one["says"]) for one in said] == [
        ("fail", True)
    ]
    assert "OUTGROWN_WEBHOOK_SECRET in .env is missing" in run("targets", "push").stdout


def test_hubspot_is_told_on_the_companies_that_were_matched(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the identities in the facts have it; the doctor says that nobody reads HubSpot."""
    from agent.facts.identities import How, Identity, Matching, Record, State
    from agent.facts.identity_store import keep_identities
    from agent.facts.schema import create_tables
    from agent.foundation.settings import open_workspace
    from agent.foundation.warehouse import open_warehouse

    account = document(run("targets", "push", "--dry-run", "--json"))["would_tell"]["webhook"][0][
        "account_id"
    ]
    with open_warehouse(open_workspace(run.folder).facts_file, write=True) as warehouse:
        create_tables(warehouse.duck)
        one = Identity(Record("hubspot", "9001", "Acme"), State.MATCHED, account, How.DOMAIN)
        keep_identities(warehouse.duck, "hubspot", Matching((one,), ()))
    with HubspotOut() as account_there:
        for name, value in HUBSPOT_ENV.items():
            monkeypatch.setenv(name, value)
        path = run.folder / "outgrown.toml"
        path.write_text(path.read_text() + account_there.workspace() + "backfill = true\n")
        done = document(run("targets", "push", "--json"))["records"]
        mine = [one for one in done if one["target"] == "hubspot"]
        assert {one["result"] for one in mine} == {"done"}
        assert [company for _, _, company in account_there.links] == ["9001"]
        said = [
            one["says"]
            for one in json.loads(run("doctor", "--json").stdout)["checks"]
            if one["name"] == "targets"
        ]
    assert any("have outgrown_id" in one for one in said)
    assert any("hubspot is not read" in one for one in said)


def test_nothing_is_switched_on_by_default(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is asked."""
    monkeypatch.setenv("OUTGROWN_NOW", MONDAY)
    ran = CliRunner().invoke(app, ["targets", "--workspace", str(company)])
    assert "No target is switched on" in ran.stdout
    assert document(CliRunner().invoke(app, ["targets", "push", "--json", "--workspace", str(company)])) == {
        "records": []
    }


def test_an_unknown_target_is_refused_by_name(run: Any) -> None:
    """With the nearest one that there is."""
    path = run.folder / "outgrown.toml"
    path.write_text(path.read_text() + '[targets.hubspto]\non = ["ready"]\n')
    refused = run("targets")
    assert refused.exit_code != 0
    assert "hubspto" in str(refused.exception)
    assert "did you mean 'hubspot'" in str(refused.exception)


def test_the_service_tells_once_a_minute(run: Any, sink: HookSink) -> None:
    """As a job of its own, which says in a few words what came of it."""
    from agent.approval.runs import RunState
    from agent.faces.serving.due import Job
    from agent.faces.serving.scheduling import Scheduler
    from agent.faces.serving.voice import Voice
    from agent.foundation.settings import open_workspace
    from agent.wiring import House

    said: list[str] = []
    house = House(open_workspace(run.folder))
    scheduler = Scheduler(house, Voice(said.append))
    assert scheduler.look([Job.PUSH]) == [(Job.PUSH, RunState.DONE)]
    assert scheduler.look([Job.PUSH]) == []
    assert len(sink.taken) >= 1
    assert any(f"push: {len(sink.taken)} webhook done" in one for one in said)
    house.close()


def test_a_target_switched_off_begins_anew(run: Any, sink: HookSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's tidying notices, even where nothing else is told."""
    from agent.foundation.settings import open_workspace
    from agent.wiring import House

    path = run.folder / "outgrown.toml"
    with_target = path.read_text().replace("backfill = true\n", "")
    run("targets", "push")
    path.write_text(with_target.partition("[targets")[0])
    house = House(open_workspace(run.folder))
    house.tidy()
    house.close()
    before = len(sink.taken)
    account = next(iter(sink.taken.values()))["data"]["account_id"]
    assert run("outcome", account, "--kind", "declined").exit_code == 0
    path.write_text(with_target)
    monkeypatch.setenv("OUTGROWN_NOW", (datetime.fromisoformat(MONDAY) + timedelta(hours=1)).isoformat())
    assert "0 told." in run("targets", "push").stdout
    assert len(sink.taken) == before
