"""From when to when the past is known, and what of it is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from agent.facts.door import add_facts
from agent.facts.schema import create_tables
from agent.foundation.errors import OutgrownError
from agent.foundation.warehouse import open_warehouse
from agent.learning.backtest.known import read_history
from agent.learning.backtest.windows import windows_of
from agent.signals.library import load_library
from tests.worlds import READ_AT, D, World, ago


def history(world: World, *, live_day=D, read_at=READ_AT):
    """The history of a world, as of a live day."""
    with open_warehouse(None, write=True) as warehouse:
        create_tables(warehouse.duck)
        add_facts(warehouse, world.facts, source="files", read_at=read_at)
        return read_history(warehouse, live_day)


def a_world() -> World:
    """One account that upgrades 40 days ago; the newest fact is 10 days old."""
    w = World()
    w.account("acme", subscribed=False)
    w.subscribe("acme", "starter", 200, ends_on=ago(40))
    w.subscribe("acme", "growth", 40)
    w.event("acme", "used", 10, user_id="u1")
    return w


def test_known_history_ends_with_the_newest_fact():
    """Whatever table it stands in: that far the export reaches."""
    found = history(a_world())
    assert (found.first, found.last) == (ago(200), ago(10))
    assert [(one.account_id, one.on) for one in found.expansions] == [("acme", ago(40))]
    assert found.first_days["events"] == ago(10)
    assert found.empty >= {"tickets", "invoices", "members", "measures"}


def test_it_ends_no_later_than_the_last_read_or_the_live_day():
    """Facts dated ahead are no history yet, and neither is their upgrade."""
    w = a_world()
    w.event("acme", "used", -20, user_id="u1")
    assert history(w).last == D
    assert history(w, live_day=ago(5)).last == ago(5)
    assert history(w, read_at=datetime.combine(ago(49), READ_AT.time())).last == ago(50)
    assert history(w, read_at=READ_AT - timedelta(days=60)).expansions == ()


def test_test_accounts_are_known_as_such():
    """Their upgrades are nobody's."""
    w = a_world()
    w.account("test", is_test=True)
    assert history(w).tests == {"test"}


def test_days_on_trial_are_not_paid_for():
    """A trial gives no paying days and no expansion when it ends."""
    w = World()
    w.account("acme", subscribed=False)
    w.subscribe("acme", "starter", 100, ends_on=ago(70), status="trialing")
    w.subscribe("acme", "growth", 70)
    w.event("acme", "used", 1, user_id="u1")
    found = history(w)
    assert [(one.starts_on) for one in found.spells] == [ago(70)]
    assert found.expansions == ()


def test_without_subscriptions_there_is_no_history():
    """One sentence."""
    with pytest.raises(OutgrownError, match="no subscriptions"):
        history(World())


def test_without_plans_seats_can_still_grow():
    """A note says that plan upgrades cannot be told."""
    w = World()
    w.facts = []
    w.account("acme", subscribed=False)
    w.subscribe("acme", "starter", 200, ends_on=ago(40), seats=5)
    w.subscribe("acme", "growth", 40, seats=9)
    found = history(w)
    assert [one.kind.value for one in found.expansions] == ["seat_increase"]
    assert "No plans are known" in found.notes[0]


@pytest.mark.parametrize(
    ("trigger", "days", "partial"),
    [
        pytest.param("invites", [31, 30, 29, 0], [True, False, False, False], id="30 days of events"),
        pytest.param("limit_hits", [59, 47, 46], [True, True, False], id="14 days of events"),
    ],
)
def test_a_window_that_begins_before_the_facts_is_partial(trigger, days, partial):
    """The window's first day has to lie within every table the trigger needs."""
    w = a_world()
    w.event("acme", "used", 59, user_id="u1")
    w.member("acme", "u1", 150)
    w.measure("acme", "storage", {59: 10.0})
    found = windows_of(load_library()[trigger].rule, [ago(day) for day in days], history(w))
    assert found.missing == ()
    assert found.partial_dates == sum(partial)
