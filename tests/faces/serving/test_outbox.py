"""The outbox of the running service: at once, once, and silent as soon as it is told."""

from __future__ import annotations

import time

import pytest

from agent.faces.serving.outbox import Outbox, due_now
from agent.faces.serving.voice import Voice
from agent.foundation import clock
from tests.approval.made import queued
from tests.delivery.made import approved
from tests.faces.serving.running import wait_for
from tests.faces.serving.workspaces import with_settings

NOW = "2026-03-02T09:00:00"


@pytest.fixture
def said():
    """What the service said."""
    return []


@pytest.fixture
def outbox(house, said, monkeypatch):
    """The outbox at work on a Monday morning."""
    monkeypatch.setenv("OUTGROWN_NOW", NOW)
    one = Outbox(house, Voice(said.append), every_seconds=3600)
    one.start()
    yield one
    assert one.stop(5)


def approve(house, account):
    """A message is approved, as another process would."""
    return approved(house.store, queued(house.store, account).draft_id, now=clock.now()).delivery_id


def files(house):
    """What has left."""
    return sorted(path.stem for path in house.workspace.outbox_folder.glob("*.eml"))


def test_what_is_approved_leaves_at_once(outbox, house, said):
    """Although nobody here was told, and long before its next round."""
    time.sleep(0.3)
    ids = [approve(house, account) for account in ("acme", "globex")]
    wait_for(lambda: files(house) == sorted(ids), 10, lambda: str(said))
    wait_for(lambda: len(said) == 2, 5)
    assert sorted(said) == sorted(
        f"outbox: {one} to {account} sent." for one, account in zip(ids, ("acme", "globex"), strict=True)
    )
    assert due_now(house.store) == frozenset()


def test_it_is_silent_while_sending_is_stopped(outbox, house):
    """And goes on when it is resumed."""
    house.stop("a holiday")
    delivery_id = approve(house, "acme")
    time.sleep(1.5)
    assert files(house) == []
    house.resume()
    outbox.wake()
    wait_for(lambda: files(house) == [delivery_id], 10)


def test_it_ends_within_a_second(house, said):
    """Whatever it waits for."""
    one = Outbox(house, Voice(said.append), every_seconds=3600)
    one.start()
    wait_for(lambda: one.is_alive, 5)
    time.sleep(0.2)
    begun = time.monotonic()
    assert one.stop(5)
    assert time.monotonic() - begun < 1
    assert not one.is_alive


def test_a_trouble_does_not_end_it(house, said, monkeypatch):
    """It is told once, and tried again."""
    folder = house.workspace.private / "outbox"
    folder.write_text("a file where the folder should be")
    monkeypatch.setenv("OUTGROWN_NOW", NOW)
    one = Outbox(house, Voice(said.append), every_seconds=0.1)
    one.start()
    delivery_id = approve(house, "acme")
    wait_for(lambda: said, 10)
    assert one.is_alive
    folder.unlink()
    folder.mkdir()
    wait_for(lambda: files(house) == [delivery_id], 70, lambda: str(said))
    assert one.stop(5)


def test_what_may_not_leave_yet_waits(bare, house, said, monkeypatch):
    """Said once, not every round."""
    with_settings(bare, '[delivery]\nchannel = "smtp"\nsmtp = { host = "127.0.0.1", port = 1 }')
    from agent.foundation.settings import open_workspace
    from agent.wiring import House

    monkeypatch.setenv("OUTGROWN_NOW", "2026-03-02T03:00:00")
    other = House(open_workspace(bare), "outgrown")
    draft = queued(other.store, "acme").draft_id
    delivery_id = approved(other.store, draft, now=clock.now(), channel="smtp").delivery_id
    one = Outbox(other, Voice(said.append), every_seconds=0.1)
    assert one.drain() in (0, 1)
    assert one.drain() == 0
    other.close()
    assert said == [f"outbox: {delivery_id} to acme waiting: quiet hours until Mon 08:00 in UTC."]
