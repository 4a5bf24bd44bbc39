"""A click is kept before it is acknowledged, although no thread waits for that."""

from __future__ import annotations

import gc
import sqlite3
import time
from concurrent.futures import Future

import pytest

from agent.approval.clicks import Work
from agent.faces.slack.doing import LEASE
from agent.faces.slack.keeping import Keeper, NotKept, not_waiting, when_kept
from agent.faces.slack.listeners import NOT_KEPT
from agent.faces.slack.naming import Action
from agent.foundation import clock
from tests.faces.slack.desks import DANA, Office

pytestmark = pytest.mark.slow


def state_of(office: Office) -> sqlite3.Connection:
    """The state's file, as another process has it."""
    return sqlite3.connect(office.folder / ".outgrown" / "state.db", isolation_level=None, timeout=30)


def test_nothing_is_acknowledged_while_the_state_cannot_be_written(office):
    """As soon as it can, it is kept, and then acknowledged."""
    office.open()
    card = office.card()
    office.slack.wait_for(lambda: len(office.cards()) == 5)
    with state_of(office) as other:
        other.execute("BEGIN IMMEDIATE")
        sent = office.slack.click(card, Action.APPROVE)
        time.sleep(1)
        assert sent.acked_after is None
        assert office.clicks() == []
        other.execute("ROLLBACK")
    assert sent.wait().acked_after > 1
    assert len(office.clicks()) == 1
    other.close()
    office.sent(card)


def test_what_cannot_be_kept_is_acknowledged_with_a_word_that_it_was_not(office):
    """To the one who clicked; nothing is decided."""
    office.open()
    card = office.card()
    office.slack.wait_for(lambda: len(office.cards()) == 5)
    other = state_of(office)
    other.execute("ALTER TABLE clicks RENAME TO lost")
    sent = office.slack.click(card, Action.APPROVE)
    assert sent.wait().acked_after is not None
    assert office.word_to(DANA) == NOT_KEPT
    other.execute("ALTER TABLE lost RENAME TO clicks")
    other.close()
    assert office.decisions(card) == []


def test_what_follows_waits_for_all_that_the_thread_brought():
    """Where it was waited for already, it follows at once."""
    done: list[str] = []
    when_kept(lambda: done.append("waited for"))
    with not_waiting() as brought:
        when_kept(lambda: done.append("nothing was brought"))
        brought.append(Future())
        when_kept(lambda: done.append("kept"))
    assert done == ["waited for", "nothing was brought"]
    brought[0].set_result(True)
    assert done[2:] == ["kept"]


def test_whoever_waits_does_not_wait_for_ever(office, monkeypatch):
    """Slack gives up after three seconds; so long nobody may sit in a thread."""
    monkeypatch.setattr("agent.faces.slack.keeping.PATIENCE", 0.1)
    keeper = Keeper(office.house.store, "nobody", LEASE, lambda click_id: None)
    with pytest.raises(NotKept):
        keeper.keep(Work(click_id="one", at=clock.now(), kind="approve", who="slack:T/U"))


def test_what_is_loaded_is_spared_the_collector_once_nothing_comes(office, monkeypatch):
    """Or else a look at all of it falls among clicks."""
    monkeypatch.setattr(Keeper, "_settled", 0)
    gc.unfreeze()
    keeper = Keeper(office.house.store, "nobody", LEASE, lambda click_id: None)
    keeper.start()
    try:
        office.slack.wait_for(lambda: gc.get_freeze_count() > 10_000)
    finally:
        keeper.stop(5)
        gc.unfreeze()
