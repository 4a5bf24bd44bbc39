"""Sixteen processes at once."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import update

from agent.approval.states import DraftState
from agent.approval.tables import Draft
from agent.approval.views import list_drafts
from agent.delivery.outbox import list_deliveries
from agent.foundation.store import Store, open_store
from tests.approval.made import AS_OF, DAY, NOW, queued
from tests.delivery.driving import Driver, driver
from tests.delivery.made import on_its_way

__all__ = ["driver"]

pytestmark = pytest.mark.slow

PROCESSES = 16
ROUNDS = 3


def together(driver: Driver, job: str, each: list[dict[str, object]]) -> None:
    """Start the jobs so that all begin at one moment; all must end well."""
    at = time.monotonic() + 0.6
    started = [driver.start(job, at=at, **arguments) for arguments in each]
    assert [driver.wait(pid) for pid in started] == [0] * len(each)


def race(driver: Driver, url: str, folder: Path, drafts: list[str]) -> Counter[str]:
    """How many of the processes won, were refused, or found the draft stale."""
    each: list[dict[str, object]] = [
        {"url": url, "folder": str(folder), "draft_id": one, "who": f"p{number}", "now": NOW.isoformat()}
        for number, one in enumerate(drafts)
    ]
    together(driver, "race", each)
    return Counter(path.read_text().split()[0] for path in folder.glob("*.result"))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_sixteen_approvals_of_one_draft_one_wins(
    driver: Driver, store: Store, state_url: str, tmp_path: Path, number: int
) -> None:
    """The others are told who was first."""
    draft_id = queued(store).draft_id
    store.close()
    assert race(driver, state_url, tmp_path, [draft_id] * PROCESSES) == {"won": 1, "refused": PROCESSES - 1}
    store = open_store(state_url)
    assert len(list_deliveries(store)) == 1
    winner = list_drafts(store)[0].moved_by
    said = [path.read_text() for path in tmp_path.glob("*.result") if path.stem != winner]
    assert all(f"by {winner}" in one for one in said)
    store.close()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_sixteen_drafts_of_one_account_one_goes(
    driver: Driver, store: Store, state_url: str, tmp_path: Path, number: int
) -> None:
    """The slot has one winner; the other drafts are stale, and one message leaves."""
    drafts = [queued(store, as_of=AS_OF + day * DAY).draft_id for day in range(PROCESSES)]
    with store.writing() as session:
        session.execute(update(Draft).values(state="pending"))
    store.close()
    assert race(driver, state_url, tmp_path, drafts) == {"won": 1, "stale": PROCESSES - 1}
    each: list[dict[str, object]] = [
        {"url": state_url, "folder": str(tmp_path), "kind": "eml", "now": NOW.isoformat()}
    ] * PROCESSES
    together(driver, "send_race", each)
    store = open_store(state_url)
    deliveries = list_deliveries(store)
    assert len(deliveries) == 1
    assert [path.name for path in tmp_path.glob("*.eml")] == [f"{deliveries[0].delivery_id}.eml"]
    counts = Counter(line.state for line in list_drafts(store))
    assert counts == {DraftState.SENT: 1, DraftState.STALE: PROCESSES - 1}
    store.close()


def test_sixteen_senders_hand_over_each_delivery_once(
    driver: Driver, store: Store, state_url: str, tmp_path: Path
) -> None:
    """Forty messages, sixteen workers, a channel that cannot be asked afterwards."""
    made = {on_its_way(store, f"a{number}", channel="mailbox").delivery_id for number in range(40)}
    store.close()
    each: list[dict[str, object]] = [
        {"url": state_url, "folder": str(tmp_path), "kind": "mailbox", "now": NOW.isoformat()}
    ] * PROCESSES
    together(driver, "send_race", each)
    lines = (tmp_path / "mailbox.log").read_text().split()
    assert len(lines) == len(made)
    assert set(lines) == made


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_sixteen_processes_open_an_empty_state(
    driver: Driver, request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    """One migrates, all find it migrated."""
    fresh = f"sqlite:///{tmp_path / 'new.db'}"
    url = fresh if database == "sqlite" else request.getfixturevalue("empty_postgres_url")
    together(driver, "open_race", [{"url": url}] * PROCESSES)
    with open_store(url) as opened:
        assert list_drafts(opened) == ()
