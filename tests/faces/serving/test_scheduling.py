"""What is due is done once, in order, and again where it failed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.approval import runs
from agent.approval.runs import RunState
from agent.approval.states import DraftState
from agent.approval.views import list_drafts
from agent.faces.serving.due import Job, newest_due
from agent.faces.serving.scheduling import Scheduler
from agent.faces.serving.voice import Voice
from agent.foundation.holder import machine_now
from agent.foundation.settings import open_workspace
from agent.wiring import House
from tests.faces.serving.workspaces import ACCOUNTS, MOMENT, with_settings

AWAY = "another-host:1/17/abc"
DONE = RunState.DONE


@pytest.fixture(autouse=True)
def monday(monkeypatch):
    """The company's clock."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())


@pytest.fixture
def opened():
    """Opens houses, and closes them."""
    houses = []

    def open_house(folder):
        houses.append(House(open_workspace(folder), "outgrown"))
        return houses[-1]

    yield open_house
    for one in houses:
        one.close()


def test_what_is_due_is_done_once(drafted, opened):
    """By the first process that looks; the others find nothing to do."""
    said = []
    first, second = (Scheduler(opened(drafted), Voice(said.append)) for _ in range(2))
    assert first.look() == [(Job.TIDY, DONE), (Job.SYNC, DONE), (Job.DRAFT, DONE)]
    assert second.look() == []
    assert first.look() == []
    assert [line.split(":")[0] for line in said] == ["sync", "draft"]
    assert f"{ACCOUNTS} accounts looked at" in said[0]
    assert f"0 new, {ACCOUNTS} waited already" in said[1]


def test_drafts_wait_for_a_sync_that_another_process_is_doing(drafted, opened):
    """What is written rests on facts that are just being read."""
    house = opened(drafted)
    due = newest_due(Job.SYNC, house.settings, MOMENT)
    held = runs.claim(house.store, Job.SYNC, due, machine_now(), AWAY)
    scheduler = Scheduler(house, Voice(lambda _: None))
    assert scheduler.look([Job.SYNC, Job.DRAFT]) == []
    runs.finish(house.store, held, machine_now(), ok=True)
    assert scheduler.look([Job.SYNC, Job.DRAFT]) == [(Job.DRAFT, DONE)]


@pytest.mark.slow
def test_a_run_that_failed_comes_again(unread, opened, monkeypatch):
    """One sentence says why; it is done once what was wrong is mended."""
    monkeypatch.setattr(runs, "FIRST_PAUSE", timedelta())
    exports = unread / "exports"
    exports.rename(unread / "away")
    said = []
    house = opened(unread)
    scheduler = Scheduler(house, Voice(said.append))
    assert scheduler.look([Job.SYNC, Job.DRAFT]) == [
        (Job.SYNC, RunState.FAILED),
        (Job.DRAFT, RunState.FAILED),
    ]
    assert said[0].startswith("sync: failed: ")
    assert "it is tried again" in said[0]
    assert "Traceback" not in "".join(said)
    (unread / "away").rename(exports)
    assert scheduler.look([Job.SYNC, Job.DRAFT]) == [(Job.SYNC, DONE), (Job.DRAFT, DONE)]
    assert runs.newest(house.store, Job.SYNC).attempts == 2
    assert len(list_drafts(house.store, DraftState.PENDING)) == ACCOUNTS


@pytest.mark.slow
def test_a_sync_makes_stale_what_no_longer_holds(drafted, opened):
    """Drafts of accounts that are gone from the export's plan are not put before anybody."""
    house = opened(drafted)
    account = list_drafts(house.store, DraftState.PENDING)[0].account_id
    path = drafted / "exports" / "accounts.csv"
    rows = path.read_text().splitlines()
    head = rows[0].split(",")
    place = head.index("contact_email")
    for number, row in enumerate(rows):
        cells = row.split(",")
        if cells[head.index("account_id")] == account:
            cells[place] = "new@elsewhere.example"
            rows[number] = ",".join(cells)
    path.write_text("\n".join(rows) + "\n")
    said = []
    Scheduler(house, Voice(said.append)).look([Job.SYNC])
    assert "1 no longer held and went stale" in said[0]
    (line,) = list_drafts(house.store, DraftState.STALE)
    assert (line.account_id, line.reason) == (account, "the contact's address has changed")


def test_a_scheduler_that_ends_begins_nothing_new(bare, opened):
    """Not even what is due."""
    scheduler = Scheduler(opened(bare), Voice(lambda _: None))
    scheduler.start()
    assert scheduler.stop(5)
    assert scheduler.look() == []


def test_tidying_forgets_old_runs(bare, opened, monkeypatch):
    """A minute's run is not kept for ever."""
    house = opened(bare)
    scheduler = Scheduler(house, Voice(lambda _: None))
    for minutes in (0, 1, 2, 90, 91):
        monkeypatch.setenv("OUTGROWN_NOW", (MOMENT + timedelta(minutes=minutes)).isoformat())
        assert scheduler.look([Job.TIDY]) == [(Job.TIDY, DONE)]
    states = [runs.state_of(house.store, Job.TIDY, MOMENT + timedelta(minutes=m)) for m in (0, 1, 2, 90, 91)]
    assert states == [None, None, None, DONE, DONE]


def test_a_house_shares_one_patience_where_one_run_asks_twice(drafted, opened, monkeypatch):
    """Syncing and drafting in one run wait for the model no longer than one of them."""
    with_settings(drafted, '[llm]\nmodel = "openai:gpt-5-mini"')
    monkeypatch.setenv("OUTGROWN_LLM_KEY", "no-key")
    house = opened(drafted)
    with house.one_run():
        with house.asking() as first:
            pass
        with house.asking() as second, house.asking(wanted=False) as unwanted:
            assert first is second is not None
            assert unwanted is None
    with house.asking() as other:
        assert other is not first
